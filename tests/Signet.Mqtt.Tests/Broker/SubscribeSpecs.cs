using Signet.Mqtt.Broker;
using Signet.Mqtt.Tests.Support;

namespace Signet.Mqtt.Tests.Broker;

/// <summary>SUBSCRIBE, UNSUBSCRIBE, retained messages and shared subscriptions (MQTT 5.0 sections 3.8 to 3.11, 4.7, 4.8).</summary>
public sealed class SubscribeSpecs
{
    private static MqttMessage Text(string topic, string text, bool retain = false, QoS qos = QoS.AtLeastOnce) =>
        new() { Topic = topic, Payload = System.Text.Encoding.UTF8.GetBytes(text), Retain = retain, QoS = qos };

    [Fact]
    public async Task Each_filter_gets_its_own_answer() // [MQTT-3.8.4-5], [MQTT-3.9.3-1]
    {
        await using var house = await TestBroker.StartAsync();
        house.Policy.OnSubscribe = r => r.Filter == "no" ? PolicyDecision.Deny("not yours") : PolicyDecision.Allow;
        using var raw = await RawClient.OpenAsync(house.Port);
        await raw.SendAsync("82 1F 0001 00 'a' 00 'no' 01 'b' 02 'a#' 00 '$share/' 00");
        var suback = await raw.ReadAsync();
        suback.ShouldEndWith("0087028F8F");
        suback.ShouldContain(Convert.ToHexString("not yours"u8));
        house.Recorder.Refusals.Select(r => r.Reason).ShouldContain("not yours");
        using var old = await RawClient.OpenAsync(house.Port, RawClient.Connect311);
        await old.SendAsync("82 07 0001 'no' 01");
        await old.ExpectAsync("90 03 0001 80");
    }

    [Fact]
    public async Task Overlapping_subscriptions_give_one_copy_with_the_highest_qos_and_all_identifiers() // [MQTT-3.3.4-2, -3]
    {
        await using var house = await TestBroker.StartAsync();
        await using var client = await house.ConnectAsync("c");
        await client.SubscribeAsync([new TopicSubscription("a/#", QoS.AtMostOnce)], 1, TestContext.Current.CancellationToken);
        await client.SubscribeAsync([new TopicSubscription("a/+", QoS.ExactlyOnce)], 2, TestContext.Current.CancellationToken);
        await client.PublishAsync(Text("a/b", "x", qos: QoS.ExactlyOnce), TestContext.Current.CancellationToken);
        var inbox = Inbox.Of(client);
        var m = await inbox.NextAsync();
        m.QoS.ShouldBe(QoS.ExactlyOnce);
        m.SubscriptionIdentifiers.Order().ShouldBe([1, 2]);
        (await inbox.IsQuietAsync()).ShouldBeTrue();
    }

    [Fact]
    public async Task No_local_keeps_ones_own_messages_away() // [MQTT-3.8.3-3]
    {
        await using var house = await TestBroker.StartAsync();
        await using var a = await house.ConnectAsync("a");
        await using var b = await house.ConnectAsync("b");
        await a.SubscribeAsync([new TopicSubscription("t") { NoLocal = true }], null, TestContext.Current.CancellationToken);
        var inbox = Inbox.Of(a);
        await a.PublishAsync(Text("t", "own"), TestContext.Current.CancellationToken);
        await b.PublishAsync(Text("t", "other"), TestContext.Current.CancellationToken);
        (await inbox.NextTextAsync()).ShouldBe("other");
    }

    [Fact]
    public async Task Unsubscribe_stops_messages_and_says_what_was_there()
    {
        await using var house = await TestBroker.StartAsync();
        await using var client = await house.ConnectAsync("c");
        await client.SubscribeAsync("t", "u");
        (await client.UnsubscribeAsync(["t", "never"], TestContext.Current.CancellationToken)).Select(r => r.Reason).ShouldBe([ReasonCode.Success, ReasonCode.NoSubscriptionExisted]);
        var inbox = Inbox.Of(client);
        await client.PublishAsync(Text("t", "gone"), TestContext.Current.CancellationToken);
        await client.PublishAsync(Text("u", "here"), TestContext.Current.CancellationToken);
        (await inbox.NextTextAsync()).ShouldBe("here");
        house.Broker.Counters.Subscriptions.ShouldBe(1);
    }

    [Fact]
    public async Task Retained_messages_come_at_subscribe_and_an_empty_one_removes_them() // [MQTT-3.3.1-5, -6, -8]
    {
        await using var house = await TestBroker.StartAsync();
        await using var client = await house.ConnectAsync("c");
        await client.PublishAsync(Text("a/1", "one", true), TestContext.Current.CancellationToken);
        await client.PublishAsync(Text("a/2", "two", true), TestContext.Current.CancellationToken);
        await client.PublishAsync(Text("a/2", "", true), TestContext.Current.CancellationToken);
        await client.PublishAsync(Text("$x/1", "hidden", true), TestContext.Current.CancellationToken);
        await client.SubscribeAsync("#");
        var inbox = Inbox.Of(client);
        var m = await inbox.NextAsync();
        m.Topic.ShouldBe("a/1");
        m.Retain.ShouldBeTrue();
        (await inbox.IsQuietAsync()).ShouldBeTrue();
        await client.PublishAsync(Text("a/3", "live", true), TestContext.Current.CancellationToken);
        (await inbox.NextAsync()).Retain.ShouldBeFalse(); // [MQTT-3.3.1-12]
        house.Broker.Counters.RetainedMessages.ShouldBe(3);
    }

