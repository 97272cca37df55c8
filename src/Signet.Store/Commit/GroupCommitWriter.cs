using System.Data.Common;
using System.Threading.Channels;

namespace Signet.Store;

/// <summary>
/// Many callers, one writer, one fsync for all who wait: rows that arrive while a commit is under way share the next one.
/// Contract
/// - Durable: when <see cref="WriteAsync"/> returns, the row's transaction is committed and synced. Rows are written in the order in which they were taken.
/// - Failure: the caller gets a <see cref="StoreException"/> and may try again; the row is not written. One exception: when the commit itself failed in the middle
///   (a sync, and the machine then loses power; a server that no longer answers), the row may be found afterwards. It was never acknowledged.
/// - A row that the database refuses for its own sake (a constraint) fails its own caller only: the batch is written again row by row.
/// - Recovery: after a failure the connection is opened anew for the next row; nobody has to restart anything.
/// - Concurrency: any number of callers on any threads. At most <see cref="StoreLimits.QueuedRows"/> rows wait; beyond that callers wait for a place.
/// - Closing: rows already taken are written; later ones fail with <see cref="StoreFailure.Unavailable"/>.
/// - Who waits for one row and may block can write it on its own thread while nobody else writes or waits (<see cref="WriteHereAsync"/>): waking another thread and being woken by it can take longer than the commit.
/// </summary>
/// <remarks>
/// One batch at a time, by whoever has the turn:
/// <code>
/// take     rows out of the queue, behind those that were made ready
/// write    begin, and the target's statements
/// commit   on this thread; or on another one, while this one takes rows of the next batch and makes them ready
/// tell     the target, then the callers
/// </code>
/// When write or commit fails, the connection is given up, and with it everything that was made ready: those rows are written later as if they had just come.
/// </remarks>
public sealed class GroupCommitWriter<T> : IAsyncDisposable
{
    private readonly Database _database;
    private readonly BatchTarget<T> _target;
    private readonly int _maximumRows;
    private readonly Channel<Slot<T>> _queue;
    private readonly Task _pump;

    /// <summary>Held from the first row that is taken until its batch is told: so none is overtaken. What follows belongs to its holder.</summary>
    private readonly Lock _turn = new();
    private readonly WriterConnection _connection;
    private readonly CommitThread _commits = new();
    private readonly Action _commit;
    private Batch<T> _batch, _ahead;   // being written; taken and made ready while that one was committed, the first of the next
    private StoreException? _stopped;
    private bool _isClosed;

    public GroupCommitWriter(Database database, BatchTarget<T> target, int maximumRows = StoreLimits.BatchRows)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maximumRows);
        (_database, _target, _maximumRows) = (database, target, maximumRows);
        _connection = new(database, target.Opened, target.Closing);
        _commit = _connection.Commit;
        (_batch, _ahead) = (new(maximumRows), new(maximumRows));
        _queue = Channel.CreateBounded<Slot<T>>(new BoundedChannelOptions(StoreLimits.QueuedRows) { SingleReader = true });
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
        var slot = new Slot<T>(row);
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
            if (_isClosed || _ahead.Count > 0 || _queue.Reader.Count > 0) return WriteAsync(row, cancellationToken);
            var slot = new Slot<T>(row);
            _batch.Add(slot);
            WriteBatch(mayPrepare: false);   // who comes meanwhile is the pump's
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
        _connection.GiveUp();
        _commits.Dispose();
    }

    // The queue is full or closed.
    private async ValueTask WaitForPlaceAsync(Slot<T> slot, CancellationToken cancellationToken)
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
        // Only this task puts rows into _ahead, so it may look without the turn.
        while (_ahead.Count > 0 || await _queue.Reader.WaitToReadAsync())
        {
            lock (_turn)
            {
                (_batch, _ahead) = (_ahead, _batch);
                while (_batch.Count < _maximumRows && _queue.Reader.TryRead(out var slot)) _batch.Add(slot);
                WriteBatch(mayPrepare: true);
            }
        }
    }

    // Empties _batch: every caller in it hears. Throws nothing, or the pump would end and nobody hear any more.
    private void WriteBatch(bool mayPrepare)
    {
        if (_batch.Count > 0) Write(_batch, mayPrepare);
        _batch.Clear();
    }

    private void Write(Batch<T> batch, bool mayPrepare)
    {
        if (_stopped is not null)
        {
            batch.Fail(_stopped);
            return;
        }
        bool isReady;
        try
        {
            _target.Write(_connection.Begin(), batch.Rows);
            isReady = Commit(mayPrepare);
        }
        catch (Exception e)
        {
            _connection.GiveUp();   // the next batch starts from what is really on the disk
            Refuse(batch, e);
            return;
        }
        Tell(batch);
        if (!isReady) _connection.GiveUp();
    }

    /// <returns>False: a row of the next batch could not be made ready, and nothing that was may be used.</returns>
    private bool Commit(bool mayPrepare)
    {
        if (mayPrepare && _target.CanPrepare && _queue.Reader.Count >= StoreLimits.PreparedRows) return CommitAndPrepare();
        _connection.Commit();
        return true;
    }

    // The disk has the commit, and this thread would only wait.
    private bool CommitAndPrepare()
    {
        var isReady = true;
        _commits.Begin(_commit);
        try
        {
            while (!_commits.IsDone && _ahead.Count < _maximumRows && _queue.Reader.TryRead(out var slot))
            {
                _ahead.Add(slot);
                _target.Prepare(slot.Row);
            }
        }
        catch (Exception)
        {
            isReady = false;   // says nothing about the rows that are being committed; the row will fail again by itself
        }
        _commits.End();
        return isReady;
    }

    private void Refuse(Batch<T> batch, Exception reason)
    {
        if (StoreException.From(reason, _database.Name) is { } store)
        {
            if (store.Failure == StoreFailure.Unavailable) _database.ForgetIdle();
            batch.Fail(store);
        }
        else if (batch.Count == 1) batch.Fail(reason);
        else
            foreach (var one in batch.Singly())   // which row it was, only the database knows
                Write(one, mayPrepare: false);
    }

    private void Tell(Batch<T> batch)
    {
        try
        {
            _target.Committed(batch.Rows);
        }
        catch (Exception e)
        {
            // What the target remembers no longer agrees with the disk. Going on would build on sand: stop the world.
            _stopped = new StoreException(StoreFailure.Unavailable, $"{_database.Name}: the writer stopped: {e.Message}", e);
            _queue.Writer.TryComplete();
        }
        batch.Acknowledge();
    }

    private sealed class FunctionTarget(Action<DbConnection, IReadOnlyList<T>> write) : BatchTarget<T>
    {
        public override void Write(DbConnection connection, IReadOnlyList<T> rows) => write(connection, rows);
    }
}
