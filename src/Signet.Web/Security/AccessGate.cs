using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc.Filters;
using Microsoft.AspNetCore.Routing;
using Signet.Access;
using Signet.Control;
using Signet.Web.Api;
using Signet.Web.SignIn;

namespace Signet.Web.Security;

/// <summary>The one place where the console says no. Every page and API route carries what it demands; a route that carries nothing is shut.
/// The same table answers for pages, API and command line: <see cref="RoleTable"/>.</summary>
internal sealed class AccessGate(RequestDelegate next, Trail trail, IAntiforgery antiforgery, Sessions sessions, WebOptions options, CommandCenter center)
{
    public async Task InvokeAsync(HttpContext context)
    {
        if (context.GetEndpoint() is not { } endpoint || endpoint.Metadata.GetMetadata<PublicAttribute>() is not null)
        {
            await next(context);
            return;
        }
        if (!context.IsSignedIn())
        {
            await ChallengeAsync(context);
            return;
        }
        if (endpoint is not RouteEndpoint)
        {
            // The router's own answers to a wrong method or media type.
            await next(context);
            return;
        }
        // One's own account stays within reach: it is where the second factor is set up.
        if (endpoint.Metadata.GetMetadata<SignedInAttribute>() is null && LacksFactor(context, options, center))
        {
            await LeadAsync(context, "/enable-mfa", "second-factor-required", "Your role needs a second factor: set one up at /enable-mfa.");
            return;
        }
        var demanded = endpoint.Metadata.GetOrderedMetadata<RequiresAttribute>();
        if (demanded.Count == 0 && endpoint.Metadata.GetMetadata<SignedInAttribute>() is null)
        {
            await RefuseAsync(context, new(false, Decision.NoRule, RoleTable.Version));
            return;
        }
        foreach (var one in demanded)
        {
            if (await PermitsAsync(context, one.Act, trail)) continue;
            await RefuseAsync(context, RoleTable.Decide(context.Actor().Role, one.Act));
            return;
        }
        if (!IsOpenTo(context, endpoint))
        {
            var limited = new Decision(false, Scope, RoleTable.Version);
            await trail.DeniedAsync(context, context.Actor(), demanded.Count > 0 ? demanded[0].Act : Act.ViewFleet, limited);
            if (ApiRoutes.IsApi(context)) await Problems.Of(StatusCodes.Status403Forbidden, "not-allowed", $"{context.Actor().Name} is limited to devices of {string.Join(", ", context.Actor().Groups)}; this is about the whole house.").ExecuteAsync(context);
            else context.Response.StatusCode = StatusCodes.Status403Forbidden;
            return;
        }
        if (ComesFromBrowser(context) && ApiRoutes.IsApi(context) && !await antiforgery.IsRequestValidAsync(context))
        {
            await Problems.Of(StatusCodes.Status400BadRequest, "bad-antiforgery-token", $"A signed-in browser must send the header {AntiforgeryHeader} with its own page's token.").ExecuteAsync(context);
            return;
        }
        if (endpoint.Metadata.GetMetadata<ConfirmedAttribute>() is not null && !IsConfirmed(context, sessions))
        {
            await LeadAsync(context, ConfirmPath(context), "confirm-first", "This act needs your password again: open /confirm, or use an API token.");
            return;
        }
        await next(context);
    }

    /// <summary>Name of the rule that keeps somebody to their groups of devices.</summary>
    public const string Scope = "scope";

    /// <summary>Whether who is limited to groups of devices gets in: where the answer is held to them, and to one's own account.</summary>
    public static bool IsOpenTo(HttpContext context, Endpoint endpoint)
        => context.Actor().Groups.Count == 0 || endpoint.Metadata.GetMetadata<WithinGroupsAttribute>() is not null || endpoint.Metadata.GetMetadata<SignedInAttribute>() is not null;

    /// <summary>Signed in without the second factor that the role has needed for longer than its grace period.</summary>
    public static bool LacksFactor(HttpContext context, WebOptions options, CommandCenter center)
        => context.Account() is { HasSecondFactor: false } account && !context.User.HasClaim(claim => claim.Type is Who.Certificate or Who.Factor) && options.SecondFactorFor.Contains(account.Role) && FactorDue(account, center) <= options.Time.GetUtcNow();

    /// <summary>When the role's second factor is due.</summary>
    public static DateTimeOffset FactorDue(Account account, CommandCenter center) => account.FactorDue ?? account.Created + center.Options.SecondFactorGrace;

    /// <summary>True for tokens, and for sessions whose person was asked lately.</summary>
    public static bool IsConfirmed(HttpContext context, Sessions sessions) => context.User.Identity?.AuthenticationType != Sessions.Scheme || sessions.IsConfirmed(context.User);

