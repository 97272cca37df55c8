using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Signet.Access;
using Signet.Agent;
using Signet.Control;
using Signet.Mqtt;
using Signet.Mqtt.Broker;
using Signet.Mqtt.Client;
using Signet.Pki;
using Signet.Wire;

namespace Signet.Lab;

/// <summary>
/// A broker that works for the attacker, between a whole command center and a whole device, both honest: it has the broker's genuine certificate, and what the two say to each other passes
/// through <see cref="Commands"/> and <see cref="Receipts"/>, where it may be dropped, kept, doubled, changed or sent elsewhere.
/// <code>
/// center and its broker  &lt;-- in the device's place --  this  &lt;-- TLS --  device
/// </code>
/// </summary>
internal sealed class CrookedBroker : IAsyncDisposable
{
    public const string Device = "lab-between";

    private static readonly Actor Otto = new(WholeHouse.Operator, Role.Operator, Actor.User, "local");

    private readonly LabContext _lab;
    private readonly CommandCenter _center;
    private readonly MqttBroker _broker;
    private readonly MqttListener _listener;
    private readonly CancellationTokenSource _stop = new();
    private readonly X509Certificate2 _certificate;
    private readonly SslStreamCertificateContext _context;
    private MqttClient _up = null!, _ear = null!;
    private DeviceHome? _home;
    private DeviceAgent? _agent;
    private Task _running = Task.CompletedTask, _pumping = Task.CompletedTask;

    private CrookedBroker(LabContext lab, CommandCenter center)
    {
        (_lab, _center) = (lab, center);
        var file = Path.Combine(center.Installation.DeviceDirectory(Device), Device);
        _certificate = PemFile.ReadWithKey(file + ".crt", file + ".key");
        _context = SslStreamCertificateContext.Create(_certificate, PemFile.Read(file + ".crt"), offline: true);
        _broker = new MqttBroker(new BrokerOptions(), new OpenPolicy(), TimeProvider.System);
        _listener = MqttListener.Start(_broker, new()
        {
            EndPoint = new(IPAddress.Loopback, 0),
            Name = "crooked",
            Tls = () => new() { ServerCertificateContext = center.ServerCertificates.Broker, EnabledSslProtocols = SslProtocols.Tls13, ClientCertificateRequired = true },
            ValidateClientCertificate = (certificate, sent) => center.Judge.Judge(certificate, sent, CertificatePurpose.TlsClient) is { Accepted: false } verdict ? verdict.Detail : null,
        });
        Honest();
    }

    /// <summary>What the device gets for a command of the center.</summary>
    public Func<byte[], IEnumerable<byte[]>> Commands { get; set; } = null!;

    /// <summary>What the center gets for a receipt of the device.</summary>
    public Func<byte[], IEnumerable<byte[]>> Receipts { get; set; } = null!;

    /// <summary>What the device carried out, in this order.</summary>
    public ConcurrentQueue<string> Done { get; } = new();

    public CommandCenter Center => _center;

    /// <summary>The key id of the device's own key.</summary>
    public string KeyId => CertificateFacts.Thumbprint(_certificate);

    public static async Task<CrookedBroker> StartAsync(LabContext lab, CommandCenter center, CancellationToken cancellationToken)
    {
        var added = await center.Fleet.AddAsync(new(Device, "door"), Actor.Terminal, cancellationToken);
        if (added.Refusal is { } refusal) throw new LabException($"the device {Device} could not be added: {refusal.Message}");
        var crooked = new CrookedBroker(lab, center);
        try
        {
            await crooked.ConnectAsync(cancellationToken);
            await crooked.SwitchOnAsync(cancellationToken);
            return crooked;
        }
        catch
        {
            await crooked.DisposeAsync();
            throw;
        }
    }

    /// <summary>Passes everything on as it is.</summary>
    public void Honest() => (Commands, Receipts) = (bytes => [bytes], bytes => [bytes]);

    /// <summary>A genuine command to the device; its id.</summary>
    public async Task<string> SendAsync(string command, CancellationToken cancellationToken)
    {
        var sent = await _center.Commands.SendAsync(new(Device, command), Otto, cancellationToken);
        return sent.TryGet(out var view, out var refusal) ? view.Id : throw new LabException($"a genuine command was refused: {refusal.Message}");
    }

    /// <summary>State of a command when it is settled, or after the time that something may take on loopback.</summary>
    public async Task<string> StateAsync(string id, CancellationToken cancellationToken) => (await _center.Commands.WaitAsync(id, LabLimits.Settle, cancellationToken))?.State ?? "unknown";

    /// <summary>The number under which the device signed the receipt that the center keeps of this command.</summary>
    public async Task<long> NumberAsync(string id, CancellationToken cancellationToken)
    {
        var exported = await _center.Commands.ExportReceiptAsync(id, Otto, cancellationToken);
        if (!exported.TryGet(out var file, out var refusal)) throw new LabException($"no receipt: {refusal.Message}");
        return (long)JwsForge.Open(System.Text.Encoding.ASCII.GetBytes((string)JsonNode.Parse(file.Json.Span)!["receipt"]!)).Claims["seq"]!;
    }

    /// <summary>Says something to the center in the device's place.</summary>
    public Task SayAsync(byte[] receipt, CancellationToken cancellationToken) => _up.PublishAsync(new() { Topic = Topics.Receipt(Device), Payload = receipt, QoS = QoS.AtLeastOnce }, cancellationToken);

