using Signet.Store;

namespace Signet.Mqtt.Broker.Storage;

/// <summary>
/// Sessions, their messages and retained values in one SQLite file (write-ahead log, synchronous FULL). Changes gather while a commit is under way and
/// share the next one, so the cost of a sync is divided among all who wait for it.
/// </summary>
public sealed class SqliteSessionStore : ISessionStore
{
    private readonly Database database;
    private readonly GroupCommitWriter<List<StoreChange>> writer;
    private readonly Lock gate = new();

    /// <summary>Read side: a group of changes under way. Write side: the cut between two commits, which no group may straddle.</summary>
    private readonly ReaderWriterLockSlim groups = new(LockRecursionPolicy.SupportsRecursion);
    private readonly SemaphoreSlim work = new(0);
    private readonly Task committing;
    private Batch open = new();

    /// <summary>The newest batch that was cut off; everything before it is done or waits behind it.</summary>
    private Task latest = Task.CompletedTask;
    private Exception? lost;
    private volatile bool closing;

    private SqliteSessionStore(Database database)
    {
        this.database = database;
        writer = new GroupCommitWriter<List<StoreChange>>(database, new SessionRows());
        committing = Task.Run(CommitAllAsync);
    }

    public bool IsDurable => true;

    /// <summary>The schema of the file, for copying it.</summary>
    public static IReadOnlyList<Migration> Migrations => SessionSchema.Migrations;

    /// <summary>Opens or creates the file; throws <see cref="StoreException"/> with one clear line when it cannot.</summary>
    public static SqliteSessionStore Open(string path) => new(Database.OpenSqlite(path, SessionSchema.Migrations));

    public Task<StoredState> LoadAsync(CancellationToken cancellationToken) => Task.Run(() =>
    {
        using var connection = database.Open();
        return SessionSchema.Load(connection);
    }, cancellationToken);

    public void BeginGroup() => groups.EnterReadLock();

    public void EndGroup() => groups.ExitReadLock();

    public void Append(StoreChange change)
    {
        lock (gate)
        {
            open.Changes.Add(change);
            if (open.Changes.Count == 1) work.Release();
        }
    }

    public ValueTask CommitAsync()
    {
        lock (gate)
        {
            if (lost is not null) return ValueTask.FromException(lost);
            return open.Changes.Count > 0 ? new ValueTask(open.Done.Task) : new ValueTask(latest);
        }
    }

    public async ValueTask DisposeAsync()
    {
        closing = true;
        work.Release();
        await committing;
        await writer.DisposeAsync();
        await database.DisposeAsync();
        groups.Dispose();
        work.Dispose();
    }

    private async Task CommitAllAsync()
    {
        while (true)
        {
            await work.WaitAsync();
            var batch = Cut();
            if (batch.Changes.Count > 0) await CommitAsync(batch);
            else if (closing) return;
        }
    }

    private Batch Cut()
    {
        groups.EnterWriteLock();
        try
        {
            lock (gate)
            {
                var batch = open;
                if (batch.Changes.Count == 0) return batch;
                open = new Batch();
                latest = batch.Done.Task;
                if (closing) work.Release();
                return batch;
            }
        }
        finally
        {
            groups.ExitWriteLock();
        }
    }

    private async Task CommitAsync(Batch batch)
    {
        try
        {
            if (lost is not null) throw lost;
            await writer.WriteAsync(batch.Changes);
            batch.Done.SetResult();
        }
        catch (Exception e)
        {
            lock (gate) lost ??= e;
            batch.Done.SetException(e);
            _ = batch.Done.Task.Exception; // nobody may be waiting for it
        }
    }

    private sealed class Batch
    {
        public List<StoreChange> Changes { get; } = [];

        public TaskCompletionSource Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
