using Signet.Wire;

namespace Signet.Lab;

/// <summary>
/// What a center that was restored from a backup can be made to believe: it has forgotten what its devices said since. (What devices can be made to believe is <c>replay-after-restore</c>.)
/// </summary>
internal static class RestoreAttacks
{
    private static readonly string[] View = ["T1692.002", "T0832"];

    public static IEnumerable<Attack> All =>
    [
        Of("reading-after-restore", "Plays a reading that the lost center took to the one restored from its backup, while it is still fresh.", "restore-memory", "replayed",
            async (lost, _, without, cancellationToken) => await lost.ReplayAsync(await lost.ReadingAsync(cancellationToken), victim => Topics.Telemetry(victim, "door"), without, cancellationToken)),
        Of("receipt-after-restore", "Plays the receipt of a command of the lost center to the restored one, which knows of no such command.", "receipt-binding", "not-sent-by-this-center",
            async (lost, lab, without, cancellationToken) =>
            {
                if (without is null) return await lost.ReplayAsync(await lost.ReceiptAsync(cancellationToken), Topics.Receipt, null, cancellationToken);
                using var center = new CenterBench(lab.Identities, without, new LabClock(lab.Time), lab.Secrets);
                return center.Take(ReceiptMessage.Sign(center.Receipt() with { Digest = Thumbprint.OfBytes("a command of the lost center"u8) }, center.Keys.VictimKey), Topics.Receipt(LabIdentities.Victim));
            }),
    ];

    public static IReadOnlyList<Control> Controls { get; } =
    [
        new("restore-memory", AttackLayer.Message, "A restored center takes no reading from before its restore.", ["IEC CR 3.1", "ETSI 5.9"], "a restore that does not write down from when on the center remembers"),
    ];

    private static Attack Of(string name, string says, string control, string reason, Func<LostCenter, LabContext, string?, CancellationToken, Task<DeviceAnswer>> attack) => new()
    {
        Name = name, Layer = AttackLayer.Message, Says = says, Control = control, Reason = reason, Techniques = View,
        WhyNotOpen = "the open house keeps nothing that could be restored",
        Secure = async (lab, without, cancellationToken) => DeviceAnswer.Judge([await attack(await lab.LostCenterAsync(cancellationToken), lab, without, cancellationToken)]),
    };
}
