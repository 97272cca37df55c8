using Signet.Mqtt.Broker;
using Signet.Mqtt.Tests.Support;

namespace Signet.Mqtt.Tests.Broker;

/// <summary>PUBLISH and its acknowledgements, byte by byte (MQTT 5.0 sections 3.3 to 3.7, 4.3).</summary>
public sealed class PublishSpecs
{
    [Theory]
    [InlineData("36 07 't' 0001 00 41", ReasonCode.MalformedPacket, "QoS 3 [MQTT-3.3.1-4]")]
    [InlineData("38 05 't' 00 41", ReasonCode.MalformedPacket, "dup with QoS 0 [MQTT-3.3.1-2]")]
    [InlineData("30 05 '+' 00 41", ReasonCode.TopicNameInvalid, "wildcard [MQTT-3.3.2-2]")]
    [InlineData("30 04 0000 00 41", ReasonCode.ProtocolError, "empty topic without alias")]
    [InlineData("30 05 0001 FF 00 41", ReasonCode.MalformedPacket, "topic not UTF-8 [MQTT-3.3.2-1]")]
    [InlineData("32 07 't' 0000 00 41", ReasonCode.ProtocolError, "packet id 0 [MQTT-2.2.1-3]")]
    [InlineData("30 08 't' 03 23 0000 41", ReasonCode.TopicAliasInvalid, "alias 0 [MQTT-3.3.2-8]")]
    [InlineData("30 08 't' 03 23 FFFF 41", ReasonCode.TopicAliasInvalid, "alias above the maximum [MQTT-3.3.2-9]")]
    [InlineData("30 07 0000 03 23 0001 41", ReasonCode.ProtocolError, "alias never set")]
    [InlineData("30 07 't' 02 0B 01 41", ReasonCode.ProtocolError, "subscription id from a client [MQTT-3.3.4-6]")]
    [InlineData("30 07 't' 02 01 01 FF", ReasonCode.PayloadFormatInvalid, "not the text it says")]
    [InlineData("30 09 't' 04 08 '#' 41", ReasonCode.ProtocolError, "response topic with wildcard [MQTT-3.3.2-14]")]
    [InlineData("30 04 't' 05", ReasonCode.MalformedPacket, "properties cut off")]
    [InlineData("30 02 00 05", ReasonCode.MalformedPacket, "topic cut off")]
    [InlineData("30 FF FF FF FF", ReasonCode.MalformedPacket, "remaining length of five bytes")]
    [InlineData("30 FF FF FF 7F", ReasonCode.PacketTooLarge, "larger than the maximum packet size [MQTT-3.1.2-24]")]
    [InlineData("62 02 0000", ReasonCode.ProtocolError, "PUBREL with packet id 0")]
    [InlineData("60 02 0001", ReasonCode.MalformedPacket, "PUBREL with wrong flags [MQTT-3.6.1-1]")]
    [InlineData("40 03 0001 55", ReasonCode.MalformedPacket, "PUBACK with a reason code that is not its own")]
    [InlineData("82 02 0001", ReasonCode.MalformedPacket, "SUBSCRIBE cut off")]
    [InlineData("82 03 0001 00", ReasonCode.ProtocolError, "SUBSCRIBE without filter [MQTT-3.8.3-2]")]
    [InlineData("80 07 0001 00 't' 00", ReasonCode.MalformedPacket, "SUBSCRIBE with wrong flags [MQTT-3.8.1-1]")]
    [InlineData("82 07 0001 00 't' 03", ReasonCode.MalformedPacket, "subscription QoS 3")]
    [InlineData("82 07 0001 00 't' 40", ReasonCode.MalformedPacket, "reserved option [MQTT-3.8.3-5]")]
    [InlineData("82 07 0001 00 't' 30", ReasonCode.ProtocolError, "retain handling 3")]
    [InlineData("82 10 0001 00 '$share/g/t' 04", ReasonCode.ProtocolError, "no local on shared [MQTT-3.8.3-4]")]
    [InlineData("A2 03 0001 00", ReasonCode.ProtocolError, "UNSUBSCRIBE without filter [MQTT-3.10.3-2]")]
    [InlineData("20 02 00 00", ReasonCode.ProtocolError, "CONNACK from a client")]
    [InlineData("D0 00", ReasonCode.ProtocolError, "PINGRESP from a client")]
    [InlineData("C0 01 00", ReasonCode.MalformedPacket, "PINGREQ with a body")]
    [InlineData("00 00", ReasonCode.MalformedPacket, "packet type 0")]
    [InlineData("F0 00", ReasonCode.ProtocolError, "AUTH without a method")]
    [InlineData("E0 01 55", ReasonCode.MalformedPacket, "DISCONNECT with an unknown reason code")]
    [InlineData("E0 07 00 05 11 00000010", ReasonCode.ProtocolError, "DISCONNECT that wants to keep a session that CONNECT did not")]
    public async Task A_bad_packet_ends_the_connection_with_its_reason(string packet, ReasonCode reason, string rule)
    {
        await using var house = await TestBroker.StartAsync();
        await using var bystander = await house.ConnectAsync("bystander");
        using var raw = await RawClient.OpenAsync(house.Port);
        await raw.SendAsync(packet);
        await raw.ExpectDisconnectAsync(reason);
        await Until.TrueAsync(() => house.Recorder.Disconnects.Count == 1, rule);
        house.Recorder.Disconnects[0].Info.Code.ShouldBe(reason, rule);
        house.Broker.Counters.Refusals(RefusalKind.Protocol).ShouldBe(1, rule);
        (await bystander.PublishAsync(new MqttMessage { Topic = "x", QoS = QoS.AtLeastOnce }, TestContext.Current.CancellationToken)).IsAccepted.ShouldBeTrue();
    }

