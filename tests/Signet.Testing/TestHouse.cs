using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Signet.Access;
using Signet.Agent;
using Signet.Audit;
using Signet.Control;
using Signet.Mqtt.Client;
using Signet.Pki;
using Signet.Web;

namespace Signet.Testing;

/// <summary>How a <see cref="TestHouse"/> differs from the demo.</summary>
public sealed record TestHouseOptions
{
    public bool Demo { get; init; } = true;

    /// <summary>Changes the center's options (ports are 0 already).</summary>
    public Func<CenterOptions, CenterOptions> Center { get; init; } = o => o;

    public ILoggerFactory Loggers { get; init; } = NullLoggerFactory.Instance;

    /// <summary>The center's and the console's clock; devices have the machine's. One that stands still keeps every deadline and round from coming; move its wall clock alone.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Start the console and the PKI endpoint too.</summary>
    public bool Web { get; init; }

    /// <summary>Changes the console's options (ports are 0 already).</summary>
    public Func<WebOptions, WebOptions> Console { get; init; } = o => o;
}

/// <summary>
/// The real house in this process: data directory of its own, authority, broker on a free port, center, and as many real devices as a test starts.
/// <code>await using var house = await TestHouse.StartAsync(); await house.StartDeviceAsync("thermostat-1"); ... await house.AssertAuditIntactAsync();</code>
/// </summary>
public sealed class TestHouse : IAsyncDisposable
{
    private readonly TempDirectory _temp = new();
    private readonly RandomNumberGenerator _random = RandomNumberGenerator.Create();
    private readonly TestHouseOptions _options;
    private readonly List<RunningDevice> _devices = [];
    private readonly Store.PostgresAddress? _postgres;
    private int _port;

    private TestHouse(TestHouseOptions options)
    {
        _options = options;
        PostgresConnection = TestDatabase.NewConnection();
        _postgres = PostgresConnection is null ? null : Store.PostgresAddress.Parse(PostgresConnection);
    }

    /// <summary>For tests that reach into the database beside the house; null over SQLite.</summary>
    public string? PostgresConnection { get; }

    public static Actor Admin { get; } = new("ada", Role.Admin, Actor.User, "local");
    public static Actor Operator { get; } = new("olaf", Role.Operator, Actor.User, "local");
    public static Actor Viewer { get; } = new("vera", Role.Viewer, Actor.User, "local");

    public string Directory => _temp.File("data");
    public CommandCenter Center { get; private set; } = null!;

    /// <summary>Null unless <see cref="TestHouseOptions.Web"/>.</summary>
    public WebConsole? Web { get; private set; }

