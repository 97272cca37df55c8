using System.Data.Common;
using System.Globalization;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Signet.Store;

/// <summary>
/// Inserts rows of one number and three byte columns into one table, as fast as each database takes them: on SQLite a prepared statement without the driver's objects,
/// on PostgreSQL one statement for all rows since the last <see cref="Flush"/> (a round trip a row would cost more than everything else).
/// Contract
/// - Call <see cref="Flush"/> before the transaction commits; a failed row or flush ends the transaction.
/// - Concurrency: one thread. Dispose it before the connection.
/// </summary>
public abstract class RowInsert : IDisposable
{
    /// <param name="connection">An open connection of <see cref="Database"/>.</param>
    /// <param name="table">A constant of the program, like the columns.</param>
    /// <param name="number">The column of the number.</param>
    /// <param name="columns">The three byte columns.</param>
    public static RowInsert Into(DbConnection connection, string table, string number, params string[] columns) => connection is SqliteConnection { Handle: { } database }
        ? new Prepared(database, table, number, columns) : new Collected(connection, table, number, columns);

    /// <summary>Adds a row; the memory is the caller's again when it returns, except for <paramref name="first"/>, which must stay as it is until <see cref="Flush"/>.</summary>
    /// <exception cref="DbException">The database refuses it.</exception>
    public abstract void Add(long number, byte[] first, ReadOnlySpan<byte> second, ReadOnlySpan<byte> third);

    /// <summary>Sends what was collected.</summary>
    public abstract void Flush();

    public abstract void Dispose();

    private sealed class Prepared : RowInsert
    {
        private readonly sqlite3 _database;
        private readonly sqlite3_stmt _statement;

        public Prepared(sqlite3 database, string table, string number, string[] columns)
        {
            _database = database;
            var places = string.Join(", ", Enumerable.Range(1, columns.Length + 1).Select(i => "?" + i.ToString(CultureInfo.InvariantCulture)));
            Check(raw.sqlite3_prepare_v2(database, $"INSERT INTO {table}({number}, {string.Join(", ", columns)}) VALUES ({places})", out _statement));
        }

        public override void Add(long number, byte[] first, ReadOnlySpan<byte> second, ReadOnlySpan<byte> third)
        {
            Check(raw.sqlite3_bind_int64(_statement, 1, number));
            Check(raw.sqlite3_bind_blob(_statement, 2, first));
            Check(raw.sqlite3_bind_blob(_statement, 3, second));
            Check(raw.sqlite3_bind_blob(_statement, 4, third));
            var code = raw.sqlite3_step(_statement);
            _ = raw.sqlite3_reset(_statement);   // gives the same code again
            if (code != raw.SQLITE_DONE) Check(code);
        }

        public override void Flush() { }

        public override void Dispose() => _statement.Dispose();

        private void Check(int code) => SqliteException.ThrowExceptionForRC(code, _database);
    }

    private sealed class Collected : RowInsert
    {
        private readonly DbCommand _command;
        private readonly List<long> _numbers = [];
        private readonly List<byte[]>[] _bytes;

        public Collected(DbConnection connection, string table, string number, string[] columns)
        {
            _bytes = [.. columns.Select(_ => new List<byte[]>())];
            _command = connection.CreateCommand();
            var arrays = string.Join(", ", columns.Select((_, i) => $"@c{i.ToString(CultureInfo.InvariantCulture)}::bytea[]"));
#pragma warning disable CA2100 // Constants of the program; values travel as parameters.
            _command.CommandText = $"INSERT INTO {table}({number}, {string.Join(", ", columns)}) SELECT * FROM unnest(@number::bigint[], {arrays})";
#pragma warning restore CA2100
            string[] names = ["number", .. columns.Select((_, i) => "c" + i.ToString(CultureInfo.InvariantCulture))];
            foreach (var name in names)
            {
                var parameter = _command.CreateParameter();
                parameter.ParameterName = name;
                _command.Parameters.Add(parameter);
            }
        }

        public override void Add(long number, byte[] first, ReadOnlySpan<byte> second, ReadOnlySpan<byte> third)
        {
            _numbers.Add(number);
            _bytes[0].Add(first);
            _bytes[1].Add(second.ToArray());
            _bytes[2].Add(third.ToArray());
        }

        public override void Flush()
        {
            if (_numbers.Count == 0) return;
            try
            {
                _command.Parameters[0].Value = _numbers.ToArray();
                for (var i = 0; i < _bytes.Length; i++) _command.Parameters[i + 1].Value = _bytes[i].ToArray();
                _command.ExecuteNonQuery();
            }
            finally
            {
                _numbers.Clear();
                foreach (var column in _bytes) column.Clear();
            }
        }

        public override void Dispose() => _command.Dispose();
    }
}
