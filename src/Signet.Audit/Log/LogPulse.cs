namespace Signet.Audit;

/// <summary>Two timers of a log: a checkpoint is due some time after an entry, and while the log cannot be written it is tried again every second. Also the log's state of health.</summary>
internal sealed class LogPulse : IAsyncDisposable
{
    private static readonly TimeSpan ProbeInterval = TimeSpan.FromSeconds(1);
    private readonly TimeProvider _time;
    private readonly TimeSpan _interval;
    private readonly Func<Task> _checkpoint, _probe;
    private readonly Func<AuditHealth, Task> _recovered;
    private readonly ITimer _checkpointTimer, _probeTimer;
    private readonly Lock _gate = new();
    private AuditHealth _health;
    private bool _isDue, _isClosed;

    public LogPulse(TimeProvider time, TimeSpan interval, Func<Task> checkpoint, Func<Task> probe, Func<AuditHealth, Task> recovered)
    {
        (_time, _interval, _checkpoint, _probe, _recovered) = (time, interval, checkpoint, probe, recovered);
        _health = new AuditHealth(AuditState.Writable, "", time.GetUtcNow(), 0, 0);
        _checkpointTimer = time.CreateTimer(_ => _ = RunAsync(_checkpoint), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _probeTimer = time.CreateTimer(_ => _ = RunAsync(_probe), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public AuditHealth Health => Volatile.Read(ref _health);

    /// <summary>Told of every change of state, outside the lock.</summary>
    public Action<AuditHealth>? Changed { get; set; }

    /// <summary>An entry is waiting for a checkpoint.</summary>
    public void Appended()
    {
        if (Volatile.Read(ref _isDue)) return;
        lock (_gate)
        {
            if (_isDue || _isClosed) return;
            _isDue = true;
            _checkpointTimer.Change(_interval, Timeout.InfiniteTimeSpan);
        }
    }

    public void Failed(string message)
    {
        AuditHealth? news = null;
        lock (_gate)
        {
            var was = _health.State;
            _health = _health.State != AuditState.Writable
                ? _health with { Message = message, Refused = _health.Refused + 1 }
                : new AuditHealth(AuditState.Unavailable, message, _time.GetUtcNow(), 0, 1);
            if (was != _health.State) news = _health;
            if (!_isClosed) _probeTimer.Change(ProbeInterval, Timeout.InfiniteTimeSpan);
        }
        if (news is not null) Changed?.Invoke(news);
    }

    /// <summary>Emergencies are taken, nothing else.</summary>
    public void OnReserve(string message)
    {
        AuditHealth? news = null;
        lock (_gate)
        {
            if (_health.State != AuditState.OnReserve) news = _health = new AuditHealth(AuditState.OnReserve, message, _time.GetUtcNow(), 0, _health.Refused);
            if (!_isClosed) _probeTimer.Change(ProbeInterval, Timeout.InfiniteTimeSpan);
        }
        if (news is not null) Changed?.Invoke(news);
    }

    public void Succeeded()
    {
        if (Volatile.Read(ref _health).State == AuditState.Writable) return;
        AuditHealth before;
        lock (_gate)
        {
            before = _health;
            if (before.State == AuditState.Writable) return;
            _health = new AuditHealth(AuditState.Writable, "", _time.GetUtcNow(), 0, 0);
        }
        Changed?.Invoke(Health);
        _ = RunAsync(() => _recovered(before));
    }

    public async ValueTask DisposeAsync()
    {
        lock (_gate) _isClosed = true;
        await _checkpointTimer.DisposeAsync();
        await _probeTimer.DisposeAsync();
    }

    private async Task RunAsync(Func<Task> action)
    {
        if (action == _checkpoint) Volatile.Write(ref _isDue, false);
        try
        {
            await action();
        }
        catch (AuditUnavailableException)
        {
            // Counted by Failed, which also asks for the next try.
        }
    }
}
