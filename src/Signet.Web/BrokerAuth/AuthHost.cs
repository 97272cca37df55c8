using System.Buffers;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using Signet.Control;
using Signet.Web.Hosting;

namespace Signet.Web.BrokerAuth;

/// <summary>
/// The endpoints that other people's brokers ask (port 3000). On loopback plain HTTP; anywhere else TLS, only from named addresses, and only under a secret first path segment, because
/// go-auth can show no client certificate. Called for every message of a foreign broker, so nothing here routes, binds or allocates more than it must.
/// </summary>
internal static class AuthHost
{
    public static WebApplication Build(CommandCenter center, WebOptions options, ILoggerFactory loggers)
    {
        var builder = Listener.NewBuilder(loggers);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            Listener.Bound(kestrel);
            kestrel.Limits.MaxRequestBodySize = WebLimits.AuthRequestBody;
            kestrel.Listen(options.AuthListen, options.AuthPort, listen =>
            {
                if (!IPAddress.IsLoopback(options.AuthListen)) Listener.UseTls(listen, center, options);
                else listen.Protocols = HttpProtocols.Http1;
            });
        });
        if (!IPAddress.IsLoopback(options.AuthListen)) builder.WebHost.UseKestrelHttpsConfiguration();
        var application = builder.Build();
        var routes = new AuthRoutes(center);
        var prefix = options.AuthToken is { } token ? Encoding.ASCII.GetBytes(token) : null;
        application.Run(context => AnswerAsync(context, routes, options, prefix, center));
        return application;
    }

    private static async Task AnswerAsync(HttpContext context, AuthRoutes routes, WebOptions options, byte[]? prefix, CommandCenter center)
    {
        var from = context.Connection.RemoteIpAddress ?? IPAddress.None;
        if (from.IsIPv4MappedToIPv6) from = from.MapToIPv4();
        var path = context.Request.Path.Value ?? "";
        if (!(IPAddress.IsLoopback(from) || options.AuthFrom.Any(network => network.Contains(from))) || !TryStrip(ref path, prefix))
        {
            center.ForeignBrokers.Stranger(from.ToString());
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        if (!HttpMethods.IsPost(context.Request.Method))
        {
            context.Response.StatusCode = StatusCodes.Status405MethodNotAllowed;
            return;
        }

        var form = FormOf(ref path);
        var fields = await ReadAsync(context);
        try
        {
            var stop = context.RequestAborted;
            var reason = path switch
            {
                "/auth/acl" => fields is null ? AuthRoutes.Malformed : routes.GoAcl(fields),
                "/auth/user" => fields is null ? AuthRoutes.Malformed : await routes.GoUserAsync(fields, from.ToString(), stop),
                "/auth/superuser" => fields is null ? AuthRoutes.Malformed : AuthRoutes.GoSuperuser(fields),
                "/rabbitmq/topic" => fields is null ? AuthRoutes.Malformed : routes.RabbitTopic(fields),
                "/rabbitmq/resource" => fields is null ? AuthRoutes.Malformed : routes.RabbitResource(fields),
                "/rabbitmq/vhost" => fields is null ? AuthRoutes.Malformed : routes.RabbitVhost(fields),
                "/rabbitmq/user" => fields is null ? AuthRoutes.Malformed : routes.RabbitUser(fields),
                "/emqx/authz" => fields is null ? AuthRoutes.Malformed : routes.EmqxAuthz(fields),
                "/emqx/authn" => fields is null ? AuthRoutes.Malformed : await routes.EmqxAuthnAsync(fields, from.ToString(), stop),
                _ => null,
            };
            if (reason is null && !IsRoute(path)) context.Response.StatusCode = StatusCodes.Status404NotFound;
            else await AuthReply.WriteAsync(context, form, reason);
        }
        catch (AuthBusyException)
        {
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        }
    }

    private static bool IsRoute(string path) => path is "/auth/acl" or "/auth/user" or "/auth/superuser" or "/rabbitmq/topic" or "/rabbitmq/resource" or "/rabbitmq/vhost" or "/rabbitmq/user" or "/emqx/authz" or "/emqx/authn";

    // /auth/text/user and /auth/status/user are /auth/user in go-auth's other response modes.
    private static ReplyForm FormOf(ref string path)
    {
        if (path.StartsWith("/rabbitmq/", StringComparison.Ordinal)) return ReplyForm.AllowDeny;
        if (path.StartsWith("/emqx/", StringComparison.Ordinal)) return ReplyForm.Result;
        foreach (var (word, form) in Modes)
        {
            if (!path.StartsWith(word, StringComparison.Ordinal)) continue;
            path = "/auth/" + path[word.Length..];
            return form;
        }

        return ReplyForm.Json;
    }

    private static readonly (string, ReplyForm)[] Modes = [("/auth/text/", ReplyForm.Text), ("/auth/status/", ReplyForm.Status), ("/auth/json/", ReplyForm.Json)];

    // /auth/TOKEN/user becomes /auth/user.
    private static bool TryStrip(ref string path, byte[]? token)
    {
        if (token is null) return true;
        var parts = path.Split('/', 4);
        if (parts.Length != 4 || !CryptographicOperations.FixedTimeEquals(SHA256.HashData(Encoding.UTF8.GetBytes(parts[2])), SHA256.HashData(token))) return false;
        path = $"/{parts[1]}/{parts[3]}";
        return true;
    }

    private static async ValueTask<AuthFields?> ReadAsync(HttpContext context)
    {
        if (context.Request.ContentLength > WebLimits.AuthRequestBody) return null;
        var reader = context.Request.BodyReader;
        while (true)
        {
            var read = await reader.ReadAsync(context.RequestAborted);
            if (!read.IsCompleted)
            {
                reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                continue;
            }

            var fields = read.Buffer.IsSingleSegment ? AuthFields.Read(read.Buffer.FirstSpan, context.Request.ContentType) : AuthFields.Read(read.Buffer.ToArray(), context.Request.ContentType);
            reader.AdvanceTo(read.Buffer.End);
            return fields;
        }
    }
}
