using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Signet.Web.Assets;
using Signet.Web.Looks;

namespace Signet.Web.SignIn;

/// <summary>
/// A page that leads on by itself, without a script. Two steps need it: a form may not lead to another site (<c>form-action 'self'</c>, redirects included), and after a redirect from another site the strict session
/// cookie would stay at home.
/// </summary>
internal static class Onward
{
    /// <summary>To the provider: a plain redirect for a link that was followed, this page for a form that was sent.</summary>
    public static Task LeaveAsync(HttpContext context, string address, string provider)
    {
        if (!HttpMethods.IsGet(context.Request.Method)) return WriteAsync(context, address, context.RequestServices.GetRequiredService<Phrases>()["On to {0}", provider]);
        context.Response.Redirect(address);
        return Task.CompletedTask;
    }

    /// <summary>To a page of this console, coming from another site.</summary>
    public static Task ReturnAsync(HttpContext context, string path) => WriteAsync(context, path, context.RequestServices.GetRequiredService<Phrases>()["Back to the console"]);

    private static async Task WriteAsync(HttpContext context, string address, string title)
    {
        var (files, phrases, html) = (context.RequestServices.GetRequiredService<WebFiles>(), context.RequestServices.GetRequiredService<Phrases>(), HtmlEncoder.Default);
        context.Response.StatusCode = StatusCodes.Status200OK;
        context.Response.ContentType = "text/html; charset=utf-8";
        // The address is quoted for the attribute's own little language, then for HTML.
        var refresh = html.Encode($"0;url={address}");
        await context.Response.WriteAsync($"""
            <!doctype html>
            <html lang="{phrases.Language}">
            <head>
            <meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
            <meta http-equiv="refresh" content="{refresh}">
            <title>{html.Encode(title)} - Signet</title>
            <link rel="icon" href="{html.Encode(files.Url("img/signet.svg"))}" type="image/svg+xml">
            <link rel="stylesheet" href="{html.Encode(files.Url("lib/tabler.min.css"))}"><link rel="stylesheet" href="{html.Encode(files.Url("css/signet.css"))}">
            </head>
            <body><div class="gate"><main><div class="card"><div class="card-body"><h1 class="h2 mb-3">{html.Encode(title)}</h1>
            <p class="mb-0"><a class="btn btn-primary w-100" href="{html.Encode(address)}">{html.Encode(phrases["Continue"])}</a></p></div></div></main></div></body>
            </html>
            """, context.RequestAborted);
    }
}
