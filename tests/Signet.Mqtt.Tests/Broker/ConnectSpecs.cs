using Signet.Mqtt.Broker;
using Signet.Mqtt.Tests.Support;

namespace Signet.Mqtt.Tests.Broker;

/// <summary>CONNECT and CONNACK, byte by byte (MQTT 5.0 sections 3.1 and 3.2).</summary>
public sealed class ConnectSpecs
{
    [Theory]
    [InlineData("10 0E 'MQTX' 05 02 00 3C 00 'r'", "84", "protocol name [MQTT-3.1.2-1]")]
    [InlineData("10 0E 'MQTT' 06 02 00 3C 00 'r'", "84", "protocol level [MQTT-3.1.2-2]")]
    [InlineData("10 0E 'MQTT' 05 03 00 3C 00 'r'", "81", "reserved flag [MQTT-3.1.2-3]")]
    [InlineData("10 0E 'MQTT' 05 0A 00 3C 00 'r'", "81", "will QoS without will [MQTT-3.1.2-11]")]
    [InlineData("10 0E 'MQTT' 05 22 00 3C 00 'r'", "81", "will retain without will [MQTT-3.1.2-13]")]
    [InlineData("10 15 'MQTT' 05 1E 00 3C 00 'r' 00 'w' 0001 41", "81", "will QoS 3 [MQTT-3.1.2-12]")]
    [InlineData("10 0F 'MQTT' 05 02 00 3C 00 'r' 00", "81", "bytes after the end")]
    [InlineData("10 0D 'MQTT' 05 02 00 3C 00 00 05", "81", "client id cut off")]
    [InlineData("10 0E 'MQTT' 05 02 00 3C 00 0001 C0", "81", "client id not UTF-8 [MQTT-1.5.4-1]")]
    [InlineData("10 0E 'MQTT' 05 02 00 3C 00 0001 00", "81", "U+0000 [MQTT-1.5.4-2]")]
    [InlineData("10 11 'MQTT' 05 02 00 3C 03 21 0000 'r'", "82", "receive maximum 0")]
    [InlineData("10 14 'MQTT' 05 02 00 3C 06 21 0001 21 0001 'r'", "82", "property twice")]
    [InlineData("10 10 'MQTT' 05 02 00 3C 02 24 01 'r'", "81", "property of another packet")]
    [InlineData("10 10 'MQTT' 05 02 00 3C 02 7F 01 'r'", "81", "unknown property")]
    [InlineData("10 12 'MQTT' 05 02 00 3C 04 16 0001 01 'r'", "82", "authentication data without method")]
    public async Task A_bad_connect_is_refused_with_its_reason(string packet, string code, string rule)
    {
        await using var house = await TestBroker.StartAsync();
        using var raw = await house.RawAsync();
        await raw.SendAsync(packet);
        var answer = await raw.ReadAsync();
        answer.ShouldStartWith("20", customMessage: rule);
        if (code == "84" && packet.Contains("'MQTX'", StringComparison.Ordinal)) answer.ShouldBe("20020001", rule); // unknown protocol: 3.1.1's words
        else answer.Substring(6, 2).ShouldBe(code, rule);
        await raw.ExpectClosedAsync();
    }

    [Fact]
    public async Task A_3_1_1_client_is_greeted_with_its_own_connack()
    {
        await using var house = await TestBroker.StartAsync();
        using var raw = await house.RawAsync();
        await raw.SendAsync(RawClient.Connect311);
        await raw.ExpectAsync("20 02 00 00");
    }

    [Fact]
    public async Task Anything_before_connect_closes_the_connection() // [MQTT-3.1.0-1]
    {
        await using var house = await TestBroker.StartAsync();
        using var raw = await house.RawAsync();
        await raw.SendAsync("C0 00");
        await raw.ExpectClosedAsync();
        house.Recorder.Refusals.Single().Kind.ShouldBe(RefusalKind.Protocol);
    }

