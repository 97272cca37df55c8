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
internal sealed class PeopleModel(CommandCenter center, WebOptions options, Sessions sessions, Phrases phrases) : ListPage(center, "/people")
{
    [BindProperty(SupportsGet = true, Name = "q")]
    public string? Search { get; set; }

    [BindProperty(SupportsGet = true, Name = "as")]
    public string? WithRole { get; set; }

    /// <summary><c>disabled</c>, <c>without</c> (a second factor that the role needs), <c>in</c> (signed in now).</summary>
    [BindProperty(SupportsGet = true)]
    public string? State { get; set; }

    protected override IEnumerable<KeyValuePair<string, string?>> Filters => [new("q", Search), new("as", WithRole), new("state", State)];

    public PartOfList<PersonLine> Part { get; private set; } = PartOfList<PersonLine>.Empty;

    public IReadOnlyList<PersonLink> Links { get; private set; } = [];
    public IReadOnlyList<ApiToken> Tokens { get; private set; } = [];
    public Refusal? Refusal { get; private set; }

    /// <summary>A link that was just made; in this answer only.</summary>
    public string? Link { get; private set; }

    /// <summary>A token that was just made; in this answer only.</summary>
    public string? Secret { get; private set; }

    /// <summary>People whose role needs a second factor and who have none.</summary>
    public int Without { get; private set; }

    public bool Needs(PersonLine person) => person.Enabled && !person.HasSecondFactor && options.SecondFactorFor.Contains(person.Role);

    public int SessionsOf(PersonLine person) => Open.GetValueOrDefault(person.Id);

    private IReadOnlyDictionary<string, int> Open => open ??= sessions.Count();

    private IReadOnlyDictionary<string, int>? open;

    public string Factors(PersonLine person) => person switch
    {
        { HasTotp: true, Passkeys: 1 } => phrases["app, 1 passkey"],
        { HasTotp: true, Passkeys: > 0 } => phrases["app, {0} passkeys", person.Passkeys],
        { HasTotp: true } => phrases["app"],
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
        "without" => Needs(person),
        "in" => Open.ContainsKey(person.Id),
        _ => true,
    };

    private async Task LoadAsync(CancellationToken stop)
    {
        var all = await Center.Accounts.LinesAsync(stop);
        Without = all.Count(Needs);
        var words = (Search ?? "").ToUpperInvariant().Split(' ', StringSplitOptions.RemoveEmptyEntries);
        IReadOnlyList<PersonLine> found = [.. all.Where(person => words.All(word => Has(person, word)) && (string.IsNullOrEmpty(WithRole) || Says.Words(person.Role) == WithRole) && Fits(person))];
        Part = Paging.Around(found, person => person.NormalizedName, After, Before, WebLimits.PageSize);
        Links = await Center.Links.ListAsync(stop);
        Tokens = await Center.Tokens.ListAsync(stop);
    }
}
