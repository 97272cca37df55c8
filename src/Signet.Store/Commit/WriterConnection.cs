using System.Data.Common;

namespace Signet.Store;

/// <summary>The one connection that writes a database: opened when the first transaction begins, given up after a failure, opened anew by the next <see cref="Begin"/>. One caller at a time.</summary>
/// <param name="database">What is written.</param>
/// <param name="opened">Told of each new connection, outside a transaction.</param>
/// <param name="closing">Told before one is closed.</param>
internal sealed class WriterConnection(Database database, Action<DbConnection> opened, Action closing)
{
    private DbConnection? _connection;
    private DbCommand? _begin, _commit;

    /// <summary>Begins a transaction, with the write lock.</summary>
    /// <exception cref="DbException">Or what else the database or <c>opened</c> throws: <see cref="GiveUp"/> must follow.</exception>
    public DbConnection Begin()
    {
        var wasOpen = _connection is not null;
        if (!wasOpen) Open();
        try
        {
            _begin!.ExecuteNonQuery();
        }
        catch (Exception e) when (wasOpen && StoreException.From(e, database.Name) is { Failure: StoreFailure.Unavailable })
        {
            // The server went away and came back while nothing was written: the old connection is dead, nothing was sent on it, so the transaction may begin on a new one.
            GiveUp();
            database.ForgetIdle();
            Open();
            _begin!.ExecuteNonQuery();
        }
        return _connection!;
    }

    /// <summary>Commits and syncs what was begun. Any thread, while the owner waits.</summary>
    /// <exception cref="DbException">Not committed; or, when sync or connection failed, perhaps: <see cref="GiveUp"/> must follow, so that the next one begins with what is really there.</exception>
    public void Commit() => _commit!.ExecuteNonQuery();

    /// <summary>Rolls back and closes. Never throws: it is called when something has failed already, and whoever waits must hear of that and not wait for ever.</summary>
    public void GiveUp()
    {
        if (_connection is not { } old) return;
        var (begin, commit) = (_begin, _commit);
        (_begin, _commit, _connection) = (null, null, null);   // whatever comes, the next transaction gets a new one
        if (old.State == System.Data.ConnectionState.Open) Quietly(() => Rollback(old));   // no transaction was open, or the database has rolled back by itself
        Quietly(closing);
        Quietly(() => begin?.Dispose());
        Quietly(() => commit?.Dispose());
        Quietly(old.Dispose);
    }

    private void Open()
    {
        _connection = database.OpenWriter();
        _begin = Prepare(_connection, database.BeginWrite);
        _commit = Prepare(_connection, "COMMIT");
        opened(_connection);
    }

    private static DbCommand Prepare(DbConnection connection, string sql)
    {
        var command = connection.CreateCommand();
#pragma warning disable CA2100 // Constants of the database.
        command.CommandText = sql;
#pragma warning restore CA2100
        command.Prepare();
        return command;
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
}
