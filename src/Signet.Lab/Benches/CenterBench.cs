using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Signet.Wire;

namespace Signet.Lab;

/// <summary>
/// What a center believes of what it hears from devices, built from the house's own parts in the order of its intake (verification, replay window), so that the lab can leave one out.
/// The attacker owns the broker here, so nothing but the message itself can stop it.
/// </summary>
internal sealed class CenterBench : IDisposable
{
    private readonly LabIdentities _who;
    private readonly string? _without;
    private readonly LabClock _clock;
    private readonly RandomNumberGenerator _random;
    private readonly List<PinnedKey> _pinned = [];
    private readonly KeyRing _keys;
    private readonly ReplayWindow _window = new();
    private readonly OutgoingSequence _sequence;

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
    }

    /// <summary>A reading the victim's device would send now.</summary>
    public TelemetryClaims Reading() => new()
    {
        Issuer = LabIdentities.Victim, Id = MessageId.New(_clock, _random), IssuedAt = _clock.GetUtcNow(), Epoch = _sequence.Epoch, Sequence = _sequence.Next(),
        Topic = Topics.Telemetry(LabIdentities.Victim, "door"), Name = "door", Value = JsonValue.Create("shut"),
    };

    /// <summary>A receipt the victim's device would send for a command.</summary>
    public ReceiptClaims Receipt() => new()
    {
        Issuer = LabIdentities.Victim, Id = MessageId.New(_clock, _random), IssuedAt = _clock.GetUtcNow(), Epoch = _sequence.Epoch, Sequence = _sequence.Next(),
        Topic = Topics.Receipt(LabIdentities.Victim), Audience = LabIdentities.Center, InReplyTo = MessageId.New(_clock, _random), Digest = Thumbprint.OfBytes("the command"u8), State = ReceiptState.Executed, Result = [],
    };

    /// <summary>Executed means here: the center believed it.</summary>
    public DeviceAnswer Take(byte[] message, string? topic = null) => topic == Topics.Receipt(LabIdentities.Victim) ? TakeReceipt(message, topic) : TakeReading(message, topic ?? Topics.Telemetry(LabIdentities.Victim, "door"));

    private DeviceAnswer TakeReading(byte[] message, string topic)
    {
        var bytes = Weaken(message);
        if (!TelemetryMessage.TryVerify(bytes, Expect(bytes, topic, WireLimits.MaximumAge), out var verified, out var rejection)) return Refused(rejection);
        // Left out: nothing is remembered between two messages.
        var window = Off("telemetry-window") ? new ReplayWindow() : _window;
        if (!window.Check(verified.Claims.Epoch, verified.Claims.Sequence, _clock.GetUtcNow(), out rejection)) return Refused(rejection);
        window.Commit(verified.Claims.Epoch, verified.Claims.Sequence);
        return new(true, $"the center believes {verified.Claims.Value.ToJsonString()}");
    }

    private DeviceAnswer TakeReceipt(byte[] message, string topic) => ReceiptMessage.TryVerify(message, Expect(message, topic, Expectation.AnyAge), out _, out var rejection)
        ? new(true, "the center believes the receipt")
        : Refused(rejection);

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
    private byte[] Weaken(byte[] message)
    {
        if (!Off("device-signature")) return message;
        using var ecdsa = _who.VictimDevice.Certificate.GetECDsaPrivateKey()!;
        return JwsForge.MakeEs256(JwsForge.Header("ES256", _who.VictimDevice.Thumbprint, TelemetryMessage.Type), JwsForge.Open(message).Claims, ecdsa);
    }

    public void Dispose()
    {
        foreach (var key in _pinned) key.Dispose();
    }
}
