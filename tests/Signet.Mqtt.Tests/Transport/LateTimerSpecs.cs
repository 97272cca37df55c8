using System.Collections.Concurrent;
using System.Net;
using Signet.Mqtt.Broker;
using Signet.Mqtt.Client;
using Signet.Mqtt.Tests.Support;

namespace Signet.Mqtt.Tests.Transport;

/// <summary>A time limit that runs out in the moment when it is not needed any more: what its timer throws on a thread of its own ends the whole process.</summary>
public sealed class LateTimerSpecs
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(33);

    [Fact]
    public async Task A_connect_that_ends_as_its_time_runs_out_harms_nobody()
    {
        await using var house = await TestBroker.StartAsync();
        var time = new LateTimers();
        await using var client = await house.ConnectAsync("a", o => o with { Time = time, ConnectTimeout = Limit });
        time.Fire().ShouldBe(1);
        client.State.ShouldBe(MqttClientState.Connected);
    }

    [Fact]
    public async Task A_handshake_that_ends_as_its_time_runs_out_harms_nobody()
    {
        var time = new LateTimers();
        await using var broker = await MqttBroker.OpenAsync(new() { Observer = new Recorder() }, new TestPolicy(), time, null, TestContext.Current.CancellationToken);
        await using var listener = MqttListener.Start(broker, new() { EndPoint = new IPEndPoint(IPAddress.Loopback, 0), HandshakeTimeout = Limit });
        await using var client = await MqttClient.ConnectAsync(new() { Host = "127.0.0.1", Port = listener.EndPoint.Port, ClientId = "a", Reconnect = null }, TestContext.Current.CancellationToken);
        time.Fire().ShouldBe(1);
        client.State.ShouldBe(MqttClientState.Connected);
    }

    /// <summary>The system's time; what was to happen at the limit is kept, and can be made to happen too late.</summary>
    private sealed class LateTimers : TimeProvider
    {
        private readonly ConcurrentQueue<Action> _late = [];

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            if (dueTime == Limit) _late.Enqueue(() => callback(state));
            return base.CreateTimer(callback, state, dueTime, period);
        }

        public int Fire()
        {
            foreach (var late in _late) late();
            return _late.Count;
        }
    }
}
