using System.IO.Pipelines;
using System.Net;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Signet.Mqtt.Broker;

/// <summary>MQTT over WebSocket on an ASP.NET Core application (MQTT 5.0 section 6).</summary>
public static class MqttEndpoints
{
    /// <summary>
    /// Serves MQTT over WebSocket, sub-protocol <c>mqtt</c>, at <paramref name="pattern"/>. The application must call <c>UseWebSockets</c>. Authorisation, origin checks and rate
    /// limits of the endpoint are the application's; the facts carry the client certificate of the connection if one was given.
    /// </summary>
    /// <param name="endpoints">Where to map.</param>
    /// <param name="pattern">Route, for example <c>/mqtt</c>.</param>
    /// <param name="broker">Who serves.</param>
    /// <param name="name">Name of the listener in facts and sessions.</param>
    /// <param name="tag">Becomes <see cref="ConnectionFacts.Tag"/>; for example the signed-in user.</param>
    public static IEndpointConventionBuilder MapMqtt(this IEndpointRouteBuilder endpoints, string pattern, MqttBroker broker, string name = "websocket", Func<HttpContext, object?>? tag = null) =>
        endpoints.Map(pattern, context => ServeAsync(context, broker, name, tag));

    private static async Task ServeAsync(HttpContext context, MqttBroker broker, string name, Func<HttpContext, object?>? tag)
    {
        if (!context.WebSockets.IsWebSocketRequest || !context.WebSockets.WebSocketRequestedProtocols.Contains("mqtt", StringComparer.Ordinal))
        {
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            await context.Response.WriteAsync("this address speaks MQTT over WebSocket with the sub-protocol 'mqtt'");
            return;
        }

        using var socket = await context.WebSockets.AcceptWebSocketAsync(new WebSocketAcceptContext { SubProtocol = "mqtt" }); // [MQTT-6.0.0-4]
        await using var stream = WebSocketStream.Create(socket, WebSocketMessageType.Binary);
        var connection = context.Connection;
        var tls = context.Features.Get<ITlsHandshakeFeature>();
        var facts = new ConnectionFacts(
            connection.RemoteIpAddress is { } remote ? new IPEndPoint(remote, connection.RemotePort) : null, connection.LocalIpAddress is { } local ? new IPEndPoint(local, connection.LocalPort) : null,
            connection.ClientCertificate, tls?.Protocol.ToString(), name, tag?.Invoke(context));
        await broker.ServeAsync(new StreamPipes(stream), facts, context.RequestAborted);
        if (socket.State is not (WebSocketState.Open or WebSocketState.CloseReceived)) return;
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(1), broker.Time);
        try
        {
            await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, limit.Token);
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException)
        {
            // the peer is gone already
        }
    }

    private sealed class StreamPipes(Stream stream) : IDuplexPipe
    {
        public PipeReader Input { get; } = PipeReader.Create(stream, new StreamPipeReaderOptions(bufferSize: 16 * 1024, minimumReadSize: 1024, leaveOpen: true));

        public PipeWriter Output { get; } = PipeWriter.Create(stream, new StreamPipeWriterOptions(leaveOpen: true));
    }
}