    /// <summary>Where the person is asked; afterwards they are back on the page whose button they pressed, at the same place of its list.</summary>
    public static string ConfirmPath(HttpContext context) => "/confirm" + QueryString.Create("next", context.Request.Path + QueryString.Create(
        context.Request.Query.Where(pair => !pair.Key.Equals("handler", StringComparison.OrdinalIgnoreCase))));

    private static async Task LeadAsync(HttpContext context, string path, string reason, string words)
    {
        if (ApiRoutes.IsApi(context)) await Problems.Of(StatusCodes.Status403Forbidden, reason, words).ExecuteAsync(context);
        else if (context.Request.Headers.ContainsKey("HX-Request"))
        {
            context.Response.StatusCode = StatusCodes.Status200OK;
            context.Response.Headers["HX-Redirect"] = path;
        }
        else context.Response.Redirect(path);
    }

    public const string AntiforgeryHeader = "X-CSRF-Token";

    /// <summary>Asks the table; a refusal is on record.</summary>
    public static async Task<bool> PermitsAsync(HttpContext context, Act act, Trail trail)
    {
        var actor = context.Actor();
        var decision = RoleTable.Decide(actor.Role, act);
        if (!decision.Allowed) await trail.DeniedAsync(context, actor, act, decision);
        return decision.Allowed;
    }

    // Pages check the token of their forms themselves (Razor Pages); a bearer token is never sent by a browser on its own.
    private static bool ComesFromBrowser(HttpContext context)
        => context.User.Identity?.AuthenticationType == Sessions.Scheme && !HttpMethods.IsGet(context.Request.Method) && !HttpMethods.IsHead(context.Request.Method);

    private static async Task ChallengeAsync(HttpContext context)
    {
        if (ApiRoutes.IsApi(context))
        {
            context.Response.Headers.WWWAuthenticate = "Bearer realm=\"signet\"";
            await Problems.Of(StatusCodes.Status401Unauthorized, "not-signed-in", "Send an API token (Authorization: Bearer ...) or sign in.").ExecuteAsync(context);
            return;
        }
        var back = HttpMethods.IsGet(context.Request.Method) ? context.Request.Path + context.Request.QueryString : "/";
        // A fragment cannot follow to the sign-in page: the whole page must.
        if (context.Request.Headers.ContainsKey("HX-Request"))
        {
            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
            context.Response.Headers["HX-Redirect"] = "/login";
            return;
        }
        context.Response.Redirect("/login" + QueryString.Create("next", back));
    }

    private static async Task RefuseAsync(HttpContext context, Decision decision)
    {
        if (ApiRoutes.IsApi(context))
            await Problems.Of(StatusCodes.Status403Forbidden, "not-allowed", $"The rule {decision.Rule} does not let a {context.Actor().Role.ToString().ToLowerInvariant()} do this.").ExecuteAsync(context);
        else context.Response.StatusCode = StatusCodes.Status403Forbidden; // the error page tells the rest
    }
}

/// <summary>The gate for one handler of a page: reading may need less than pressing the button.</summary>
internal sealed class HandlerGate(Trail trail, Sessions sessions) : IAsyncPageFilter
{
    public Task OnPageHandlerSelectionAsync(PageHandlerSelectedContext context) => Task.CompletedTask;

    public async Task OnPageHandlerExecutionAsync(PageHandlerExecutingContext context, PageHandlerExecutionDelegate next)
    {
        var demanded = context.HandlerMethod?.MethodInfo.GetCustomAttributes(typeof(RequiresAttribute), inherit: false).Cast<RequiresAttribute>() ?? [];
        foreach (var one in demanded)
        {
            if (await AccessGate.PermitsAsync(context.HttpContext, one.Act, trail)) continue;
            context.Result = new Microsoft.AspNetCore.Mvc.StatusCodeResult(StatusCodes.Status403Forbidden);
            return;
        }
        if (context.HandlerMethod?.MethodInfo.IsDefined(typeof(ConfirmedAttribute), inherit: false) == true && !AccessGate.IsConfirmed(context.HttpContext, sessions))
        {
            context.HttpContext.Response.Headers["HX-Redirect"] = AccessGate.ConfirmPath(context.HttpContext);
            context.Result = context.HttpContext.Request.Headers.ContainsKey("HX-Request")
                ? new Microsoft.AspNetCore.Mvc.StatusCodeResult(StatusCodes.Status200OK)
                : new Microsoft.AspNetCore.Mvc.RedirectResult(AccessGate.ConfirmPath(context.HttpContext));
            return;
        }
        await next();
    }
}
