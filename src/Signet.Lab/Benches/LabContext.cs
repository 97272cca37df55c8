using System.Security.Cryptography;

namespace Signet.Lab;

/// <summary>What one run's attacks share. The seed fixes the order of attacks and all hostile bytes; keys, nonces and ids are truly random and differ from run to run.</summary>
public sealed class LabContext : IAsyncDisposable
{
    private readonly Lazy<LabIdentities> _identities;

    private readonly SemaphoreSlim _one = new(1);
    private OpenHouse? _open;
    private LogBench? _log;
    private WholeHouse? _house;
    private LostCenter? _lost;
    private CrookedBroker? _crooked;
    private readonly Dictionary<string, WholeCenter> _centers = new(StringComparer.Ordinal);

    public LabContext(string scratch, int seed, LabLogs logs, TimeProvider time, RandomNumberGenerator secrets)
    {
        (Scratch, Seed, Logs, Time, Secrets) = (scratch, seed, logs, time, secrets);
        _identities = new(() => new LabIdentities(Directory.CreateDirectory(Path.Combine(Scratch, "identities")).FullName, Time, Secrets));
    }

    /// <summary>A folder of this run alone; removed at its end.</summary>
    public string Scratch { get; }
    public int Seed { get; }
    public LabLogs Logs { get; }
    public TimeProvider Time { get; }
    public RandomNumberGenerator Secrets { get; }
    public LabIdentities Identities => _identities.Value;

    /// <summary>How long an entry of the audit log is waited for that tells the reason of a refusal.</summary>
    internal TimeSpan AuditPatience { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Hostile bytes for one attack: the same for the same seed and name.</summary>
    public Random RandomFor(string name) => new(name.Aggregate(Seed, (hash, c) => unchecked(hash * 31 + c)));

    private int _folders;

    /// <summary>A new folder below <see cref="Scratch"/>, private to this run.</summary>
    public string NewFolder(string what) => Directory.CreateDirectory(Path.Combine(Scratch, $"{what}-{Interlocked.Increment(ref _folders)}")).FullName;

    /// <summary>A broker of the house for one attack, with one control left out or none.</summary>
    public BrokerBench Broker(string? without) => new(Identities, without, new LabClock(Time));

    /// <summary>The run's open house; started when first asked for.</summary>
    public async Task<OpenHouse> OpenHouseAsync(CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken);
        try
        {
            return _open ??= await OpenHouse.StartAsync(Logs, Time, Secrets, sensorEvery: null, cancellationToken);
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>The run's audit log to attack; made when first asked for.</summary>
    public async Task<LogBench> LogAsync(CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken);
        try
        {
            return _log ??= await LogBench.MakeAsync(Path.Combine(Scratch, "log"), Time, Secrets, cancellationToken);
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>The run's secure house, whole; started when first asked for.</summary>
    public async Task<WholeHouse> HouseAsync(CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken);
        try
        {
            return _house ??= await WholeHouse.StartAsync(Path.Combine(Scratch, "house"), Time, Secrets, cancellationToken);
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>The run's secure house, and a device of its behind a broker that works for the attacker.</summary>
    internal async Task<CrookedBroker> CrookedBrokerAsync(CancellationToken cancellationToken)
    {
        var house = await HouseAsync(cancellationToken);
        await _one.WaitAsync(cancellationToken);
        try
        {
            return _crooked ??= await CrookedBroker.StartAsync(this, house.Center, cancellationToken);
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>The run's center that is lost and restored; started when first asked for.</summary>
    internal async Task<LostCenter> LostCenterAsync(CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken);
        try
        {
            return _lost ??= await LostCenter.StartAsync(this, cancellationToken);
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>The run's secure house with a device of its own for this attack, and its broker in the attacker's hands.</summary>
    internal async Task<WholeCenter> CenterAsync(string attack, CancellationToken cancellationToken)
    {
        var house = await HouseAsync(cancellationToken);
        await _one.WaitAsync(cancellationToken);
        try
        {
            return _centers.TryGetValue(attack, out var center) ? center : _centers[attack] = await WholeCenter.StartAsync(this, house.Center, attack, cancellationToken);
        }
        finally
        {
            _one.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_lost is not null) await _lost.DisposeAsync();
        if (_crooked is not null) await _crooked.DisposeAsync();
        foreach (var center in _centers.Values) await center.DisposeAsync();
        if (_house is not null) await _house.DisposeAsync();
        if (_open is not null) await _open.DisposeAsync();
        if (_identities.IsValueCreated) _identities.Value.Dispose();
        _one.Dispose();
    }
}
