using System.Reflection;
using System.Text;
using System.Text.RegularExpressions;
using Signet.Mqtt.Broker;
using Signet.Mqtt.Tests.Support;

namespace Signet.Mqtt.Tests.Broker;

/// <summary>Statements of MQTT 5.0 that no other test happens to show, and that docs/spec/mqtt-conformance.md names tests that exist.</summary>
public sealed class ConformanceSpecs
{
    private static MqttMessage Text(string topic, string text, QoS qos = QoS.AtLeastOnce) => new() { Topic = topic, Payload = Encoding.UTF8.GetBytes(text), QoS = qos };

    [Fact]
    public async Task A_byte_order_mark_in_a_string_is_kept() // [MQTT-1.5.4-3]
    {
        await using var house = await TestBroker.StartAsync();
        using var raw = await RawClient.OpenAsync(house.Port);
        await raw.SendAsync("82 0A 0001 00 'a\uFEFF' 00");
        await raw.ExpectAsync("90 04 0001 00 00");
        await raw.SendAsync("30 08 'a\uFEFF' 00 41");
        await raw.ExpectAsync("30 08 'a\uFEFF' 00 41");
        await raw.SendAsync("30 05 'a' 00 42 C0 00"); // another topic
        await raw.ExpectAsync("D0 00");
    }

    [Fact]
    public async Task The_client_pings_within_the_keep_alive_it_was_given() // [MQTT-3.1.2-20], [MQTT-3.2.2-21]
    {
        await using var house = await TestBroker.StartAsync(new BrokerLimits { MaximumKeepAlive = TimeSpan.FromSeconds(1) });
        await using var client = await house.ConnectAsync("c", o => o with { KeepAlive = TimeSpan.FromSeconds(60) });
        var before = house.Broker.Counters.BytesIn;
        await Task.Delay(2_500, TestContext.Current.CancellationToken); // longer than one and a half keep alives
        client.IsConnected.ShouldBeTrue();
        (house.Broker.Counters.BytesIn - before).ShouldBeGreaterThanOrEqualTo(4); // two PINGREQ
    }

    [Fact]
    public async Task Response_information_is_given_only_to_who_asks() // [MQTT-3.1.2-28]
    {
        await using var house = await TestBroker.StartAsync(with: o => o with { ResponseInformation = c => "answers/" + c.ClientId });
        using var silent = await house.RawAsync();
        await silent.SendAsync("10 10 'MQTT' 05 02 00 3C 02 19 00 'r'");
        (await silent.ReadAsync()).ShouldNotContain(Convert.ToHexString("answers/"u8));
        using var curious = await house.RawAsync();
        await curious.SendAsync("10 10 'MQTT' 05 02 00 3C 02 19 01 'q'");
        (await curious.ReadAsync()).ShouldContain("1A0009" + Convert.ToHexString("answers/q"u8));
    }

    [Fact]
    public async Task Who_wants_no_problem_information_gets_none_but_in_connack_and_disconnect() // [MQTT-3.1.2-29]
    {
        await using var house = await TestBroker.StartAsync();
        house.Policy.OnPublish = _ => PolicyDecision.Deny("read only");
        house.Policy.OnSubscribe = _ => PolicyDecision.Deny("not yours");
        using var raw = await RawClient.OpenAsync(house.Port, "10 10 'MQTT' 05 02 00 3C 02 17 00 'r'");
        await raw.SendAsync("32 07 't' 0001 00 41 82 07 0002 00 't' 01");
        await raw.ExpectAsync("40 03 0001 87", "90 04 0002 00 87");
        await raw.SendAsync("36 07 't' 0001 00 41"); // QoS 3
        Encoding.ASCII.GetString(Convert.FromHexString(await raw.ReadAsync())).ShouldContain("QoS 3");
    }

    [Fact]
    public async Task No_reason_string_makes_a_packet_larger_than_the_client_takes() // [MQTT-3.2.2-19], [MQTT-3.14.2-3]
    {
        await using var house = await TestBroker.StartAsync();
        const string small = "10 13 'MQTT' 05 02 00 3C 05 27 00000014 'r'"; // at most 20 bytes
        using (var raw = await RawClient.OpenAsync(house.Port, small.Replace("00000014", "00000040", StringComparison.Ordinal)))
        {
            house.Broker.Disconnect(_ => true, ReasonCode.AdministrativeAction, "a reason that is longer than sixty-four bytes, which is what was asked for");
            await raw.ExpectAsync("E0 02 98 00");
        }

        house.Policy.OnConnect = _ => ConnectDecision.Refuse(ReasonCode.Banned, "longer than twenty bytes");
        using var refused = await house.RawAsync();
        await refused.SendAsync(small);
        await refused.ExpectAsync("20 03 00 8A 00");
    }

