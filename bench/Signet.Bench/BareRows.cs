using System.Data.Common;
using Signet.Proof;
using Signet.Store;

namespace Signet.Bench;

/// <summary>The rows of a log in the same batches through the same group-commit writer, with nothing computed: what the database alone does.</summary>
internal sealed class BareRows : IAsyncDisposable
{
    private readonly Database _database;
    private readonly GroupCommitWriter<byte[]> _writer;
    private readonly byte[] _body;

    /// <param name="source">A new file or schema.</param>
    /// <param name="isDriver">One prepared statement of the driver for each row, instead of inserting them the way the log does.</param>
    public BareRows(DatabaseSource source, bool isDriver = false)
    {
        _database = Database.Open(source, [new(1, "rows", "CREATE TABLE entries(seq INTEGER PRIMARY KEY, body BLOB NOT NULL, prev BLOB NOT NULL, mac BLOB NOT NULL)")], new DatabaseOptions { OverwriteDeleted = true });
        _writer = new(_database, isDriver ? new DriverTarget() : new BareTarget());
        var draft = AuditBench.Draft(0);
        var body = new byte[draft.MaximumLength];
        _body = body[..draft.Write(body, Digest.Zero, 1_000_000, DateTimeOffset.UnixEpoch)];
    }

    public Task WriteAsync() => _writer.WriteAsync(_body).AsTask();

    /// <summary>One row and its commit on the caller's thread.</summary>
    public ValueTask WriteHereAsync() => _writer.WriteHereAsync(_body);

    public Task WriteManyAsync(int rows) => Task.WhenAll(Enumerable.Range(0, 256).Select(producer => Task.Run(async () =>
    {
        for (var i = producer; i < rows; i += 256) await WriteAsync();
    })));

    public async ValueTask DisposeAsync()
    {
        await _writer.DisposeAsync();
        await _database.DisposeAsync();
    }

    /// <summary>The row as it is, inserted the way the log inserts it.</summary>
    private sealed class BareTarget : BatchTarget<byte[]>
    {
        private readonly byte[] _hash = new byte[32];
        private RowInsert? _rows;
        private long _next;

        public override void Opened(DbConnection connection) => _rows = RowInsert.Into(connection, "entries", "seq", "body", "prev", "mac");

        public override void Closing() => _rows?.Dispose();

        public override void Write(DbConnection connection, IReadOnlyList<byte[]> rows)
        {
            foreach (var row in rows) _rows!.Add(++_next, row, _hash, _hash);
            _rows!.Flush();
        }
    }

    /// <summary>The row as it is, through the driver.</summary>
    private sealed class DriverTarget : BatchTarget<byte[]>
    {
        private readonly byte[] _hash = new byte[32];
        private DbCommand _insert = null!;
        private long _next;

        public override void Opened(DbConnection connection)
        {
            _insert = connection.CreateCommand();
            _insert.CommandText = "INSERT INTO entries(seq, body, prev, mac) VALUES (@seq, @body, @prev, @mac)";
            foreach (var name in new[] { "@seq", "@body", "@prev", "@mac" })
            {
                var parameter = _insert.CreateParameter();
                parameter.ParameterName = name;
                _insert.Parameters.Add(parameter);
            }
        }

        public override void Write(DbConnection connection, IReadOnlyList<byte[]> rows)
        {
            foreach (var row in rows)
            {
                (_insert.Parameters[0].Value, _insert.Parameters[1].Value, _insert.Parameters[2].Value, _insert.Parameters[3].Value) = (++_next, row, _hash, _hash);
                _insert.ExecuteNonQuery();
            }
        }
    }
}
