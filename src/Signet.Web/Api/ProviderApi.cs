using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Signet.Access;
using Signet.Control;
using Signet.Web.Security;

namespace Signet.Web.Api;

/// <summary>The identities that sign in to an account. Made by its owner only (<c>/account</c>).</summary>
public sealed record ProviderLinksJson(string Name, IReadOnlyList<ProviderLinkJson> Links);

/// <param name="Subject">What the provider calls the person.</param>
public sealed record ProviderLinkJson(string Issuer, string Subject, DateTimeOffset Created, DateTimeOffset? LastUse);

internal static class ProviderApi
{
    public static void Map(RouteGroupBuilder api)
    {
        api.MapGet("/users/{name}/links", ListAsync).Requires(Act.ManageUsers).Produces<ProviderLinksJson>().ProducesProblem(404).WithSummary("Identities at the OpenID Connect provider that sign in to an account.");
        api.MapDelete("/users/{name}/links", UnlinkAsync).Requires(Act.ManageUsers).Confirmed().Produces<PersonJson>().ProducesProblem(404).WithSummary("Unlinks them: the provider no longer signs this person in, and their sessions end.");
    }

    private static async Task<IResult> ListAsync(string name, CommandCenter center, HttpContext context)
        => await FindAsync(name, center, context) is { } account
            ? Results.Ok(new ProviderLinksJson(account.Name, [.. (await center.ProviderLinks.OfAsync(account.Id, context.RequestAborted)).Select(link => new ProviderLinkJson(link.Issuer, link.Subject, link.Created, link.LastUse))]))
            : Problems.NotFound("person of this name");

    private static async Task<IResult> UnlinkAsync(string name, CommandCenter center, HttpContext context)
        => await FindAsync(name, center, context) is { } account
            ? Problems.Answer(await center.ProviderLinks.UnlinkAsync(account, context.Actor(), hasOtherWay: false, context.RequestAborted), unlinked => Results.Ok(PersonJson.Of(unlinked)))
            : Problems.NotFound("person of this name");

    private static async Task<Account?> FindAsync(string name, CommandCenter center, HttpContext context)
        => name.Length <= 128 ? await center.Accounts.FindByNameAsync(name.ToUpperInvariant(), context.RequestAborted) : null;
}
