using System.Threading.Channels;
using Signet.Store;

namespace Signet.Audit;

/// <summary>Keeps the search index behind the log, on its own task: an append never waits for it, and when it cannot be written searching only takes longer. It stands still while the disk is full.</summary>
internal sealed class SearchFollower : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Between two transactions while entries are coming. A guess: several stretches share one, and what is at hand is not gone before it is taken.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);
    private readonly Database _log;
    private readonly string _directory, _origin;
    private readonly TimeProvider _time;
    private readonly Func<long> _size;
    private readonly Func<bool> _mayWrite;
    private readonly Channel<bool> _news = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });
    private readonly RecentEntries _recent = new();
    private readonly CancellationTokenSource _stop = new();
    private Task _run = Task.CompletedTask;
    private SearchIndex? _index;
    private DateTimeOffset _notBefore;
    private long _retired;

    public SearchFollower(Database log, string directory, string origin, TimeProvider time, Func<long> size, Func<bool> mayWrite) =>
        (_log, _directory, _origin, _time, _size, _mayWrite) = (log, directory, origin, time, size, mayWrite);

    /// <summary>Null while there is none: then everything is looked at.</summary>
    public SearchIndex? Index => Volatile.Read(ref _index);

    public void Start()
    {
        _run = Task.Run(RunAsync);
        _news.Writer.TryWrite(true);
    }

    /// <summary>Entries were written.</summary>
    public void Wrote(IReadOnlyList<Pending> rows)
    {
        _recent.Add(rows);
        if (_size() - (Index?.Entries ?? 0) >= SearchIndex.Stretch) _news.Writer.TryWrite(true);
    }

    /// <summary>Entries 1 to this number were taken out.</summary>
    public void Retired(long last)
    {
        Volatile.Write(ref _retired, last);
        _news.Writer.TryWrite(true);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _run;
        if (_index is not null) await _index.DisposeAsync();
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            await foreach (var _ in _news.Reader.ReadAllAsync(_stop.Token))
                if (_mayWrite() && _time.GetUtcNow() >= _notBefore)
                    await FollowAsync();
        }
        catch (OperationCanceledException)
        {
            // the log is closed
        }
    }

    private async Task FollowAsync()
    {
        try
        {
            await using var log = await _log.OpenAsync(_stop.Token);
            if (_index is null) Volatile.Write(ref _index, SearchIndex.Open(_directory, _origin, log, _size()));
            if (Interlocked.Exchange(ref _retired, 0) is > 0 and var retired) _index!.Forget(retired);
            while (!_stop.IsCancellationRequested && _mayWrite())
            {
                var (before, began) = (_size(), _time.GetTimestamp());
                if (!_index!.Extend(log, before, AuditLimits.IndexedStretches, _recent)) break;
                // While entries are coming the writer has the machine. Who is far behind reads from the database, and leaves four fifths of the time to those;
                // who is not stays near enough to need it no more: after a long piece of work (turning a block round) that rule would let everything at hand go by.
                if (_size() > before) await Task.Delay(_size() - _index.Entries < RecentEntries.Capacity / 2 ? Pause : _time.GetElapsedTime(began) * 4, _stop.Token);
            }
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // Whatever it is: a help must not stop the log. A damaged file is made anew when it is opened again; a full disk is waited for.
            _notBefore = _time.GetUtcNow() + Patience;
            if (_index is { } broken)
            {
                Volatile.Write(ref _index, null);
                await broken.DisposeAsync();
            }
        }
    }
}
