using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Signet.Mqtt;
using Signet.Wire;

namespace Signet.Lab;

/// <summary>
/// What a broker that has turned can do between an honest center and an honest device, both whole: it reads every message and decides what arrives. (Holding commands back until they are stale is
/// <c>broker-delays-command</c>, beside the other attacks on a device's clock.)
/// </summary>
internal static class CrookedBrokerAttacks
{
    private static readonly string[] Block = ["T1691", "T0813", "T0862"], Alter = ["T0830", "T0831", "T0862"], Mislead = ["T1692.002", "T0832", "T0862"];

    public static IEnumerable<Attack> All =>
    [
        Of("broker-drops-command", "Takes a command, says it was delivered, and delivers nothing.", "signed-receipts", "delivered", Block,
            (lab, without) =>
            {
                using var center = Center(lab, without);
                return center.Acknowledged() == "executed" ? Strike.Succeeded("the center takes the command for done") : Strike.Blocked(center.Acknowledged());
            },
            async (broker, cancellationToken) =>
            {
                broker.Commands = _ => [];
                var state = await broker.StateAsync(await broker.SendAsync("open", cancellationToken), cancellationToken);
                return state == "executed" ? Strike.Succeeded("the center takes the command for done") : Strike.Blocked(state);
            }),
        Of("broker-edits-command", "Turns an order to open into an order to close, on its way.", "signature", "bad-signature", Alter,
            (lab, without) => OnADevice(lab, without, device => [device.Deliver(Edited(device.Commands.Genuine()))]),
            async (broker, cancellationToken) =>
            {
                var from = broker.Center.Audit.Size;
                broker.Commands = bytes => [Edited(bytes)];
                await broker.SendAsync("open", cancellationToken);
                var noticed = await broker.NoticedAsync(CrookedBroker.Device, from, "foreign-message-at-device", cancellationToken);
                return broker.Done.TryPeek(out var done) ? Strike.Succeeded($"the device carried out {done}") : Strike.Blocked(noticed ?? "nobody noticed");
            }),
        Of("broker-duplicates-command", "Delivers one command six times.", "replay-window", "replayed", ["T1692.001", "T0831", "T0862"],
            (lab, without) => OnADevice(lab, without, device =>
            {
                var once = device.Commands.Genuine();
                device.Deliver(once);
                return Enumerable.Range(0, Copies).Select(_ => device.Deliver(once));
            }),
            async (broker, cancellationToken) =>
            {
                var from = broker.Center.Audit.Size;
                broker.Commands = bytes => Enumerable.Repeat(bytes, Copies + 1);
                await broker.StateAsync(await broker.SendAsync("open", cancellationToken), cancellationToken);
                var noticed = await broker.NoticedAsync(CrookedBroker.Device, from, "copy-refused-by-device", cancellationToken);
                return broker.Done.Count > 1 ? Strike.Succeeded($"the device carried it out {broker.Done.Count} times", Copies) : Strike.Blocked(noticed ?? "nobody noticed", Copies);
            }),
        Of("broker-reorders-commands", "Exchanges two commands that are under way, and their receipts, so that nobody shall see in which state the door was left.", "receipt-numbers", "the receipts' numbers tell the true order", ["T0831", "T0832", "T0862"],
            (lab, without) =>
            {
                using var center = Center(lab, without);
                var (first, second) = (Receipt(center), Receipt(center));
                return center.NoticesOrder([second, first]) ? Strike.Blocked(TrueOrder) : Strike.Succeeded("the record shows an order that never was");
            },
            ReorderAsync),
        Of("broker-cross-routes-command", "Delivers the command of one door to another.", "recipient", "wrong-audience", Alter,
            (lab, without) => OnADevice(lab, without, device => [device.Deliver(device.Commands.Genuine(device: LabIdentities.Neighbour))]),
            async (broker, cancellationToken) =>
            {
                var (from, other) = (broker.Center.Audit.Size, "door-1");
                var taken = new TaskCompletionSource<byte[]>(TaskCreationOptions.RunContinuationsAsynchronously);
                broker.Commands = bytes =>
                {
                    taken.TrySetResult(bytes);
                    return [];
                };
                await broker.SendAsync("open", cancellationToken);
                var bytes = await taken.Task.WaitAsync(LabLimits.Ready, TimeProvider.System, cancellationToken);
                await broker.Center.MqttBroker!.PublishAsync(new() { Topic = Topics.Command(other), Payload = bytes, QoS = QoS.AtLeastOnce }, cancellationToken);
                return Strike.Blocked(await broker.NoticedAsync(other, from, "foreign-message-at-device", cancellationToken) ?? "nobody noticed");
            }),
        Of("broker-invents-receipt", "Keeps a command to itself, and answers in the device's place.", "device-signature", "bad-signature", Mislead,
            (lab, without) =>
            {
                using var center = Center(lab, without);
                return DeviceAnswer.Judge([center.Take(Invented(center.Receipt(), lab, lab.Identities.VictimDevice.Thumbprint), Topics.Receipt(LabIdentities.Victim))]);
            },
            async (broker, lab, cancellationToken) =>
            {
                var from = broker.Center.Audit.Size;
                var taken = new TaskCompletionSource<byte[]>(TaskCreationOptions.RunContinuationsAsynchronously);
                broker.Commands = bytes =>
                {
                    taken.TrySetResult(bytes);
                    return [];
                };
                var id = await broker.SendAsync("open", cancellationToken);
                var command = await taken.Task.WaitAsync(LabLimits.Ready, TimeProvider.System, cancellationToken);
                var sequence = OutgoingSequence.Start(0, lab.Time);
                await broker.SayAsync(Invented(new()
                {
                    Issuer = CrookedBroker.Device, Id = MessageId.New(lab.Time, lab.Secrets), IssuedAt = lab.Time.GetUtcNow(), Epoch = sequence.Epoch, Sequence = sequence.Next(), Topic = Topics.Receipt(CrookedBroker.Device),
                    Audience = LabIdentities.Center, InReplyTo = id, Digest = Thumbprint.OfBytes(command), State = ReceiptState.Executed, Result = [],
                }, lab, broker.KeyId), cancellationToken);
                var noticed = await broker.NoticedAsync(CrookedBroker.Device, from, "receipt-refused", cancellationToken);
                return await broker.StateAsync(id, cancellationToken) == "executed" ? Strike.Succeeded("the center believes the receipt") : Strike.Blocked(noticed ?? "nobody noticed");
            }),
        ReorderedReadings(),
    ];

