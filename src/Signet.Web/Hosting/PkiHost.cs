using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Signet.Control;
using Signet.Pki;

namespace Signet.Web.Hosting;

/// <summary>The PKI endpoint: plain HTTP because what it serves is public and signed, and because a client that checks a certificate cannot need one first.</summary>
internal static class PkiHost
{
    public static WebApplication Build(CommandCenter center, WebOptions options, ILoggerFactory loggers)
    {
        var builder = Listener.NewBuilder(loggers);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            Listener.Bound(kestrel);
            kestrel.Limits.MaxRequestBodySize = PkiLimits.MaximumOcspRequestBytes;
            kestrel.Listen(options.Listen, options.PkiPort);
        });
        var application = builder.Build();
        application.Use((context, next) =>
        {
            context.Response.Headers.XContentTypeOptions = "nosniff";
            context.Response.Headers.ContentSecurityPolicy = "default-src 'none'; frame-ancestors 'none'";
            return next(context);
        });
        // Both read at each request: a revocation swaps the lists and is in the next answer.
        var published = new PublishedPki(center.Authority);
        var responder = new OcspResponder(center.Authority, center.Time);
        application.Lifetime.ApplicationStopped.Register(responder.Dispose);
        application.MapPost("/ocsp", (RequestDelegate)(async context =>
        {
            using var request = new MemoryStream();
            await context.Request.Body.CopyToAsync(request, context.RequestAborted);
            await AnswerAsync(context, responder.Respond(request.ToArray()));
        }));
        application.MapMethods("/{**path}", [HttpMethods.Get, HttpMethods.Head], (RequestDelegate)(async context =>
        {
            var path = context.Request.Path.Value ?? "";
            if (path.StartsWith("/ocsp/", StringComparison.Ordinal)) await AnswerAsync(context, responder.Respond(OcspResponder.TryDecodeGet(path["/ocsp/".Length..]) ?? []));
            else if (published.Find(path) is { } found) await ServeAsync(context, found.Type, found.Der);
            else context.Response.StatusCode = StatusCodes.Status404NotFound;
        }));
        return application;
    }

    private static Task AnswerAsync(HttpContext context, OcspResponse answer)
    {
        context.Response.ContentType = "application/ocsp-response";
        context.Response.ContentLength = answer.Der.Length;
        context.Response.Headers.CacheControl = answer.NextUpdate is null ? "no-store" : $"max-age={(int)PkiLimits.OcspLifetime.TotalSeconds}, public, no-transform, must-revalidate";
        return context.Response.Body.WriteAsync(answer.Der, context.RequestAborted).AsTask();
    }

    private static async Task ServeAsync(HttpContext context, string type, byte[] bytes)
    {
        var response = context.Response;
        var tag = $"\"{Convert.ToHexStringLower(SHA256.HashData(bytes).AsSpan(0, 8))}\"";
        response.Headers.ETag = tag;
        // Ask again each time: an old list must never hide a revocation behind somebody's cache.
        response.Headers.CacheControl = "no-cache";
        if (context.Request.Headers.IfNoneMatch.ToString().Contains(tag, StringComparison.Ordinal))
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }
        response.ContentType = type;
        response.ContentLength = bytes.Length;
        if (HttpMethods.IsGet(context.Request.Method)) await response.Body.WriteAsync(bytes, context.RequestAborted);
    }
}