    public static async Task<TestHouse> StartAsync(TestHouseOptions? options = null)
    {
        var house = new TestHouse(options ?? new());
        try
        {
            await Installation.CreateAsync(house.Directory, new() { Demo = house._options.Demo, Postgres = house._postgres }, house._options.Time, house._random);
            await house.StartCenterAsync();
            return house;
        }
        catch
        {
            await house.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts (again) on the port it had, so that devices find it.</summary>
    public async Task StartCenterAsync()
    {
        Center = await CommandCenter.OpenAsync(_options.Center(new() { DataDirectory = Directory, MqttPort = _port, MqttPasswordPort = 0, Postgres = _postgres }), _options.Time, _random, _options.Loggers);
        await Center.StartAsync();
        _port = Center.MqttEndPoint.Port;
        if (_options.Web) Web = await WebConsole.StartAsync(Center, _options.Console(new() { ConsolePort = 0, PkiPort = 0, AuthPort = 0, Time = _options.Time }), _options.Loggers);
    }

    public async Task StopCenterAsync()
    {
        if (Web is not null) await Web.DisposeAsync();
        Web = null;
        await Center.StopAsync();
    }

    /// <summary>Starts the agent of a device of the fleet, and waits until the center sees it online.</summary>
    public async Task<RunningDevice> StartDeviceAsync(string name, CommandHandlers? handlers = null)
    {
        var device = new RunningDevice(Center.Installation.DeviceDirectory(name), handlers);
        _devices.Add(device);
        await Eventually.True(() => PresenceOf(name) == PresenceState.Online, $"{name} is online");
        return device;
    }

    /// <summary>Starts the agent of a device at whatever broker its home names; nobody waits for it.</summary>
    public RunningDevice RunElsewhere(string name, CommandHandlers handlers)
    {
        var device = new RunningDevice(Center.Installation.DeviceDirectory(name), handlers);
        _devices.Add(device);
        return device;
    }

    /// <summary>As <see cref="StartDeviceAsync"/>, from a home elsewhere; a device that enrolled itself has one.</summary>
    public async Task<RunningDevice> StartDeviceInAsync(string name, string home)
    {
        var device = new RunningDevice(home, null);
        _devices.Add(device);
        await Eventually.True(() => PresenceOf(name) == PresenceState.Online, $"{name} is online");
        return device;
    }

    /// <summary>Lets a device's home point to another port, for instance of a <see cref="TcpCable"/>.</summary>
    public void Rewire(string device, int port)
    {
        var path = Path.Combine(Center.Installation.DeviceDirectory(device), "device.json");
        File.WriteAllText(path, File.ReadAllText(path).Replace($":{Center.MqttEndPoint.Port}\"", $":{port}\"", StringComparison.Ordinal));
    }

    public PresenceState PresenceOf(string name) => Center.Fleet.Find(name)?.Presence.State ?? PresenceState.Unknown;

    /// <summary>Sends as the operator and waits for the end.</summary>
    public async Task<CommandView> SendAsync(string device, string command, System.Text.Json.Nodes.JsonObject? arguments = null)
    {
        var sent = await Center.Commands.SendAsync(new(device, command, arguments), Operator);
        return (await Center.Commands.WaitAsync(sent.Value.Id, TimeSpan.FromSeconds(10)))!;
    }

    /// <summary>A raw MQTT client with the certificate of a device's home: what somebody who stole it has.</summary>
    public Task<MqttClient> ConnectAsync(string device, string clientId = "", Func<MqttClientOptions, MqttClientOptions>? change = null)
    {
        var home = Center.Installation.DeviceDirectory(device);
        return ConnectAsync(PemFile.ReadWithKey(Path.Combine(home, device + ".crt"), Path.Combine(home, device + ".key")), clientId, change);
    }

    /// <summary>A raw MQTT client with the center's own TLS certificate: what a broker, or somebody who stole that key, can do. It cannot sign commands.</summary>
    public Task<MqttClient> ConnectAsCenterAsync() => ConnectAsync(
        PemFile.ReadWithKey(Path.Combine(Center.Installation.PkiDirectory, "command_center.crt"), Path.Combine(Center.Installation.PkiDirectory, "command_center.key")), "thief");

    /// <summary>A raw MQTT client with any certificate, or none.</summary>
    public Task<MqttClient> ConnectAsync(X509Certificate2? certificate, string clientId = "", Func<MqttClientOptions, MqttClientOptions>? change = null)
    {
        var context = certificate is null ? null : SslStreamCertificateContext.Create(certificate, [Center.Authority.Intermediate], offline: true);
        var options = new MqttClientOptions
        {
            Host = IPAddress.Loopback.ToString(),
            Port = Center.MqttEndPoint.Port,
            ClientId = clientId,
            Reconnect = null,
            Tls = () => new() { TargetHost = "localhost", ClientCertificateContext = context, RemoteCertificateValidationCallback = (_, broker, _, _) => Center.Judge.Judge(broker as X509Certificate2, null, CertificatePurpose.TlsServer).Accepted },
        };
        return MqttClient.ConnectAsync(change is null ? options : change(options));
    }

    /// <summary>The newest audit entry that fits, waited for: notes are written a moment after what they tell.</summary>
    public Task<AuditEntry> AuditedAsync(AuditFilter filter, Func<AuditEntry, bool>? fits = null) => Eventually.Some(
        async () => (await Center.Audit.QueryAsync(filter)).Entries.FirstOrDefault(fits ?? (_ => true)), $"an audit entry like {filter}");

    /// <summary>Verifies the whole log from its stored bytes.</summary>
    public async Task AssertAuditIntactAsync()
    {
        var verdict = await Center.Audit.VerifyAsync();
        verdict.IsIntact.ShouldBeTrue(verdict.Summary);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var device in _devices) await device.DisposeAsync();
        if (Web is not null) await Web.DisposeAsync();
        if (Center is not null) await Center.DisposeAsync();
        _random.Dispose();
        _temp.Dispose();
    }
}
