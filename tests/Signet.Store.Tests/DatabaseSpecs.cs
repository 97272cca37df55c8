using System.Data.Common;
using System.Diagnostics;
using System.Security.Cryptography;

namespace Signet.Store.Tests;

public sealed class DatabaseSpecs : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("signet-store-").FullName;
    private static readonly Migration First = new(1, "things", "CREATE TABLE things(id INTEGER PRIMARY KEY, name TEXT UNIQUE)");

    private string File_ => Path.Combine(_folder, "test.db");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    // The same suite over both; what only SQLite has stays with OpenSqlite.
    private readonly string? _connection = Signet.Testing.TestDatabase.NewConnection();

    private Database OpenOne(IReadOnlyList<Migration> migrations, DatabaseOptions? options = null) =>
        Database.Open(_connection is null ? DatabaseSource.Sqlite(File_) : DatabaseSource.Postgres(PostgresAddress.Parse(_connection), "test"), migrations, options);

    private static object? Scalar(DbConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar();
    }

    [Fact, Trait(Signet.Testing.TestDatabase.Trait, Signet.Testing.TestDatabase.SqliteOnly)]
    public async Task A_new_database_is_private_journaled_and_synced()
    {
        await using var database = Database.OpenSqlite(File_, [First]);
        await using var connection = await database.OpenAsync();
        Scalar(connection, "PRAGMA journal_mode").ShouldBe("wal");
        Scalar(connection, "PRAGMA synchronous").ShouldBe(2L);
        Scalar(connection, "PRAGMA foreign_keys").ShouldBe(1L);
        if (!OperatingSystem.IsWindows()) File.GetUnixFileMode(File_).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    [Fact]
    public async Task Migrations_run_once_and_in_order_and_a_failed_one_leaves_nothing()
    {
        await using (OpenOne([First])) { }
        var refused = Should.Throw<StoreException>(() => OpenOne([First, new(2, "broken", "CREATE TABLE more(id INTEGER); CREATE TABLE things(id INTEGER)")]));
        refused.Failure.ShouldBe(StoreFailure.MigrationFailed);
        refused.Message.ShouldContain("schema migration 2 (broken) failed");
        refused.Message.ShouldContain("things");
        await using var database = OpenOne([First, new(2, "more", "CREATE TABLE more(id INTEGER)")]);
        await using var connection = await database.OpenAsync();
        Scalar(connection, _connection is null ? "PRAGMA user_version" : "SELECT max(version) FROM schema_version").ShouldBe(2L);
    }

    [Fact]
    public async Task A_newer_schema_is_refused()
    {
        await using (OpenOne([First, new(2, "more", "CREATE TABLE more(id INTEGER)")])) { }
        var refused = Should.Throw<StoreException>(() => OpenOne([First]));
        refused.Failure.ShouldBe(StoreFailure.NewerSchema);
        refused.Message.ShouldContain("schema 2, this program knows 1");
    }

    [Fact, Trait(Signet.Testing.TestDatabase.Trait, Signet.Testing.TestDatabase.SqliteOnly)]
    public void What_is_not_our_database_is_refused()
    {
        File.WriteAllText(File_, new string('x', 5_000));
        Should.Throw<StoreException>(() => Database.OpenSqlite(File_, [First])).Failure.ShouldBe(StoreFailure.NotADatabase);
        File.Delete(File_);
        SqliteRuntime.EnsureLoaded();
        using (var foreign = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={File_};Pooling=False"))
        {
            foreign.Open();
            Scalar(foreign, "CREATE TABLE theirs(id INTEGER)");
        }
        Should.Throw<StoreException>(() => Database.OpenSqlite(File_, [First])).Message.ShouldContain("another program");
        Should.Throw<StoreException>(() => Database.OpenSqlite(Path.Combine(_folder, "no", "such.db"), [First]));
    }

    [Fact, Trait(Signet.Testing.TestDatabase.Trait, Signet.Testing.TestDatabase.SqliteOnly)]
    public async Task Another_writer_is_named_as_the_cause()
    {
        await using var database = Database.OpenSqlite(File_, [First], new DatabaseOptions { BusyTimeout = TimeSpan.FromMilliseconds(100) });
        await using var holder = await database.OpenAsync();
        Scalar(holder, "BEGIN IMMEDIATE");
        await using var writer = new GroupCommitWriter<int>(database, (_, _) => { });
        var refused = await Should.ThrowAsync<StoreException>(async () => await writer.WriteAsync(1));
        refused.Failure.ShouldBe(StoreFailure.Locked);
        Scalar(holder, "ROLLBACK");
        await writer.WriteAsync(2);   // recovered without anybody's help
    }

    [Fact]
    public async Task Rows_of_many_callers_share_commits_and_keep_their_order()
    {
        await using var database = OpenOne([First]);
        var batches = new List<int>();
        await using (var writer = new GroupCommitWriter<int>(database, (connection, rows) =>
        {
            batches.Add(rows.Count);
            foreach (var row in rows) Scalar(connection, $"INSERT INTO things(id, name) VALUES ({row}, 'n{row}')");
        }))
            await Task.WhenAll(Enumerable.Range(1, 5_000).Select(async i => await writer.WriteAsync(i)));
        batches.Sum().ShouldBe(5_000);
        batches.Count.ShouldBeLessThan(2_500);
        batches.Max().ShouldBeLessThanOrEqualTo(StoreLimits.BatchRows);
        await using var reader = await database.OpenAsync();
        Scalar(reader, "SELECT count(*) FROM things").ShouldBe(5_000L);
    }

    [Fact]
    public async Task A_row_that_the_database_refuses_fails_its_own_caller_only()
    {
        await using var database = OpenOne([First]);
        await using var writer = new GroupCommitWriter<int>(database, (connection, rows) =>
        {
            foreach (var row in rows) Scalar(connection, $"INSERT INTO things(id, name) VALUES ({row}, 'n{row % 50}')");
        });
        var results = await Task.WhenAll(Enumerable.Range(0, 100).Select(async i =>
        {
            try
            {
                await writer.WriteAsync(i);
                return true;
            }
            catch (DbException)
            {
                return false;
            }
        }));
        results.Count(ok => ok).ShouldBe(50);
    }

    [Fact]
    public async Task Rows_made_ready_during_a_commit_are_made_ready_again_when_it_fails()
    {
        // The commit itself fails: a constraint that is looked at only then.
        await using var database = OpenOne([new(1, "numbered", NumberedTable)]);
        var target = new Numbering();
        var (good, refused) = (0, 0);
        await using (var writer = new GroupCommitWriter<int>(database, target, maximumRows: 64))   // more callers than a batch holds: something always waits
            await Task.WhenAll(Enumerable.Range(0, 400).Select(caller => Task.Run(async () =>
            {
                for (var i = 0; i < 20; i++)
                {
                    var row = caller * 20 + i;
                    try
                    {
                        await (caller % 4 == 0 ? writer.WriteHereAsync(row) : writer.WriteAsync(row));
                        Numbering.IsRefused(row).ShouldBeFalse();
                        Interlocked.Increment(ref good);
                    }
                    catch (DbException)
                    {
                        Numbering.IsRefused(row).ShouldBeTrue();
                        Interlocked.Increment(ref refused);
                    }
                }
            })));
        (good + refused).ShouldBe(8_000);
        refused.ShouldBe(Enumerable.Range(0, 8_000).Count(Numbering.IsRefused));
        await using var reader = await database.OpenAsync();
        Scalar(reader, "SELECT count(*) FROM numbered").ShouldBe((long)good);
        Scalar(reader, "SELECT max(place) FROM numbered").ShouldBe((long)good);   // no gaps: none was numbered after one that is not there
        Scalar(reader, "SELECT min(place) FROM numbered").ShouldBe(1L);
        target.Prepared.ShouldBeGreaterThan(0);
        target.Thrown.ShouldBeGreaterThan(0);
        target.Overtaken.ShouldBe(0, "what was made ready is the beginning of the next batch");
    }

    [Fact]
    public async Task What_was_taken_before_a_writer_is_closed_is_written_and_in_its_order()
    {
        await using var database = OpenOne([new(1, "numbered", NumberedTable)]);
        var writer = new GroupCommitWriter<int>(database, new Numbering { MayThrow = false }, maximumRows: 64);
        var rows = Enumerable.Range(0, 3_000).Where(row => !Numbering.IsRefused(row)).ToList();
        var written = rows.ConvertAll(row => writer.WriteAsync(row).AsTask());
        await writer.DisposeAsync();
        await Task.WhenAll(written).WaitAsync(TimeSpan.FromSeconds(30));
        (await Should.ThrowAsync<StoreException>(async () => await writer.WriteHereAsync(5_000))).Failure.ShouldBe(StoreFailure.Unavailable);
        await using var connection = await database.OpenAsync();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT name FROM numbered ORDER BY place";
        using var reader = command.ExecuteReader();
        var found = new List<int>();
        while (reader.Read()) found.Add((int)reader.GetInt64(0));
        found.ShouldBe(rows);
    }

    private const string NumberedTable = "CREATE TABLE parents(id BIGINT PRIMARY KEY); CREATE TABLE numbered(place BIGINT PRIMARY KEY, name BIGINT UNIQUE, parent BIGINT REFERENCES parents(id) DEFERRABLE INITIALLY DEFERRED)";

    /// <summary>Numbers rows without gaps, as the audit log does: what it makes ready builds on what is being committed.</summary>
    private sealed class Numbering : BatchTarget<int>
    {
        private readonly List<(int Row, long Place)> _ahead = [];
        private long _durable, _written;
        private int _asked;

        public bool MayThrow { get; init; } = true;
        public int Prepared { get; private set; }
        public int Thrown { get; private set; }
        public int Overtaken { get; private set; }
        public override bool CanPrepare => true;

        public static bool IsRefused(int row) => row % 101 == 0;

        public override void Opened(DbConnection connection)
        {
            _ahead.Clear();
            _durable = (long)Scalar(connection, "SELECT coalesce(max(place), 0) FROM numbered")!;
        }

        public override void Prepare(int row)
        {
            if (MayThrow && _asked++ % 5 == 0)
            {
                Thrown++;
                _ahead.Add((row, -1));   // half done
                throw new InvalidOperationException("cannot be made ready");
            }
            _ahead.Add((row, _written + _ahead.Count + 1));
            Prepared++;
        }

        public override void Write(DbConnection connection, IReadOnlyList<int> rows)
        {
            for (var i = 0; i < rows.Count; i++)
            {
                if (i == _ahead.Count) _ahead.Add((rows[i], _durable + i + 1));
                if (_ahead[i].Row != rows[i]) Overtaken++;
                Scalar(connection, $"INSERT INTO numbered(place, name, parent) VALUES ({_ahead[i].Place}, {rows[i]}, {(IsRefused(rows[i]) ? "1" : "NULL")})");
            }
            _written = _durable + rows.Count;
            _ahead.Clear();
        }

        public override void Committed(IReadOnlyList<int> rows) => _durable = _written;
    }

    [Fact]
    public async Task A_closed_writer_says_so()
    {
        await using var database = OpenOne([First]);
        var writer = new GroupCommitWriter<int>(database, (_, _) => { });
        await writer.DisposeAsync();
        (await Should.ThrowAsync<StoreException>(async () => await writer.WriteAsync(1))).Failure.ShouldBe(StoreFailure.Unavailable);
    }

    [Fact]
    public void A_directory_has_one_owner_and_a_leftover_file_means_nothing()
    {
        File.WriteAllText(Path.Combine(_folder, "signet.lock"), "");
        File.WriteAllText(Path.Combine(_folder, "signet.pid"), "1\n");
        DirectoryLock.TryAcquire(_folder, out var first, out _).ShouldBeTrue();
        DirectoryLock.TryAcquire(_folder, out _, out var holder).ShouldBeFalse();
        holder.ShouldBe(Environment.ProcessId);
        first.Dispose();
        DirectoryLock.TryAcquire(_folder, out var again, out _).ShouldBeTrue();
        again.Dispose();
    }

    [Fact]
    public void The_lock_ends_with_the_process_that_held_it()
    {
        var path = Path.Combine(_folder, "signet.lock");
        using var child = Process.Start(new ProcessStartInfo("flock", ["--exclusive", path, "sleep", "30"]) { UseShellExecute = false })!;
        var limit = Stopwatch.StartNew();
        while (true)
        {
            if (!DirectoryLock.TryAcquire(_folder, out var early, out _)) break;   // the child has it
            early.Dispose();
            limit.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(10));
        }
        child.Kill(entireProcessTree: true);
        child.WaitForExit();
        DirectoryLock? held;
        while (!DirectoryLock.TryAcquire(_folder, out held, out _)) limit.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(20));
        held.Dispose();
    }

    [Fact]
    public void A_replaced_file_is_whole_and_private()
    {
        var path = Path.Combine(_folder, "secret");
        var content = RandomNumberGenerator.GetBytes(1000);
        DurableFile.Replace(path, "old"u8);
        File.WriteAllText(path + ".new", "left behind by a crash");
        DurableFile.Replace(path, content);
        File.ReadAllBytes(path).ShouldBe(content);
        File.Exists(path + ".new").ShouldBeFalse();
        if (!OperatingSystem.IsWindows()) File.GetUnixFileMode(path).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }
}
