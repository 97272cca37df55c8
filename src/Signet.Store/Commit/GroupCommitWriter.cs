using System.Data.Common;
using System.Runtime.InteropServices;
using System.Threading.Channels;

namespace Signet.Store;

/// <summary>
/// Many callers, one writer, one fsync for all who wait: rows that arrive while a commit is under way share the next one.
/// Contract
/// - Durable: when <see cref="WriteAsync"/> returns, the row's transaction is committed and synced. Rows are written in the order in which they were taken.
/// - Failure: the caller gets a <see cref="StoreException"/> and may try again; the row is not written. One exception: when the sync itself failed
///   and the machine then loses power, the row may be found afterwards. It was never acknowledged.
/// - A row that the database refuses for its own sake (a constraint) fails its own caller only: the batch is written again row by row.
/// - Recovery: after a failure the connection is opened anew for the next row; nobody has to restart anything.
/// - Concurrency: any number of callers on any threads. At most <see cref="StoreLimits.QueuedRows"/> rows wait; beyond that callers wait for a place.
/// - Closing: rows already taken are written; later ones fail with <see cref="StoreFailure.Unavailable"/>.
/// - Who waits for one row and may block can write it on its own thread while nobody else writes or waits (<see cref="WriteHereAsync"/>): waking another thread and being woken by it can take longer than the commit.
/// </summary>
public sealed class GroupCommitWriter<T> : IAsyncDisposable
{
    private readonly Database _database;
    private readonly BatchTarget<T> _target;
    private readonly int _maximumRows;
    private readonly Channel<Slot> _queue;
    private readonly Task _pump;
    private readonly CommitThread _commits = new();
    private Batch _batch, _next;   // _next: taken from the queue and made ready while _batch was committed
    private bool _isNextSound;
    private DbConnection? _connection;
    private DbCommand? _begin, _commit;
    private Action? _run;
    private StoreException? _stopped;

    /// <summary>Held by who takes rows out of the queue and commits, from the first row until they are written: so none is overtaken.</summary>
    private readonly Lock _turn = new();
    private bool _isClosed;

