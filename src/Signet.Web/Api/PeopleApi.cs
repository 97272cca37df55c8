using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Signet.Access;
using Signet.Control;
using Signet.Web.Security;
using Signet.Web.SignIn;

namespace Signet.Web.Api;

/// <summary>A person, without anything secret.</summary>
/// <param name="Totp">Has an authenticator app.</param>
/// <param name="Passkeys">Registered passkeys.</param>
/// <param name="Link">Only in the answer that made it: the one-time address where they choose a password.</param>
public sealed record PersonJson(
    string Id, string Name, Role Role, bool Enabled, bool HasPassword, IReadOnlyList<string> Groups, bool Totp, int Passkeys, DateTimeOffset Created, DateTimeOffset? LastSignIn, string? Link = null) : IRevised
{
    string IRevised.Revision => EntityTags.Revision(Id, $"{Role}", $"{Enabled}", string.Join(' ', Groups));

    /// <summary>As it stands in front of the entity tag; pages carry it in their forms.</summary>
    internal static string RevisionOf(Account account) => ((IRevised)Of(account)).Revision;

    public static PersonJson Of(Account account)
        => new(account.Id, account.Name, account.Role, account.Enabled, account.PasswordHash is not null, account.Groups, account.TotpSince is not null, account.Passkeys, account.Created, account.LastSignIn);

    public override string ToString() => $"{Name} ({Role})"; // never the link
}

public sealed record PersonListJson(IReadOnlyList<PersonJson> Users, string? Next);

/// <param name="Password">Left out: the answer holds a one-time link where they choose it.</param>
/// <param name="Groups">Groups of devices that they are limited to; left out: all devices.</param>
public sealed record NewPersonJson(string Name, string? Password = null, Role Role = Role.Viewer, IReadOnlyList<string>? Groups = null)
{
    public override string ToString() => $"{Name} ({Role})"; // never the password
}

/// <summary>What to change; a member that is left out stays as it is.</summary>
/// <param name="Groups">Groups of devices that an operator is limited to; empty: all devices.</param>
public sealed record PersonChangeJson(Role? Role = null, bool? Enabled = null, IReadOnlyList<string>? Groups = null);

public sealed record PersonSessionsJson(string Name, IReadOnlyList<OpenSession> Sessions);

/// <param name="Note">For whom, in the inviter's words.</param>
/// <param name="Groups">Groups of devices that they will be limited to; left out: all devices.</param>
public sealed record NewInvitationJson(Role Role = Role.Viewer, string Note = "", IReadOnlyList<string>? Groups = null);

public sealed record InvitationListJson(IReadOnlyList<PersonLink> Invitations);

/// <param name="Url">Works once; in this answer only.</param>
public sealed record NewInvitationAnswerJson(PersonLink Invitation, string Url)
{
    public override string ToString() => Invitation.ToString(); // never the address
}

public sealed record TokenListJson(IReadOnlyList<ApiToken> Tokens, string? Next);

/// <param name="Days">1 to 366.</param>
/// <param name="Groups">Groups of devices that its acts are limited to; left out: all devices.</param>
public sealed record NewTokenJson(string Name, Role Role = Role.Viewer, int Days = 90, IReadOnlyList<string>? Groups = null);

/// <param name="Secret">Shown once.</param>
public sealed record NewTokenAnswerJson(ApiToken Token, string Secret)
{
    public override string ToString() => Token.ToString(); // never the secret
}

