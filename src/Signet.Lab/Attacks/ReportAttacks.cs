using System.Text.Json.Nodes;
using Signet.Wire;

namespace Signet.Lab;

/// <summary>Attacks on what the center believes of its devices, by whoever owns the broker: false readings, old ones, receipts for what never happened.</summary>
internal static class ReportAttacks
{
    private static readonly string[] View = ["T1692.002", "T0832"];

    public static IEnumerable<Attack> All =>
    [
        Of("forged-reading", "Signs a reading with a certificate of the device's name from another authority.", "pinned-devices", "unknown-key", (c, who, _) =>
        {
            using var key = SigningKey.Es256(System.Security.Cryptography.X509Certificates.ECDsaCertificateExtensions.GetECDsaPrivateKey(who.ForeignDevice.Certificate)!, who.ForeignDevice.Thumbprint);
            return [c.Take(TelemetryMessage.Sign(c.Reading(), key))];
        }),
        Of("tampered-reading", "Changes the value of a genuine reading and keeps its signature.", "device-signature", "bad-signature", (c, who, _) =>
        {
            var (header, claims, signature) = JwsForge.Open(TelemetryMessage.Sign(c.Reading(), who.VictimKey));
            claims["value"] = "open";
            return [c.Take(JwsForge.Make(header, claims, _ => signature))];
        }),
        Of("reading-in-anothers-name", "A neighbour's device, whose key is known, reports in the victim's name.", "device-name-binding", "unknown-key",
            (c, who, _) => [c.Take(JwsForge.MakeEs256(JwsForge.Header("ES256", who.NeighbourKey.KeyId, TelemetryMessage.Type), Claims(c, who), who.NeighbourEcdsa))]),
        Of("replayed-reading", "Sends a reading again, to show a shut door that stands open.", "telemetry-window", "replayed", (c, who, _) =>
        {
            var seen = TelemetryMessage.Sign(c.Reading(), who.VictimKey);
            Expect(c.Take(seen));
            return Enumerable.Range(0, 50).Select(_ => c.Take(seen));
        }),
        Of("held-back-reading", "Holds a reading back until it is out of date.", "reading-freshness", "expired", (c, who, clock) =>
        {
            var held = TelemetryMessage.Sign(c.Reading(), who.VictimKey);
            clock.Offset += TimeSpan.FromMinutes(10);
            return [c.Take(held)];
        }),
        Of("reading-on-another-topic", "Passes one quantity off as another by moving it to the other's topic.", "reading-topic", "wrong-topic",
            (c, who, _) => [c.Take(TelemetryMessage.Sign(c.Reading(), who.VictimKey), Topics.Telemetry(LabIdentities.Victim, "alarm"))]),
        Of("forged-receipt", "A neighbour's device signs the receipt of a command that the victim never saw.", "device-name-binding", "unknown-key", (c, who, _) =>
        {
            var claims = JwsForge.Open(ReceiptMessage.Sign(c.Receipt(), who.VictimKey)).Claims;
            return [c.Take(JwsForge.MakeEs256(JwsForge.Header("ES256", who.NeighbourKey.KeyId, ReceiptMessage.Type), claims, who.NeighbourEcdsa), Topics.Receipt(LabIdentities.Victim))];
        }),
    ];

    public static IReadOnlyList<Control> Controls { get; } =
    [
        Of("pinned-devices", "The center pins the thumbprint of each device's key.", ["IEC CR 1.2", "IEC CR 1.9"], "a center that takes any certificate with the device's name"),
        Of("device-signature", "Every byte of a reading is under the device's signature.", ["IEC CR 3.1", "IEC CR 2.12", "ETSI 5.5"], "a center that does not check it"),
        Of("device-name-binding", "A device's key speaks for that device only.", ["IEC CR 1.2"], "a center that believes the name in the message"),
        Of("telemetry-window", "Each reading is taken once.", ["IEC CR 3.1", "IEC CR 3.8"], "a center that remembers nothing"),
        Of("reading-freshness", "Readings older than 30 s are refused.", ["IEC CR 3.1", "ETSI 5.10"], "a center that takes readings of any age"),
        Of("reading-topic", "The signed topic is where a reading arrived.", ["IEC CR 3.1"], "a center that believes the topic in the message"),
    ];

    private static JsonObject Claims(CenterBench center, LabIdentities who) => JwsForge.Open(TelemetryMessage.Sign(center.Reading(), who.VictimKey)).Claims;

    private static void Expect(DeviceAnswer genuine)
    {
        if (!genuine.Executed) throw new LabException($"a genuine reading was refused: {genuine.Reason}");
    }

    private static Attack Of(string name, string says, string control, string reason, Func<CenterBench, LabIdentities, LabClock, IEnumerable<DeviceAnswer>> attack) => new()
    {
        Name = name, Layer = AttackLayer.Message, Says = says, Control = control, Reason = reason, Techniques = View,
        WhyNotOpen = "nobody in the open house watches: its sensor's messages are the commands",
        Secure = (lab, without, _) =>
        {
            var clock = new LabClock(lab.Time);
            using var center = new CenterBench(lab.Identities, without, clock, lab.Secrets);
            return Task.FromResult(DeviceAnswer.Judge([.. attack(center, lab.Identities, clock)]));
        },
    };

    private static Control Of(string name, string meaning, string[] requirements, string leftOut) => new(name, AttackLayer.Message, meaning, requirements, leftOut);
}
