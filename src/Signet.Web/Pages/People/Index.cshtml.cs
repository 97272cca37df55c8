using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Signet.Access;
using Signet.Control;
using Signet.Web.Api;
using Signet.Web.Looks;
using Signet.Web.Security;
using Signet.Web.SignIn;

namespace Signet.Web.Pages.People;

/// <summary>The people, the open links, the API tokens.</summary>
[Requires(Act.ManageUsers)]
internal sealed class PeopleModel(CommandCenter center, WebOptions options, Sessions sessions, Phrases phrases) : ConsolePage(center)
{
    [BindProperty(SupportsGet = true, Name = "q")]
    public string? Search { get; set; }

    [BindProperty(SupportsGet = true, Name = "as")]
    public string? WithRole { get; set; }

    /// <summary><c>disabled</c>, <c>without</c> (a second factor that the role needs), <c>in</c> (signed in now).</summary>
    [BindProperty(SupportsGet = true)]
    public string? State { get; set; }

    /// <summary>The page behind this name in upper case, or in front of <see cref="Before"/>.</summary>
    [BindProperty(SupportsGet = true)]
    public string? After { get; set; }

    [BindProperty(SupportsGet = true)]
    public string? Before { get; set; }

    public PartOfList<Account> Part { get; private set; } = PartOfList<Account>.Empty;

    /// <summary>The list as it is filtered now, at a place of it.</summary>
    public string ListAt(string? after = null, string? before = null) => "/people" + QueryString.Create(
        new[] { KeyValuePair.Create("q", Search), new("as", WithRole), new("state", State), new("after", after), new("before", before) }.Where(pair => !string.IsNullOrEmpty(pair.Value)));

    public IReadOnlyList<PersonLink> Links { get; private set; } = [];
    public IReadOnlyList<ApiToken> Tokens { get; private set; } = [];
    public Refusal? Refusal { get; private set; }

    /// <summary>A link that was just made; in this answer only.</summary>
    public string? Link { get; private set; }

    /// <summary>A token that was just made; in this answer only.</summary>
    public string? Secret { get; private set; }

    /// <summary>People whose role needs a second factor and who have none.</summary>
    public int Without { get; private set; }

    public bool Needs(Account person) => Needs(person.Enabled, person.HasSecondFactor, person.Role);

    private bool Needs(bool isEnabled, bool hasFactor, Role role) => isEnabled && !hasFactor && options.SecondFactorFor.Contains(role);

    public int SessionsOf(Account person) => Open.GetValueOrDefault(person.Id);

    private IReadOnlyDictionary<string, int> Open => open ??= sessions.Count();

    private IReadOnlyDictionary<string, int>? open;

    public string Factors(Account person) => person switch
    {
        { TotpSince: not null, Passkeys: 1 } => phrases["app, 1 passkey"],
        { TotpSince: not null, Passkeys: > 0 } => phrases["app, {0} passkeys", person.Passkeys],
        { TotpSince: not null } => phrases["app"],
        { Passkeys: 1 } => phrases["1 passkey"],
        { Passkeys: > 0 } => phrases["{0} passkeys", person.Passkeys],
        _ => phrases["none"],
    };

    public Task OnGetAsync(CancellationToken stop) => LoadAsync(stop);

    [Confirmed]
    public async Task OnPostInviteAsync([FromForm] Role role, [FromForm] string? note, [FromForm] string? groups, CancellationToken stop)
    {
        var made = await Center.Links.InviteAsync(role, (note ?? "").Trim(), HttpContext.Actor(), GroupsOf(groups), stop);
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
    public async Task OnPostTokenAsync([FromForm] string? name, [FromForm] Role role, [FromForm] int days, [FromForm] string? groups, CancellationToken stop)
    {
        var made = await Center.Tokens.CreateAsync((name ?? "").Trim(), role, GroupsOf(groups), TimeSpan.FromDays(Math.Clamp(days, 0, 10_000)), HttpContext.Actor(), stop);
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

    /// <summary>Names of groups as people type them.</summary>
    internal static string[] GroupsOf(string? typed) => (typed ?? "").Split([' ', ','], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    // A word of the name, or a whole group.
    private static bool Has(PersonLine person, string word)
        => person.NormalizedName.Contains(word, StringComparison.Ordinal) || person.Limits.Any(group => group.Equals(word, StringComparison.OrdinalIgnoreCase));

    private bool Fits(PersonLine person) => State switch
    {
        "disabled" => !person.Enabled,
        "without" => Needs(person.Enabled, person.HasSecondFactor, person.Role),
        "in" => Open.ContainsKey(person.Id),
        _ => true,
    };

    private async Task LoadAsync(CancellationToken stop)
    {
        // Of everybody what the list is searched and put in order by; whole are the rows of this page alone.
        var all = await Center.Accounts.LinesAsync(stop);
        Without = all.Count(person => Needs(person.Enabled, person.HasSecondFactor, person.Role));
        var words = (Search ?? "").ToUpperInvariant().Split(' ', StringSplitOptions.RemoveEmptyEntries);
        // The database sorts by bytes, places are compared by UTF-16 units; beyond the basic plane the two differ.
        IReadOnlyList<PersonLine> found = [.. all.Where(person => words.All(word => Has(person, word)) && (string.IsNullOrEmpty(WithRole) || Says.Words(person.Role) == WithRole) && Fits(person))
            .OrderBy(person => person.NormalizedName, StringComparer.Ordinal)];
        var part = Paging.Around(found, person => person.NormalizedName, After, Before, WebLimits.PageSize);
        var whole = await Center.Accounts.FindAllAsync([.. part.Rows.Select(person => person.Id)], stop);
        // Who was removed between the two looks is missing.
        Part = new([.. part.Rows.Select(person => whole.GetValueOrDefault(person.Id)).OfType<Account>()], part.From, part.Of, part.Previous, part.Next);
        Links = await Center.Links.ListAsync(stop);
        Tokens = await Center.Tokens.ListAsync(stop);
    }
}
