using System.Data.Common;
using System.Globalization;
using Npgsql;
using NpgsqlTypes;

namespace Signet.Store;

/// <summary>Copies all rows of a database into another one of either kind, from one moment of the source. Tables, columns and their order come from the source itself: a new migration needs no word here.</summary>
public static class DatabaseCopy
{
    /// <summary>Copies into an empty database that <paramref name="migrations"/> make. Rows that the migrations put there themselves are replaced.</summary>
    /// <param name="from">Has the same schema version; opened read-only, and may be in use.</param>
    /// <param name="to">A file that does not exist, or an empty schema.</param>
    /// <param name="migrations">Of both.</param>
    /// <param name="progress">Told the rows copied so far.</param>
    /// <param name="cancellationToken">Ends the copying; the target is then not whole.</param>
    /// <returns>Rows in each table, counted in the target.</returns>
    /// <exception cref="StoreException">One clear line.</exception>
    public static async Task<IReadOnlyDictionary<string, long>> RunAsync(DatabaseSource from, DatabaseSource to, IReadOnlyList<Migration> migrations, IProgress<long>? progress = null, CancellationToken cancellationToken = default)
    {
        try
        {
            await using var source = Database.Open(from, migrations, new DatabaseOptions { ReadOnly = true });
            await using var target = Database.Open(to, migrations);
            await using var read = source.Open();
            await using var write = target.OpenWriter();
            Execute(read, source.BeginSnapshot);
            Execute(write, target.BeginWrite);
            var tables = Tables(read);
            foreach (var table in tables) Execute(write, $"DELETE FROM {table}");
            var counts = new Dictionary<string, long>(StringComparer.Ordinal);
            var copied = 0L;
            foreach (var table in tables)
            {
                var before = copied;
                foreach (var count in Copy(read, write, table))
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    copied = before + count;
                    progress?.Report(copied);
                }
                counts[table] = Count(write, table);
                if (counts[table] != copied - before || counts[table] != Count(read, table))
                    throw new StoreException(StoreFailure.Corrupt, $"{to}: the table {table} has {counts[table]} rows after copying, and {copied - before} were read. Nothing was changed in {from}.");
            }
            Execute(write, "COMMIT");
            Execute(read, "COMMIT");
            return counts;
        }
        catch (Exception e) when (e is not StoreException && StoreException.From(e, $"{from} to {to}") is not null)
        {
            throw StoreException.From(e, $"{from} to {to}")!;
        }
    }

    /// <summary>A SQLite file of one moment of a database that may be in use.</summary>
    /// <param name="from">Of either kind.</param>
    /// <param name="path">Must not exist.</param>
    /// <param name="migrations">Of the database.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="StoreException">One clear line.</exception>
    public static async Task SnapshotAsync(DatabaseSource from, string path, IReadOnlyList<Migration> migrations, CancellationToken cancellationToken = default)
    {
        if (from.Kind == DatabaseKind.Postgres)
        {
            await RunAsync(from, DatabaseSource.Sqlite(path), migrations, null, cancellationToken);
        }
        else
        {
            try
            {
                await using var source = Database.Open(from, migrations, new DatabaseOptions { ReadOnly = true });
                await using var connection = source.Open();
                await using var command = connection.CreateCommand();
                command.CommandText = "VACUUM INTO @path";   // also leaves out what was deleted and not yet overwritten
                var parameter = command.CreateParameter();
                (parameter.ParameterName, parameter.Value) = ("@path", path);
                command.Parameters.Add(parameter);
                await command.ExecuteNonQueryAsync(cancellationToken);
            }
            catch (Exception e) when (e is not StoreException && StoreException.From(e, path) is not null)
            {
                throw StoreException.From(e, path)!;
            }
        }
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    private static List<string> Tables(DbConnection connection) => Read(connection, connection is NpgsqlConnection
        ? "SELECT tablename::text FROM pg_catalog.pg_tables WHERE schemaname = current_schema() AND tablename <> 'schema_version' ORDER BY tablename"
        : "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name", r => r.GetString(0));

    /// <summary>Names and PostgreSQL types, in the source's order.</summary>
    private static List<(string Name, NpgsqlDbType Type)> Columns(DbConnection connection, string table) => Read(connection, connection is NpgsqlConnection
        ? $"SELECT column_name::text, data_type::text FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = '{table}' ORDER BY ordinal_position"
        : $"SELECT name, type FROM pragma_table_info('{table}') ORDER BY cid", r => (r.GetString(0), r.GetString(1).ToUpperInvariant() switch
        {
            "BLOB" or "BYTEA" => NpgsqlDbType.Bytea,
            "TEXT" => NpgsqlDbType.Text,
            "DOUBLE PRECISION" => NpgsqlDbType.Double,
            _ => NpgsqlDbType.Bigint,
        }));

    private static IEnumerable<long> Copy(DbConnection from, DbConnection to, string table)
    {
        var columns = Columns(from, table);
        var names = string.Join(", ", columns.Select(c => c.Name));
        using var select = Command(from, $"SELECT {names} FROM {table}");
        using var reader = select.ExecuteReader();
        using Target target = to is NpgsqlConnection server ? new ServerTarget(server, table, names, columns) : new FileTarget(to, table, names, columns.Count);
        var count = 0L;
        while (reader.Read())
        {
            target.Write(reader);
            if ((++count & 4095) == 0) yield return count;
        }
        target.Complete();
        yield return count;
    }

    private abstract class Target : IDisposable
    {
        public abstract void Write(DbDataReader row);
        public abstract void Complete();
        public abstract void Dispose();
    }

    private sealed class FileTarget : Target
    {
        private readonly DbCommand _insert;

        public FileTarget(DbConnection connection, string table, string names, int columns)
        {
            _insert = Command(connection, $"INSERT INTO {table} ({names}) VALUES ({string.Join(", ", Enumerable.Range(0, columns).Select(i => $"@p{i.ToString(CultureInfo.InvariantCulture)}"))})");
            for (var i = 0; i < columns; i++)
            {
                var parameter = _insert.CreateParameter();
                parameter.ParameterName = $"@p{i.ToString(CultureInfo.InvariantCulture)}";
                _insert.Parameters.Add(parameter);
            }
        }

        public override void Write(DbDataReader row)
        {
            for (var i = 0; i < _insert.Parameters.Count; i++) _insert.Parameters[i].Value = row.GetValue(i);
            _insert.ExecuteNonQuery();
        }

        public override void Complete() { }
        public override void Dispose() => _insert.Dispose();
    }

    // Binary COPY: PostgreSQL's own way for many rows, an order of magnitude above single statements.
    private sealed class ServerTarget(NpgsqlConnection connection, string table, string names, List<(string Name, NpgsqlDbType Type)> columns) : Target
    {
        private readonly NpgsqlBinaryImporter _import = connection.BeginBinaryImport($"COPY {table} ({names}) FROM STDIN (FORMAT BINARY)");

        public override void Write(DbDataReader row)
        {
            _import.StartRow();
            for (var i = 0; i < columns.Count; i++)
            {
                var value = row.GetValue(i);
                if (value is DBNull) _import.WriteNull();
                else Write(value, columns[i].Type);
            }
        }

        // SQLite lets any value stand in any column; what PostgreSQL's column cannot hold ends the copying.
        private void Write(object value, NpgsqlDbType type)
        {
            switch (type)
            {
                case NpgsqlDbType.Bigint: _import.Write(Convert.ToInt64(value, CultureInfo.InvariantCulture), type); break;
                case NpgsqlDbType.Double: _import.Write(Convert.ToDouble(value, CultureInfo.InvariantCulture), type); break;
                case NpgsqlDbType.Bytea: _import.Write((byte[])value, type); break;
                default: _import.Write((string)value, type); break;
            }
        }

        public override void Complete() => _import.Complete();
        public override void Dispose() => _import.Dispose();
    }

    private static long Count(DbConnection connection, string table)
    {
        using var command = Command(connection, $"SELECT count(*) FROM {table}");
        return Convert.ToInt64(command.ExecuteScalar(), CultureInfo.InvariantCulture);
    }

    private static void Execute(DbConnection connection, string sql)
    {
        using var command = Command(connection, sql);
        command.ExecuteNonQuery();
    }

    private static List<T> Read<T>(DbConnection connection, string sql, Func<DbDataReader, T> row)
    {
        using var command = Command(connection, sql);
        using var reader = command.ExecuteReader();
        var rows = new List<T>();
        while (reader.Read()) rows.Add(row(reader));
        return rows;
    }

    private static DbCommand Command(DbConnection connection, string sql)
    {
        var command = connection.CreateCommand();
#pragma warning disable CA2100 // Table and column names come from the schema that our own migrations made.
        command.CommandText = sql;
#pragma warning restore CA2100
        return command;
    }
}
