using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Signet.Agent;
using Signet.Mqtt;
using Signet.Wire;

namespace Signet.Bench;

/// <summary>Sign, send, verify, journal, execute, sign, send, verify: the wire and the device's own code, without the center's records. And each part of it alone.</summary>
internal sealed class Pipeline : IAsyncDisposable
{
    private readonly RandomNumberGenerator _random = RandomNumberGenerator.Create();
    private readonly OutgoingSequence _sequence = OutgoingSequence.Start(0, TimeProvider.System);
    private readonly Outbox _outbox = new();
    private Line _line = null!;
    private IAsyncEnumerator<MqttMessage> _receipts = null!;
    private SigningKey _key = null!;
    private KeyRing _deviceKeys = null!;
    private CommandJournal _journal = null!;
    private CommandReceiver _receiver = null!;
    private volatile TaskCompletionSource<ReadOnlyMemory<byte>>? _direct;

    /// <param name="directory">For the authority and the device's journal.</param>
    /// <param name="rsa">The center signs PS256 with RSA-2048, as it ships; else ES256.</param>
    public static async Task<Pipeline> StartAsync(string directory, bool rsa)
    {
        var one = new Pipeline();
        one._line = await Line.OpenAsync(Path.Combine(directory, "pki"), one._random);
        var device = one._line.DeviceCertificate!.Certificate;
        using var signer = Signer(rsa);
        var (id, algorithm) = (Thumbprint.Of(signer), rsa ? "PS256" : "ES256");
        one._key = rsa ? SigningKey.Ps256(signer.GetRSAPrivateKey()!, id) : SigningKey.Es256(signer.GetECDsaPrivateKey()!, id);
        one._deviceKeys = KeyRing.Empty.With(PinnedKey.FromCertificate(device, Line.Device, "ES256"));
        var identity = new DeviceIdentity(Line.Device, "command_center", KeyRing.Empty.With(PinnedKey.FromCertificate(signer, "command_center", algorithm)),
            SigningKey.Es256(device.GetECDsaPrivateKey()!, Thumbprint.Of(device)), new HashSet<string> { "open" }, null, false, null, true);
        one._journal = CommandJournal.Open(Path.Combine(directory, "state"));
        var own = OutgoingSequence.Start(one._journal.Epoch, TimeProvider.System);
        one._journal.StartEpoch(own.Epoch, DateTimeOffset.UtcNow.AddMinutes(-1));
        var handlers = new CommandHandlers().HandleQuick("open", ArgumentSchema.None, _ => CommandOutcome.Done(new JsonObject { ["open"] = true }));
        one._receiver = new CommandReceiver(identity, handlers, one._journal, new ReceiptSigner(identity, own, one._journal, TimeProvider.System, one._random), one._outbox, "", TimeProvider.System, NullLogger.Instance);
        one._receipts = one._line.Center.ReadMessagesAsync().GetAsyncEnumerator();
        _ = one.ServeAsync();
        _ = one.AnswerAsync();
        return one;
    }

    public async Task OnceAsync()
    {
        var command = Sign();
        var sent = _line.Center.PublishAsync(new() { Topic = Topics.Command(Line.Device), Payload = command, QoS = QoS.AtLeastOnce });
        await _receipts.MoveNextAsync();
        Verify(_receipts.Current.Payload, command);
        await sent;
    }

    /// <summary>The same without the broker: sign, the whole of the device, verify.</summary>
    public async Task WithoutBrokerAsync()
    {
        var command = Sign();
        var direct = _direct = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await _receiver.ReceiveAsync(command, Topics.Command(Line.Device), CancellationToken.None);
        Verify(await direct.Task, command);
        _direct = null;
    }

    private byte[] Sign() => CommandMessage.Sign(new()
    {
        Issuer = "command_center", Audience = Line.Device, Id = MessageId.New(TimeProvider.System, _random), IssuedAt = DateTimeOffset.UtcNow, ExpiresAt = DateTimeOffset.UtcNow.AddSeconds(20), Epoch = _sequence.Epoch,
        Sequence = _sequence.Next(), Topic = Topics.Command(Line.Device), Command = "open", Arguments = [], OriginatorName = "alice", OriginatorRole = "operator",
    }, _key);

    private void Verify(ReadOnlyMemory<byte> receipt, byte[] command)
    {
        var expected = new Expectation { Keys = _deviceKeys, Audience = "command_center", Topic = Topics.Receipt(Line.Device), Now = DateTimeOffset.UtcNow };
        if (!ReceiptMessage.TryVerify(receipt.Span, expected, out var verified, out var why) || verified.Claims.State != ReceiptState.Executed || verified.Claims.Digest != Thumbprint.OfBytes(command))
            throw new InvalidOperationException($"not executed: {why} {verified?.Claims.Result}");
    }

    private async Task ServeAsync()
    {
        await foreach (var message in _line.AtDevice.ReadMessagesAsync()) await _receiver.ReceiveAsync(message.Payload, message.Topic, CancellationToken.None);
    }

    // As in the device's connection: receipts leave beside what is received.
    private async Task AnswerAsync()
    {
        var place = 0L;
        while (true)
        {
            (place, var receipt) = await _outbox.NextAsync(place, CancellationToken.None);
            if (_direct is { } waiting) waiting.SetResult(receipt.Bytes);
            else await _line.AtDevice.PublishAsync(new() { Topic = Topics.Receipt(Line.Device), Payload = receipt.Bytes, QoS = QoS.AtLeastOnce });
            _outbox.Remove(place);
            _journal.Acknowledge(receipt.Id);
        }
    }

    private static X509Certificate2 Signer(bool rsa)
    {
        var (from, to) = (DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        using var big = RSA.Create(2048); // as the center makes it
        using var small = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return rsa ? new CertificateRequest("CN=center_sign", big, HashAlgorithmName.SHA256, RSASignaturePadding.Pss).CreateSelfSigned(from, to) : new CertificateRequest("CN=center_sign", small, HashAlgorithmName.SHA256).CreateSelfSigned(from, to);
    }

    public async ValueTask DisposeAsync()
    {
        await _line.DisposeAsync();
        _journal.Dispose();
        _random.Dispose();
    }
}
