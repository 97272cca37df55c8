using Signet.Mqtt;
using Signet.Mqtt.Client;

namespace Signet.Lab;

/// <summary>The broker attacks against the open house, where being connected is all it takes.</summary>
internal static class OpenBrokerAttacks
{
    public static async Task<Strike> EnterAsync(OpenHouse house, CancellationToken cancellationToken)
    {
        await using var stranger = await house.ConnectAsync("stranger", cancellationToken);
        return stranger.IsConnected ? Strike.Succeeded("was let in") : Strike.Blocked("was not let in");
    }

    public static async Task<Strike> TakeoverAsync(OpenHouse house, CancellationToken cancellationToken)
    {
        await using var victim = await house.ConnectAsync("sensor_victim", cancellationToken);
        await using var thief = await house.ConnectAsync("sensor_victim", cancellationToken);
        return await Waiting.UntilAsync(() => !victim.IsConnected, TimeProvider.System, cancellationToken) ? Strike.Succeeded("the victim was thrown out") : Strike.Blocked("the victim stayed");
    }

    public static async Task<Strike> StealQueueAsync(OpenHouse house, CancellationToken cancellationToken)
    {
        await using (var victim = await house.ConnectAsync("device_away", cancellationToken, o => o with { SessionExpiry = TimeSpan.FromMinutes(1), CleanStart = false })) await victim.SubscribeAsync("home/private");
        await using var sender = await house.ConnectAsync("sender", cancellationToken);
        await sender.PublishAsync(new() { Topic = "home/private", Payload = "queued"u8.ToArray(), QoS = QoS.AtLeastOnce }, cancellationToken);
        await using var thief = await house.ConnectAsync("device_away", cancellationToken, o => o with { CleanStart = false });
        return await thief.NextAsync(TimeProvider.System, cancellationToken) is null ? Strike.Blocked("no message came") : Strike.Succeeded("was handed the queued message");
    }

    public static async Task<Strike> PublishAsync(OpenHouse house, CancellationToken cancellationToken)
    {
        await using var stranger = await house.ConnectAsync("stranger_publishing", cancellationToken);
        return await house.InjectAsync(stranger, "{\"event\": \"door_unlock\", \"sensor_id\": \"nobody\"}"u8.ToArray(), cancellationToken) ? Strike.Succeeded("the actuator acted on it") : Strike.Blocked("it did not act");
    }

    public static async Task<Strike> RetainAsync(OpenHouse house, CancellationToken cancellationToken)
    {
        await using var stranger = await house.ConnectAsync("stranger_retaining", cancellationToken);
        await stranger.PublishAsync(new() { Topic = "home/garage", Payload = "open"u8.ToArray(), QoS = QoS.AtLeastOnce, Retain = true }, cancellationToken);
        return await ListenAsync(house, "home/garage", cancellationToken, publish: false);
    }

    public static async Task<Strike> WillAsync(OpenHouse house, CancellationToken cancellationToken)
    {
        await using var listener = await house.ConnectAsync("will_listener", cancellationToken);
        await listener.SubscribeAsync("home/will");
        var dying = await house.ConnectAsync("stranger_dying", cancellationToken, o => o with { Will = new(new() { Topic = "home/will", Payload = "open"u8.ToArray() }) });
        await dying.DisconnectAsync(ReasonCode.DisconnectWithWill);
        return await listener.NextAsync(TimeProvider.System, cancellationToken) is null ? Strike.Blocked("no will came") : Strike.Succeeded("the will was delivered");
    }

    public static async Task<Strike> ListenAsync(OpenHouse house, string filter, CancellationToken cancellationToken, bool publish = true)
    {
        await using var stranger = await house.ConnectAsync("stranger_listening", cancellationToken);
        await stranger.SubscribeAsync(filter);
        await using var sensor = await house.ConnectAsync("sensor_listened_to", cancellationToken);
        if (publish) await sensor.PublishAsync(new() { Topic = PaperNames.OpenTopic, Payload = house.Sensor.Next() }, cancellationToken);
        return await stranger.NextAsync(TimeProvider.System, cancellationToken) is { } heard ? Strike.Succeeded($"heard a message on {heard.Topic}") : Strike.Blocked("no message came");
    }

    public static Task<Strike> ReadStatusAsync(OpenHouse house, CancellationToken cancellationToken) => ListenAsync(house, "$SYS/#", cancellationToken, publish: false);

    public static async Task<Strike> OversizedAsync(OpenHouse house, CancellationToken cancellationToken)
    {
        await using var listener = await house.ConnectAsync("big_listener", cancellationToken, o => o with { MaximumPacketSize = 4 << 20 });
        await listener.SubscribeAsync("home/big");
        await using var stranger = await house.ConnectAsync("stranger_big", cancellationToken);
        await stranger.PublishAsync(new() { Topic = "home/big", Payload = new byte[1_000_000] }, cancellationToken);
        return await listener.NextAsync(TimeProvider.System, cancellationToken) is { Payload.Length: 1_000_000 } ? Strike.Succeeded("a megabyte was passed on") : Strike.Blocked("it did not come");
    }

    public static async Task<Strike> HoardAsync(OpenHouse house, CancellationToken cancellationToken)
    {
        const int attempts = 40;
        var open = new List<MqttClient>();
        try
        {
            for (var i = 0; i < attempts; i++) open.Add(await house.ConnectAsync($"hoard-{i}", cancellationToken));
            return Strike.Succeeded($"holds {open.Count} connections", attempts);
        }
        catch (MqttException e)
        {
            return Strike.Blocked(e.Message, attempts);
        }
        finally
        {
            foreach (var client in open) await client.DisposeAsync();
        }
    }

    public static async Task<Strike> FloodAsync(OpenHouse house, CancellationToken cancellationToken)
    {
        const int attempts = 2_000;
        await using var stranger = await house.ConnectAsync("stranger_flooding", cancellationToken);
        await using var witness = await house.ConnectAsync("flood_witness", cancellationToken);
        await witness.SubscribeAsync("home/flood");
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(3), TimeProvider.System);
        for (var i = 0; i < attempts; i++) await stranger.PublishAsync(new() { Topic = "home/flood", Payload = "flood"u8.ToArray() }, cancellationToken);
        var arrived = 0;
        try
        {
            await foreach (var _ in witness.ReadMessagesAsync(limit.Token))
                if (++arrived >= attempts / 2) break;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // counted below
        }
        return arrived >= attempts / 2 ? Strike.Succeeded($"{arrived} messages were passed on", attempts) : Strike.Blocked($"{arrived} arrived", attempts);
    }
}