    public GroupCommitWriter(Database database, BatchTarget<T> target, int maximumRows = StoreLimits.BatchRows)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maximumRows);
        (_database, _target, _maximumRows) = (database, target, maximumRows);
        (_batch, _next) = (new(maximumRows), new(maximumRows));
        _queue = Channel.CreateBounded<Slot>(new BoundedChannelOptions(StoreLimits.QueuedRows) { SingleReader = true });
        _pump = Task.Run(PumpAsync);
    }

    /// <summary>A writer whose batches need no state of their own.</summary>
    public GroupCommitWriter(Database database, Action<DbConnection, IReadOnlyList<T>> write)
        : this(database, new FunctionTarget(write)) { }

    /// <summary>Writes one row; durable when it returns.</summary>
    /// <param name="row">Handed to the target on the writer's own task.</param>
    /// <param name="cancellationToken">Ends the wait for a place in the queue. A row that was taken is written.</param>
    /// <exception cref="StoreException">The row is not written.</exception>
    public ValueTask WriteAsync(T row, CancellationToken cancellationToken = default)
    {
        var slot = new Slot(row);
        return _queue.Writer.TryWrite(slot) ? new(slot.Task) : WaitForPlaceAsync(slot, cancellationToken);
    }

    /// <summary>As <see cref="WriteAsync"/>, for a caller that has nothing else to do meanwhile: when nobody writes or waits, the row is written before this returns, on the caller's thread. Not for threads that must not block, and not for many rows of one caller, which would not share a sync.</summary>
    /// <inheritdoc cref="WriteAsync"/>
    public ValueTask WriteHereAsync(T row, CancellationToken cancellationToken = default)
    {
        // From within a commit (a target that writes again) the row goes into the queue: the turn would let this thread in a second time.
        if (_turn.IsHeldByCurrentThread || !_turn.TryEnter()) return WriteAsync(row, cancellationToken);
        try
        {
            if (_isClosed || _queue.Reader.Count > 0 || _next.Slots.Count > 0) return WriteAsync(row, cancellationToken);
            var slot = new Slot(row);
            _batch.Add(slot);
            CommitTaken(isAlone: true);   // what is made ready is the pump's to write
            return new(slot.Task);
        }
        finally
        {
            _turn.Exit();
        }
    }

    public async ValueTask DisposeAsync()
    {
        lock (_turn) _isClosed = true;
        _queue.Writer.TryComplete();
        await _pump;
        Disconnect();
        _commits.Dispose();
    }

    // The queue is full or closed.
    private async ValueTask WaitForPlaceAsync(Slot slot, CancellationToken cancellationToken)
    {
        try
        {
            await _queue.Writer.WriteAsync(slot, cancellationToken);
        }
        catch (ChannelClosedException)
        {
            throw _stopped ?? new StoreException(StoreFailure.Unavailable, $"{_database.Name}: the writer is closed.");
        }
        await slot.Task;
    }

    private async Task PumpAsync()
    {
        while (_next.Slots.Count > 0 || await _queue.Reader.WaitToReadAsync())
        {
            lock (_turn)
            {
                (_batch, _next) = (_next, _batch);
                while (_batch.Slots.Count < _maximumRows && _queue.Reader.TryRead(out var slot)) _batch.Add(slot);
                CommitTaken(isAlone: false);
            }
        }
    }

    private void CommitTaken(bool isAlone)
    {
        if (_batch.Slots.Count == 0) return;
        try
        {
            Commit(_batch.Slots, _batch.Rows, isAlone);
        }
        finally
        {
            _batch.Clear();
        }
    }

    private void Commit(List<Slot> slots, List<T> rows, bool isAlone)
    {
        if (_stopped is not null)
        {
            Fail(slots, _stopped);
            return;
        }
        _isNextSound = true;
        try
        {
            Begin();
            _target.Write(_connection!, rows);
            if (!isAlone && _target.CanPrepare && _queue.Reader.Count >= StoreLimits.PreparedRows) CommitAndPrepare();
            else _commit!.ExecuteNonQuery();
        }
        catch (Exception e)
        {
            Disconnect();   // the next batch starts from what is really on the disk
            if (StoreException.From(e, _database.Name) is { } store)
            {
                if (store.Failure == StoreFailure.Unavailable) _database.ForgetIdle();
                Fail(slots, store);
            }
            else if (slots.Count == 1) Fail(slots, e);
            else
                foreach (var slot in slots)
                    Commit([slot], [slot.Row], isAlone: true);
            return;
        }
        try
        {
            _target.Committed(rows);
        }
        catch (Exception e)
        {
            // What the target remembers no longer agrees with the disk. Going on would build on sand: stop the world.
            _stopped = new StoreException(StoreFailure.Unavailable, $"{_database.Name}: the writer stopped: {e.Message}", e);
            _queue.Writer.TryComplete();
        }
        Acknowledge(slots);
        if (!_isNextSound) Disconnect();   // what the target made ready is void: the rows are written as if they had just come
    }

    // The disk has the commit, and this thread would only wait: the rows that came meanwhile are made ready.
    private void CommitAndPrepare()
    {
        _commits.Begin(_run ??= () => _commit!.ExecuteNonQuery());
        try
        {
            while (!_commits.IsDone && _next.Slots.Count < _maximumRows && _queue.Reader.TryRead(out var slot))
            {
                _next.Add(slot);
                _target.Prepare(slot.Row);
            }
        }
        catch (Exception)
        {
            _isNextSound = false;   // says nothing about the rows that are being committed; the row will fail again by itself
        }
        _commits.End();
    }

    // Each caller goes on as a work item of its own. Many of them are queued by another thread, which then has them at hand; the next batch does not wait for that.
    private static void Acknowledge(List<Slot> slots)
    {
        if (slots.Count > StoreLimits.AcknowledgedAtOnce)
            ThreadPool.UnsafeQueueUserWorkItem(static done => SetResults(done), slots.ToArray(), preferLocal: false);
        else SetResults(CollectionsMarshal.AsSpan(slots));
    }

    private static void SetResults(ReadOnlySpan<Slot> slots)
    {
        foreach (var slot in slots) slot.SetResult();
    }

    private void Begin()
    {
        var wasOpen = _connection is not null;
        Connect();
        try
        {
            _begin!.ExecuteNonQuery();
        }
        catch (Exception e) when (wasOpen && StoreException.From(e, _database.Name) is { Failure: StoreFailure.Unavailable })
        {
            // The server went away and came back while nothing was written: the old connection is dead, nothing was sent on it, so this batch may begin on a new one.
            Disconnect();
            _database.ForgetIdle();
            Connect();
            _begin!.ExecuteNonQuery();
        }
    }

    private void Connect()
    {
        if (_connection is not null) return;
        _connection = _database.OpenWriter();
        _begin = Prepare(_database.BeginWrite);
        _commit = Prepare("COMMIT");
        _target.Opened(_connection);
    }

    private DbCommand Prepare(string sql)
    {
        var command = _connection!.CreateCommand();
#pragma warning disable CA2100 // Constants of the database.
        command.CommandText = sql;
#pragma warning restore CA2100
        command.Prepare();
        return command;
    }

    // Never throws: it is called when something has failed already, and whoever waits must hear of that and not wait for ever.
    private void Disconnect()
    {
        if (_connection is not { } old) return;
        var (begin, commit) = (_begin, _commit);
        (_begin, _commit, _connection) = (null, null, null);   // whatever comes, the next row gets a new one
        if (old.State == System.Data.ConnectionState.Open) Quietly(() => Rollback(old));   // no transaction was open, or the database has rolled back by itself
        Quietly(_target.Closing);
        Quietly(() => begin?.Dispose());
        Quietly(() => commit?.Dispose());
        Quietly(old.Dispose);
    }

    private static void Rollback(DbConnection connection)
    {
        using var rollback = connection.CreateCommand();
        rollback.CommandText = "ROLLBACK";
        rollback.ExecuteNonQuery();
    }

    private static void Quietly(Action letGo)
    {
        try
        {
            letGo();
        }
        catch (Exception)
        {
            // It is given up in any case.
        }
    }

    private static void Fail(List<Slot> slots, Exception reason)
    {
        foreach (var slot in slots) slot.SetException(reason);
    }

    private sealed class Slot(T row) : TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        public T Row { get; } = row;
    }

    private sealed class Batch(int rows)
    {
        public List<Slot> Slots { get; } = new(rows);
        public List<T> Rows { get; } = new(rows);

        public void Add(Slot slot)
        {
            Slots.Add(slot);
            Rows.Add(slot.Row);
        }

        public void Clear()
        {
            Slots.Clear();
            Rows.Clear();
        }
    }

    private sealed class FunctionTarget(Action<DbConnection, IReadOnlyList<T>> write) : BatchTarget<T>
    {
        public override void Write(DbConnection connection, IReadOnlyList<T> rows) => write(connection, rows);
    }
}
