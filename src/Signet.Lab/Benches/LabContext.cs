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

    public async ValueTask DisposeAsync()
    {
        if (_house is not null) await _house.DisposeAsync();
        if (_open is not null) await _open.DisposeAsync();
        if (_identities.IsValueCreated) _identities.Value.Dispose();
        _one.Dispose();
    }
}
