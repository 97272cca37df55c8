using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc.Filters;
using Microsoft.AspNetCore.Routing;
using Signet.Access;
using Signet.Web.Api;
using Signet.Web.SignIn;

namespace Signet.Web.Security;

/// <summary>The one place where the console says no. Every page and API route carries what it demands; a route that carries nothing is shut.
/// The same table answers for pages, API and command line: <see cref="RoleTable"/>.</summary>
internal sealed class AccessGate(RequestDelegate next, Trail trail, IAntiforgery antiforgery)
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
        if (ComesFromBrowser(context) && ApiRoutes.IsApi(context) && !await antiforgery.IsRequestValidAsync(context))
        {
            await Problems.Of(StatusCodes.Status400BadRequest, "bad-antiforgery-token", $"A signed-in browser must send the header {AntiforgeryHeader} with its own page's token.").ExecuteAsync(context);
            return;
        }
        await next(context);
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
internal sealed class HandlerGate(Trail trail) : IAsyncPageFilter
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
        await next();
    }
}
