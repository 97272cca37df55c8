using System.Runtime.ExceptionServices;

namespace Signet.Store;

/// <summary>A thread that does one thing at a time for another one, which goes on meanwhile: what waits for the disk, while there is something to compute. One owner; made at the first use.</summary>
internal sealed class CommitThread : IDisposable
{
    private readonly SemaphoreSlim _begun = new(0), _ended = new(0);
    private Thread? _thread;
    private Action? _work;   // null ends the thread
    private ExceptionDispatchInfo? _failure;
    private volatile bool _isDone = true;

    public bool IsDone => _isDone;

    /// <summary>Begins it; <see cref="End"/> must follow.</summary>
    public void Begin(Action work)
    {
        (_work, _failure, _isDone) = (work, null, false);
        if (_thread is null)
        {
            var thread = new Thread(Run) { IsBackground = true, Name = "commit" };
            thread.Start();
            _thread = thread;   // not before it runs, or nobody would end the work
        }
        _begun.Release();
    }

    /// <summary>Waits for its end; throws what it threw.</summary>
    public void End()
    {
        _ended.Wait();
        _failure?.Throw();
    }

    public void Dispose()
    {
        if (_thread is not null)
        {
            _work = null;
            _begun.Release();
            _thread.Join();
            _thread = null;
        }
        _begun.Dispose();
        _ended.Dispose();
    }

    private void Run()
    {
        while (true)
        {
            _begun.Wait();
            if (_work is not { } work) return;
            try
            {
                work();
            }
            catch (Exception e)
            {
                _failure = ExceptionDispatchInfo.Capture(e);
            }
            _isDone = true;
            _ended.Release();
        }
    }
}