internal static class PeopleApi
{
    public static void Map(RouteGroupBuilder api)
    {
        api.MapGet("/users", ListAsync).Requires(Act.ManageUsers).Produces<PersonListJson>().WithSummary("People who may sign in.");
        api.MapPost("/users", AddAsync).Requires(Act.ManageUsers).Confirmed().Produces<PersonJson>(201).ProducesProblem(409).ProducesProblem(422).WithSummary("Adds a person; without a password the answer holds a one-time link where they choose it.");
        api.MapGet("/users/{name}", FindAsync).Requires(Act.ManageUsers).Produces<PersonJson>().ProducesProblem(404).WithSummary("One person.");
        api.MapPatch("/users/{name}", ChangeAsync).Requires(Act.ManageUsers).Confirmed().Produces<PersonJson>().ProducesProblem(404).ProducesProblem(409).ProducesProblem(412).WithSummary("Changes a role, or disables somebody: their sessions end at once.");
        api.MapDelete("/users/{name}", RemoveAsync).Requires(Act.ManageUsers).Confirmed().Produces<PersonJson>().ProducesProblem(404).ProducesProblem(409).ProducesProblem(412).WithSummary("Removes somebody; what they did stays in the audit log.");
        api.MapPost("/users/{name}/reset-mfa", ResetFactorsAsync).Requires(Act.ManageUsers).Confirmed().Produces<PersonJson>().ProducesProblem(404).WithSummary("Takes every second factor of somebody away who lost theirs.");
        api.MapPost("/users/{name}/reset-password", ResetPasswordAsync).Requires(Act.ManageUsers).Confirmed().Produces<PersonJson>().ProducesProblem(404).WithSummary("Takes the password away; the answer holds the one-time link to a new one.");
        api.MapGet("/users/{name}/sessions", SessionsAsync).Requires(Act.ManageUsers).Produces<PersonSessionsJson>().ProducesProblem(404).WithSummary("Open sessions of a person.");
        api.MapDelete("/users/{name}/sessions/{session}", EndSessionAsync).Requires(Act.ManageUsers).Confirmed().Produces(204).ProducesProblem(404).WithSummary("Ends one session.");
        api.MapGet("/invitations", ListLinksAsync).Requires(Act.ManageUsers).Produces<InvitationListJson>().WithSummary("Open one-time links, without their secrets.");
        api.MapPost("/invitations", InviteAsync).Requires(Act.ManageUsers).Confirmed().Produces<NewInvitationAnswerJson>(201).ProducesProblem(422).WithSummary("Makes a one-time link with which somebody makes their account.");
        api.MapDelete("/invitations/{id}", RevokeLinkAsync).Requires(Act.ManageUsers).Produces<PersonLink>().ProducesProblem(404).WithSummary("Revokes a one-time link.");
        api.MapGet("/tokens", ListTokensAsync).Requires(Act.ManageTokens).Produces<TokenListJson>().WithSummary("API tokens, without their secrets.");
        api.MapPost("/tokens", CreateTokenAsync).Requires(Act.ManageTokens).Confirmed().Produces<NewTokenAnswerJson>(201).ProducesProblem(422).WithSummary("Creates an API token; its secret is in this answer only.");
        api.MapDelete("/tokens/{id}", RevokeTokenAsync).Requires(Act.ManageTokens).Produces<ApiToken>().ProducesProblem(404).WithSummary("Revokes an API token.");
    }

    private static async Task<IResult> ListAsync(CommandCenter center, CancellationToken stop, string? after = null, int? limit = null)
    {
        static string Place(Account person) => person.Name.ToUpperInvariant();
        var (rows, next) = Paging.Page((await center.Accounts.ListAsync(stop)).OrderBy(Place, StringComparer.Ordinal), Place, after, limit);
        return Results.Ok(new PersonListJson([.. rows.Select(PersonJson.Of)], next));
    }

    private static async Task<IResult> AddAsync(NewPersonJson person, CommandCenter center, BreachedPasswords breaches, HttpContext context)
    {
        string? hash = null;
        if (person.Password is { } password)
        {
            if (Passwords.Fault(password, person.Name, breaches) is { } fault) return Problems.BadInput(fault);
            hash = await Task.Run(() => Passwords.Hash(password));
        }
        var made = await center.Accounts.CreateAsync(person.Name, hash, person.Role, context.Actor(), person.Groups, context.RequestAborted);
        if (!made.TryGet(out var account, out var refusal)) return Problems.Of(refusal);
        var answer = PersonJson.Of(account);
        if (hash is null)
        {
            var reset = await center.Links.ResetAsync(account.Id, context.Actor(), context.RequestAborted);
            if (!reset.TryGet(out var link, out refusal)) return Problems.Of(refusal);
            answer = answer with { Link = LinkAddress.Of(context.Request, link) };
        }
        return Results.Created($"{ApiRoutes.Prefix}/users/{Uri.EscapeDataString(account.Name)}", answer);
    }

    private static Task<IResult> FindAsync(string name, CommandCenter center, HttpContext context)
        => OfAsync(name, center, context, account => Task.FromResult(Results.Ok(PersonJson.Of(account))));

    private static readonly ApiTurn Turn = new();

    private static Task<IResult> ChangeAsync(string name, PersonChangeJson change, CommandCenter center, HttpContext context) => OfAsync(name, center, context, async account =>
    {
        if (change is { Role: null, Enabled: null, Groups: null }) return Problems.BadInput("Nothing to change: give `role`, `enabled` or `groups`.");
        using var turn = await Turn.TakeAsync(context.RequestAborted);
        // As the turn before has left it: the order below depends on the role.
        if (await center.Accounts.FindAsync(account.Id, context.RequestAborted) is not { } present) return Problems.NotFound("person of this name");
        account = present;
        // In the order in which nobody ever has more than before and after, and in which a part that is refused has not let another one widen anything.
        Outcome<Account> outcome = account;
        // Asked when the first change's turn comes, so that no page gets in between; the others follow from it.
        Func<Account, Refusal?>? expected = now => EntityTags.Late(context.Request, PersonJson.Of(now));
        if (change.Enabled == false) await NextAsync(first => center.Accounts.SetEnabledAsync(account.Id, false, context.Actor(), first, context.RequestAborted));
        if (change.Role is { } lower && lower < account.Role) await NextAsync(first => center.Accounts.SetRoleAsync(account.Id, lower, context.Actor(), first, context.RequestAborted));
        if (change.Groups is { } groups) await NextAsync(first => center.Accounts.SetScopeAsync(account.Id, groups, context.Actor(), first, context.RequestAborted));
        if (change.Role is { } role && role >= account.Role) await NextAsync(first => center.Accounts.SetRoleAsync(account.Id, role, context.Actor(), first, context.RequestAborted));
        if (change.Enabled == true) await NextAsync(first => center.Accounts.SetEnabledAsync(account.Id, true, context.Actor(), first, context.RequestAborted));
        async Task NextAsync(Func<Func<Account, Refusal?>?, Task<Outcome<Account>>> step)
        {
            if (outcome.Refusal is not null) return;
            outcome = await step(expected);
            expected = null;
        }

        return Problems.Answer(outcome, changed => Results.Ok(PersonJson.Of(changed)));
    });

