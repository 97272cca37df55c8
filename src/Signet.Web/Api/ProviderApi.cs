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
/// <param name="Barred">The account was removed (since <paramref name="Created"/>): the identity gets no new one until it is unlinked.</param>
public sealed record ProviderLinkJson(string Issuer, string Subject, DateTimeOffset Created, DateTimeOffset? LastUse, bool Barred = false);

internal static class ProviderApi
{
    public static void Map(RouteGroupBuilder api)
    {
        api.MapGet("/users/{name}/links", ListAsync).Requires(Act.ManageUsers).Produces<ProviderLinksJson>().ProducesProblem(404).WithSummary("Identities at the OpenID Connect provider that sign in to an account.");
        api.MapDelete("/users/{name}/links", UnlinkAsync).Requires(Act.ManageUsers).Confirmed().Produces<PersonJson>().ProducesProblem(404).WithSummary("Unlinks them: the provider no longer signs this person in, and their sessions end. Of somebody who was removed: the identity is a stranger again and may get a new account.");
    }

    private static async Task<IResult> ListAsync(string name, CommandCenter center, HttpContext context)
        => await FindAsync(name, center, context) is { } account
            ? Results.Ok(new ProviderLinksJson(account.Name, [.. (await center.ProviderLinks.OfAsync(account.Id, context.RequestAborted)).Select(link => new ProviderLinkJson(link.Issuer, link.Subject, link.Created, link.LastUse))]))
            : await BarredAsync(name, center, context) is { Count: > 0 } barred
                ? Results.Ok(new ProviderLinksJson(barred[0].Name, [.. barred.Select(one => new ProviderLinkJson(one.Issuer, one.Subject, one.Since, null, Barred: true))]))
                : Problems.NotFound("person of this name");

    private static async Task<IResult> UnlinkAsync(string name, CommandCenter center, HttpContext context)
        => await FindAsync(name, center, context) is { } account
            ? Problems.Answer(await center.ProviderLinks.UnlinkAsync(account, context.Actor(), hasOtherWay: false, context.RequestAborted), unlinked => Results.Ok(PersonJson.Of(unlinked)))
            : await BarredAsync(name, center, context) is { Count: > 0 } barred
                ? Problems.Answer(await center.ProviderLinks.AdmitAgainAsync(name, context.Actor(), context.RequestAborted), _ => Results.Ok(new ProviderLinksJson(barred[0].Name, [])))
                : Problems.NotFound("person of this name");

    private static async Task<IReadOnlyList<BarredIdentity>> BarredAsync(string name, CommandCenter center, HttpContext context)
        => name.Length <= 128 ? await center.ProviderLinks.BarredAsync(name, context.RequestAborted) : [];

    private static async Task<Account?> FindAsync(string name, CommandCenter center, HttpContext context)
        => name.Length <= 128 ? await center.Accounts.FindByNameAsync(name.ToUpperInvariant(), context.RequestAborted) : null;
}
