using Microsoft.AspNetCore.Mvc;
using Signet.Access;
using Signet.Audit;
using Signet.Control;
using Signet.Proof;
using Signet.Web.Security;

namespace Signet.Web.Pages;

[Requires(Act.ViewAudit)]
public sealed class AuditModel(CommandCenter center) : ConsolePage(center)
{
    [BindProperty(SupportsGet = true)]
    public string? Type { get; set; }

    [BindProperty(SupportsGet = true)]
    public string? Actor { get; set; }

    [BindProperty(SupportsGet = true)]
    public string? Subject { get; set; }

    [BindProperty(SupportsGet = true)]
    public string? Outcome { get; set; }

    [BindProperty(SupportsGet = true, Name = "q")]
    public string? Text { get; set; }

    [BindProperty(SupportsGet = true)]
    public long? Before { get; set; }

    public AuditPage Found { get; private set; } = null!;

    /// <summary>What the button "Verify log integrity" found; null before it was pressed.</summary>
    public AuditVerdict? Verdict { get; private set; }

    public string? Trouble { get; private set; }

    public Task OnGetAsync(CancellationToken stop) => LoadAsync(stop);

    [Requires(Act.VerifyAudit)]
    public async Task OnPostVerifyAsync(CancellationToken stop)
    {
        try
        {
            Verdict = await Center.Audit.VerifyAsync(cancellationToken: stop);
        }
        catch (AuditUnavailableException e)
        {
            Trouble = e.Message;
        }
        await LoadAsync(stop);
    }

    private async Task LoadAsync(CancellationToken stop)
    {
        // Older pages stand still: what is new belongs to the first one.
        if (Before is null) Live("audit");
        Found = await Center.Audit.QueryAsync(new()
        {
            Type = AuditTypes.All.Contains(Type) ? Type : null, Actor = Filled(Actor), Subject = Filled(Subject), Outcome = Filled(Outcome), Text = Filled(Text), Before = Before, Limit = WebLimits.PageSize,
        }, stop);
    }

    private static string? Filled(string? text) => string.IsNullOrWhiteSpace(text) ? null : text.Trim();
}
