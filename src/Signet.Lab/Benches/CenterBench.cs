using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Signet.Wire;

namespace Signet.Lab;

/// <summary>Keys and names of an attack on what a center believes.</summary>
/// <param name="Victim">The device that is spoken for.</param>
/// <param name="VictimKey">The device's own key, for what it really said.</param>
/// <param name="Neighbour">Key of another device of the house, which the attacker owns; <paramref name="NeighbourEcdsa"/>: the same, bare.</param>
/// <param name="Foreign">Key under a certificate with the victim's name from another authority.</param>
internal sealed record ReportKeys(string Victim, SigningKey VictimKey, SigningKey Neighbour, ECDsa NeighbourEcdsa, SigningKey Foreign);

/// <summary>A center whose broker is the attacker's: its receiving half (<see cref="CenterBench"/>), or whole (<see cref="WholeCenter"/>).</summary>
internal interface ICenterUnderAttack
{
    ReportKeys Keys { get; }

    /// <summary>A reading the victim's device would send now.</summary>
    TelemetryClaims Reading();

    /// <summary>A receipt the victim's device would send for a command of this center.</summary>
    ReceiptClaims Receipt();

    /// <summary>Executed means here: the center believed it.</summary>
    /// <param name="topic">Where it arrives; null: the topic of the victim's readings.</param>
    DeviceAnswer Take(byte[] message, string? topic = null);
}

/// <summary>
/// What a center believes of what it hears from devices, built from the house's own parts in the order of its intake (verification, replay window), so that the lab can leave one out.
/// The attacker owns the broker here, so nothing but the message itself can stop it.
/// </summary>
internal sealed class CenterBench : ICenterUnderAttack, IDisposable
{
    private readonly LabIdentities _who;
    private readonly string? _without;
    private readonly LabClock _clock;
    private readonly RandomNumberGenerator _random;
    private readonly List<PinnedKey> _pinned = [];
    private readonly KeyRing _keys;
    private readonly ReplayWindow _window = new();
    private readonly OutgoingSequence _sequence;
    private readonly ECDsa _foreign;
    private readonly Dictionary<string, string> _sent = new(StringComparer.Ordinal);
    private readonly List<(DateTimeOffset At, string Value)> _readings = [];

    public CenterBench(LabIdentities who, string? without, LabClock clock, RandomNumberGenerator random)
    {
        (_who, _without, _clock, _random) = (who, without, clock, random);
        _sequence = OutgoingSequence.Start(0, clock);
        _pinned.Add(PinnedKey.FromCertificate(who.VictimDevice.Certificate, LabIdentities.Victim, Suite.Es256.Algorithm));
        // Left out: a device's name is what it says it is.
        _pinned.Add(PinnedKey.FromCertificate(who.NeighbourDevice.Certificate, Off("device-name-binding") ? LabIdentities.Victim : LabIdentities.Neighbour, Suite.Es256.Algorithm));
        // Left out: any certificate with the device's name will do.
        if (Off("pinned-devices")) _pinned.Add(PinnedKey.FromCertificate(who.ForeignDevice.Certificate, LabIdentities.Victim, Suite.Es256.Algorithm));
        _keys = _pinned.Aggregate(KeyRing.Empty, (ring, key) => ring.With(key));
        _foreign = who.ForeignDevice.Certificate.GetECDsaPrivateKey()!;
        Keys = new(LabIdentities.Victim, who.VictimKey, who.NeighbourKey, who.NeighbourEcdsa, SigningKey.Es256(_foreign, who.ForeignDevice.Thumbprint));
    }

    public ReportKeys Keys { get; }

    /// <summary>What the center shows as the present value: the newest by the time the device signed. Left out: what came last.</summary>
    public string? Shown => _readings.Count == 0 ? null : Off("reading-order") ? _readings[^1].Value : _readings.MaxBy(r => r.At).Value;

    /// <summary>What the center says of a command that its broker has acknowledged, and nobody else. Left out: delivered is done.</summary>
    public string Acknowledged() => Off("signed-receipts") ? "executed" : "delivered";

    /// <summary>Do these receipts, in the order they came, tell the order in which the device carried out its commands? Left out: the order they came in is taken for it.</summary>
    public bool NoticesOrder(IEnumerable<byte[]> receipts) => !Off("receipt-numbers") && receipts.Select(r => (long)JwsForge.Open(r).Claims["seq"]!).ToList() is var numbers && !numbers.SequenceEqual(numbers.Order());