    [Fact]
    public async Task A_second_connect_is_a_protocol_error() // [MQTT-3.1.0-2]
    {
        await using var house = await TestBroker.StartAsync();
        using var raw = await RawClient.OpenAsync(house.Port);
        await raw.SendAsync(RawClient.Connect5);
        await raw.ExpectDisconnectAsync(ReasonCode.ProtocolError);
    }

    [Fact]
    public async Task Connect_may_come_byte_by_byte_and_with_more_behind_it()
    {
        await using var house = await TestBroker.StartAsync();
        using var raw = await house.RawAsync();
        foreach (var b in RawClient.Bytes(RawClient.Connect311 + "C0 00"))
        {
            await raw.SendAsync([b]);
            await Task.Delay(1, TestContext.Current.CancellationToken);
        }

        await raw.ExpectAsync("20 02 00 00", "D0 00");
    }

    [Fact]
    public async Task An_empty_identifier_gets_one_assigned() // [MQTT-3.1.3-6], [MQTT-3.2.2-16]
    {
        await using var house = await TestBroker.StartAsync();
        await using var client = await house.ConnectAsync();
        client.ClientId.ShouldStartWith("auto-");
        using var old = await house.RawAsync();
        await old.SendAsync("10 0C 'MQTT' 04 00 00 3C 0000");
        await old.ExpectAsync("20 02 00 02"); // 3.1.1 [MQTT-3.1.3-8]
    }

    [Fact]
    public async Task The_connack_states_limits_that_differ_from_what_was_asked()
    {
        await using var house = await TestBroker.StartAsync(new BrokerLimits
        {
            MaximumQoS = QoS.AtLeastOnce, RetainAvailable = false, MaximumSessionExpiry = TimeSpan.FromSeconds(100), MaximumKeepAlive = TimeSpan.FromSeconds(20), ReceiveMaximum = 7, MaximumPacketSize = 1000, TopicAliasMaximum = 3,
        });
        using var raw = await house.RawAsync();
        await raw.SendAsync("10 13 'MQTT' 05 02 00 3C 05 11 0000 1000 'r'");
        // session expiry 100, server keep alive 20, receive maximum 7, alias maximum 3, maximum QoS 1, retain 0, packet size 1000
        await raw.ExpectAsync("20 1A 00 00 17 11 00000064 13 0014 21 0007 22 0003 24 01 25 00 27 000003E8");
    }

    [Fact]
    public async Task The_policys_refusal_reaches_client_observer_and_counter()
    {
        await using var house = await TestBroker.StartAsync();
        house.Policy.OnConnect = _ => ConnectDecision.Refuse(ReasonCode.BadUserNameOrPassword, "wrong password");
        var e = await Should.ThrowAsync<MqttException>(() => house.ConnectAsync("c"));
        e.Reason.ShouldBe(ReasonCode.BadUserNameOrPassword);
        e.FromPeer.ShouldBeTrue();
        e.Message.ShouldContain("wrong password");
        await Until.TrueAsync(() => house.Recorder.Refusals.Count == 1);
        house.Recorder.Refusals.Single().Reason.ShouldBe("wrong password");
        house.Broker.Counters.Refusals(RefusalKind.Connect).ShouldBe(1);
        using var old = await house.RawAsync();
        await old.SendAsync(RawClient.Connect311);
        await old.ExpectAsync("20 02 00 04");
    }

    [Fact]
    public async Task A_policy_that_throws_refuses_and_harms_nobody()
    {
        await using var house = await TestBroker.StartAsync();
        house.Policy.OnConnect = _ => throw new InvalidOperationException("secret detail");
        var e = await Should.ThrowAsync<MqttException>(() => house.ConnectAsync("c"));
        e.Reason.ShouldBe(ReasonCode.ImplementationSpecificError);
        e.Message.ShouldNotContain("secret detail");
    }

