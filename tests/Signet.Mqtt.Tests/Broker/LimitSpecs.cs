using System.Text;
using Signet.Mqtt.Broker;
using Signet.Mqtt.Client;
using Signet.Mqtt.Tests.Support;

namespace Signet.Mqtt.Tests.Broker;

/// <summary>Live control: what each limit stops, who is told, and that others go on.</summary>
public sealed class LimitSpecs
{
    private static MqttMessage Bytes(string topic, int count, QoS qos = QoS.AtLeastOnce) => new() { Topic = topic, Payload = new byte[count], QoS = qos };

    private static MqttClientOptions Lasting(MqttClientOptions o) => o with { CleanStart = false, SessionExpiry = TimeSpan.FromHours(1) };

    private static async Task<TestBroker> WithSomebodyAwayAsync(BrokerLimits limits)
    {
        var house = await TestBroker.StartAsync(limits);
        await using (var away = await house.ConnectAsync("away", Lasting)) await away.SubscribeAsync("slow");
        await Until.TrueAsync(() => house.Broker.Counters.Connections == 0);
        return house;
    }

    [Theory, InlineData(QoS.AtLeastOnce), InlineData(QoS.ExactlyOnce)]
    public async Task Above_the_memory_ceiling_the_publisher_is_told_and_what_need_not_wait_goes_on(QoS qos)
    {
        await using var house = await WithSomebodyAwayAsync(new BrokerLimits { MemoryCeiling = 5_000 });
        await using var client = await house.ConnectAsync("c");
        for (var i = 0; i < 6; i++) (await client.PublishAsync(Bytes("slow", 1_000, qos), TestContext.Current.CancellationToken)).Reason.ShouldBe(ReasonCode.Success);

        (await client.PublishAsync(Bytes("slow", 1_000, qos), TestContext.Current.CancellationToken)).ShouldBe(new PublishResult(ReasonCode.QuotaExceeded, "the broker's memory ceiling is reached"));

        house.Broker.Counters.QueuedBytes.ShouldBe(6_000);
        house.Recorder.Refusals.ShouldContain(r => r.Kind == RefusalKind.Quota && r.ClientId == "away" && r.Topic == "slow");
        await client.SubscribeAsync("quick");
        (await client.PublishAsync(Bytes("quick", 1_000, qos), TestContext.Current.CancellationToken)).Reason.ShouldBe(ReasonCode.Success);
        await using var back = await house.ConnectAsync("away", Lasting);
        var inbox = Inbox.Of(back);
        for (var i = 0; i < 6; i++) await inbox.NextAsync();
        await Until.TrueAsync(() => house.Broker.Counters.QueuedBytes == 0);
        (await client.PublishAsync(Bytes("slow", 1_000, qos), TestContext.Current.CancellationToken)).Reason.ShouldBe(ReasonCode.Success);
    }

    [Fact]
    public async Task Above_the_memory_ceiling_a_3_1_1_publisher_is_closed_without_an_acknowledgement_so_that_it_sends_again()
    {
        await using var house = await WithSomebodyAwayAsync(new BrokerLimits { MemoryCeiling = 10 });
        using var raw = await RawClient.OpenAsync(house.Port, RawClient.Connect311);
        await raw.SendAsync("32 14 'slow' 0001 000000000000000000000000");
        await raw.ExpectAsync("40 02 0001");
        await raw.SendAsync("32 14 'slow' 0002 000000000000000000000000");
        await raw.ExpectClosedAsync();
        house.Recorder.Disconnects.ShouldContain(d => d.Info.Code == ReasonCode.QuotaExceeded && d.Info.Reason == "the broker's memory ceiling is reached");
    }

