using System.Net;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Dapper;
using Microsoft.Extensions.Logging;
using Signet.Access;
using Signet.Audit;
using Signet.Pki;
using Signet.Wire;

namespace Signet.Control;

/// <summary>
/// The operator's side of the house: authority, embedded broker, fleet, commands, people and the audit log over one data directory.
/// <see cref="OpenAsync"/> opens what is on the disk, <see cref="StartAsync"/> opens the port.
/// </summary>
public sealed partial class CommandCenter : IAsyncDisposable
{
    private readonly TimeProvider _time;
    private readonly ILoggerFactory _loggers;
    private readonly ILogger _logger;
    private readonly Stack<Func<ValueTask>> _closing = new();
    private readonly DateTimeOffset _started;
    private ControlDatabase _database = null!;
    private AuditTrail _trail = null!;
    private Roster _roster = null!;
    private CommandLedger _ledger = null!;
    private CommandNews _news = null!;
    private BrokerWatch _watch = null!;
    private SessionCutter _sessions = null!;
    private Askers _askers = null!;
    private PolicyTraffic _traffic = null!;
    private Intake _intake = null!;
    private Heartbeats _heartbeats = null!;
    private AuditForwarding _forwarding = null!;
    private CertificateEnds _ends = null!;
    private Observations _observations = null!;
    private volatile bool _isDraining;
    private BrokerHost? _host;
    private BrokerLink? _link;
    private IEnforcer? _other;
    private OtherBrokerDesk? _desk;

    private CommandCenter(CenterOptions options, TimeProvider time, ILoggerFactory loggers)
        => (Options, _time, _loggers, _logger, _started) = (options, time, loggers, loggers.CreateLogger<CommandCenter>(), time.GetUtcNow());

    public CenterOptions Options { get; }
    public Installation Installation { get; private set; } = null!;
    public CertificateAuthority Authority { get; private set; } = null!;
    public CertificateJudge Judge => Authority.Judge;
    public Certificates Certificates { get; private set; } = null!;

    public Authorities Authorities { get; private set; } = null!;

    /// <summary>The key that signs commands, and former ones that devices still believe.</summary>
    public CommandSigners CommandSigners { get; private set; } = null!;
    public Enrolments Enrolments { get; private set; } = null!;

    /// <summary>Where listeners beside the broker report connections with a client certificate.</summary>
    public CertificateConnections CertificateConnections { get; private set; } = null!;

    /// <summary>The center's own TLS leaves, for listeners beside the broker's.</summary>
    public ServerCertificates ServerCertificates { get; private set; } = null!;
    public AuditLog Audit { get; private set; } = null!;

    /// <summary>Where audit entries are handed on to, and how far each is.</summary>
    public IReadOnlyList<ForwardState> Forwarding => _forwarding.States;

    /// <summary>The devices that watch the audit log.</summary>
    public Witnesses Witnesses { get; private set; } = null!;

    /// <summary>Verifying, exporting, erasing, taking old parts out.</summary>
    public AuditDesk AuditDesk { get; private set; } = null!;
    public Fleet Fleet { get; private set; } = null!;
    public Commands Commands { get; private set; } = null!;

    /// <summary>One change to many devices.</summary>
    public BulkChanges Bulk { get; private set; } = null!;

    /// <summary>What devices may be told and who must agree, signed by somebody who is not the center.</summary>
    public Manifests Manifests { get; private set; } = null!;
    public Accounts Accounts { get; private set; } = null!;
    public SecondFactors SecondFactors { get; private set; } = null!;

    /// <summary>Invitations, and links to a new password.</summary>
    public PersonLinks Links { get; private set; } = null!;

    /// <summary>Whom an OpenID Connect provider's subjects sign in.</summary>
    public ProviderLinks ProviderLinks { get; private set; } = null!;
    public ApiTokens Tokens { get; private set; } = null!;

    /// <summary>Refused sign-ins at the console: whoever is refused again and again is counted.</summary>
    public FailureFold Failures { get; private set; } = null!;
    public LiveFeed Feed { get; private set; } = null!;
    public BrokerView Broker { get; private set; } = null!;
    public TotpAccounts TotpAccounts { get; private set; } = null!;