    /// <summary>A reading the victim's device would send now.</summary>
    public TelemetryClaims Reading() => new()
    {
        Issuer = LabIdentities.Victim, Id = MessageId.New(_clock, _random), IssuedAt = _clock.GetUtcNow(), Epoch = _sequence.Epoch, Sequence = _sequence.Next(),
        Topic = Topics.Telemetry(LabIdentities.Victim, "door"), Name = "door", Value = JsonValue.Create("shut"),
    };

    /// <summary>A receipt the victim's device would send for a command of this center.</summary>
    public ReceiptClaims Receipt()
    {
        var command = new byte[32];
        _random.GetBytes(command);
        var (id, digest) = (MessageId.New(_clock, _random), Thumbprint.OfBytes(command));
        _sent[id] = digest;
        return Receipt(id, digest);
    }

    private ReceiptClaims Receipt(string id, string digest) => new()
    {
        Issuer = LabIdentities.Victim, Id = MessageId.New(_clock, _random), IssuedAt = _clock.GetUtcNow(), Epoch = _sequence.Epoch, Sequence = _sequence.Next(),
        Topic = Topics.Receipt(LabIdentities.Victim), Audience = LabIdentities.Center, InReplyTo = id, Digest = digest, State = ReceiptState.Executed, Result = [],
    };

    /// <summary>Executed means here: the center believed it.</summary>
    public DeviceAnswer Take(byte[] message, string? topic = null) => topic == Topics.Receipt(LabIdentities.Victim) ? TakeReceipt(message, topic) : TakeReading(message, topic ?? Topics.Telemetry(LabIdentities.Victim, "door"));

    private DeviceAnswer TakeReading(byte[] message, string topic)
    {
        var bytes = Weaken(message, TelemetryMessage.Type);
        if (!TelemetryMessage.TryVerify(bytes, Expect(bytes, topic, WireLimits.MaximumAge), out var verified, out var rejection)) return Refused(rejection);
        // Left out: nothing is remembered between two messages.
        var window = Off("telemetry-window") ? new ReplayWindow() : _window;
        if (!window.Check(verified.Claims.Epoch, verified.Claims.Sequence, _clock.GetUtcNow(), out rejection)) return Refused(rejection);
        window.Commit(verified.Claims.Epoch, verified.Claims.Sequence);
        _readings.Add((verified.Claims.IssuedAt, verified.Claims.Value.ToJsonString()));
        return new(true, $"the center believes {verified.Claims.Value.ToJsonString()}");
    }

    private DeviceAnswer TakeReceipt(byte[] message, string topic)
    {
        var bytes = Weaken(message, ReceiptMessage.Type);
        if (!ReceiptMessage.TryVerify(bytes, Expect(bytes, topic, Expectation.AnyAge), out var verified, out var rejection)) return Refused(rejection);
        // Left out: a receipt is a receipt, whatever it speaks of.
        return _sent.GetValueOrDefault(verified.Claims.InReplyTo) == verified.Claims.Digest || Off("receipt-binding") ? new(true, "the center believes the receipt") : new(false, "not-sent-by-this-center");
    }

    private bool Off(string control) => _without == control;

    private static DeviceAnswer Refused(Rejection rejection) => new(false, RejectReasons.Of(rejection.Reason).Name);

    /// <summary>What a message is held against. Left out: the message itself.</summary>
    private Expectation Expect(byte[] message, string topic, TimeSpan age)
    {
        var expected = new Expectation { Keys = _keys, Audience = LabIdentities.Center, Topic = topic, Now = _clock.GetUtcNow(), MaximumAge = age };
        if (Off("reading-freshness")) return expected with { MaximumAge = Expectation.AnyAge };
        return Off("reading-topic") && (string?)JwsForge.Open(message).Claims["topic"] is { } own ? expected with { Topic = own } : expected;
    }

    /// <summary>Left out: the signature is decoded and never checked. What such a reader takes is signed anew, so that it passes the rest.</summary>
    private byte[] Weaken(byte[] message, string type)
    {
        if (!Off("device-signature")) return message;
        using var ecdsa = _who.VictimDevice.Certificate.GetECDsaPrivateKey()!;
        return JwsForge.MakeEs256(JwsForge.Header("ES256", _who.VictimDevice.Thumbprint, type), JwsForge.Open(message).Claims, ecdsa);
    }

    public void Dispose()
    {
        foreach (var key in _pinned) key.Dispose();
        Keys.Foreign.Dispose();
        _foreign.Dispose();
    }
}
