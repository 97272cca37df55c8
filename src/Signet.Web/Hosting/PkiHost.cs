using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Signet.Control;

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
            kestrel.Limits.MaxRequestBodySize = 0;
            kestrel.Listen(options.Listen, options.PkiPort);
        });
        var application = builder.Build();
        application.Use((context, next) =>
        {
            context.Response.Headers.XContentTypeOptions = "nosniff";
            context.Response.Headers.ContentSecurityPolicy = "default-src 'none'; frame-ancestors 'none'";
            return next(context);
        });
        // Read at each request: a revocation swaps the lists.
        Serve("/crl/root.crl", "application/pkix-crl", () => center.Authority.RootCrl);
        Serve("/crl/intermediate.crl", "application/pkix-crl", () => center.Authority.IntermediateCrl);
        Serve("/ca/root.crt", "application/pkix-cert", () => center.Authority.Root.RawData);
        Serve("/ca/intermediate.crt", "application/pkix-cert", () => center.Authority.Intermediate.RawData);
        return application;

        void Serve(string path, string type, Func<byte[]> content) => application.MapMethods(path, [HttpMethods.Get, HttpMethods.Head], (RequestDelegate)(async context =>
        {
            var bytes = content();
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
        }));
    }
}