    /// <summary>What brokers that are not ours ask over HTTP.</summary>
    public ForeignBrokers ForeignBrokers { get; private set; } = null!;

    /// <summary>Log-in of TOTP accounts: the embedded broker's and, over HTTP, other brokers'.</summary>
    public TotpLogin TotpLogin { get; private set; } = null!;

    /// <summary>Who may do what on the broker.</summary>
    public AccessPolicy Policy => Policies.Current;

    /// <summary>The policy in force, its history, and how another one is applied.</summary>
    public Policies Policies { get; private set; } = null!;

    /// <summary>The clock the center lives by.</summary>
    public TimeProvider Time => _time;

    /// <summary>The embedded broker, for other ways to reach it; null before it started.</summary>
    public Signet.Mqtt.Broker.MqttBroker? MqttBroker => _host?.Broker;

    /// <summary>Host (or address) and port of the broker that carries the messages, ours or another.</summary>
    public DnsEndPoint BrokerEndPoint => _other?.Address ?? new(MqttEndPoint.Address.ToString(), MqttEndPoint.Port);

    /// <summary>Where the embedded broker's listener really listens.</summary>
    /// <exception cref="InvalidOperationException">Not started, or the broker is not ours.</exception>
    public IPEndPoint MqttEndPoint => _host?.EndPoint ?? throw new InvalidOperationException("the center is not started");

    /// <summary>Where clients without certificates log in; null while that listener is closed.</summary>
    public IPEndPoint? MqttPasswordEndPoint => _host?.PasswordEndPoint;

    /// <summary>Version of the program.</summary>
    public static string Version { get; } = typeof(CommandCenter).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0";

    /// <summary>Opens everything in the data directory; no port is open yet.</summary>
    /// <exception cref="ControlException">One clear line.</exception>
    public static async Task<CommandCenter> OpenAsync(CenterOptions options, TimeProvider time, RandomNumberGenerator random, ILoggerFactory loggers, CancellationToken cancellationToken = default)
    {
        options.Validate();
        var center = new CommandCenter(options, time, loggers);
        try
        {
            await Clearly.DoAsync(async () =>
            {
                await center.OpenFilesAsync(random, cancellationToken);
                await center.ComposeAsync(random, cancellationToken);
                return true;
            });
            return center;
        }
        catch
        {
            await center.CloseAsync();
            throw;
        }
    }

