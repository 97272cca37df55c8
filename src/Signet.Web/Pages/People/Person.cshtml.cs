using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.Filters;
using Signet.Access;
using Signet.Control;
using Signet.Web.Looks;
using Signet.Web.Security;
using Signet.Web.SignIn;

namespace Signet.Web.Pages.People;

/// <summary>One person, for administrators.</summary>
[Requires(Act.ManageUsers)]
internal sealed class PersonModel(CommandCenter center, Sessions sessions, Trail trail, Phrases phrases) : ConsolePage(center)
{
    [BindProperty(SupportsGet = true)]
    public string Id { get; set; } = "";

    public Account Person { get; private set; } = null!;
    public IReadOnlyList<OpenSession> Sessions { get; private set; } = [];
    public Refusal? Refusal { get; private set; }
    public string Done { get; private set; } = "";

    /// <summary>A link to a new password that was just made; in this answer only.</summary>
    public string? Link { get; private set; }

    public override async Task OnPageHandlerExecutionAsync(PageHandlerExecutingContext context, PageHandlerExecutionDelegate next)
    {
        if (await Center.Accounts.FindAsync(Id, HttpContext.RequestAborted) is { } person)
        {
            Person = person;
            Sessions = sessions.Of(person.Id);
            await next();
        }
        else context.Result = NotFound();
    }

    public void OnGet() { }

    [Confirmed]
    public async Task<IActionResult> OnPostRoleAsync([FromForm] Role role, CancellationToken stop)
        => await ShowAsync(await Center.Accounts.SetRoleAsync(Id, role, HttpContext.Actor(), stop), phrases["The role is changed. Open sessions ended."]);

    [Confirmed]
    public async Task<IActionResult> OnPostScopeAsync([FromForm] string? groups, CancellationToken stop)
        => await ShowAsync(await Center.Accounts.SetScopeAsync(Id, (groups ?? "").Split([' ', ','], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries), HttpContext.Actor(), stop),
            phrases["The groups are changed. Open sessions ended."]);

    [Confirmed]
    public async Task<IActionResult> OnPostDisableAsync(CancellationToken stop)
        => await ShowAsync(await Center.Accounts.SetEnabledAsync(Id, false, HttpContext.Actor(), stop), phrases["The account is disabled."]);

    [Confirmed]
    public async Task<IActionResult> OnPostEnableAsync(CancellationToken stop)
        => await ShowAsync(await Center.Accounts.SetEnabledAsync(Id, true, HttpContext.Actor(), stop), phrases["The account is enabled."]);

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
    public async Task<IActionResult> OnPostRemoveAsync(CancellationToken stop)
    {
        var gone = await Center.Accounts.RemoveAsync(Id, HttpContext.Actor(), stop);
        return gone.Refusal is null ? Redirect("/people") : await ShowAsync(gone, "");
    }

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
        Sessions = sessions.Of(Id);
        return Page();
    }
}
