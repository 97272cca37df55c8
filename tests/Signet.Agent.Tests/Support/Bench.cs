using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Signet.Wire;

namespace Signet.Agent.Tests;

/// <summary>A device's receiving side on a real journal, and a center that signs for it. Restarting keeps the directory.</summary>
internal sealed class Bench : IDisposable
{
    public const string Device = "door-1";
    private static readonly X509Certificate2 CenterCertificate = Certificate("center_sign", until: 1_850_000_000);
    private static readonly X509Certificate2 DeviceCertificate = Certificate(Device);
    private static readonly X509Certificate2 SealingCertificate = Certificate(Device);
    private static readonly RandomNumberGenerator Random = RandomNumberGenerator.Create();

    private readonly TemporaryDirectory _directory = new();
    private readonly SigningKey _center = SigningKey.Es256(CenterCertificate.GetECDsaPrivateKey()!, Thumbprint.Of(CenterCertificate));
    private readonly DeviceIdentity _identity;
    public const string Nonce = "AAECAwQFBgcICQoLDA0ODw";
    private long _sequence;

    public Bench(CommandHandlers? handlers = null, string[]? allowed = null, bool onlySealed = false, ManifestClaims? manifest = null, bool hasClock = true)
    {
        Handlers = handlers ?? new CommandHandlers().Handle("open", ArgumentSchema.None, _ => { Runs++; return CommandOutcome.Done(new JsonObject { ["open"] = true }); });
        _identity = new(Device, "command_center", KeyRing.Empty.With(PinnedKey.FromCertificate(CenterCertificate, "command_center", "ES256")),
            SigningKey.Es256(DeviceCertificate.GetECDsaPrivateKey()!, Thumbprint.Of(DeviceCertificate)), (allowed ?? [.. Handlers.Commands]).ToHashSet(),
            SealingKey.EcdhEs(SealingCertificate.GetECDiffieHellmanPrivateKey()!, Thumbprint.Of(SealingCertificate)), onlySealed, manifest, hasClock);
        Start();
    }

    public CommandHandlers Handlers { get; }
    public int Runs { get; set; }
    public ManualTime Time { get; } = new(DateTimeOffset.FromUnixTimeSeconds(1_800_000_000));
    public string StateDirectory => Path.Combine(_directory.Path, "state");
    public CommandJournal Journal { get; private set; } = null!;
    public Outbox Outbox { get; private set; } = null!;
    public CommandReceiver Receiver { get; private set; } = null!;
    public OutgoingSequence Sequence { get; private set; } = null!;

    /// <summary>Epoch and number of the commands that counted as heard.</summary>
    public List<(long Epoch, long Sequence)> Heard { get; } = [];

    /// <summary>As the agent's start: opens the journal, begins an epoch, posts what the broker does not have.</summary>
    public void Start()
    {
        Journal = CommandJournal.Open(StateDirectory);
        Sequence = OutgoingSequence.Start(Journal.Epoch, Time);
        Journal.StartEpoch(Sequence.Epoch, Time.GetUtcNow());
        Outbox = new Outbox();
        foreach (var receipt in Journal.Receipts) Outbox.Post(receipt);
        var signer = new ReceiptSigner(_identity, Sequence, Journal, Time, Random);
        Receiver = new CommandReceiver(_identity, Handlers, Journal, signer, Outbox, Nonce, Time, NullLogger.Instance) { Heard = (epoch, sequence) => Heard.Add((epoch, sequence)) };
    }

    /// <summary>As kill -9: nothing is said or written any more.</summary>
    public void Crash() => Journal.Dispose();

    public CommandClaims Claims(string command = "open", JsonObject? arguments = null) => new()
    {
        Issuer = "command_center", Audience = Device, Id = MessageId.New(Time, Random), IssuedAt = Time.GetUtcNow(), ExpiresAt = Time.GetUtcNow().AddSeconds(20), Epoch = 1_799_999_000, Sequence = ++_sequence,
        Topic = Topics.Command(Device), Command = command, Arguments = arguments ?? [], OriginatorName = "alice", OriginatorRole = "operator",
    };

    public byte[] Sign(CommandClaims claims) => CommandMessage.Sign(claims, _center);

    public static byte[] Seal(byte[] signed)
    {
        using var to = SealingRecipient.FromCertificate(SealingCertificate, Device);
        return SealedMessage.Seal(signed, to, Topics.Command(Device), Random);
    }

    public VerifiedCommand Verified(byte[] message)
    {
        CommandMessage.TryVerify(message, new() { Keys = _identity.CenterKeys, Audience = Device, Topic = Topics.Command(Device), Now = Time.GetUtcNow() }, out var verified, out var rejection).ShouldBeTrue(rejection.ToString());
        return verified!;
    }

    public Task<bool> ReceiveAsync(byte[] message, string? topic = null) => Receiver.ReceiveAsync(message, topic ?? Topics.Command(Device), CancellationToken.None);

    /// <summary>The receipts that wait, verified as the center does.</summary>
    public IReadOnlyList<ReceiptClaims> Receipts()
    {
        var ring = KeyRing.Empty.With(PinnedKey.FromCertificate(DeviceCertificate, Device, "ES256"));
        var found = new List<ReceiptClaims>();
        long place = 0;
        while (true)
        {
            var next = Outbox.NextAsync(place, CancellationToken.None);
            if (!next.IsCompletedSuccessfully) return found;
            (place, var receipt) = next.Result;
            ReceiptMessage.TryVerify(receipt.Bytes.Span, new() { Keys = ring, Audience = "command_center", Topic = Topics.Receipt(Device), Now = Time.GetUtcNow(), MaximumAge = Expectation.AnyAge }, out var verified, out var rejection)
                .ShouldBeTrue(rejection.ToString());
            found.Add(verified!.Claims);
        }
    }

    public void Dispose()
    {
        Journal.Dispose();
        _directory.Dispose();
    }

    private static X509Certificate2 Certificate(string name, long until = 2_000_000_000)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.FromUnixTimeSeconds(1_700_000_000), DateTimeOffset.FromUnixTimeSeconds(until));
    }
}