    /// <summary>Reason of the first audit entry about this device with one of these actions, from an entry on; null: there is none in time.</summary>
    public async Task<string?> NoticedAsync(string device, long from, string action, CancellationToken cancellationToken)
    {
        var end = _lab.Time.GetUtcNow() + _lab.AuditPatience;
        while (_lab.Time.GetUtcNow() < end)
        {
            var page = await _center.Audit.QueryAsync(new() { Actor = device, Action = action, Limit = 20 }, cancellationToken);
            if (page.Entries.LastOrDefault(e => e.Sequence >= from) is { } entry) return entry.Reason;
            await Task.Delay(TimeSpan.FromMilliseconds(10), _lab.Time, cancellationToken);
        }
        return null;
    }

    private async Task ConnectAsync(CancellationToken cancellationToken)
    {
        _up = await MqttClient.ConnectAsync(Line(Device, _center.MqttEndPoint.Port), cancellationToken);
        foreach (var topic in new[] { Topics.Command(Device), Topics.Checkpoint(Device), Topics.Manifest(Device) }) await _up.SubscribeAsync(topic);
        _ear = await MqttClient.ConnectAsync(Line("ear", _listener.EndPoint.Port), cancellationToken);
        await _ear.SubscribeAsync($"signet/{Device}/#");
        _pumping = Task.WhenAll(Task.Run(DownAsync, CancellationToken.None), Task.Run(UpAsync, CancellationToken.None));
    }

    private MqttClientOptions Line(string name, int port) => new()
    {
        Host = "localhost", Port = port, ClientId = name, Reconnect = null,
        Tls = () => new()
        {
            TargetHost = "localhost", ClientCertificateContext = _context,
            RemoteCertificateValidationCallback = (_, server, chain, _) => _center.Judge.Judge(server as X509Certificate2, chain?.ChainPolicy.ExtraStore, CertificatePurpose.TlsServer).Accepted,
        },
    };

    private Task DownAsync() => Quietly(async () =>
    {
        await foreach (var message in _up.ReadMessagesAsync(_stop.Token))
            foreach (var payload in message.Topic == Topics.Command(Device) ? Commands(message.Payload.ToArray()) : [message.Payload.ToArray()])
                await _broker.PublishAsync(new() { Topic = message.Topic, Payload = payload, QoS = QoS.AtLeastOnce, Retain = message.Topic == Topics.Manifest(Device) }, _stop.Token);
    });

    private Task UpAsync() => Quietly(async () =>
    {
        await foreach (var message in _ear.ReadMessagesAsync(_stop.Token))
        {
            if (message.Topic == Topics.Command(Device) || message.Topic == Topics.Checkpoint(Device) || message.Topic == Topics.Manifest(Device)) continue; // what went down
            foreach (var payload in message.Topic == Topics.Receipt(Device) ? Receipts(message.Payload.ToArray()) : [message.Payload.ToArray()])
                await _up.PublishAsync(new() { Topic = message.Topic, Payload = payload, QoS = QoS.AtLeastOnce, Retain = message.Topic == Topics.Status(Device) }, _stop.Token);
        }
    });

    private static async Task Quietly(Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (Exception e) when (e is OperationCanceledException or MqttException)
        {
            // the bench is closing
        }
    }

    /// <summary>The device has the home that the center made for it; only where the broker is, the attacker has changed.</summary>
    private async Task SwitchOnAsync(CancellationToken cancellationToken)
    {
        var home = _lab.NewFolder("between");
        CopyFolder(_center.Installation.DeviceDirectory(Device), home);
        var settings = JsonNode.Parse(await File.ReadAllBytesAsync(Path.Combine(home, "device.json"), cancellationToken))!.AsObject();
        settings["broker"] = $"localhost:{_listener.EndPoint.Port}";
        settings.Remove("renewal");
        await File.WriteAllTextAsync(Path.Combine(home, "device.json"), settings.ToJsonString(), cancellationToken);
        var handlers = new CommandHandlers();
        foreach (var command in _center.Fleet.Find(Device)!.AllowedCommands)
            handlers = handlers.Handle(command, ArgumentSchema.None, _ =>
            {
                Done.Enqueue(command);
                return CommandOutcome.Done();
            });
        _home = DeviceHome.Open(home, _lab.Time);
        _agent = new DeviceAgent(_home, handlers, _lab.Time, _lab.Secrets, NullLogger.Instance);
        _running = _agent.RunAsync(_stop.Token);
        await await Task.WhenAny(_agent.Online, _running).WaitAsync(LabLimits.Ready, TimeProvider.System, cancellationToken);
        if (!await Waiting.UntilAsync(() => _center.Fleet.Find(Device) is { CanReceive: true }, _lab.Time, cancellationToken, LabLimits.Ready)) throw new LabException("the center does not see the device behind the crooked broker");
    }

    private static void CopyFolder(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var file in Directory.EnumerateFiles(from)) File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
        foreach (var folder in Directory.EnumerateDirectories(from)) CopyFolder(folder, Path.Combine(to, Path.GetFileName(folder)));
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_agent is not null) await _agent.DisposeAsync();
        _home?.Dispose();
        await _pumping;
        if (_up is not null) await _up.DisposeAsync();
        if (_ear is not null) await _ear.DisposeAsync();
        await _listener.DisposeAsync();
        await _broker.DisposeAsync();
        _certificate.Dispose();
        _stop.Dispose();
    }
}