    [Fact]
    public async Task Retain_as_published_and_retain_handling_are_kept_to() // [MQTT-3.3.1-9 to -13]
    {
        await using var house = await TestBroker.StartAsync();
        await using var client = await house.ConnectAsync("c");
        await client.PublishAsync(Text("t", "kept", true), TestContext.Current.CancellationToken);
        var inbox = Inbox.Of(client);
        await client.SubscribeAsync([new TopicSubscription("t") { RetainHandling = RetainHandling.DoNotSend, RetainAsPublished = true }], null, TestContext.Current.CancellationToken);
        (await inbox.IsQuietAsync()).ShouldBeTrue();
        await client.SubscribeAsync([new TopicSubscription("t") { RetainHandling = RetainHandling.SendIfNew, RetainAsPublished = true }], null, TestContext.Current.CancellationToken);
        (await inbox.IsQuietAsync()).ShouldBeTrue();
        await client.PublishAsync(Text("t", "new", true), TestContext.Current.CancellationToken);
        (await inbox.NextAsync()).Retain.ShouldBeTrue();
        await client.SubscribeAsync([new TopicSubscription("t")], null, TestContext.Current.CancellationToken);
        (await inbox.NextTextAsync()).ShouldBe("new");
    }

    [Fact]
    public async Task A_shared_subscription_gives_each_message_to_one_member() // section 4.8.2
    {
        await using var house = await TestBroker.StartAsync();
        await using var a = await house.ConnectAsync("a");
        await using var b = await house.ConnectAsync("b");
        await using var publisher = await house.ConnectAsync("p");
        await a.SubscribeAsync("$share/g/t/+");
        await b.SubscribeAsync("$share/g/t/+");
        var (ia, ib) = (Inbox.Of(a), Inbox.Of(b));
        for (var i = 0; i < 100; i++) await publisher.PublishAsync(Text("t/x", $"{i}"), TestContext.Current.CancellationToken);
        await Until.TrueAsync(() => ia.Count + ib.Count == 100);
        ia.Count.ShouldBe(50);
        await b.DisposeAsync();
        for (var i = 0; i < 10; i++) await publisher.PublishAsync(Text("t/x", $"{i}"), TestContext.Current.CancellationToken);
        await Until.TrueAsync(() => ia.Count == 60);
    }

    [Fact]
    public async Task The_policy_sees_what_a_shared_subscription_really_reads()
    {
        await using var house = await TestBroker.StartAsync();
        house.Policy.OnSubscribe = r => r.Filter.StartsWith("mine/", StringComparison.Ordinal) ? PolicyDecision.Allow : PolicyDecision.Deny($"{r.ShareGroup}: outside");
        await using var client = await house.ConnectAsync("c");
        (await client.SubscribeAsync("$share/g/#", "$share/mine/theirs/x", "$share/g/mine/x")).Select(r => r.Reason).ShouldBe([ReasonCode.NotAuthorized, ReasonCode.NotAuthorized, ReasonCode.GrantedQoS1]);
    }

    [Theory]
    [InlineData("sport/tennis/player1/#", "sport/tennis/player1", true)]
    [InlineData("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true)]
    [InlineData("sport/#", "sport", true)]
    [InlineData("#", "sport", true)]
    [InlineData("#", "$SYS/x", false)]
    [InlineData("+/x", "$SYS/x", false)]
    [InlineData("$SYS/#", "$SYS/x", true)]
    [InlineData("$SYS/+", "$SYS/x", true)]
    [InlineData("sport/tennis/+", "sport/tennis/player1/ranking", false)]
    [InlineData("sport/+", "sport", false)]
    [InlineData("sport/+", "sport/", true)]
    [InlineData("+/+", "/finance", true)]
    [InlineData("/+", "/finance", true)]
    [InlineData("+", "/finance", false)]
    [InlineData("a/b", "a/B", false)]
    [InlineData("a//b", "a//b", true)]
    public async Task Filters_match_as_section_4_7_says(string filter, string topic, bool matches)
    {
        TopicFilter.Matches(filter, topic).ShouldBe(matches);
        await using var house = await TestBroker.StartAsync();
        await using var client = await house.ConnectAsync("c");
        await client.SubscribeAsync([new TopicSubscription(filter), new TopicSubscription("end")], null, TestContext.Current.CancellationToken);
        await house.Broker.PublishAsync(Text(topic, "hit"), TestContext.Current.CancellationToken);
        await house.Broker.PublishAsync(Text("end", "end"), TestContext.Current.CancellationToken);
        (await Inbox.Of(client).NextTextAsync()).ShouldBe(matches || filter == "#" ? (matches ? "hit" : "end") : "end");
    }

    [Fact]
    public async Task A_filter_of_65_535_levels_is_refused_and_costs_nothing()
    {
        await using var house = await TestBroker.StartAsync();
        await using var client = await house.ConnectAsync("c");
        (await client.SubscribeAsync(new string('/', 65_000), string.Join('/', Enumerable.Repeat("+", 30_000)))).Select(r => r.Reason).ShouldBe([ReasonCode.TopicFilterInvalid, ReasonCode.TopicFilterInvalid]);
        house.Broker.Counters.Subscriptions.ShouldBe(0);
    }

    [Fact]
    public async Task A_subscription_bomb_ends_at_the_limit()
    {
        await using var house = await TestBroker.StartAsync(new BrokerLimits { PerIdentity = new IdentityLimits { Subscriptions = 50 } });
        await using var client = await house.ConnectAsync("c");
        var results = await client.SubscribeAsync([.. Enumerable.Range(0, 80).Select(i => new TopicSubscription($"t/{i}"))], null, TestContext.Current.CancellationToken);
        results.Count(r => r.IsAccepted).ShouldBe(50);
        results[79].Reason.ShouldBe(ReasonCode.QuotaExceeded);
    }
}