    [Fact]
    public async Task A_session_queues_only_so_many_bytes()
    {
        await using var house = await WithSomebodyAwayAsync(new BrokerLimits { PerIdentity = new IdentityLimits { QueuedBytes = 2_500 } });
        for (var i = 0; i < 5; i++) await house.Broker.PublishAsync(Bytes("slow", 1_000), TestContext.Current.CancellationToken);
        house.Broker.Sessions().Single().ShouldSatisfyAllConditions(s => s.QueuedMessages.ShouldBe(2), s => s.QueuedBytes.ShouldBe(2_000), s => s.Dropped.ShouldBe(3));
        house.Recorder.Refusals.ShouldAllBe(r => r.Reason == "queue of the session holds too many bytes");
    }

    [Fact]
    public async Task Messages_in_flight_are_limited_for_an_identity_and_announced()
    {
        await using var house = await TestBroker.StartAsync();
        house.Policy.OnConnect = _ => ConnectDecision.Accept("one", limits: new IdentityLimits { InFlight = 2 });
        using var raw = await house.RawAsync();
        await raw.SendAsync(RawClient.Connect5);
        (await raw.ReadAsync()).ShouldContain("210002"); // receive maximum
        await raw.SendAsync("82 07 0001 00 't' 01");
        await raw.ExpectAsync("90 04 0001 00 01");
        for (var i = 0; i < 4; i++) await house.Broker.PublishAsync(Bytes("t", 1), TestContext.Current.CancellationToken);
        await raw.ExpectAsync("32 07 't' 0001 00 00", "32 07 't' 0002 00 00");
        house.Broker.Sessions().Single().ShouldSatisfyAllConditions(s => s.InFlight.ShouldBe(2), s => s.QueuedMessages.ShouldBe(2));
        await raw.SendAsync("34 06 't' 0001 00 34 06 't' 0002 00 34 06 't' 0003 00");
        string last;
        do last = await raw.ReadAsync();
        while (last.StartsWith("50", StringComparison.Ordinal));
        last.ShouldStartWith("E0");
        last.Substring(4, 2).ShouldBe("93");
    }

