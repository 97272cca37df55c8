using System.Text;
using Signet.Mqtt;
using Signet.Mqtt.Client;
using Signet.Testing;

namespace Signet.Control.Tests;

/// <summary>What the embedded broker keeps in <c>DATA/broker</c> while the center is away.</summary>
public sealed class KeptSessionSpecs
{
    private static MqttClientOptions Lasting(MqttClientOptions o) => o with { CleanStart = false, SessionExpiry = TimeSpan.FromHours(1) };

    [Fact]
    public async Task Subscriptions_and_what_waits_are_there_after_a_restart_and_more_may_come_before_the_client_returns()
    {
        await using var house = await TestHouse.StartAsync();
        await using (var device = await house.ConnectAsync("door-1", "door-1", Lasting)) await device.SubscribeAsync("signet/door-1/command");
        await SendAsync(house, "before");

        await house.StopCenterAsync();
        await house.StartCenterAsync();

        house.Center.Broker.Sessions().Single(s => s.Client == "door-1").ShouldSatisfyAllConditions(s => s.Connected.ShouldBeFalse(), s => s.Queued.ShouldBe(1));
        await SendAsync(house, "after"); // the policy knows whose session it is although nobody has come back
        await using var back = await house.ConnectAsync("door-1", "door-1", Lasting);
        back.SessionPresent.ShouldBeTrue();
        await using var messages = back.ReadMessagesAsync(TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        foreach (var text in (string[])["before", "after"])
        {
            (await messages.MoveNextAsync()).ShouldBeTrue();
            Encoding.ASCII.GetString(messages.Current.Payload.Span).ShouldBe(text);
        }
    }

    private static async Task SendAsync(TestHouse house, string text)
    {
        await using var center = await house.ConnectAsCenterAsync();
        (await center.PublishAsync(new() { Topic = "signet/door-1/command", Payload = Encoding.ASCII.GetBytes(text), QoS = QoS.AtLeastOnce }, TestContext.Current.CancellationToken)).Reason.ShouldBe(ReasonCode.Success);
    }

    [Fact]
    public async Task The_session_of_a_device_that_was_disabled_does_not_come_back()
    {
        await using var house = await TestHouse.StartAsync();
        await using (var device = await house.ConnectAsync("door-1", "door-1", Lasting)) await device.SubscribeAsync("signet/door-1/command");
        await house.Center.Fleet.SetEnabledAsync("door-1", false, TestHouse.Operator);

        await house.StopCenterAsync();
        await house.StartCenterAsync();

        house.Center.Broker.Sessions().ShouldNotContain(s => s.Client == "door-1");
    }

    [Fact]
    public async Task A_retained_status_is_there_after_a_restart()
    {
        await using var house = await TestHouse.StartAsync();
        await using (var device = await house.ConnectAsync("door-1", "door-1"))
        {
            await device.PublishAsync(new() { Topic = "signet/door-1/status", Payload = new byte[] { 1 }, QoS = QoS.AtLeastOnce, Retain = true }, TestContext.Current.CancellationToken);
        }

        await house.StopCenterAsync();
        await house.StartCenterAsync();
        await using var reader = await house.ConnectAsCenterAsync();
        await reader.SubscribeAsync("signet/door-1/status");
        await using var messages = reader.ReadMessagesAsync(TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        (await messages.MoveNextAsync()).ShouldBeTrue();
        (messages.Current.Retain, messages.Current.Topic).ShouldBe((true, "signet/door-1/status"));
    }
}
