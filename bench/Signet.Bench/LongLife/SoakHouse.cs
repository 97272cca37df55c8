using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging.Abstractions;
using Signet.Access;
using Signet.Audit;
using Signet.Control;
using Signet.Store;
using Signet.Web;

namespace Signet.Bench;

/// <summary>
/// A whole house under one clock: center, broker, console (for renewals) and a fleet whose homes are elsewhere, as devices on other machines have them. Made in the past, so that certificates,
/// log segments and server certificates come due while it is watched.
/// </summary>
internal sealed class SoakHouse : IAsyncDisposable
{
    public static readonly Actor Operator = new("otto", Role.Operator, Actor.User, "local");
    private const int History = 2_500, SegmentEntries = 1_000;
    private static readonly TimeSpan DeviceAge = TimeSpan.FromDays(21.5), ServerLife = TimeSpan.FromDays(60);
    private readonly RandomNumberGenerator _random = RandomNumberGenerator.Create();
    private readonly string _directory;
    private readonly Dictionary<string, DateTimeOffset> _renewals = new(StringComparer.Ordinal);
    private readonly PostgresAddress? _postgres;
    private readonly (int Mqtt, int Console, int Pki) _ports = (FreePort(), FreePort(), FreePort());

    private SoakHouse(string directory, VirtualClock clock, PostgresAddress? postgres) => (_directory, Clock, _postgres, Devices) = (directory, clock, postgres, new(clock));

    public VirtualClock Clock { get; }
    public CommandCenter Center { get; private set; } = null!;
    public SimulatedDevices Devices { get; }
    public IReadOnlyList<string> Names { get; private set; } = [];
    public string Data => Path.Combine(_directory, "data");

    private WebConsole? Console { get; set; }

    /// <param name="directory">Empty; everything goes below it.</param>
    /// <param name="devices">Of the fleet.</param>
    /// <param name="time">How long it will be watched: every device renews once in it, spread evenly; the server's certificates in its middle.</param>
    /// <param name="pace">How often a device speaks.</param>
    /// <param name="postgres">Instead of files.</param>
    public static async Task<SoakHouse> MakeAsync(string directory, int devices, TimeSpan time, DevicePace pace, PostgresAddress? postgres)
    {
        // The watched time ends now, so that whatever looks at the machine's own clock finds every certificate valid.
        var begin = TimeProvider.System.GetUtcNow() - time;
        var made = begin + (time / 2) - ServerLife;
        var clock = new VirtualClock(made);
        var house = new SoakHouse(directory, clock, postgres);
        await Installation.CreateAsync(house.Data, new() { Postgres = postgres }, clock, house._random);
        clock.Advance(begin - DeviceAge - clock.GetUtcNow());
        await house.OpenAsync();
        for (var i = 0; i < devices; i++)
            if ((await house.Center.Fleet.AddAsync(new($"dev-{i:D5}", i % 2 == 0 ? "valve" : "thermostat"), Actor.Terminal)).Refusal is { } refusal) throw new InvalidOperationException(refusal.Message);
        // What waits for later is judged again when it leaves: by an account that is there.
        if ((await house.Center.Accounts.CreateAsync(Operator.Name, "", Operator.Role, Actor.Terminal)).Refusal is { } unmade) throw new InvalidOperationException(unmade.Message);
        // History, so that there is something to seal and to take out.
        for (var i = 0; i < History; i++)
        {
            await house.Center.Audit.AppendAsync(new(AuditTypes.Device, Actor.Center.Name, $"dev-{i % devices:D5}", "device-added", "success", "", new() { ["kind"] = "history" }));
            if (i % SegmentEntries != 0) continue;
            var segments = house.Center.Audit.Segments.Count;
            await house.Center.Audit.CheckpointAsync();
            for (var wait = 0; i > 0 && wait < 500 && house.Center.Audit.Segments.Count == segments; wait++) await Task.Delay(10);
        }
        house.Names = [.. house.Center.Fleet.List().Select(d => d.Name)];
        await house.CloseAsync();
        System.IO.Directory.CreateDirectory(Path.Combine(directory, "homes"));
        foreach (var name in house.Names)
        {
            System.IO.Directory.Move(Path.Combine(house.Data, "device", name), house.HomeOf(name));
            SimulatedDevices.Set(house.HomeOf(name), pace);
        }
        clock.Advance(begin - clock.GetUtcNow());
        await house.OpenAsync();
        for (var i = 0; i < devices; i++) house._renewals[house.Names[i]] = begin + (time * ((i + 0.5) / devices) * 0.95);
        foreach (var name in house.Names) house.SwitchOn(name);
        return house;
    }

    public void SwitchOn(string name) => Devices.SwitchOn(HomeOf(name), SimulatedDevices.ShareFor(HomeOf(name), _renewals[name]));

    /// <summary>Whose certificate is due and not renewed.</summary>
    public bool IsRenewing => Devices.Running.Any(name => _renewals[name] <= Clock.GetUtcNow() && !Devices.HasRenewed(name));

    /// <summary>Devices whose certificate came due so far.</summary>
    public int Due => _renewals.Values.Count(at => at <= Clock.GetUtcNow());

    public string HomeOf(string name) => Path.Combine(_directory, "homes", name);

    public int Online => Center.Fleet.List().Count(d => d.Presence.State == PresenceState.Online);

    public async Task OpenAsync()
    {
        Center = await CommandCenter.OpenAsync(new()
        {
            DataDirectory = Data, MqttPort = _ports.Mqtt, Postgres = _postgres,
            // The shortest that can be set, so that sealing, retention and sweeping happen often.
            Audit = new() { SegmentEntries = SegmentEntries, RetainFor = TimeSpan.FromDays(1) },
            TelemetryRetention = TimeSpan.FromHours(1),
            // Every checkpoint goes to every device, each of which keeps it durably and signs it.
            CheckpointInterval = TimeSpan.FromMinutes(10),
        }, Clock, _random, NullLoggerFactory.Instance);
        await Center.StartAsync();
        Console = await WebConsole.StartAsync(Center, new() { ConsolePort = _ports.Console, PkiPort = _ports.Pki, AuthPort = 0, Time = Clock, Random = _random }, NullLoggerFactory.Instance);
    }

    public async Task CloseAsync()
    {
        if (Console is not null) await Console.DisposeAsync();
        Console = null;
        await Center.StopAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await Devices.DisposeAsync();
        await CloseAsync();
        _random.Dispose();
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
