using System.Net.Security;
using System.Net.Sockets;
using System.Net.WebSockets;

namespace Signet.Mqtt.Client;

/// <summary>Opens the stream a client speaks MQTT over: TCP, TLS or WebSocket.</summary>
internal static class ClientTransport
{
    public static async Task<Stream> OpenAsync(MqttClientOptions options, CancellationToken cancellationToken)
    {
        try
        {
            return options.WebSocket is { } address ? await OpenWebSocketAsync(options, address, cancellationToken) : await OpenTcpAsync(options, cancellationToken);
        }
        catch (Exception e) when (e is SocketException or IOException or WebSocketException or System.Security.Authentication.AuthenticationException or System.Security.Cryptography.CryptographicException)
        {
            throw new MqttException(ReasonCode.ServerUnavailable, $"cannot reach {options.WebSocket?.ToString() ?? $"{options.Host}:{options.Port}"}: {Innermost(e)}", false, e);
        }
    }

    private static async Task<Stream> OpenTcpAsync(MqttClientOptions options, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        Stream? stream = null;
        try
        {
            await socket.ConnectAsync(options.Host, options.Port, cancellationToken);
            stream = new NetworkStream(socket, true);
            if (options.Tls is null) return stream;
            var ssl = new SslStream(stream, false);
            stream = ssl;
            var terms = options.Tls();
            terms.TargetHost ??= options.Host;
            await ssl.AuthenticateAsClientAsync(terms, cancellationToken);
            return ssl;
        }
        catch
        {
            if (stream is not null) await stream.DisposeAsync();
            socket.Dispose();
            throw;
        }
    }

    private static async Task<Stream> OpenWebSocketAsync(MqttClientOptions options, Uri address, CancellationToken cancellationToken)
    {
        var socket = new ClientWebSocket();
        try
        {
            socket.Options.AddSubProtocol("mqtt");
            using var handler = new SocketsHttpHandler();
            if (options.Tls is not null) handler.SslOptions = options.Tls();
            using var http = new HttpMessageInvoker(handler, false);
            await socket.ConnectAsync(address, http, cancellationToken);
            if (socket.SubProtocol != "mqtt") throw new MqttException(ReasonCode.ServerUnavailable, $"{address} does not speak the sub-protocol mqtt");
            return WebSocketStream.Create(socket, WebSocketMessageType.Binary, ownsWebSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static string Innermost(Exception e)
    {
        while (e.InnerException is { } inner) e = inner;
        return e.Message;
    }
}