    /// <summary>Opens the MQTT listener and the center's own link. Ready for devices when it returns.</summary>
    /// <exception cref="ControlException">The port is taken ...</exception>
    public async Task StartAsync(CancellationToken cancellationToken = default)
    {
        if (_link is not null) throw new InvalidOperationException("the center is started already");
        var policy = Options.OtherBroker is null ? await StartBrokerAsync(cancellationToken) : null;
        if (policy is null) await StartOtherBrokerAsync(cancellationToken);
        var address = _other?.Address ?? new(MqttEndPoint.Address.ToString(), MqttEndPoint.Port);
        await Clearly.DoAsync(async () =>
        {
            Fleet.RefreshHomes();
            _link = await BrokerLink.ConnectAsync(address, Options, ServerCertificates, Judge, _time, _logger, cancellationToken);
            return true;
        });
        _closing.Push(_link!.DisposeAsync);

        var rounds = new Rounds(_time, _logger);
        _closing.Push(rounds.DisposeAsync);
        _link.Checkpoint = () => Audit.LatestCheckpoint?.Note;
        _intake.Witness = Witnesses.Take;
        rounds.Run("intake", stop => _intake.RunAsync(_link, stop));
        rounds.Run("checkpoints", stop => Witnesses.RunAsync(_link, stop));
        rounds.Run("checkpoints to all", stop => Witnesses.RunOthersAsync(_link, stop));
        rounds.Run("proofs", stop => Witnesses.AnswerAsync(_link, stop));
        rounds.Every(ControlLimits.DeadlineSweep, "deadlines", Commands.ExpireAsync);
        _ends = new(Authority, _trail, Feed, _time, _logger);
        _ends.Look();
        rounds.Every(ControlLimits.DeadlineSweep, "schedule", _ => Commands.TickAsync());
        rounds.Every(ControlLimits.DeadlineSweep, "rollouts", Commands.WatchRolloutsAsync);
        rounds.Every(ControlLimits.AuditRetry, "quarantine", Fleet.WriteDownAsync);
        var clock = new ClockWatch(_trail, _time, _logger);
        _observations.MayForget = clock.MayForget;
        Audit.MayRetire = clock.MayForget;
        // What was signed while the clock was wrong is of no use when it is right again: not an hour later, at once.
        rounds.Every(ControlLimits.ClockWatch, "clock", stop => clock.Look() ? RenewAsync(stop) : Task.CompletedTask);
        rounds.Every(ControlLimits.RenewalCheck, "renewals", RenewAsync);
        rounds.Every(ControlLimits.ReloadCheck, "server certificates", _ => { ServerCertificates.ReloadChanged(); return Task.CompletedTask; });
        rounds.Every(ControlLimits.EvidenceRound, "evidence", Certificates.RenewEvidenceAsync);
        rounds.Every(ControlLimits.TrafficFlush, "policy traffic", stop => _traffic.FlushAsync(_database, stop));
        Commands.Attach(_link);
        Manifests.Attach(_link);
        rounds.Run("manifests", Manifests.PublishAllAsync);
        CommandSigners.Attach(_link);
        rounds.Run("command signer", CommandSigners.PublishAsync);
        rounds.Every(ControlLimits.SignerRound, "command signers", CommandSigners.RetireAsync);
        policy?.Open();
        if (_desk is { } desk) rounds.Every(ControlLimits.OtherBrokerRound, "other broker", stop => desk.InForceAsync([], false, stop));
        var deliveries = new Deliveries(_ledger, _news, _time, _logger);
        _watch.CommandAcknowledged += deliveries.Take;
        rounds.Run("deliveries", deliveries.RunAsync);
        rounds.Run("resuming", Commands.ResumeAsync);
        rounds.Run("heartbeats", stop => _heartbeats.RunAsync(_link, stop));
        rounds.Run("queue", Commands.RunQueueAsync);
        _closing.Push(() => { Commands.Attach(null); Manifests.Attach(null); CommandSigners.Attach(null); return ValueTask.CompletedTask; });
    }

    private Task RenewAsync(CancellationToken stop)
    {
        ServerCertificates.Renew();
        Authority.RenewCrls();
        _ends.Look();
        return Task.CompletedTask;
    }

    /// <summary>Whether the database of fleet, commands and people answers, asked now.</summary>
    public DatabaseStatus Database => _database.Probe();

    internal ControlDatabase Rows => _database;

    /// <summary>The readiness endpoint says no from here on; everything goes on working. Called before a stop, so that load balancers look elsewhere first.</summary>
    public void Drain() => _isDraining = true;

    /// <summary>Puts on the record that the settings were read again.</summary>
    public async Task NoteReloadAsync(IReadOnlyList<string> changed, IReadOnlyList<string> needRestart, string? refusal)
        => await _trail.TryAppendAsync(AuditTrail.Of(AuditTypes.System, Actor.Center, Installation.Id, "settings-reloaded", refusal is null ? "success" : "failed", refusal is null ? "" : "unfit-settings", new()
        {
            ["changed"] = new System.Text.Json.Nodes.JsonArray([.. changed.Select(key => System.Text.Json.Nodes.JsonValue.Create(key))]),
            ["needRestart"] = new System.Text.Json.Nodes.JsonArray([.. needRestart.Select(key => System.Text.Json.Nodes.JsonValue.Create(key))]),
        }));

    /// <summary>What this actor gets to see.</summary>
    public Sight SightOf(Actor actor) => new(this, _roster, actor);

