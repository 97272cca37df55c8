using System.Collections.Concurrent;
using System.Data.Common;
using Dapper;
using Signet.Store;

namespace Signet.Control;

/// <summary>
/// signet.db with one writer. Every write is a piece of work inside the writer's transaction: pieces run one after the other, so
/// "read, decide, write" needs no lock, and those that arrive together share one fsync. Durable when <see cref="WriteAsync"/> returns.
/// A piece may run twice (its batch failed because of a neighbour): it must only touch the connection and its own result.
/// </summary>
internal sealed class ControlDatabase : IAsyncDisposable
{
    private readonly Database _database;
    private readonly GroupCommitWriter<Work> _writer;
    private readonly ConcurrentStack<DbConnection> _readers = new();
    private volatile bool _isClosed;

    private ControlDatabase(Database database)
    {
        _database = database;
        _writer = new(database, (connection, works) =>
        {
            foreach (var work in works) work.Run(connection);
        });
    }

    /// <summary>Opens the rows of one installation.</summary>
    /// <param name="source">Where.</param>
    /// <param name="installation">Its id; rows of another one are refused.</param>
    /// <exception cref="StoreException">One clear line.</exception>
    public static ControlDatabase Open(DatabaseSource source, string installation)
    {
        var database = Database.Open(source, Schema.Migrations);
        try
        {
            using var connection = database.Open();
            if (connection.ExecuteScalar<string?>("SELECT installation FROM center") is { } other && other != installation)
                throw new StoreException(StoreFailure.NotADatabase, $"{source}: holds the data of another installation ({other}), and this one is {installation}. Give it a database of its own, or restore the data directory that belongs to it.");
            connection.Execute("UPDATE center SET installation = @installation WHERE installation IS NULL", new { installation });
            return new(database);
        }
        catch
        {
            database.DisposeAsync().AsTask().GetAwaiter().GetResult();
            throw;
        }
    }

    /// <summary>Makes the tables of a new installation. What an interrupted making left on a server is begun anew; a whole installation's rows are refused.</summary>
    /// <exception cref="StoreException">One clear line.</exception>
    public static ControlDatabase Create(InstallationDatabases sources)
    {
        if (sources.Control.Kind == DatabaseKind.Postgres) Database.DropUnless(sources.Control, "SELECT installation FROM center WHERE installation IS NOT NULL", sources.Audit);
        return new(Database.Open(sources.Control, Schema.Migrations));
    }

    /// <summary>The last step of making: from here on the rows belong to the installation.</summary>
    public Task OwnAsync(string installation, CancellationToken cancellationToken) => WriteAsync(c => c.Execute("UPDATE center SET installation = @installation", new { installation }), cancellationToken);

    /// <exception cref="StoreException">Nothing was written.</exception>
    public async Task<T> WriteAsync<T>(Func<DbConnection, T> work, CancellationToken cancellationToken = default)
    {
        var piece = new Work<T>(work);
        await _writer.WriteAsync(piece, cancellationToken);
        return piece.Result;
    }

    /// <summary>As <see cref="WriteAsync{T}"/>, on this thread when nobody else writes: for one step of a command that somebody waits for.</summary>
    /// <exception cref="StoreException">Nothing was written.</exception>
    public async Task<T> WriteHereAsync<T>(Func<DbConnection, T> work, CancellationToken cancellationToken = default)
    {
        var piece = new Work<T>(work);
        await _writer.WriteHereAsync(piece, cancellationToken);
        return piece.Result;
    }

    public Task WriteAsync(Action<DbConnection> work, CancellationToken cancellationToken = default)
        => WriteAsync(connection => { work(connection); return true; }, cancellationToken);

    /// <exception cref="StoreException">The file cannot be read.</exception>
    public T Read<T>(Func<DbConnection, T> work)
    {
        DbConnection? connection = null;
        try
        {
            if (!_readers.TryPop(out connection)) connection = _database.Open();
            var found = work(connection);
            // Kept open with its statements. Not on a server, whose connections can die while nobody looks: those are the driver's to keep.
            if (_database.Kind == DatabaseKind.Sqlite && !_isClosed && _readers.Count < ControlLimits.IdleReaders)
            {
                _readers.Push(connection);
                connection = null;
            }

            return found;
        }
        catch (Exception e) when (e is not StoreException && StoreException.From(e, _database.Name) is not null)
        {
            throw StoreException.From(e, _database.Name)!;
        }
        finally
        {
            connection?.Dispose();
        }
    }

    /// <summary>Asks for one row.</summary>
    public DatabaseStatus Probe()
    {
        try
        {
            Read(c => c.ExecuteScalar<long>("SELECT epoch FROM center"));
            return new(true, "");
        }
        catch (StoreException e)
        {
            return new(false, e.Message);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _writer.DisposeAsync();
        _isClosed = true;
        while (_readers.TryPop(out var reader)) await reader.DisposeAsync();
        await _database.DisposeAsync();
    }

    private abstract class Work
    {
        public abstract void Run(DbConnection connection);
    }

    private sealed class Work<T>(Func<DbConnection, T> work) : Work
    {
        public T Result { get; private set; } = default!;

        public override void Run(DbConnection connection) => Result = work(connection);
    }
}

/// <summary>Times as signet.db keeps them.</summary>
internal static class UnixMilliseconds
{
    public static DateTimeOffset ToTime(this long milliseconds) => DateTimeOffset.FromUnixTimeMilliseconds(milliseconds);

    public static DateTimeOffset? ToTime(this long? milliseconds) => milliseconds is { } value ? DateTimeOffset.FromUnixTimeMilliseconds(value) : null;
}