    public static IReadOnlyList<Control> Controls { get; } =
    [
        Of("signed-receipts", "Only the device's signed word says that a command was carried out; the broker's word says delivered, and no more.", ["IEC CR 2.12", "IEC CR 3.1"], "a center that takes the broker's acknowledgement for the deed"),
        Of("receipt-numbers", "Receipts carry the device's own numbers, in the order of its deeds.", ["IEC CR 2.12", "IEC CR 2.8"], "a reader that goes by the order of arrival"),
        Of("reading-order", "The present value is the one that was signed last.", ["IEC CR 3.1", "ETSI 5.10"], "a center that shows what came last"),
    ];

    private const string TrueOrder = "the receipts' numbers tell the true order";
    private const int Copies = 5;

    private static async Task<Strike> ReorderAsync(CrookedBroker broker, CancellationToken cancellationToken)
    {
        byte[]? held = null;
        var said = new System.Collections.Concurrent.ConcurrentQueue<byte[]>();
        broker.Commands = bytes =>
        {
            if (held is not null) return [bytes, held];
            held = bytes;
            return [];
        };
        broker.Receipts = bytes =>
        {
            said.Enqueue(bytes);
            return [];
        };
        var (first, second) = (await broker.SendAsync("open", cancellationToken), await broker.SendAsync("close", cancellationToken));
        bool Ended(string id) => said.Any(r => JwsForge.Open(r).Claims is var claims && (string?)claims["re"] == id && (string?)claims["state"] == "executed");
        if (!await Waiting.UntilAsync(() => Ended(first) && Ended(second), TimeProvider.System, cancellationToken, LabLimits.Ready)) return Strike.Blocked($"the device carried out {broker.Done.Count} of two");
        foreach (var receipt in said.OrderBy(r => (string?)JwsForge.Open(r).Claims["re"] == first ? 0 : 1)) await broker.SayAsync(receipt, cancellationToken);
        var states = (await broker.StateAsync(first, cancellationToken), await broker.StateAsync(second, cancellationToken));
        if (states != ("executed", "executed")) return Strike.Blocked($"the center says {states.Item1} and {states.Item2}");
        return await broker.NumberAsync(first, cancellationToken) > await broker.NumberAsync(second, cancellationToken) ? Strike.Blocked(TrueOrder, 2) : Strike.Succeeded("the record shows an order that never was", 2);
    }

