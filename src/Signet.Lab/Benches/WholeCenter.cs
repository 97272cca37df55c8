using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Signet.Access;
using Signet.Audit;
using Signet.Control;
using Signet.Mqtt;
using Signet.Mqtt.Client;
using Signet.Pki;
using Signet.Wire;

namespace Signet.Lab;

/// <summary>
/// A whole command center whose broker has turned against it: what is handed to <see cref="Take"/> is published in the broker's own name, past every rule. The victim is a
/// device of its own on the center's list, whose key the lab holds and which is not running, so that no other attack meets it.
/// </summary>
internal sealed class WholeCenter : ICenterUnderAttack, IAsyncDisposable
{
    private static readonly string[] Words = ["telemetry-refused", "receipt-refused", "foreign-message-at-device", "copy-refused-by-device"];

    private readonly CommandCenter _center;
    private readonly LabContext _lab;
    private readonly List<IDisposable> _owned = [];
    private readonly OutgoingSequence _sequence;
    private readonly long _began;
    private readonly DateTimeOffset _start;
    private MqttClient? _line;
    private string? _reason;
    private int _markers;

    private WholeCenter(LabContext lab, CommandCenter center, string victim, string neighbour)
    {
        (_lab, _center, _began) = (lab, center, center.Audit.Size);
        _start = lab.Time.GetUtcNow();
        _sequence = OutgoingSequence.Start(0, lab.Time);
        var (mine, others) = (Own(victim), Own(neighbour));
        var foreign = Keep(lab.Identities.Foreign.Issue(new(CertificateProfile.Device, victim)));
        Keys = new(victim, mine.Key, others.Key, others.Bare, Keep(SigningKey.Es256(Keep(foreign.Certificate.GetECDsaPrivateKey()!), foreign.Thumbprint)));
    }

    public ReportKeys Keys { get; }

    /// <param name="name">Of the attack: each has a device of its own, or one's replays would be another's.</param>
    public static async Task<WholeCenter> StartAsync(LabContext lab, CommandCenter center, string name, CancellationToken cancellationToken)
    {
        var (victim, neighbour) = ("lab-" + name, "lab-neighbour");
        foreach (var device in new[] { victim, neighbour }.Where(d => center.Fleet.Find(d) is null))
        {
            var added = await center.Fleet.AddAsync(new(device, "door"), Actor.Terminal, cancellationToken);
            if (added.Refusal is { } refusal) throw new LabException($"the device {device} could not be added: {refusal.Message}");
        }
        return new(lab, center, victim, neighbour);
    }

    public TelemetryClaims Reading() => Reading("door", "shut");

    public TelemetryClaims Reading(string name, string value) => new()
    {
        Issuer = Keys.Victim, Id = MessageId.New(_lab.Time, _lab.Secrets), IssuedAt = _lab.Time.GetUtcNow(), Epoch = _sequence.Epoch, Sequence = _sequence.Next(),
        Topic = Topics.Telemetry(Keys.Victim, name), Name = name, Value = JsonValue.Create(value),
    };

    public ReceiptClaims Receipt() => Task.Run(async () =>
    {
        var (id, bytes) = await SendAsync(CancellationToken.None);
        return Receipt(id, bytes);
    }).GetAwaiter().GetResult();

    /// <summary>The device's word that it did as the command says.</summary>
    public ReceiptClaims Receipt(string id, ReadOnlySpan<byte> command) => new()
    {
        Issuer = Keys.Victim, Id = MessageId.New(_lab.Time, _lab.Secrets), IssuedAt = _lab.Time.GetUtcNow(), Epoch = _sequence.Epoch, Sequence = _sequence.Next(),
        Topic = Topics.Receipt(Keys.Victim), Audience = Actor.Center.Name, InReplyTo = id, Digest = Thumbprint.OfBytes(command), State = ReceiptState.Executed, Result = [],
    };

    /// <summary>A genuine command to the victim, and the bytes it went out in: the victim's line is the lab's.</summary>
    public async Task<(string Id, byte[] Bytes)> SendAsync(CancellationToken cancellationToken)
    {
        await ConnectAsync(cancellationToken);
        var sent = await _center.Commands.SendAsync(new(Keys.Victim, "open"), new Actor(WholeHouse.Operator, Role.Operator, Actor.User, "local"), cancellationToken);
        if (!sent.TryGet(out var view, out var refusal)) throw new LabException($"a genuine command was refused: {refusal.Message}");
        var message = await _line!.NextAsync(_lab.Time, cancellationToken, LabLimits.Ready) ?? throw new LabException("the command did not come to its device");
        return (view.Id, message.Payload.ToArray());
    }

    /// <summary>State of a command as the center tells it.</summary>
    public async Task<string> StateAsync(string id, CancellationToken cancellationToken) => (await _center.Commands.FindAsync(id, cancellationToken))?.State ?? "unknown";

    public DeviceAnswer Take(byte[] message, string? topic = null) => Task.Run(() => TakeAsync(message, topic ?? Topics.Telemetry(Keys.Victim, "door"), CancellationToken.None)).GetAwaiter().GetResult();

