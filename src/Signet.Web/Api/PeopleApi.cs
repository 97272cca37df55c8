using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Signet.Access;
using Signet.Control;
using Signet.Web.Security;
using Signet.Web.SignIn;

namespace Signet.Web.Api;

/// <summary>A person, without anything secret.</summary>
public sealed record PersonJson(string Id, string Name, Role Role, bool Enabled, bool HasPassword, DateTimeOffset Created, DateTimeOffset? LastSignIn)
{
    public static PersonJson Of(Account account) => new(account.Id, account.Name, account.Role, account.Enabled, account.PasswordHash is not null, account.Created, account.LastSignIn);
}

public sealed record PersonListJson(IReadOnlyList<PersonJson> Users);

public sealed record NewPersonJson(string Name, string Password, Role Role = Role.Viewer)
{
    public override string ToString() => $"{Name} ({Role})"; // never the password
}

/// <summary>What to change; a member that is left out stays as it is.</summary>
public sealed record PersonChangeJson(Role? Role = null, bool? Enabled = null);

public sealed record TokenListJson(IReadOnlyList<ApiToken> Tokens);

/// <param name="Days">1 to 366.</param>
public sealed record NewTokenJson(string Name, Role Role = Role.Viewer, int Days = 90);

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
        api.MapPost("/users", AddAsync).Requires(Act.ManageUsers).Produces<PersonJson>(201).ProducesProblem(409).ProducesProblem(422).WithSummary("Adds a person.");
        api.MapPatch("/users/{name}", ChangeAsync).Requires(Act.ManageUsers).Produces<PersonJson>().ProducesProblem(404).ProducesProblem(409).WithSummary("Changes a role, or disables somebody: their sessions end at once.");
        api.MapGet("/tokens", ListTokensAsync).Requires(Act.ManageTokens).Produces<TokenListJson>().WithSummary("API tokens, without their secrets.");
        api.MapPost("/tokens", CreateTokenAsync).Requires(Act.ManageTokens).Produces<NewTokenAnswerJson>(201).ProducesProblem(422).WithSummary("Creates an API token; its secret is in this answer only.");
        api.MapDelete("/tokens/{id}", RevokeTokenAsync).Requires(Act.ManageTokens).Produces<ApiToken>().ProducesProblem(404).WithSummary("Revokes an API token.");
    }

    private static async Task<IResult> ListAsync(CommandCenter center, CancellationToken stop)
        => Results.Ok(new PersonListJson([.. (await center.Accounts.ListAsync(stop)).Select(PersonJson.Of)]));

    private static async Task<IResult> AddAsync(NewPersonJson person, CommandCenter center, HttpContext context)
    {
        if (Passwords.Fault(person.Password, person.Name) is { } fault) return Problems.BadInput(fault);
        var hash = await Task.Run(() => Passwords.Hash(person.Password));
        return Problems.Answer(await center.Accounts.CreateAsync(person.Name, hash, person.Role, context.Actor(), context.RequestAborted),
            made => Results.Created($"{ApiRoutes.Prefix}/users/{Uri.EscapeDataString(made.Name)}", PersonJson.Of(made)));
    }

    private static async Task<IResult> ChangeAsync(string name, PersonChangeJson change, CommandCenter center, HttpContext context)
    {
        if (change is { Role: null, Enabled: null }) return Problems.BadInput("Nothing to change: give `role` or `enabled`.");
        if (await center.Accounts.FindByNameAsync(name.ToUpperInvariant(), context.RequestAborted) is not { } account) return Problems.NotFound("person of this name");
        Outcome<Account> outcome = account;
        if (change.Role is { } role) outcome = await center.Accounts.SetRoleAsync(account.Id, role, context.Actor(), context.RequestAborted);
        if (outcome.Refusal is null && change.Enabled is { } enabled) outcome = await center.Accounts.SetEnabledAsync(account.Id, enabled, context.Actor(), context.RequestAborted);
        return Problems.Answer(outcome, changed => Results.Ok(PersonJson.Of(changed)));
    }

    private static async Task<IResult> ListTokensAsync(CommandCenter center, CancellationToken stop) => Results.Ok(new TokenListJson(await center.Tokens.ListAsync(stop)));

    private static async Task<IResult> CreateTokenAsync(NewTokenJson wanted, CommandCenter center, HttpContext context)
        => wanted.Days is < 1 or > 366
            ? Problems.BadInput("`days` takes 1 to 366.")
            : Problems.Answer(await center.Tokens.CreateAsync(wanted.Name, wanted.Role, TimeSpan.FromDays(wanted.Days), context.Actor(), context.RequestAborted),
                made => Results.Created($"{ApiRoutes.Prefix}/tokens/{made.Token.Id}", new NewTokenAnswerJson(made.Token, made.Secret)));

    private static async Task<IResult> RevokeTokenAsync(string id, CommandCenter center, HttpContext context)
        => Problems.Answer(await center.Tokens.RevokeAsync(id, context.Actor(), context.RequestAborted), Results.Ok);
}