    [Fact]
    public async Task Qos_1_is_acknowledged_and_says_when_nobody_listens()
    {
        await using var house = await TestBroker.StartAsync();
        using var raw = await RawClient.OpenAsync(house.Port);
        await raw.SendAsync("32 07 't' 0007 00 41");
        await raw.ExpectAsync("40 03 0007 10");
        await raw.SendAsync("82 07 0001 00 't' 01");
        await raw.ExpectAsync("90 04 0001 00 01");
        await raw.SendAsync("32 07 't' 0008 00 41");
        // the message comes back to its sender with the broker's own packet id
        var both = new[] { await raw.ReadAsync(), await raw.ReadAsync() };
        both.ShouldContain("40020008");
        both.ShouldContain("320700017400010041");
    }

    [Fact]
    public async Task A_qos_2_message_sent_twice_is_delivered_once() // [MQTT-4.3.3-10]
    {
        await using var house = await TestBroker.StartAsync();
        await using var subscriber = await house.ConnectAsync("s");
        await subscriber.SubscribeAsync("t");
        var inbox = Inbox.Of(subscriber);
        using var raw = await RawClient.OpenAsync(house.Port);
        await raw.SendAsync("34 07 't' 0007 00 41");
        await raw.ExpectAsync("50 02 0007");
        await raw.SendAsync("3C 07 't' 0007 00 41");
        await raw.ExpectAsync("50 02 0007");
        await raw.SendAsync("62 02 0007");
        await raw.ExpectAsync("70 02 0007");
        await raw.SendAsync("62 02 0007");
        await raw.ExpectAsync("70 03 0007 92");
        (await inbox.NextTextAsync()).ShouldBe("A");
        (await inbox.IsQuietAsync()).ShouldBeTrue();
    }

    [Fact]
    public async Task Qos_2_towards_a_client_walks_all_four_steps()
    {
        await using var house = await TestBroker.StartAsync();
        using var raw = await RawClient.OpenAsync(house.Port);
        await raw.SendAsync("82 07 0001 00 't' 02");
        await raw.ExpectAsync("90 04 0001 00 02");
        await house.Broker.PublishAsync(new MqttMessage { Topic = "t", Payload = "A"u8.ToArray(), QoS = QoS.ExactlyOnce }, TestContext.Current.CancellationToken);
        await raw.ExpectAsync("34 07 't' 0001 00 41");
        await raw.SendAsync("50 02 0001");
        await raw.ExpectAsync("62 02 0001");
        await raw.SendAsync("70 02 0001");
        await raw.SendAsync("50 02 0001"); // the identifier is free again
        await raw.ExpectAsync("62 03 0001 92");
    }

    [Fact]
    public async Task Topic_aliases_work_in_both_directions()
    {
        await using var house = await TestBroker.StartAsync();
        using var raw = await RawClient.OpenAsync(house.Port, "10 11 'MQTT' 05 02 00 3C 03 22 0005 'r'");
        await raw.SendAsync("82 07 0001 00 't' 00");
        await raw.ExpectAsync("90 04 0001 00 00");
        await raw.SendAsync("30 08 't' 03 23 0001 41");
        await raw.ExpectAsync("30 08 't' 03 23 0001 41");
        await raw.SendAsync("30 07 0000 03 23 0001 42");
        await raw.ExpectAsync("30 07 0000 03 23 0001 42");
    }

