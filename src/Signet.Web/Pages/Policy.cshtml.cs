using System.Text;
using Microsoft.AspNetCore.Mvc;
using Signet.Access;
using Signet.Control;
using Signet.Web.Security;

namespace Signet.Web.Pages;

[Requires(Act.ViewPolicy)]
public sealed class PolicyModel(CommandCenter center) : ConsolePage(center)
{
    /// <summary>Who asks: <c>KIND:NAME</c>, or a device's name.</summary>
    [BindProperty(SupportsGet = true)]
    public string? Who { get; set; }

    [BindProperty(SupportsGet = true)]
    public string? Action { get; set; }

    [BindProperty(SupportsGet = true)]
    public string? Topic { get; set; }

    /// <summary><c>explain</c> or <c>who-can</c>.</summary>
    [BindProperty(SupportsGet = true)]
    public string? Ask { get; set; }

    public AccessPolicy Policy { get; private set; } = null!;
    public IReadOnlyList<PolicyVersion> History { get; private set; } = [];
    public PolicyExplanation? Explanation { get; private set; }

    /// <summary>Why a person may not although the rules allow it.</summary>
    public string? Limit { get; private set; }
    public bool IsAdmitted { get; private set; }
    public IReadOnlyList<(Principal Principal, Decision Decision)>? Allowed { get; private set; }
    public int Asked { get; private set; }

    /// <summary>The file in the box: as it was typed, or the policy in force.</summary>
    public string Text { get; private set; } = "";
    public PolicyPreview? Preview { get; private set; }
    public PolicyApplied? Applied { get; private set; }
    public Refusal? Refusal { get; private set; }

    public async Task OnGetAsync(CancellationToken stop)
    {
        Load();
        if (string.IsNullOrWhiteSpace(Topic) || !PolicyWords.TryParse(Action ?? "", out TopicAction action)) return;
        if (Ask == "who-can")
        {
            var principals = await Center.Policies.PrincipalsAsync(stop);
            Asked = principals.Count;
            Allowed = [.. WhoCan.Find(Policy, principals, action, Topic).Where(x => Center.Policies.OutOfScope(x.Principal, action, Topic) is null).OrderBy(x => x.Principal.Kind).ThenBy(x => x.Principal.Name, StringComparer.Ordinal)];
        }
        else if (!string.IsNullOrWhiteSpace(Who))
        {
            var principal = await Center.Policies.PrincipalAsync(Who.Trim(), null, stop);
            IsAdmitted = Center.Policies.IsAdmitted(principal);
            Explanation = PolicyExplanation.Of(Policy, principal, action, Topic);
            Limit = Explanation.Decision.Allowed ? Center.Policies.OutOfScope(principal, action, Topic) : null;
        }
    }

    public async Task OnPostPreviewAsync([FromForm] string file, CancellationToken stop)
    {
        var outcome = await Center.Policies.PreviewAsync(Bytes(file), null, stop);
        if (outcome.TryGet(out var preview, out var refusal)) Preview = preview;
        else Refusal = refusal;
        Load();
        Text = file ?? "";
    }

    [Requires(Act.ApplyPolicy), Confirmed]
    public async Task OnPostApplyAsync([FromForm] string file, CancellationToken stop)
    {
        var outcome = await Center.Policies.ApplyAsync(Bytes(file), null, HttpContext.Actor(), stop);
        if (outcome.TryGet(out var applied, out var refusal)) Applied = applied;
        else Refusal = refusal;
        Load();
        if (Refusal is not null) Text = file ?? "";
    }

    private void Load()
    {
        (Policy, History) = (Center.Policy, Center.Policies.History());
        Text = Encoding.UTF8.GetString(PolicyFile.Write(Policy));
    }

    // A form sends CR LF; the file has LF.
    private static byte[] Bytes(string? file) => Encoding.UTF8.GetBytes((file ?? "").ReplaceLineEndings("\n"));
}
