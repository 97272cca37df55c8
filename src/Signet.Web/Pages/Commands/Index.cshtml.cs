using Microsoft.AspNetCore.Mvc;
using Signet.Access;
using Signet.Control;
using Signet.Web.Security;

namespace Signet.Web.Pages.Commands;

[Requires(Act.ViewCommands)]
public sealed class IndexModel(CommandCenter center) : ConsolePage(center)
{
    [BindProperty(SupportsGet = true)]
    public string? Device { get; set; }

    [BindProperty(SupportsGet = true)]
    public string? State { get; set; }

    [BindProperty(SupportsGet = true)]
    public string? By { get; set; }

    [BindProperty(SupportsGet = true)]
    public string? Before { get; set; }

    public CommandPage Found { get; private set; } = null!;

    public async Task OnGetAsync(CancellationToken stop)
    {
        Live("command");
        Found = await Center.Commands.ListAsync(new()
        {
            Device = Filled(Device), By = Filled(By), Before = Filled(Before), State = CommandStates.TryParse(State ?? "", out _) ? State : null, Limit = WebLimits.PageSize,
        }, stop);
    }

    private static string? Filled(string? text) => string.IsNullOrWhiteSpace(text) ? null : text.Trim();
}
