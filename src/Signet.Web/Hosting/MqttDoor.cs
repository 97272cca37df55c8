using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Signet.Control;
using Signet.Mqtt.Broker;
using Signet.Web.Security;

namespace Signet.Web.Hosting;

/// <summary>
/// MQTT over WebSocket at <c>/mqtt</c> (sub-protocol <c>mqtt</c>): the embedded broker by another road. Who comes in is decided by the client certificate of the TLS connection, as on the
/// MQTT port; the console's own sign-in counts for nothing here. Pages of other sites cannot use a browser's certificate: their Origin is refused.
/// </summary>
internal static class MqttDoor
{
    public const string Path = "/mqtt";

    public static void Use(WebApplication application)
    {
        application.UseWhen(context => context.Request.Path == Path, mqtt =>
        {
            mqtt.Use((context, next) => IsForeign(context.Request) ? RefuseAsync(context) : next(context));
            mqtt.UseWebSockets();
        });
    }

    public static void Map(WebApplication application, CommandCenter center)
    {
        if (center.MqttBroker is { } broker) application.MapMqtt(Path, broker, "console").WithMetadata(new PublicAttribute());
    }

    private static bool IsForeign(HttpRequest request) => request.Headers.Origin is [var origin] && origin is not null
        && !(Uri.TryCreate(origin, UriKind.Absolute, out var from) && from.Scheme == "https" && string.Equals(from.Authority, request.Host.Value, StringComparison.OrdinalIgnoreCase));

    private static Task RefuseAsync(HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status403Forbidden;
        return Task.CompletedTask;
    }
}
