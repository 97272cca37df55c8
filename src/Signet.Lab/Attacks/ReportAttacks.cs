using System.Text.Json.Nodes;
using Signet.Wire;

namespace Signet.Lab;

/// <summary>Attacks on what the center believes of its devices, by whoever owns the broker: false readings, old ones, receipts for what never happened.</summary>
internal static class ReportAttacks
{
    private static readonly string[] View = ["T1692.002", "T0832"];

    public static IEnumerable<Attack> All =>
    [
        Of("forged-reading", "Signs a reading with a certificate of the device's name from another authority.", "pinned-devices", "unknown-key",
            (c, _) => [c.Take(TelemetryMessage.Sign(c.Reading(), c.Keys.Foreign))]),
        Of("tampered-reading", "Changes the value of a genuine reading and keeps its signature.", "device-signature", "bad-signature", (c, _) =>
        {
            var (header, claims, signature) = JwsForge.Open(TelemetryMessage.Sign(c.Reading(), c.Keys.VictimKey));
            claims["value"] = "open";
            return [c.Take(JwsForge.Make(header, claims, _ => signature))];
        }),
        Of("reading-in-anothers-name", "A neighbour's device, whose key is known, reports in the victim's name.", "device-name-binding", "unknown-key",
            (c, _) => [c.Take(JwsForge.MakeEs256(JwsForge.Header("ES256", c.Keys.Neighbour.KeyId, TelemetryMessage.Type), JwsForge.Open(TelemetryMessage.Sign(c.Reading(), c.Keys.VictimKey)).Claims, c.Keys.NeighbourEcdsa))]),
        Of("replayed-reading", "Sends a reading again, to show a shut door that stands open.", "telemetry-window", "replayed", (c, _) =>
        {
            var seen = TelemetryMessage.Sign(c.Reading(), c.Keys.VictimKey);
            Expect(c.Take(seen));
            return Enumerable.Range(0, 50).Select(_ => c.Take(seen));
        }),
        Of("held-back-reading", "Holds a reading back until it is out of date.", "reading-freshness", "expired",
            (c, clock) => [c.Take(TelemetryMessage.Sign(c.Reading() with { IssuedAt = clock.GetUtcNow() - TimeSpan.FromMinutes(10) }, c.Keys.VictimKey))]),
        Of("reading-on-another-topic", "Passes one quantity off as another by moving it to the other's topic.", "reading-topic", "wrong-topic",
            (c, _) => [c.Take(TelemetryMessage.Sign(c.Reading(), c.Keys.VictimKey), Topics.Telemetry(c.Keys.Victim, "alarm"))]),
        Of("forged-receipt", "A neighbour's device signs the receipt of a command that the victim never saw.", "device-name-binding", "unknown-key",
            (c, _) => [Receipt(c, JwsForge.MakeEs256(JwsForge.Header("ES256", c.Keys.Neighbour.KeyId, ReceiptMessage.Type), Receipt(c), c.Keys.NeighbourEcdsa))]),
        Of("tampered-receipt", "Turns a device's refusal into its word that it did as it was told.", "device-signature", "bad-signature", (c, _) =>
        {
            var (header, claims, signature) = JwsForge.Open(ReceiptMessage.Sign(c.Receipt() with { State = ReceiptState.Rejected, Reason = RejectReason.Expired }, c.Keys.VictimKey));
            claims["state"] = "executed";
            claims.Remove("reason");
            return [Receipt(c, JwsForge.Make(header, claims, _ => signature))];
        }),
        Of("receipt-for-another-command", "Takes the device's genuine receipt for other bytes as the answer to a command of this center.", "receipt-binding", "not-sent-by-this-center", (c, _) =>
        {
            var receipt = c.Receipt();
            return [Receipt(c, ReceiptMessage.Sign(receipt with { Digest = Thumbprint.OfBytes("bytes of another center"u8) }, c.Keys.VictimKey))];
        }),
        Of("replayed-receipt", "Plays the receipt of one command as the answer to the next.", "receipt-binding", "not-sent-by-this-center", (c, _) =>
        {
            var first = c.Receipt();
            Expect(Receipt(c, ReceiptMessage.Sign(first, c.Keys.VictimKey)));
            var next = c.Receipt();
            return [Receipt(c, ReceiptMessage.Sign(next with { Digest = first.Digest }, c.Keys.VictimKey))];
        }),
    ];

    public static IReadOnlyList<Control> Controls { get; } =
    [
        Of("pinned-devices", "The center pins the thumbprint of each device's key.", ["IEC CR 1.2", "IEC CR 1.9"], "a center that takes any certificate with the device's name"),
        Of("device-signature", "Every byte of a reading is under the device's signature.", ["IEC CR 3.1", "IEC CR 2.12", "ETSI 5.5"], "a center that does not check it"),
        Of("device-name-binding", "A device's key speaks for that device only.", ["IEC CR 1.2"], "a center that believes the name in the message"),
        Of("telemetry-window", "Each reading is taken once.", ["IEC CR 3.1", "IEC CR 3.8"], "a center that remembers nothing"),
        Of("reading-freshness", "Readings older than 30 s are refused.", ["IEC CR 3.1", "ETSI 5.10"], "a center that takes readings of any age"),
        Of("receipt-binding", "A receipt speaks of a command only by the digest of the very bytes that were sent.", ["IEC CR 3.1", "IEC CR 2.12"], "a center that takes any receipt of its device for an answer"),
        Of("reading-topic", "The signed topic is where a reading arrived.", ["IEC CR 3.1"], "a center that believes the topic in the message"),
    ];

    private static JsonObject Receipt(ICenterUnderAttack center) => JwsForge.Open(ReceiptMessage.Sign(center.Receipt(), center.Keys.VictimKey)).Claims;

    private static DeviceAnswer Receipt(ICenterUnderAttack center, byte[] message) => center.Take(message, Topics.Receipt(center.Keys.Victim));

    private static void Expect(DeviceAnswer genuine)
    {
        if (!genuine.Executed) throw new LabException($"a genuine message was refused: {genuine.Reason}");
    }

    private static Attack Of(string name, string says, string control, string reason, Func<ICenterUnderAttack, LabClock, IEnumerable<DeviceAnswer>> attack) => new()
    {
        Name = name, Layer = AttackLayer.Message, Says = says, Control = control, Reason = reason, Techniques = View,
        WhyNotOpen = "nobody in the open house watches: its sensor's messages are the commands",
        Secure = async (lab, without, cancellationToken) =>
        {
            var half = OnTheBench(lab, without, attack);
            // Parts can be left out of the receiving half only; the center as it is must answer the same.
            if (without is not null || half.Result != StrikeResult.Blocked) return half;
            var center = await lab.CenterAsync(name, cancellationToken);
            return half.Both(DeviceAnswer.Judge(await Task.Run(() => attack(center, new LabClock(lab.Time)).Take(ForAWholeCenter).ToList(), cancellationToken)), "a whole center");
        },
    };

    /// <summary>How many messages of one attack a whole center gets: each is waited for.</summary>
    private const int ForAWholeCenter = 6;

    private static Strike OnTheBench(LabContext lab, string? without, Func<ICenterUnderAttack, LabClock, IEnumerable<DeviceAnswer>> attack)
    {
        var clock = new LabClock(lab.Time);
        using var center = new CenterBench(lab.Identities, without, clock, lab.Secrets);
        return DeviceAnswer.Judge([.. attack(center, clock)]);
    }

    private static Control Of(string name, string meaning, string[] requirements, string leftOut) => new(name, AttackLayer.Message, meaning, requirements, leftOut);
}