    [Fact]
    public async Task The_user_properties_of_a_will_keep_their_order() // [MQTT-3.1.3-10]
    {
        await using var house = await TestBroker.StartAsync();
        await using var reader = await house.ConnectAsync("reader");
        await reader.SubscribeAsync("w");
        UserProperty[] properties = [new("b", "1"), new("a", "2"), new("b", "3")];
        await using var dying = await house.ConnectAsync("dying", o => o with { Will = new(Text("w", "gone") with { UserProperties = properties }) });
        house.Broker.Disconnect(s => s.ClientId == "dying", ReasonCode.AdministrativeAction, "enough");
        (await Inbox.Of(reader).NextAsync()).UserProperties.ShouldBe(properties);
    }

    [Fact]
    public async Task A_shared_subscription_gives_the_qos_it_granted() // [MQTT-4.8.2-3], [MQTT-4.8.2-4]
    {
        await using var house = await TestBroker.StartAsync();
        await using var client = await house.ConnectAsync("c");
        (await client.SubscribeAsync([new TopicSubscription("$share/g/t", QoS.AtLeastOnce)]))[0].Reason.ShouldBe(ReasonCode.GrantedQoS1);
        var inbox = Inbox.Of(client);
        foreach (var qos in Enum.GetValues<QoS>()) await house.Broker.PublishAsync(Text("t", "x", qos), TestContext.Current.CancellationToken);
        for (var i = 0; i < 3; i++) (await inbox.NextAsync()).QoS.ShouldBe((QoS)Math.Min(i, 1));
    }

    [Theory, InlineData(1), InlineData(2)]
    public async Task What_a_member_of_a_share_group_did_not_acknowledge_stays_its_own_while_its_session_lives(int qos) // [MQTT-4.8.2-4], [MQTT-4.8.2-5]
    {
        const string lasting = "10 13 'MQTT' 05 00 00 3C 05 11 00000100 'r'";
        await using var house = await TestBroker.StartAsync();
        await using var other = await house.ConnectAsync("other");
        using (var raw = await RawClient.OpenAsync(house.Port, lasting))
        {
            await raw.SendAsync($"82 10 0001 00 '$share/g/t' 0{qos}");
            await raw.ExpectAsync($"90 04 0001 00 0{qos}");
            await house.Broker.PublishAsync(Text("t", "1", (QoS)qos), TestContext.Current.CancellationToken);
            (await raw.ReadAsync()).ShouldStartWith($"3{qos * 2}");
            raw.Crash();
        }

        await Until.TrueAsync(() => house.Broker.Counters.Connections == 1);
        await other.SubscribeAsync([new TopicSubscription("$share/g/t", QoS.ExactlyOnce)]);
        (await Inbox.Of(other).IsQuietAsync()).ShouldBeTrue();
        using var back = await RawClient.OpenAsync(house.Port, lasting);
        (await back.ReadAsync()).ShouldStartWith(qos == 1 ? "3A" : "3C");
    }

    [Fact]
    public void Every_test_that_the_conformance_table_names_exists()
    {
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(root.FullName, "Signet.slnx"))) root = root.Parent!;
        var table = File.ReadAllText(Path.Combine(root.FullName, "docs/spec/mqtt-conformance.md"));
        var tests = typeof(ConformanceSpecs).Assembly.GetTypes().Where(t => t.Name.EndsWith("Specs", StringComparison.Ordinal)).ToDictionary(t => t.Name, t => t.GetMethods(BindingFlags.Public | BindingFlags.Instance).Select(m => m.Name).ToList());
        var missing = new List<string>();
        foreach (var line in table.Split('\n').Where(l => l.StartsWith('|')))
        {
            var type = "";
            foreach (Match named in Regex.Matches(line, @"(?<type>[A-Z]\w*Specs)(\.(?<test>\w+…?))?|(?<=, )(?<test>[A-Z]\w+…)", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(5)))
            {
                if (named.Groups["type"].Success) type = named.Groups["type"].Value;
                var test = named.Groups["test"].Value;
                if (!tests.TryGetValue(type, out var methods)) missing.Add(type);
                else if (test.Length > 0 && !methods.Exists(m => test.EndsWith('…') ? m.StartsWith(test[..^1], StringComparison.Ordinal) : m == test)) missing.Add($"{type}.{test}");
            }

            line.ShouldNotContain("no test of its own");
        }

        missing.ShouldBeEmpty();
    }
}
