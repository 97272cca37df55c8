using Signet.Store;

namespace Signet.Mqtt.Broker.Storage;

/// <summary>
/// Sessions, their messages and retained values in one SQLite file (write-ahead log, synchronous FULL). Changes gather while a commit is under way and
/// share the next one, so the cost of a sync is divided among all who wait for it.
/// Changes that could not be written (disk full) are kept and tried again every second, in their order: whoever waited for them was told that they failed, and the file catches up with the broker before anything later is acknowledged.
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

    /// <summary>Changes that failed and wait; only the committing task touches it.</summary>
    private readonly List<StoreChange> behind = [];
    private readonly BatchCondenser condenser = new();
    private bool isHopeless;
    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(1);
    private const int MostBehind = 200_000; // chosen: what connection attempts of hours add; beyond it a restart reads the file anew
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
            if (behind.Count == 0) await work.WaitAsync();
            else if (!closing) await work.WaitAsync(Retry);
            var batch = Cut();
            if (batch is not null || (behind.Count > 0 && !closing)) await CommitAsync(batch);
            else if (closing) return;
        }
    }

    /// <summary>What was appended since the last time; null when nothing was: the batch that is being filled is nobody's to read.</summary>
    private Batch? Cut()
    {
        groups.EnterWriteLock();
        try
        {
            lock (gate)
            {
                var batch = open;
                if (batch.Changes.Count == 0) return null;
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

    private async Task CommitAsync(Batch? batch)
    {
        if (batch is not null) condenser.Condense(batch.Changes);
        var changes = batch is null ? behind : behind.Count == 0 ? batch.Changes : [.. behind, .. batch.Changes];
        try
        {
            if (isHopeless) throw lost!;
            if (changes.Count > 0) await writer.WriteHereAsync(changes);
            behind.Clear();
            lock (gate)
            {
                lost = null;
                // What failed before is kept now: whoever asks next must not hear of the old failure.
                if (batch is null) latest = Task.CompletedTask;
            }
            batch?.Done.SetResult();
        }
        catch (Exception e)
        {
            if (batch is not null) behind.AddRange(batch.Changes);
            if (e is not StoreException { IsTransient: true } || behind.Count > MostBehind) isHopeless = true;
            if (isHopeless) behind.Clear();
            lock (gate) lost ??= e;
            if (batch is null) return;
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
