using Microsoft.AspNetCore.Mvc;
using Signet.Access;
using Signet.Control;
using Signet.Web.Looks;
using Signet.Web.Security;
using Signet.Web.SignIn;

namespace Signet.Web.Pages.People;

/// <summary>The people, the open links, the API tokens.</summary>
[Requires(Act.ManageUsers)]
internal sealed class PeopleModel(CommandCenter center, WebOptions options, Sessions sessions, Phrases phrases) : ConsolePage(center)
{
    public IReadOnlyList<Account> People { get; private set; } = [];
    public IReadOnlyList<PersonLink> Links { get; private set; } = [];
    public IReadOnlyList<ApiToken> Tokens { get; private set; } = [];
    public Refusal? Refusal { get; private set; }

    /// <summary>A link that was just made; in this answer only.</summary>
    public string? Link { get; private set; }

    /// <summary>A token that was just made; in this answer only.</summary>
    public string? Secret { get; private set; }

    /// <summary>People whose role needs a second factor and who have none.</summary>
    public int Without => People.Count(Needs);

    public bool Needs(Account person) => person is { Enabled: true, HasSecondFactor: false } && options.SecondFactorFor.Contains(person.Role);

    public int SessionsOf(Account person) => sessions.Of(person.Id).Count;

    public string Factors(Account person) => person switch
    {
        { TotpSince: not null, Passkeys: > 0 } => phrases["app, {0} passkeys", person.Passkeys],
        { TotpSince: not null } => phrases["app"],
        { Passkeys: > 0 } => phrases["{0} passkeys", person.Passkeys],
        _ => phrases["none"],
    };

    public Task OnGetAsync(CancellationToken stop) => LoadAsync(stop);

    [Confirmed]
    public async Task OnPostInviteAsync([FromForm] Role role, [FromForm] string? note, [FromForm] string? groups, CancellationToken stop)
    {
        var made = await Center.Links.InviteAsync(role, (note ?? "").Trim(), HttpContext.Actor(), (groups ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries), stop);
        if (made.TryGet(out var link, out var refusal)) Link = LinkAddress.Of(Request, link);
        else Refusal = refusal;
        await LoadAsync(stop);
    }

    public async Task OnPostRevokeLinkAsync([FromForm] string? id, CancellationToken stop)
    {
        Refusal = (await Center.Links.RevokeAsync(id ?? "", HttpContext.Actor(), stop)).Refusal;
        await LoadAsync(stop);
    }

    [Confirmed, Requires(Act.ManageTokens)]
    public async Task OnPostTokenAsync([FromForm] string? name, [FromForm] Role role, [FromForm] int days, CancellationToken stop)
    {
        var made = await Center.Tokens.CreateAsync((name ?? "").Trim(), role, TimeSpan.FromDays(Math.Clamp(days, 0, 10_000)), HttpContext.Actor(), stop);
        if (made.TryGet(out var token, out var refusal)) Secret = token.Secret;
        else Refusal = refusal;
        await LoadAsync(stop);
    }

    [Requires(Act.ManageTokens)]
    public async Task OnPostRevokeTokenAsync([FromForm] string? id, CancellationToken stop)
    {
        Refusal = (await Center.Tokens.RevokeAsync(id ?? "", HttpContext.Actor(), stop)).Refusal;
        await LoadAsync(stop);
    }

    private async Task LoadAsync(CancellationToken stop)
    {
        People = await Center.Accounts.ListAsync(stop);
        Links = await Center.Links.ListAsync(stop);
        Tokens = await Center.Tokens.ListAsync(stop);
    }
}