    [Fact]
    public async Task More_than_the_receive_maximum_ends_the_connection() // [MQTT-3.3.4-7]
    {
        await using var house = await TestBroker.StartAsync(new BrokerLimits { ReceiveMaximum = 2 });
        using var raw = await RawClient.OpenAsync(house.Port);
        await raw.SendAsync("34 06 't' 0001 00");
        await raw.ExpectAsync("50 03 0001 10");
        await raw.SendAsync("34 06 't' 0002 00");
        await raw.ExpectAsync("50 03 0002 10");
        await raw.SendAsync("34 06 't' 0003 00");
        await raw.ExpectDisconnectAsync(ReasonCode.ReceiveMaximumExceeded);
    }

    [Fact]
    public async Task The_clients_receive_maximum_holds_messages_back_until_it_acknowledges() // [MQTT-3.3.4-9]
    {
        await using var house = await TestBroker.StartAsync();
        using var raw = await RawClient.OpenAsync(house.Port, "10 11 'MQTT' 05 02 00 3C 03 21 0002 'r'");
        await raw.SendAsync("82 07 0001 00 't' 01");
        await raw.ExpectAsync("90 04 0001 00 01");
        for (byte i = 0; i < 5; i++) await house.Broker.PublishAsync(new MqttMessage { Topic = "t", Payload = new[] { i }, QoS = QoS.AtLeastOnce }, TestContext.Current.CancellationToken);
        await raw.ExpectAsync("32 07 't' 0001 00 00", "32 07 't' 0002 00 01");
        house.Broker.Sessions().Single().QueuedMessages.ShouldBe(3);
        await raw.SendAsync("40 02 0001");
        await raw.ExpectAsync("32 07 't' 0003 00 02");
        await raw.SendAsync("40 02 0002 40 02 0003");
        await raw.ExpectAsync("32 07 't' 0004 00 03", "32 07 't' 0005 00 04");
    }

    [Fact]
    public async Task A_message_larger_than_the_client_takes_is_not_sent() // [MQTT-3.1.2-25]
    {
        await using var house = await TestBroker.StartAsync();
        using var raw = await RawClient.OpenAsync(house.Port, "10 13 'MQTT' 05 02 00 3C 05 27 00000014 'r'");
        await raw.SendAsync("82 07 0001 00 't' 00");
        await raw.ExpectAsync("90 04 0001 00 00");
        await house.Broker.PublishAsync(new MqttMessage { Topic = "t", Payload = new byte[50] }, TestContext.Current.CancellationToken);
        await house.Broker.PublishAsync(new MqttMessage { Topic = "t", Payload = "A"u8.ToArray() }, TestContext.Current.CancellationToken);
        await raw.ExpectAsync("30 05 't' 00 41");
        house.Broker.Counters.Dropped.ShouldBe(1);
    }

    [Fact]
    public async Task An_expired_message_is_dropped_and_a_waiting_one_says_what_is_left() // [MQTT-3.3.2-5, -6]
    {
        await using var house = await TestBroker.StartAsync();
        await using (var keeper = await house.ConnectAsync("k", o => o with { SessionExpiry = TimeSpan.FromHours(1) })) await keeper.SubscribeAsync("t");
        await Until.TrueAsync(() => house.Broker.Counters.Connections == 0);
        await house.Broker.PublishAsync(new MqttMessage { Topic = "t", Payload = "short"u8.ToArray(), QoS = QoS.AtLeastOnce, MessageExpiry = TimeSpan.FromSeconds(1) }, TestContext.Current.CancellationToken);
        await house.Broker.PublishAsync(new MqttMessage { Topic = "t", Payload = "long"u8.ToArray(), QoS = QoS.AtLeastOnce, MessageExpiry = TimeSpan.FromSeconds(100) }, TestContext.Current.CancellationToken);
        await Task.Delay(1200, TestContext.Current.CancellationToken);
        await using var back = await house.ConnectAsync("k", o => o with { CleanStart = false, SessionExpiry = TimeSpan.FromHours(1) });
        var m = await Inbox.Of(back).NextAsync();
        m.Payload.ToArray().ShouldBe("long"u8.ToArray());
        m.MessageExpiry!.Value.ShouldBeInRange(TimeSpan.FromSeconds(97), TimeSpan.FromSeconds(99));
        house.Broker.Counters.Expired.ShouldBe(1);
    }
}