    /// <summary>Is everything well?</summary>
    public CenterStatus Status()
    {
        var (known, online) = _roster.Count();
        var database = Database;
        var counters = _host?.Broker.Counters;
        var health = Audit.Health;
        return new(Version, _started,
            new(_host is not null || _other is not null, _link is { IsUp: true } && _desk is not { IsInStep: false }, _host?.EndPoint.ToString() ?? (_other is { } other ? $"{other.Address.Host}:{other.Address.Port}" : null), counters?.Connections ?? 0, counters?.MessagesIn ?? 0, counters?.MessagesOut ?? 0),
            known, online, database.IsReady ? _ledger.CountOpen() : 0, new(health.State == AuditState.Writable, health.Message, health.Size, Audit.LatestCheckpoint?.Size ?? 0),
            Certificates.Ends([]), $"{RuntimeInformation.FrameworkDescription} on {RuntimeInformation.OSDescription}")
        {
            Database = database, Draining = _isDraining, Intake = _intake.IsRunning,
        };
    }

    /// <summary>Closes the listener, lets what was taken be finished and written, closes the log with a checkpoint. Within 10 s.</summary>
    public Task StopAsync(CancellationToken cancellationToken = default) => CloseAsync().WaitAsync(cancellationToken);

    public async ValueTask DisposeAsync() => await CloseAsync();

    private async Task OpenFilesAsync(RandomNumberGenerator random, CancellationToken cancellationToken)
    {
        Installation = Installation.Open(Options.DataDirectory, Options.Postgres);
        Keep(Installation);
        Authority = CertificateAuthority.Open(Installation.PkiDirectory, InstallationMaker.PkiOptions(Installation, Options.PkiUrl), _time, random);
        Keep(Authority);
        _database = ControlDatabase.Open(Installation.Databases.Control, Installation.Id);
        _closing.Push(_database.DisposeAsync);
        Audit = await AuditLog.OpenAsync(Options.Audit.For(Installation, Options.CheckpointInterval), _time, random, cancellationToken);
        _closing.Push(Audit.DisposeAsync);
        _trail = new(Audit, _time, _logger, Options.Audit.GoOnWithoutLog);
        _closing.Push(_trail.DisposeAsync);
    }

