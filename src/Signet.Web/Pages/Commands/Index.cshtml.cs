using System.Globalization;
using Microsoft.AspNetCore.Mvc;
using Signet.Access;
using Signet.Control;
using Signet.Web.Security;

namespace Signet.Web.Pages.Commands;

/// <summary>What was asked of devices and what they answered; and asking one or many of them, now or later.</summary>
[Requires(Act.ViewCommands), WithinGroups]
public sealed class IndexModel(CommandCenter center) : ConsolePage(center)
{
    private const int RolloutsShown = 5, SelectionsOffered = 200;

    [BindProperty(SupportsGet = true)]
    public string? Device { get; set; }

    [BindProperty(SupportsGet = true)]
    public string? State { get; set; }

    [BindProperty(SupportsGet = true)]
    public string? By { get; set; }

    [BindProperty(SupportsGet = true)]
    public string? Before { get; set; }

    /// <summary>A <see cref="DeviceSelection"/>: what the form is filled with.</summary>
    [BindProperty(SupportsGet = true)]
    public string? Devices { get; set; }

    public string? Wish { get; private set; }
    public string? Arguments { get; private set; }
    public string? Wait { get; private set; }
    public string? At { get; private set; }
    public string? Rate { get; private set; }
    public string? StopAt { get; private set; }
    public Refusal? Refusal { get; private set; }

    public CommandPage Found { get; private set; } = null!;
    public IReadOnlyList<Rollout> Rollouts { get; private set; } = [];
    public IReadOnlyList<Proposal> Proposals { get; private set; } = [];
    public bool MaySend => HttpContext.May(Act.SendCommand);

    /// <summary>Seconds an absent device is waited for, and the words for it.</summary>
    public IReadOnlyList<(string Value, string Words)> Waits { get; } = [("", "is left out"), ("3600", "is waited for, 1 hour"), ("86400", "is waited for, 1 day"), ("604800", "is waited for, 7 days"), ("2592000", "is waited for, 30 days")];

    /// <summary>Groups, tags and devices, to choose from.</summary>
    public IEnumerable<string> Selections => Labels.Groups.Keys.Select(group => "group:" + group).Concat(Labels.Tags.Keys.Select(tag => "tag:" + tag)).Concat(Sight.Devices().Select(device => device.Name)).Take(SelectionsOffered);

    public IEnumerable<string> Known => Labels.Commands.Take(SelectionsOffered);

    private FleetLabels Labels => Sight.Labels();

    public Task OnGetAsync(CancellationToken stop) => LoadAsync(stop);

    [Requires(Act.SendCommand)]
    public async Task<IActionResult> OnPostStartAsync(
        [FromForm] string? devices, [FromForm] string? command, [FromForm] string? arguments, [FromForm] string? wait, [FromForm] string? at, [FromForm] string? rate, [FromForm] string? stopAt, CancellationToken stop)
    {
        (Devices, Wish, Arguments, Wait, At, Rate, StopAt) = (devices?.Trim() ?? "", command?.Trim() ?? "", arguments, wait, at, rate, stopAt);
        var place = await StartAsync(stop);
        if (place is not null) return Redirect(place);
        await LoadAsync(stop);
        return Page();
    }

    // Where to see what became of it; null with Refusal set.
    private async Task<string?> StartAsync(CancellationToken stop)
    {
        var (parsed, fault) = CommandArguments.Parse(Arguments);
        if (fault is not null) return Refuse(RefusalCode.BadArguments, fault);
        if (!DeviceSelection.TryParse(Devices, out var selection, out var why)) return Refuse(RefusalCode.BadInput, why);
        DateTimeOffset? begins = null;
        if (!string.IsNullOrEmpty(At))
        {
            if (!DateTimeOffset.TryParse(At, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)) return Refuse(RefusalCode.BadInput, "The time cannot be read.");
            begins = time;
        }

        if (Number(Wait, null) is not { } seconds || Number(Rate, 0) is not { } perMinute || Number(StopAt, 100) is not { } share) return Refuse(RefusalCode.BadInput, "Waiting time, pace and error share are whole numbers.");
        TimeSpan? patience = seconds > 0 ? TimeSpan.FromSeconds(seconds) : null;
        if (selection.SingleName is { } one && perMinute == 0)
        {
            if ((await Center.Commands.SendAsync(new(one, Wish!, parsed, null, begins, patience), HttpContext.Actor(), stop)).TryGet(out var sent, out var refusal)) return $"/commands/{sent.Id}";
            Refusal = refusal;
            return null;
        }

        if ((await Center.Commands.SendManyAsync(new(Devices!, Wish!, parsed, begins, patience, perMinute, share / 100.0), HttpContext.Actor(), stop)).TryGet(out var started, out var refused)) return $"/commands/rollouts/{started.Id}";
        Refusal = refused;
        return null;
    }

    private string? Refuse(RefusalCode code, string message)
    {
        Refusal = new(code, message);
        return null;
    }

    private static int? Number(string? text, int? otherwise)
        => string.IsNullOrWhiteSpace(text) ? otherwise ?? 0 : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    private async Task LoadAsync(CancellationToken stop)
    {
        Live("command");
        Found = await Sight.CommandsAsync(new()
        {
            Device = Filled(Device), By = Filled(By), Before = Filled(Before), State = CommandStates.TryParse(State ?? "", out _) ? State : null, Limit = WebLimits.PageSize,
        }, stop);
        Proposals = await Sight.OpenProposalsAsync(stop);
        if (Filled(Before) is null) Rollouts = await Sight.RolloutsAsync(RolloutsShown, stop);
    }

    private static string? Filled(string? text) => string.IsNullOrWhiteSpace(text) ? null : text.Trim();
}
