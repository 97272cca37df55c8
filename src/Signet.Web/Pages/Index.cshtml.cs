using Microsoft.AspNetCore.Mvc;
using Signet.Access;
using Signet.Audit;
using Signet.Control;
using Signet.Web.Security;

namespace Signet.Web.Pages;

/// <summary>Home: a calm page for everybody, an overview for those who are signed in.</summary>
[Public]
internal sealed class IndexModel(CommandCenter center, Looks.LatestRefusals refusals, WebOptions options) : ConsolePage(center)
{
    private const int Rows = 6;

    public CenterStatus Status { get; private set; } = null!;
    public IReadOnlyList<DeviceRecord> Devices { get; private set; } = [];
    public IReadOnlyList<CommandView> Commands { get; private set; } = [];
    public IReadOnlyList<AuditEntry> Refusals { get; private set; } = [];

    // Those that are not there first; each half stands by name already.
    private static IReadOnlyList<DeviceRecord> Worst(IReadOnlyList<DeviceRecord> devices)
        => [.. devices.Where(device => !device.CanReceive).Take(Rows).Concat(devices.Where(device => device.CanReceive).Take(Rows)).Take(Rows)];

    public async Task<IActionResult> OnGetAsync(CancellationToken stop)
    {
        Status = Center.Status();
        if (!HttpContext.IsSignedIn()) return Page();
        // The page is public, so the gate does not ask.
        if (AccessGate.LacksFactor(HttpContext, options, Center)) return Redirect("/enable-mfa");
        var sight = Sight;
        Status = sight.Status();
        Live("device,command,broker,audit");
        Devices = Worst(sight.Devices());
        Commands = (await sight.CommandsAsync(new() { Limit = Rows }, stop)).Commands;
        if (HttpContext.May(Act.ViewAudit)) Refusals = sight.IsWhole ? await refusals.ReadAsync(stop) : (await Center.Audit.QueryAsync(sight.Within(new() { Outcome = "refused", Limit = Looks.LatestRefusals.Kept }), stop)).Entries;
        return Page();
    }
}
