using Microsoft.AspNetCore.Mvc;
using Signet.Access;
using Signet.Control;
using Signet.Web.Security;

namespace Signet.Web.Pages.Commands;

/// <summary>One command on its way to many devices.</summary>
[Requires(Act.ViewCommands), WithinGroups]
public sealed class RolloutModel(CommandCenter center) : ConsolePage(center)
{
    public const int LeftOutShown = 100;

    [BindProperty(SupportsGet = true)]
    public string Id { get; set; } = "";

    [BindProperty(SupportsGet = true)]
    public string? Before { get; set; }

    public Rollout Rollout { get; private set; } = null!;
    public CommandPage Commands { get; private set; } = null!;

    public async Task<IActionResult> OnGetAsync(CancellationToken stop)
    {
        Live("command");
        if (await Sight.RolloutAsync(Id, stop) is not { } found) return NotFound();
        Rollout = found;
        Commands = await Center.Commands.ListAsync(new() { Rollout = Id, Before = string.IsNullOrEmpty(Before) ? null : Before, Limit = WebLimits.PageSize }, stop);
        return Page();
    }

    [Requires(Act.CancelCommand)]
    public async Task<IActionResult> OnPostCancelAsync(CancellationToken stop)
    {
        if (await Sight.RolloutAsync(Id, stop) is null) return NotFound();
        var outcome = await Center.Commands.CancelRolloutAsync(Id, HttpContext.Actor(), stop);
        return outcome.Refusal is { Code: RefusalCode.NotFound } ? NotFound() : Redirect($"/commands/rollouts/{Uri.EscapeDataString(Id)}");
    }
}