    [Fact]
    public async Task Bytes_a_second_are_limited_over_all_connections_of_an_identity()
    {
        await using var house = await TestBroker.StartAsync();
        house.Policy.OnConnect = _ => ConnectDecision.Accept("one", limits: new IdentityLimits { BytesPerSecond = 50_000 });
        await using var a = await house.ConnectAsync("a");
        await using var b = await house.ConnectAsync("b");
        var clock = System.Diagnostics.Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, 40).Select(i => (i % 2 == 0 ? a : b).PublishAsync(Bytes("t", 2_500))));
        for (var i = 0; i < 2; i++) await Task.WhenAll(a.PublishAsync(Bytes("t", 2_500)), b.PublishAsync(Bytes("t", 2_500)));
        clock.Elapsed.ShouldBeGreaterThan(TimeSpan.FromSeconds(0.7)); // 110 KB at 50 KB/s, the first second's worth at once
    }

    [Fact]
    public async Task Limits_can_be_changed_while_an_identity_is_connected()
    {
        await using var house = await TestBroker.StartAsync();
        await using var first = await house.ConnectAsync("first");
        await Task.Delay(20, TestContext.Current.CancellationToken);
        await using var second = await house.ConnectAsync("second");
        MqttException? cause = null;
        second.StateChanged += c => cause = c.Cause;

        house.Broker.SetLimits("anyone", new IdentityLimits { Connections = 1, Subscriptions = 1 }).ShouldBeTrue();

        await Until.TrueAsync(() => cause is not null);
        cause!.Reason.ShouldBe(ReasonCode.QuotaExceeded);
        (await first.SubscribeAsync([new TopicSubscription("a"), new TopicSubscription("b")])).Select(r => r.Reason).ShouldBe([ReasonCode.GrantedQoS1, ReasonCode.QuotaExceeded]);
        house.Broker.SetLimits("nobody", new IdentityLimits()).ShouldBeFalse();
    }

    [Fact]
    public async Task A_property_flood_is_refused_before_anything_is_kept_of_it()
    {
        await using var house = await TestBroker.StartAsync();
        using var raw = await RawClient.OpenAsync(house.Port);
        var properties = string.Concat(Enumerable.Repeat("26 'k' 'v' ", 65));
        await raw.SendAsync($"30 {Length(3 + 2 + (65 * 7) + 1)} 't' {Length(65 * 7)} {properties} 41");
        var answer = await raw.ReadAsync();
        answer.ShouldStartWith("E0");
        Encoding.ASCII.GetString(Convert.FromHexString(answer)).ShouldContain("too many user properties");
    }

    [Fact]
    public async Task Leaked_qos_2_identifiers_end_at_the_receive_maximum_and_leave_others_alone()
    {
        await using var house = await TestBroker.StartAsync();
        await using var other = await house.ConnectAsync("other");
        using var raw = await RawClient.OpenAsync(house.Port);
        for (var id = 1; id <= 1025; id++) await raw.SendAsync($"34 06 't' {id:X4} 00");
        string last;
        do last = await raw.ReadAsync();
        while (last.StartsWith("50", StringComparison.Ordinal));
        last.Substring(4, 2).ShouldBe("93");
        (await other.PublishAsync(Bytes("u", 1), TestContext.Current.CancellationToken)).IsAccepted.ShouldBeTrue();
    }

    [Fact]
    public async Task A_hundred_thousand_retained_topics_are_kept_found_and_do_not_multiply_with_a_bomb_of_subscriptions()
    {
        await using var house = await TestBroker.StartAsync(new BrokerLimits { MaximumRetained = 100_000 });
        for (var i = 0; i < 100_000; i++) await house.Broker.PublishAsync(new MqttMessage { Topic = $"r/{i % 1000}/{i}", Payload = "x"u8.ToArray(), Retain = true }, TestContext.Current.CancellationToken);
        house.Broker.Counters.RetainedMessages.ShouldBe(100_000);
        await using var other = await house.ConnectAsync("other");
        (await other.PublishAsync(new MqttMessage { Topic = "one-more", Payload = "x"u8.ToArray(), Retain = true, QoS = QoS.AtLeastOnce }, TestContext.Current.CancellationToken)).Reason.ShouldBe(ReasonCode.QuotaExceeded);
        var asked = 0;
        house.Policy.OnDeliver = _ =>
        {
            Interlocked.Increment(ref asked);
            return PolicyDecision.Allow;
        };

        using var bomb = await RawClient.OpenAsync(house.Port);
        var filters = string.Concat(Enumerable.Repeat("'#' 00 ", 200));
        await bomb.SendAsync($"82 {Length(3 + (200 * 4))} 0001 00 {filters}");
        (await bomb.ReadAsync()).ShouldStartWith("90");

        asked.ShouldBeLessThan(200_001); // one walk, not two hundred
        house.Broker.Sessions().Single(s => s.ClientId == "r").QueuedMessages.ShouldBeLessThanOrEqualTo(100_000);
        (await other.PublishAsync(Bytes("u", 1), TestContext.Current.CancellationToken)).IsAccepted.ShouldBeTrue();
        await other.SubscribeAsync("r/7/+");
        var inbox = Inbox.Of(other);
        for (var i = 0; i < 100; i++) (await inbox.NextAsync()).Topic.ShouldStartWith("r/7/");
    }

    [Fact]
    public async Task A_storm_of_takeovers_leaves_one_session()
    {
        await using var house = await TestBroker.StartAsync();
        var raws = new List<RawClient>();
        for (var i = 0; i < 50; i++)
        {
            raws.Add(await house.RawAsync());
            await raws[^1].SendAsync(RawClient.Connect5);
        }

        await Until.TrueAsync(() => house.Broker.Counters is { ConnectionsTotal: 50, Connections: 1 });
        house.Broker.Sessions().Count.ShouldBe(1);
        raws.ForEach(r => r.Dispose());
    }

    /// <summary>A variable byte integer of up to two bytes, in hex.</summary>
    private static string Length(int value) => value < 128 ? $"{value:X2}" : $"{(value % 128) | 128:X2} {value / 128:X2}";
}