    private async Task ComposeAsync(RandomNumberGenerator random, CancellationToken cancellationToken)
    {
        Feed = new(_time);
        Audit.Appended += Show;
        Audit.HealthChanged += Show;
        var administration = new Administration();
        Keep(administration);
        var repeated = new RepeatedNotes(_trail, _time);
        Keep(repeated);
        Failures = new(Audit, _time);
        _closing.Push(Failures.DisposeAsync);
        _sessions = new(_time);
        CertificateConnections = new(_time);
        _roster = new(_time);
        var shared = SharedKeys.Open(Installation.PkiDirectory, random);
        var versions = _database.Read(FleetStore.SharedVersions);
        foreach (var member in _database.Read(FleetStore.Load))
        {
            if (versions.TryGetValue(member.Name, out var version)) member.Shared = shared.PairOf(member.Name, version);
            _roster.Put(member);
        }

        _roster.Changed += Show;
        var observations = _observations = new Observations(_database, _roster, _time, Options.TelemetryRetention, _logger);
        _closing.Push(observations.DisposeAsync);
        Witnesses = new(Audit, _roster, _database, _trail, repeated, Feed, _time, _logger);
        _closing.Push(Witnesses.DisposeAsync);
        AuditDesk = new(Audit, _trail, _time, Witnesses.Notes);
        _forwarding = new(Audit, Options.Audit, Installation.AuditDirectory, _time, _logger);
        _closing.Push(_forwarding.DisposeAsync);
        _watch = new(_roster, repeated, Feed, _time, _logger);
        _watch.Ended += _sessions.Ended;
        Broker = new(_watch, _sessions, _roster, _trail);
        ServerCertificates = new(Authority, Installation.PkiDirectory, Installation.Hosts, _time, _logger, _trail);
        CommandSigners = CommandSigners.Open(Authority, Installation.PkiDirectory, _roster, _trail, administration, _time);
        Keep(CommandSigners);
        var signer = await OpenSignerAsync(random, cancellationToken);
        Certificates = new(Authority, _roster, _database, _trail, administration, _sessions, CertificateConnections, () => new(CommandSigners.Present.Key, CommandSigners.Present.Chain, _time, random), ServerCertificates, _time, random);
        Certificates.RestoreWatched();
        Enrolments = new(Authority, _roster, _database, _trail, repeated, administration, Options.LongestAbsence, _time, random);
        _watch.Arrived += Enrolments.Used;
        Authorities = new(Authority, ServerCertificates, CommandSigners, _trail, administration, WriteTrust);
        _watch.RevokedReturned += Certificates.Returned;
        var cutOff = CutOffList.Open(Installation.Directory);
        Keep(cutOff);
        Fleet = new(_roster, observations, _database, _trail, administration, Installation, Authority, shared, Certificates, _sessions, cutOff, _time, BrokerAddress);
        Bulk = new(Fleet, Certificates, _database, _trail, _time, random);
        Keep(Bulk);
        var seal = AccountSeal.Open(Installation.PkiDirectory, random, _database.Read(SealedSecrets.Any));
        Accounts = new(_database, _trail, administration, _time, random, Options.SecondFactorGrace);
        SecondFactors = new(_database, _trail, administration, Accounts, seal, _time, random);
        Links = new(_database, _trail, administration, Accounts, _time, random);
        ProviderLinks = new(_database, _trail, administration, Accounts, repeated, _time);
        Tokens = new(_database, _trail, administration, _time, random);
        OpenTotpAccounts(seal, repeated, administration, random);

        Keep(new CenterMeter(this));
        var keyed = new Turns();
        Keep(keyed);
        _ledger = new(_database, Options.ReceiptDeadline);
        var news = _news = new CommandNews(Feed);
        Manifests = new(_database, Fleet, Installation, Authority, _trail, administration, _time);
        var export = new ReceiptExport(_database, _ledger, Manifests, Audit, Authority, Installation, AuditWitness.Open(Authority, Installation.PkiDirectory, Audit.TrustPem));
        var seals = new Seals(Authority, Installation, Fleet, repeated, _time);
        _heartbeats = new(_roster, Manifests, signer, _trail, repeated, _time, _logger);
        Commands = new(Fleet, _roster, Accounts, Tokens, signer, _ledger, new(_database), Manifests, new(_database), seals, _heartbeats, random, news, _trail, export, keyed, _time, _logger);
        _intake = new(_roster, Manifests, observations, new(_roster, Manifests, _ledger, _database, _trail, _heartbeats, repeated, news, _time), _heartbeats, repeated, Feed, _time, _logger) { RemembersSince = RestoredCenter.RemembersSince(_database) };

        await Audit.AppendAsync(AuditTrail.Of(AuditTypes.System, Actor.Center, Installation.Id, "center-started", details: new() { ["version"] = Version, ["epoch"] = signer.Epoch }), cancellationToken);
        _closing.Push(async () => await _trail.TryAppendAsync(AuditTrail.Of(AuditTypes.System, Actor.Center, Installation.Id, "center-stopped") with { Emergency = true }));
        await RestoredCenter.RecordAsync(_database, Audit, Installation.Id, cancellationToken);
        await Fleet.ReviewAsync(cancellationToken);
        WriteTrust();
        Log.Opened(_logger, Installation.Id, Installation.Directory, signer.Epoch);
    }

    private void OpenTotpAccounts(AccountSeal seal, RepeatedNotes repeated, Administration administration, RandomNumberGenerator random)
    {
        var verified = new VerifiedPasswords(_time, random);
        var ledger = new TotpLedger(seal, verified, _database.Read(TotpStore.Load));
        TotpLogin = new(ledger, verified, _database, repeated, _time);
        Keep(TotpLogin);
        TotpAccounts = new(ledger, _database, _trail, administration, _roster, _sessions, _time, random, Installation.Organization);
        _askers = new(_roster, Accounts.FindByName, ledger);
        ForeignBrokers = new(_askers, () => Policy, repeated);
        _traffic = new(_time);
        Policies = new(_database, _trail, administration, _roster, ledger, Accounts, _askers, _sessions, _traffic, _time);
        Policies.Open();
        Policies.Applied += policy => Feed.Publish(FeedKind.Broker, "policy", Actor.Center.Name, new() { ["version"] = policy.Version });
        Accounts.Changed += RejudgePerson;
    }

