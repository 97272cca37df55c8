using Microsoft.AspNetCore.Mvc;
using Signet.Access;
using Signet.Control;
using Signet.Web.Security;

namespace Signet.Web.Pages.Devices;

/// <summary>One device: is it there, what does it measure, what can it be told, what did it answer.</summary>
[Requires(Act.ViewFleet), WithinGroups]
public sealed class DeviceModel(CommandCenter center) : ConsolePage(center)
{
    private const int Rows = 12;

    // Without script nothing changes by itself, so the answer is waited for; most come within some milliseconds.
    private static readonly TimeSpan PlainWait = TimeSpan.FromSeconds(3);

    [BindProperty(SupportsGet = true)]
    public string Name { get; set; } = "";

    [BindProperty(SupportsGet = true)]
    public string? Sent { get; set; }

    public DeviceRecord Device { get; private set; } = null!;
    public IReadOnlyList<Reading> Readings { get; private set; } = [];
    public IReadOnlyList<CommandView> Commands { get; private set; } = [];

    /// <summary>What came of the last press of a button.</summary>
    public CommandView? Latest { get; private set; }

    public Refusal? Refusal { get; private set; }
    [BindProperty(SupportsGet = true)]
    public string? Custom { get; set; }

    public string? Arguments { get; private set; }

    public bool MaySend => HttpContext.May(Act.SendCommand);

    /// <summary>Quantities a chart can show.</summary>
    public IEnumerable<Reading> Charted => Readings.Where(reading => reading.Number is not null).OrderBy(reading => reading.Value is "true" or "false").ThenBy(reading => reading.Unit is null)
        // What is measured before what was set.
        .ThenBy(reading => reading.Name.Contains("set", StringComparison.Ordinal)).ThenBy(reading => reading.Name, StringComparer.Ordinal);

    public async Task<IActionResult> OnGetAsync(CancellationToken stop)
    {
        if (!await LoadAsync(stop)) return NotFound();
        if (Sent is not null && await Sight.CommandAsync(Sent, stop) is { } sent && sent.Device == Name) Latest = sent;
        return Page();
    }

    [Requires(Act.SendCommand)]
    public async Task<IActionResult> OnPostSendAsync([FromForm] string? command, [FromForm] string? arguments, CancellationToken stop)
    {
        if (Sight.Device(Name) is null) return NotFound();
        var wish = string.IsNullOrWhiteSpace(command) ? (Custom ?? "").Trim() : command;
        if (string.IsNullOrWhiteSpace(command)) Arguments = arguments;
        var parsed = CommandArguments.Parse(string.IsNullOrWhiteSpace(command) ? arguments : null);
        var outcome = parsed.Fault is { } fault
            ? new Refusal(RefusalCode.BadArguments, fault)
            : await Center.Commands.SendAsync(new(Name, wish, parsed.Arguments), HttpContext.Actor(), stop);
        if (outcome.TryGet(out var sent, out var refusal))
        {
            if (IsPlain)
            {
                await Center.Commands.WaitAsync(sent.Id, PlainWait, stop);
                return RedirectToPage(new { Name, Sent = sent.Id });
            }
            Latest = await Center.Commands.FindAsync(sent.Id, stop) ?? sent;
            (Custom, Arguments) = (null, null);
        }
        else Refusal = refusal;
        await LoadAsync(stop);
        return Page();
    }

    private async Task<bool> LoadAsync(CancellationToken stop)
    {
        if (Sight.Device(Name) is not { } device) return false;
        Device = device;
        Live("device,command,telemetry", Name);
        if (HttpContext.May(Act.ViewTelemetry)) Readings = await Center.Fleet.LatestReadingsAsync(Name, stop);
        if (HttpContext.May(Act.ViewCommands)) Commands = (await Center.Commands.ListAsync(new() { Device = Name, Limit = Rows }, stop)).Commands;
        return true;
    }
}
