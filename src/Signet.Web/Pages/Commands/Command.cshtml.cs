using Microsoft.AspNetCore.Mvc;
using Signet.Access;
using Signet.Control;
using Signet.Web.Security;

namespace Signet.Web.Pages.Commands;

/// <summary>One command with its evidence.</summary>
[Requires(Act.ViewCommands), WithinGroups]
public sealed class CommandModel(CommandCenter center) : ConsolePage(center)
{
    [BindProperty(SupportsGet = true)]
    public string Id { get; set; } = "";

    public CommandView Command { get; private set; } = null!;

    public bool MayCancel => Command.State is "queued" or "awaiting-approval" && HttpContext.May(Act.CancelCommand);

    public async Task<IActionResult> OnGetAsync(CancellationToken stop)
    {
        if (await Sight.CommandAsync(Id, stop) is not { } found) return NotFound();
        Command = found;
        Live("command", found.Device);
        return Page();
    }

    [Requires(Act.CancelCommand)]
    public async Task<IActionResult> OnPostCancelAsync(CancellationToken stop)
    {
        if (await Sight.CommandAsync(Id, stop) is null) return NotFound();
        var outcome = await Center.Commands.CancelAsync(Id, HttpContext.Actor(), stop);
        // It has left meanwhile: the page says how far it came.
        return outcome.Refusal is { Code: RefusalCode.NotFound } ? NotFound() : Redirect($"/commands/{Uri.EscapeDataString(Id)}");
    }

    [Requires(Act.ExportReceipt)]
    public async Task<IActionResult> OnGetReceiptAsync(CancellationToken stop)
    {
        if (await Sight.CommandAsync(Id, stop) is null) return NotFound();
        var outcome = await Center.Commands.ExportReceiptAsync(Id, HttpContext.Actor(), stop);
        return outcome.TryGet(out var file, out var refusal)
            ? File(file.Json.ToArray(), "application/json", $"receipt-{file.Id}.json")
            : StatusCode(refusal.HttpStatus);
    }
}