    public async Task<DeviceAnswer> TakeAsync(byte[] message, string topic, CancellationToken cancellationToken)
    {
        var from = _center.Feed.Latest;
        await PublishAsync(topic, message, cancellationToken);
        // The center takes messages in the order they come: when it shows the genuine reading behind this one, it has judged this one.
        var marker = $"marker-{_markers++}";
        await PublishAsync(Topics.Telemetry(Keys.Victim, "marker"), TelemetryMessage.Sign(Reading("marker", marker), Keys.VictimKey), cancellationToken);
        using var patience = new CancellationTokenSource(LabLimits.Ready, TimeProvider.System);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        try
        {
            await foreach (var shown in _center.Feed.ReadAsync(from, both.Token))
            {
                if (shown.Kind == FeedKind.Command && shown.Subject == Keys.Victim && shown.Name == "executed") return new(true, "the center believes the receipt");
                if (shown.Kind != FeedKind.Telemetry || shown.Subject != Keys.Victim) continue;
                if ((string?)shown.Data["value"] == marker) break;
                if (shown.Name == "marker") continue; // of a message before, which was believed and not waited out
                return new(true, $"the center believes {shown.Data["value"]?.ToJsonString()}");
            }
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new LabException("the center did not take a genuine reading", e);
        }
        return new(false, await ReasonAsync(cancellationToken));
    }

    /// <summary>In the audit log. Repetitions are counted there and written together later: the first is the one that is waited for.</summary>
    private async Task<string> ReasonAsync(CancellationToken cancellationToken)
    {
        var filter = new AuditFilter { Actor = Keys.Victim, Limit = 50 };
        var end = _lab.Time.GetUtcNow() + _lab.AuditPatience;
        while (_reason is null && _lab.Time.GetUtcNow() < end)
        {
            _reason = (await _center.Audit.QueryAsync(filter, cancellationToken)).Entries.FirstOrDefault(e => e.Sequence >= _began && Words.Contains(e.Action))?.Reason;
            if (_reason is null) await Task.Delay(TimeSpan.FromMilliseconds(10), _lab.Time, cancellationToken);
        }
        return _reason ?? "nobody noticed";
    }

    /// <summary>What the center shows as the victim's present value.</summary>
    public async Task<string?> ShownAsync(string name, CancellationToken cancellationToken) =>
        (await _center.Fleet.LatestReadingsAsync(Keys.Victim, cancellationToken)).FirstOrDefault(r => r.Name == name)?.Value;

    /// <summary>How many readings of this name the center has kept since this bench began.</summary>
    public int ReadingsOf(string name) => _center.Fleet.ReadingsAsync(Keys.Victim, name, _start - TimeSpan.FromMinutes(1), DateTimeOffset.MaxValue).GetAwaiter().GetResult().Count;

    private async Task ConnectAsync(CancellationToken cancellationToken)
    {
        if (_line is not null) return;
        var home = Path.Combine(_center.Installation.DeviceDirectory(Keys.Victim), Keys.Victim);
        var certificate = Keep(PemFile.ReadWithKey(home + ".crt", home + ".key"));
        var context = System.Net.Security.SslStreamCertificateContext.Create(certificate, PemFile.Read(home + ".crt"), offline: true);
        _line = await MqttClient.ConnectAsync(new()
        {
            Host = "localhost", Port = _center.MqttEndPoint.Port, ClientId = Keys.Victim, Reconnect = null,
            Tls = () => new()
            {
                TargetHost = "localhost", ClientCertificateContext = context,
                RemoteCertificateValidationCallback = (_, server, chain, _) => _center.Judge.Judge(server as X509Certificate2, chain?.ChainPolicy.ExtraStore, CertificatePurpose.TlsServer).Accepted,
            },
        }, cancellationToken);
        await _line.SubscribeAsync(Topics.Command(Keys.Victim));
        await PublishAsync(Topics.Status(Keys.Victim), StatusMessage.Sign(new()
        {
            Issuer = Keys.Victim, Id = MessageId.New(_lab.Time, _lab.Secrets), IssuedAt = _lab.Time.GetUtcNow(), Epoch = _sequence.Epoch, Sequence = _sequence.Next(), Topic = Topics.Status(Keys.Victim),
            State = StatusState.Online, Details = [],
        }, Keys.VictimKey), cancellationToken);
        if (!await Waiting.UntilAsync(() => _center.Fleet.Find(Keys.Victim) is { CanReceive: true }, _lab.Time, cancellationToken, LabLimits.Ready)) throw new LabException("the center does not see the device");
    }

    private ValueTask PublishAsync(string topic, byte[] payload, CancellationToken cancellationToken) =>
        (_center.MqttBroker ?? throw new LabException("the center is not started")).PublishAsync(new() { Topic = topic, Payload = payload, QoS = QoS.AtLeastOnce }, cancellationToken);

    private (SigningKey Key, ECDsa Bare) Own(string device)
    {
        var file = Path.Combine(_center.Installation.DeviceDirectory(device), device);
        var ecdsa = Keep((ECDsa)KeyFile.Load(file + ".key"));
        return (Keep(SigningKey.Es256(ecdsa, _center.Fleet.Find(device)!.Thumbprint)), ecdsa);
    }

    private T Keep<T>(T owned)
        where T : IDisposable
    {
        _owned.Add(owned);
        return owned;
    }

    public async ValueTask DisposeAsync()
    {
        if (_line is not null) await _line.DisposeAsync();
        foreach (var owned in Enumerable.Reverse(_owned)) owned.Dispose();
    }
}
