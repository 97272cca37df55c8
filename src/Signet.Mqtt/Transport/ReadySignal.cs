using System.Threading.Tasks.Sources;

namespace Signet.Mqtt.Broker.Transport;

/// <summary>
/// Says when a socket is ready in one direction. One waits at a time, without allocating; a signal that came before the wait is not lost. Who waited goes on where the signal is
/// given while <see cref="RunsInline"/>, else in the thread pool.
/// </summary>
internal sealed class ReadySignal : IValueTaskSource<bool>, IThreadPoolWorkItem
{
    private const int Nothing = 0, Given = 1, Waiting = 2;
    private ManualResetValueTaskSourceCore<bool> core;
    private int state;
    private bool result;

    public bool RunsInline { get; set; }

    /// <summary>True when ready (or perhaps ready: look), false when <see cref="Set"/> said so: the wait was given up.</summary>
    public ValueTask<bool> WaitAsync()
    {
        if (Interlocked.CompareExchange(ref state, Nothing, Given) == Given) return new(true);
        core.Reset();
        var wait = new ValueTask<bool>(this, core.Version);
        if (Interlocked.CompareExchange(ref state, Waiting, Nothing) == Nothing) return wait;
        Volatile.Write(ref state, Nothing); // given in between; nobody else takes it back
        return new(true);
    }

    /// <summary>Gives way to what else this thread of a poller has to do, then goes on.</summary>
    public ValueTask<bool> YieldAsync(Poller poller)
    {
        var wait = WaitAsync();
        if (!wait.IsCompleted) poller.RunLater(this);
        return wait;
    }

    /// <summary>
    /// Wakes who waits. Kept for the next wait when nobody does. False gives the wait up: not kept, and never run on the caller's thread, who may hold locks.
    /// </summary>
    public void Set(bool ready)
    {
        while (true)
        {
            var seen = Volatile.Read(ref state);
            if (seen == Waiting)
            {
                if (Interlocked.CompareExchange(ref state, Nothing, Waiting) != Waiting) continue;
                result = ready;
                if (RunsInline && ready) core.SetResult(ready);
                else ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
                return;
            }

            if (seen == Given || !ready || Interlocked.CompareExchange(ref state, Given, Nothing) == Nothing) return;
        }
    }

    void IThreadPoolWorkItem.Execute() => core.SetResult(result);

    bool IValueTaskSource<bool>.GetResult(short token) => core.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<bool>.GetStatus(short token) => core.GetStatus(token);

    void IValueTaskSource<bool>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) => core.OnCompleted(continuation, state, token, flags);
}