    private static Task<IResult> RemoveAsync(string name, CommandCenter center, HttpContext context)
        => OfAsync(name, center, context, async account => Problems.Answer(
            await center.Accounts.RemoveAsync(account.Id, context.Actor(), now => EntityTags.Late(context.Request, PersonJson.Of(now)), context.RequestAborted), gone => Results.Ok(PersonJson.Of(gone))));

    private static Task<IResult> ResetFactorsAsync(string name, CommandCenter center, HttpContext context)
        => OfAsync(name, center, context, async account => Problems.Answer(await center.SecondFactors.ResetAsync(account.Id, context.Actor(), context.RequestAborted), reset => Results.Ok(PersonJson.Of(reset))));

    private static Task<IResult> ResetPasswordAsync(string name, CommandCenter center, HttpContext context)
        => OfAsync(name, center, context, async account => Problems.Answer(await center.Links.ResetAsync(account.Id, context.Actor(), context.RequestAborted),
            link => Results.Ok(PersonJson.Of(account) with { HasPassword = false, Link = LinkAddress.Of(context.Request, link) })));

    private static Task<IResult> SessionsAsync(string name, Sessions sessions, CommandCenter center, HttpContext context)
        => OfAsync(name, center, context, account => Task.FromResult(Results.Ok(new PersonSessionsJson(account.Name, sessions.Of(account.Id)))));

    private static Task<IResult> EndSessionAsync(string name, string session, Sessions sessions, Trail trail, CommandCenter center, HttpContext context) => OfAsync(name, center, context, async account =>
    {
        if (!sessions.End(account.Id, session)) return Problems.NotFound("session of this name");
        await trail.SessionEndedAsync(context, account.Name, "revoked");
        return Results.NoContent();
    });

    private static async Task<IResult> OfAsync(string name, CommandCenter center, HttpContext context, Func<Account, Task<IResult>> answer)
        => name.Length <= 128 && await center.Accounts.FindByNameAsync(name.ToUpperInvariant(), context.RequestAborted) is { } account ? await answer(account) : Problems.NotFound("person of this name");

    private static async Task<IResult> ListLinksAsync(CommandCenter center, CancellationToken stop) => Results.Ok(new InvitationListJson(await center.Links.ListAsync(stop)));

    private static async Task<IResult> InviteAsync(NewInvitationJson wanted, CommandCenter center, HttpContext context)
        => Problems.Answer(await center.Links.InviteAsync(wanted.Role, wanted.Note, context.Actor(), wanted.Groups, context.RequestAborted),
            made => Results.Created((string?)null, new NewInvitationAnswerJson(made.Link, LinkAddress.Of(context.Request, made))));

    private static async Task<IResult> RevokeLinkAsync(string id, CommandCenter center, HttpContext context)
        => Problems.Answer(await center.Links.RevokeAsync(id, context.Actor(), context.RequestAborted), Results.Ok);

    private static async Task<IResult> ListTokensAsync(CommandCenter center, CancellationToken stop, string? after = null, int? limit = null)
    {
        // Oldest first.
        static string Place(ApiToken token) => Paging.Place($"{token.Created.UtcTicks:D19}", token.Id);
        var (rows, next) = Paging.Page((await center.Tokens.ListAsync(stop)).OrderBy(Place, StringComparer.Ordinal), Place, after, limit);
        return Results.Ok(new TokenListJson(rows, next));
    }

    private static async Task<IResult> CreateTokenAsync(NewTokenJson wanted, CommandCenter center, HttpContext context)
        => wanted.Days is < 1 or > 366
            ? Problems.BadInput("`days` takes 1 to 366.")
            : Problems.Answer(await center.Tokens.CreateAsync(wanted.Name, wanted.Role, wanted.Groups ?? [], TimeSpan.FromDays(wanted.Days), context.Actor(), context.RequestAborted),
                made => Results.Created($"{ApiRoutes.Prefix}/tokens/{made.Token.Id}", new NewTokenAnswerJson(made.Token, made.Secret)));

    private static async Task<IResult> RevokeTokenAsync(string id, CommandCenter center, HttpContext context)
        => Problems.Answer(await center.Tokens.RevokeAsync(id, context.Actor(), context.RequestAborted), Results.Ok);
}
