namespace Signet.Audit;

/// <summary>
/// Two timers of a log: a checkpoint is due some time after an entry, and while the log cannot be written it is tried again every second. Also the log's state of health.
/// It is tried with the entry that tells of the recovery: what has room for a smaller transaction need not have room for an entry, and would tell of a recovery every second.
/// </summary>
internal sealed class LogPulse : IAsyncDisposable
{
    private static readonly TimeSpan ProbeInterval = TimeSpan.FromSeconds(1);
    private readonly TimeProvider _time;
    private readonly TimeSpan _interval;
    private readonly Func<Task> _checkpoint;
    private readonly Func<AuditHealth, Task> _recover;
    private readonly ITimer _checkpointTimer, _probeTimer;
    private readonly Lock _gate = new();
    private AuditHealth _health;
    private bool _isDue, _isProbing, _isClosed;

    /// <param name="time">The clock.</param>
    /// <param name="interval">From an entry to its checkpoint, at most.</param>
    /// <param name="checkpoint">Signs one.</param>
    /// <param name="recover">Writes the entry that tells of a recovery from this state.</param>
    public LogPulse(TimeProvider time, TimeSpan interval, Func<Task> checkpoint, Func<AuditHealth, Task> recover)
    {
        (_time, _interval, _checkpoint, _recover) = (time, interval, checkpoint, recover);
        _health = new AuditHealth(AuditState.Writable, "", time.GetUtcNow(), 0, 0);
        _checkpointTimer = time.CreateTimer(_ => _ = CheckpointAsync(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _probeTimer = time.CreateTimer(_ => _ = ProbeAsync(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
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

    /// <summary>An entry is durable, and nothing of the reserve was needed for it.</summary>
    public void Succeeded()
    {
        if (Volatile.Read(ref _health).State == AuditState.Writable) return;
        AuditHealth before;
        bool isTold;
        lock (_gate)
        {
            before = _health;
            if (before.State == AuditState.Writable) return;
            _health = new AuditHealth(AuditState.Writable, "", _time.GetUtcNow(), 0, 0);
            isTold = _isProbing;   // by this entry, or by one that is on its way
        }
        Changed?.Invoke(Health);
        if (!isTold) _ = RunAsync(() => _recover(before));
    }

    public async ValueTask DisposeAsync()
    {
        lock (_gate) _isClosed = true;
        await _checkpointTimer.DisposeAsync();
        await _probeTimer.DisposeAsync();
    }

    private Task CheckpointAsync()
    {
        Volatile.Write(ref _isDue, false);
        return RunAsync(_checkpoint);
    }

    private async Task ProbeAsync()
    {
        AuditHealth before;
        lock (_gate)
        {
            before = _health;
            if (before.State == AuditState.Writable || _isProbing) return;
            _isProbing = true;
        }
        try
        {
            await RunAsync(() => _recover(before));
        }
        finally
        {
            lock (_gate)
            {
                _isProbing = false;
                if (_health.State != AuditState.Writable && !_isClosed) _probeTimer.Change(ProbeInterval, Timeout.InfiniteTimeSpan);   // it may have come round meanwhile
            }
        }
    }

    private static async Task RunAsync(Func<Task> action)
    {
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
