using System.Data.Common;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Signet.Store;

/// <summary>
/// The rows of one query of whole numbers and bytes, read where SQLite holds them: no object a row, no copy. The driver's own reader costs more than hashing the row twice.
/// Values of another type come as the bytes of their text, as SQLite converts them; a NULL is empty.
/// Contract
/// - Concurrency: one thread; other statements may run on the same connection meanwhile.
/// - Dispose it before the connection.
/// </summary>
public sealed class RowStream : IDisposable
{
    private readonly sqlite3 _database;
    private readonly sqlite3_stmt _statement;
    private readonly nint _native;   // valid while _statement is: until Dispose

    private RowStream(sqlite3 database, sqlite3_stmt statement) => (_database, _statement, _native) = (database, statement, statement.DangerousGetHandle());

    /// <summary>Null on a database whose rows cannot be lent out (PostgreSQL): read them in pages with the driver.</summary>
    /// <param name="connection">An open connection of <see cref="Database"/>.</param>
    /// <param name="sql">One statement, a constant of the program.</param>
    /// <param name="values">Its parameters in their order.</param>
    /// <exception cref="DbException">The statement or the file is not good; see <see cref="StoreException.From"/>.</exception>
    public static RowStream? TryOpen(DbConnection connection, string sql, params ReadOnlySpan<long> values)
    {
        if (connection is not SqliteConnection { Handle: { } database }) return null;
        SqliteException.ThrowExceptionForRC(raw.sqlite3_prepare_v2(database, sql, out var statement), database);
        var stream = new RowStream(database, statement);
        stream.Start(values);
        return stream;
    }

    /// <summary>Begins anew with other values.</summary>
    public void Start(params ReadOnlySpan<long> values)
    {
        _ = raw.sqlite3_reset(_statement);   // repeats the last error, which was thrown already
        for (var i = 0; i < values.Length; i++) SqliteException.ThrowExceptionForRC(raw.sqlite3_bind_int64(_statement, i + 1, values[i]), _database);
    }

    /// <summary>Ends the reading, and with it what the database keeps for it; <see cref="Start"/> begins another.</summary>
    public void Pause() => _ = raw.sqlite3_reset(_statement);

    /// <summary>False after the last row.</summary>
    /// <exception cref="DbException">The file cannot be read on.</exception>
    public bool Read()
    {
        ObjectDisposedException.ThrowIf(_statement.IsClosed, this);
        var code = SqliteNative.Step(_native);
        if (code == raw.SQLITE_ROW) return true;
        if (code != raw.SQLITE_DONE) SqliteException.ThrowExceptionForRC(code, _database);
        return false;
    }

    public long Number(int column) => SqliteNative.ColumnNumber(_native, column);

    /// <summary>Valid until the next <see cref="Read"/>.</summary>
    public unsafe ReadOnlySpan<byte> Bytes(int column)
    {
        var bytes = SqliteNative.ColumnBytes(_native, column);   // first: it may convert, which gives the length
        return new(bytes, SqliteNative.ColumnLength(_native, column));
    }

    public void Dispose() => _statement.Dispose();
}