    [Fact]
    public async Task Credentials_reach_the_policy_and_no_text()
    {
        await using var house = await TestBroker.StartAsync();
        ConnectRequest? seen = null;
        house.Policy.OnConnect = r =>
        {
            seen = r;
            return ConnectDecision.Accept("u");
        };
        await using var client = await house.ConnectAsync("c", o => o with { UserName = "u", Password = "hunter2"u8.ToArray() });
        seen!.UserName.ShouldBe("u");
        seen.Password!.Value.ToArray().ShouldBe("hunter2"u8.ToArray());
        seen.ToString().ShouldNotContain("hunter2");
        client.Options.ToString().ShouldNotContain("hunter2");
    }

    [Fact]
    public async Task Who_does_not_connect_in_time_is_closed()
    {
        await using var house = await TestBroker.StartAsync(new BrokerLimits { ConnectTimeout = TimeSpan.FromMilliseconds(300) });
        using var raw = await house.RawAsync();
        await raw.SendAsync("10");
        await raw.ExpectClosedAsync();
        house.Recorder.Refusals.Single().Kind.ShouldBe(RefusalKind.Connect);
    }

    [Fact]
    public async Task Enhanced_authentication_takes_as_many_steps_as_the_policy_wants() // section 4.12
    {
        await using var house = await TestBroker.StartAsync();
        house.Policy.OnConnect = r => r.AuthenticationMethod == "echo" ? ConnectDecision.Continue(new byte[] { 1 }) : ConnectDecision.Refuse(ReasonCode.BadAuthenticationMethod, "echo only");
        house.Policy.OnContinue = (_, data) => data.Span[0] < 3 ? ConnectDecision.Continue(new[] { (byte)(data.Span[0] + 1) }) : ConnectDecision.Accept("who");
        await using var client = await house.ConnectAsync("c", o => o with { Authentication = new("echo", (data, _) => ValueTask.FromResult(data is { } d ? d : new byte[] { 0 })) });
        house.Broker.Sessions().Single().Identity.ShouldBe("who");
        (await Should.ThrowAsync<MqttException>(() => house.ConnectAsync("d"))).Reason.ShouldBe(ReasonCode.BadAuthenticationMethod);
    }

    [Fact]
    public async Task Re_authentication_as_somebody_else_ends_the_connection()
    {
        await using var house = await TestBroker.StartAsync();
        house.Policy.OnConnect = _ => ConnectDecision.Accept("one");
        house.Policy.OnContinue = (_, data) => ConnectDecision.Accept(data.Span[0] == 1 ? "one" : "two");
        using var raw = await RawClient.OpenAsync(house.Port, "10 12 'MQTT' 05 02 00 3C 04 15 'x' 'r'");
        await raw.SendAsync("F0 0A 19 08 15 'x' 16 0001 01");
        await raw.ExpectAsync("F0 06 00 04 15 'x'");
        await raw.SendAsync("F0 0A 19 08 15 'x' 16 0001 02");
        await raw.ExpectDisconnectAsync(ReasonCode.NotAuthorized);
    }

    [Fact]
    public async Task A_silent_client_is_closed_after_one_and_a_half_keep_alives() // [MQTT-3.1.2-22]
    {
        await using var house = await TestBroker.StartAsync();
        using var raw = await RawClient.OpenAsync(house.Port, "10 0E 'MQTT' 05 02 00 01 00 'r'");
        await raw.ExpectDisconnectAsync(ReasonCode.KeepAliveTimeout);
    }

    [Fact]
    public async Task Connections_of_one_identity_are_limited()
    {
        await using var house = await TestBroker.StartAsync();
        house.Policy.OnConnect = _ => ConnectDecision.Accept("one", limits: new IdentityLimits { Connections = 2 });
        await using var a = await house.ConnectAsync("a");
        await using var b = await house.ConnectAsync("b");
        (await Should.ThrowAsync<MqttException>(() => house.ConnectAsync("c"))).Reason.ShouldBe(ReasonCode.QuotaExceeded);
        await a.DisconnectAsync();
        await Until.TrueAsync(() => house.Broker.Counters.Connections == 1);
        await using var c = await house.ConnectAsync("c");
    }
}