    // A role that changed acts on open sessions; somebody who may no longer be here is cut.
    private void RejudgePerson(Account account)
    {
        _askers.ForgetPerson(account.Name);
        _ = _sessions.InForceAsync(policyChanged: true);
        if (!account.Enabled) _sessions.Cut(s => s.Identity == BrokerPolicy.PersonPrefix + account.Name, $"{account.Name} was disabled or removed", purge: true);
        else _sessions.Rejudge();
    }

    // The epoch is durable before the first command can be signed with it.
    private async Task<CommandSigner> OpenSignerAsync(RandomNumberGenerator random, CancellationToken cancellationToken)
    {
        var sequence = await _database.WriteAsync(c =>
        {
            var next = OutgoingSequence.Start(c.ExecuteScalar<long>("SELECT epoch FROM center"), _time);
            c.Execute("UPDATE center SET epoch = @Epoch", new { next.Epoch });
            return next;
        }, cancellationToken);
        return new(CommandSigners, sequence, Options.CommandLifetime, _time, random);
    }

    private void WriteTrust()
    {
        PemFile.Write(Path.Combine(Installation.PkiDirectory, Authorities.TrustFile), Authority.TrustBundlePem);
        Fleet.RefreshTrust();
    }

    // A broker that somebody else runs is reached under the name that was given; a child of ours where we listen.
    private DeviceBroker BrokerAddress() => Options.OtherBroker is { Address: { } given } there ? new($"{given.Host}:{given.Port}", there.Version == Mqtt.MqttVersion.V311 ? "3.1.1" : null, IsElsewhere: true) : _other is { } child ? DeviceHomeFiles.BrokerAddress(Options.Listen, child.Address.Port) : DeviceHomeFiles.BrokerAddress(Options.Listen, _host?.EndPoint.Port ?? Options.MqttPort);

    private void Show(AuditHealth health)
    {
        if (health.State == AuditState.Writable) Log.AuditRecovered(_logger);
        else Log.AuditStopped(_logger, health.State == AuditState.OnReserve ? "takes emergencies only" : Options.Audit.GoOnWithoutLog ? "takes nothing; commands and administration go on without it" : "takes nothing; commands and administration are refused", health.Message);
        Feed.Publish(FeedKind.Audit, "health", "audit", new() { ["state"] = Words.Of(health.State), ["message"] = health.Message });
    }

    private void Show(AuditEntry entry)
    {
        Log.Audited(_logger, entry.Sequence, entry.Type, entry.Actor, entry.Action, entry.Subject, entry.Outcome, entry.Reason);
        Feed.Publish(FeedKind.Audit, entry.Type, entry.Subject, new()
        {
            ["seq"] = entry.Sequence, ["time"] = entry.Time.ToUnixTimeMilliseconds(), ["type"] = entry.Type, ["actor"] = entry.Actor, ["subject"] = entry.Subject,
            ["action"] = entry.Action, ["outcome"] = entry.Outcome, ["reason"] = entry.Reason,
        });
    }

    private void Show(DeviceRecord device) => Feed.Publish(FeedKind.Device, Words.Of(device.Presence.State), device.Name, new()
    {
        ["name"] = device.Name, ["presence"] = Words.Of(device.Presence.State), ["enabled"] = device.Enabled, ["canReceive"] = device.CanReceive,
        ["since"] = device.Presence.Since?.ToUnixTimeMilliseconds(),
    });

    private void Keep(IDisposable held) => _closing.Push(() => { held.Dispose(); return ValueTask.CompletedTask; });

    // In the opposite order of opening; once.
    private async Task CloseAsync()
    {
        while (_closing.TryPop(out var close)) await close();
    }
}