    /// <summary>Two genuine readings, the older one last.</summary>
    private static Attack ReorderedReadings()
    {
        const string stays = "the newer reading stays";
        return new()
        {
            Name = "broker-reorders-readings", Layer = AttackLayer.Supply, Says = "Delivers a door's two readings in the wrong order, so that the open door shall look shut.", Control = "reading-order", Reason = stays,
            Techniques = ["T1692.002", "T0832", "T0878", "T0862"], WhyNotOpen = NoCenter,
            Secure = async (lab, without, cancellationToken) =>
            {
                using var bench = Center(lab, without);
                bench.Take(Reading(bench.Reading(), "open", TimeSpan.Zero, bench.Keys));
                bench.Take(Reading(bench.Reading(), "shut", TimeSpan.FromSeconds(5), bench.Keys));
                if (bench.Shown != "\"open\"") return Strike.Succeeded("the center shows the door shut");
                if (without is not null) return Strike.Blocked(stays);
                var whole = await lab.CenterAsync("reordered", cancellationToken);
                foreach (var (value, age) in new[] { ("open", TimeSpan.Zero), ("shut", TimeSpan.FromSeconds(5)) })
                    if (await whole.TakeAsync(Reading(whole.Reading(), value, age, whole.Keys), Topics.Telemetry(whole.Keys.Victim, "door"), cancellationToken) is { Executed: false } refused)
                        throw new LabException($"a genuine reading was refused: {refused.Reason}");
                await Waiting.UntilAsync(() => whole.ReadingsOf("door") >= 2, lab.Time, cancellationToken, LabLimits.Ready); // readings are written twice a second
                return await whole.ShownAsync("door", cancellationToken) == "\"open\"" ? Strike.Blocked(stays, 2) : Strike.Succeeded("the center shows the door shut");
            },
        };

        static byte[] Reading(TelemetryClaims claims, string value, TimeSpan age, ReportKeys keys) => TelemetryMessage.Sign(claims with { Value = JsonValue.Create(value), IssuedAt = claims.IssuedAt - age }, keys.VictimKey);
    }

    private const string NoCenter = "the open house has no center, and its broker is anybody's as it is";

    private static CenterBench Center(LabContext lab, string? without) => new(lab.Identities, without, new LabClock(lab.Time), lab.Secrets);

    private static byte[] Receipt(CenterBench center) => ReceiptMessage.Sign(center.Receipt(), center.Keys.VictimKey);

    private static Strike OnADevice(LabContext lab, string? without, Func<DeviceBench, IEnumerable<DeviceAnswer>> attack)
    {
        using var device = new DeviceBench(lab.Identities, without, new LabClock(lab.Time), lab.Secrets);
        return DeviceAnswer.Judge([.. attack(device)]);
    }

    private static byte[] Edited(byte[] command)
    {
        var (header, claims, signature) = JwsForge.Open(command);
        claims["cmd"] = "close";
        return JwsForge.Make(header, claims, _ => signature);
    }

    /// <summary>The device's word, under the device's key id, signed with a key of the attacker's own.</summary>
    private static byte[] Invented(ReceiptClaims claims, LabContext lab, string keyId)
    {
        using var own = lab.Identities.ForeignDevice.Certificate.GetECDsaPrivateKey()!;
        using var key = SigningKey.Es256(own, keyId);
        return ReceiptMessage.Sign(claims, key);
    }

    private static Attack Of(string name, string says, string control, string reason, string[] techniques, Func<LabContext, string?, Strike> bench, Func<CrookedBroker, CancellationToken, Task<Strike>> whole) =>
        Of(name, says, control, reason, techniques, bench, (broker, _, cancellationToken) => whole(broker, cancellationToken));

    /// <param name="bench">At the receiving half of who is to be fooled, where one part can be left out.</param>
    /// <param name="whole">Between whole ends.</param>
    private static Attack Of(string name, string says, string control, string reason, string[] techniques, Func<LabContext, string?, Strike> bench, Func<CrookedBroker, LabContext, CancellationToken, Task<Strike>> whole) => new()
    {
        Name = name, Layer = AttackLayer.Supply, Says = says, Control = control, Reason = reason, Techniques = techniques, WhyNotOpen = NoCenter,
        Secure = async (lab, without, cancellationToken) =>
        {
            var half = bench(lab, without);
            if (without is not null || half.Result != StrikeResult.Blocked) return half;
            var broker = await lab.CrookedBrokerAsync(cancellationToken);
            broker.Done.Clear();
            try
            {
                return half.Both(await whole(broker, lab, cancellationToken), "the whole house");
            }
            finally
            {
                broker.Honest();
            }
        },
    };

    private static Control Of(string name, string meaning, string[] requirements, string leftOut) => new(name, AttackLayer.Supply, meaning, requirements, leftOut);
}
