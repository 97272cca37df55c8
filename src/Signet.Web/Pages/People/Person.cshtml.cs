using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.Filters;
using Signet.Access;
using Signet.Control;
using Signet.Web.Api;
using Signet.Web.Looks;
using Signet.Web.Security;
using Signet.Web.SignIn;

namespace Signet.Web.Pages.People;

/// <summary>One person, for administrators.</summary>
[Requires(Act.ManageUsers)]
internal sealed class PersonModel(CommandCenter center, Sessions sessions, Trail trail, WebOptions options, Phrases phrases) : ConsolePage(center)
{
    [BindProperty(SupportsGet = true)]
    public string Id { get; set; } = "";

    public Account Person { get; private set; } = null!;
    public IReadOnlyList<OpenSession> Sessions { get; private set; } = [];
    public Refusal? Refusal { get; private set; }
    public string Done { get; private set; } = "";

    /// <summary>Role, groups and state as the page showed them: whoever changes something decides about that, and not about what somebody else made of it meanwhile. Null: compared with nothing.</summary>
    [BindProperty]
    public string? Seen { get; set; }

    /// <summary>As they are now, for the forms.</summary>
    public string Revision => PersonJson.RevisionOf(Person);

    /// <summary>The identities at a provider that sign this person in.</summary>
    public IReadOnlyList<ProviderLink> Identities { get; private set; } = [];

    /// <summary>What the provider is called here; one that is not set up any more by its address.</summary>
    public string ProviderOf(ProviderLink link) => options.Provider is { } provider && provider.Issuer == link.Issuer ? provider.Name : link.Issuer;

    /// <summary>A link to a new password that was just made; in this answer only.</summary>
    public string? Link { get; private set; }

    public override async Task OnPageHandlerExecutionAsync(PageHandlerExecutingContext context, PageHandlerExecutionDelegate next)
    {
        if (await Center.Accounts.FindAsync(Id, HttpContext.RequestAborted) is { } person)
        {
            Person = person;
            await LoadAsync();
            await next();
        }
        else context.Result = NotFound();
    }

    public void OnGet() { }

    [Confirmed]
    public async Task<IActionResult> OnPostRoleAsync([FromForm] Role role, CancellationToken stop)
        => await ShowAsync(await Center.Accounts.SetRoleAsync(Id, role, HttpContext.Actor(), AsSeen, stop), phrases["The role is changed. Open sessions ended."]);

    [Confirmed]
    public async Task<IActionResult> OnPostScopeAsync([FromForm] string? groups, CancellationToken stop)
        => await ShowAsync(await Center.Accounts.SetScopeAsync(Id, PeopleModel.GroupsOf(groups), HttpContext.Actor(), AsSeen, stop),
            phrases["The groups are changed. Open sessions ended."]);

    [Confirmed]
    public async Task<IActionResult> OnPostDisableAsync(CancellationToken stop)
        => await ShowAsync(await Center.Accounts.SetEnabledAsync(Id, false, HttpContext.Actor(), AsSeen, stop), phrases["The account is disabled."]);

    [Confirmed]
    public async Task<IActionResult> OnPostEnableAsync(CancellationToken stop)
        => await ShowAsync(await Center.Accounts.SetEnabledAsync(Id, true, HttpContext.Actor(), AsSeen, stop), phrases["The account is enabled."]);

    [Confirmed]
    public async Task<IActionResult> OnPostResetMfaAsync(CancellationToken stop)
        => await ShowAsync(await Center.SecondFactors.ResetAsync(Id, HttpContext.Actor(), stop), phrases["The second factors are gone. Sessions ended."]);

    [Confirmed]
    public async Task<IActionResult> OnPostResetPasswordAsync(CancellationToken stop)
    {
        var made = await Center.Links.ResetAsync(Id, HttpContext.Actor(), stop);
        if (made.TryGet(out var link, out _)) Link = LinkAddress.Of(Request, link);
        return await ShowAsync(made, phrases["Give them this link. It works once and is shown this once."]);
    }

    [Confirmed]
    public async Task<IActionResult> OnPostUnlinkAsync(CancellationToken stop)
        => await ShowAsync(await Center.ProviderLinks.UnlinkAsync(Person, HttpContext.Actor(), hasOtherWay: false, stop), phrases["The provider no longer signs them in. Their sessions ended."]);

    [Confirmed]
    public async Task<IActionResult> OnPostRemoveAsync(CancellationToken stop)
    {
        var gone = await Center.Accounts.RemoveAsync(Id, HttpContext.Actor(), AsSeen, stop);
        return gone.Refusal is null ? Redirect("/people") : await ShowAsync(gone, "");
    }

    [Confirmed]
    public async Task<IActionResult> OnPostEndSessionAsync([FromForm] string? session)
    {
        if (!sessions.End(Id, session ?? "")) return await ShowAsync<Account>(new Refusal(RefusalCode.NotFound, "there is no such session"), "");
        await trail.SessionEndedAsync(HttpContext, Person.Name, "revoked");
        return await ShowAsync<Account>(Person, phrases["The session has ended."]);
    }

    private async Task<IActionResult> ShowAsync<T>(Outcome<T> outcome, string done)
        where T : class
    {
        (Refusal, Done) = (outcome.Refusal, outcome.Refusal is null ? done : "");
        // Somebody who changed their own account is out by now: the next request says so.
        Person = await Center.Accounts.FindAsync(Id, HttpContext.RequestAborted) ?? Person;
        await LoadAsync();
        return Page();
    }

    private Refusal? AsSeen(Account now) => Seen is null || Seen == PersonJson.RevisionOf(now) ? null : EntityTags.Changed;

    private async Task LoadAsync()
    {
        Sessions = sessions.Of(Id);
        Identities = await Center.ProviderLinks.OfAsync(Id, HttpContext.RequestAborted);
    }
}
