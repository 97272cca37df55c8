using System.Text;
using System.Text.Json.Nodes;

namespace Signet.Lab;

/// <summary>What an attack on signed messages comes down to in a house without any: the attacker writes what it wants into plain JSON.</summary>
internal static class OpenCounterparts
{
    public const string WhyNot = "the open house has nothing of the kind to get around";

    /// <summary>What the attacker changes in a captured message.</summary>
    private static readonly Dictionary<string, Action<JsonObject>> Changes = new(StringComparer.Ordinal)
    {
        ["forged-command"] = m => m["event"] = "door_unlock",
        ["forged-signature"] = m => m["signature"] = "INVALID_SIGNATURE_123",
        ["random-signature"] = m => m["signature"] = "////",
        ["tampered-command"] = m => m["event"] = "door_close",
        ["tampered-argument"] = m => m["temperature"] = 99.9,
        ["rewritten-time"] = m => m["timestamp"] = "2031-01-01T00:00:00Z",
        ["rewritten-sequence"] = m => m["counter"] = 1_000_000,
        ["algorithm-none"] = m => m["alg"] = "none",
        ["neighbour-as-center"] = m => m["sensor_id"] = "sensor_002",
        ["cross-device"] = m => m["sensor_id"] = "sensor_of_the_house_next_door",
        ["replay-next-day"] = m => m["timestamp"] = "2020-01-01T00:00:00Z",
        ["future-command"] = m => m["timestamp"] = "2099-01-01T00:00:00Z",
        ["unlisted-command"] = m => m["event"] = "update_firmware",
        ["argument-out-of-range"] = m => m["temperature"] = 5000,
        ["smuggled-argument"] = m => m["force"] = true,
        ["white-space"] = m => m["msg_id"] = " " + (string)m["msg_id"]!,
        ["plain-command"] = m =>
        {
            m.Clear();
            m["type"] = "cmd";
            m["value"] = "UNLOCK";
        },
        ["immediate-replay"] = _ => { },
        ["late-replay"] = _ => { },
        ["delayed-command"] = _ => { },
        ["replay-after-reboot"] = _ => { },
    };

    public static Func<LabContext, CancellationToken, Task<Strike>>? For(string name) => Changes.TryGetValue(name, out var change) ? (lab, cancellationToken) => RunAsync(lab, name, change, cancellationToken) : null;

    private static async Task<Strike> RunAsync(LabContext lab, string name, Action<JsonObject> change, CancellationToken cancellationToken)
    {
        var house = await lab.OpenHouseAsync(cancellationToken);
        await using var stranger = await house.ConnectAsync("attacker_" + name, cancellationToken);
        await stranger.SubscribeAsync(PaperNames.OpenTopic);
        await using var sensor = await house.ConnectAsync("sensor_" + name, cancellationToken);
        var genuine = house.Sensor.Next();
        await sensor.PublishAsync(new() { Topic = PaperNames.OpenTopic, Payload = genuine }, cancellationToken);
        var captured = await stranger.NextAsync(lab.Time, cancellationToken);
        if (captured is null) return Strike.Blocked("nothing was heard");
        var message = JsonNode.Parse(captured.Payload.Span)!.AsObject();
        change(message);
        if (name == "replay-after-reboot") await house.RestartActuatorAsync(cancellationToken);
        if (name == "late-replay")
            for (var i = 0; i < 20; i++) await sensor.PublishAsync(new() { Topic = PaperNames.OpenTopic, Payload = house.Sensor.Next() }, cancellationToken);
        var hostile = Encoding.UTF8.GetBytes(PythonJson.Write(message));
        return await house.InjectAsync(stranger, hostile, cancellationToken) ? Strike.Succeeded("the actuator acted on it") : Strike.Blocked("the actuator did not act");
    }
}
