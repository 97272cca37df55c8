using System.Net;
using Signet.Mqtt.Broker;
using Signet.Mqtt.Broker.Storage;
using Signet.Mqtt.Client;

namespace Signet.Mqtt.Tests.Support;

/// <summary>A real broker on a free loopback port, plain TCP unless certificates are given.</summary>
public sealed class TestBroker : IAsyncDisposable
{
    private TestBroker(MqttBroker broker, MqttListener listener, TestPolicy policy, Recorder recorder, List<HandshakeRefusal> handshakes) =>
        (Broker, Listener, Policy, Recorder, Handshakes) = (broker, listener, policy, recorder, handshakes);

    public MqttBroker Broker { get; }

    public MqttListener Listener { get; }

    public TestPolicy Policy { get; }

    public Recorder Recorder { get; }

    public List<HandshakeRefusal> Handshakes { get; }

    public int Port => Listener.EndPoint.Port;

    public static async Task<TestBroker> StartAsync(BrokerLimits? limits = null, Func<ListenerOptions, ListenerOptions>? listen = null, ISessionStore? store = null, Func<BrokerOptions, BrokerOptions>? with = null)
    {
        var policy = new TestPolicy();
        var recorder = new Recorder();
        var options = new BrokerOptions { Limits = limits ?? new(), Observer = recorder };
        if (store is not null) options = options with { Store = store };
        if (with is not null) options = with(options);
        var broker = await MqttBroker.OpenAsync(options, policy, TimeProvider.System, null, TestContext.Current.CancellationToken);
        var handshakes = new List<HandshakeRefusal>();
        var listenerOptions = new ListenerOptions
        {
            EndPoint = new IPEndPoint(IPAddress.Loopback, 0),
            OnRefused = r =>
            {
                lock (handshakes) handshakes.Add(r);
            },
        };
        var listener = MqttListener.Start(broker, listen is null ? listenerOptions : listen(listenerOptions));
        return new TestBroker(broker, listener, policy, recorder, handshakes);
    }

    public MqttClientOptions ClientOptions(string id = "", MqttVersion version = MqttVersion.V5) =>
        new() { Host = "127.0.0.1", Port = Port, ClientId = id, Version = version, Reconnect = null };

    public Task<MqttClient> ConnectAsync(string id = "", Func<MqttClientOptions, MqttClientOptions>? with = null)
    {
        var options = ClientOptions(id);
        return MqttClient.ConnectAsync(with is null ? options : with(options), TestContext.Current.CancellationToken);
    }

    public Task<RawClient> RawAsync() => RawClient.ConnectAsync(Port);

    public async ValueTask DisposeAsync()
    {
        await Broker.DisposeAsync();
        await Listener.DisposeAsync();
    }
}
