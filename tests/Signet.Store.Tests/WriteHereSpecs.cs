using System.Data.Common;
using Signet.Testing;

namespace Signet.Store.Tests;

/// <summary>Who waits for a row writes it on its own thread while nobody else does; order, durability and refusals are as with the queue. And the statements that a connection keeps.</summary>
[Trait(TestDatabase.Trait, TestDatabase.SqliteOnly)]   // the writer is the same over both
public sealed class WriteHereSpecs : IDisposable
{
    private readonly TempDirectory _temp = new();
    private readonly Database _database;

    public WriteHereSpecs() => _database = Database.OpenSqlite(_temp.File("here.db"), [new(1, "things", "CREATE TABLE things(id INTEGER PRIMARY KEY, place INTEGER, name TEXT)")]);

    public void Dispose()
    {
        _database.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _temp.Dispose();
    }

    private static void Insert(DbConnection connection, IReadOnlyList<int> rows)
    {
        foreach (var row in rows)
            connection.Kept("INSERT INTO things(id, place, name) VALUES (@id, (SELECT count(*) FROM things), @name)", ("id", row), ("name", row % 2 == 0 ? $"n{row}" : null)).ExecuteNonQuery();
    }

    private List<(long Id, string? Name)> Rows()
    {
        using var connection = _database.Open();
        using var reader = connection.Kept("SELECT id, name FROM things ORDER BY place").ExecuteReader();
        var rows = new List<(long, string?)>();
        while (reader.Read()) rows.Add((reader.GetInt64(0), reader.IsDBNull(1) ? null : reader.GetString(1)));
        return rows;
    }

    [Fact]
    public async Task A_lone_row_is_written_by_the_thread_that_brings_it_before_the_call_returns()
    {
        var wrote = 0;
        await using var writer = new GroupCommitWriter<int>(_database, (c, rows) =>
        {
            wrote = Environment.CurrentManagedThreadId;
            Insert(c, rows);
        });
        var here = Environment.CurrentManagedThreadId;
        var done = writer.WriteHereAsync(1);
        done.IsCompletedSuccessfully.ShouldBeTrue();
        wrote.ShouldBe(here);
        Rows().ShouldBe([(1, null)]);
        await writer.WriteAsync(2);
        await writer.WriteHereAsync(3);
        Rows().ShouldBe([(1, null), (2, "n2"), (3, null)]);
    }

    [Fact]
    public async Task A_row_never_overtakes_those_that_wait_and_joins_them()
    {
        using var first = new ManualResetEventSlim();
        using var going = new SemaphoreSlim(0);
        var batches = new List<int>();
        await using var writer = new GroupCommitWriter<int>(_database, (c, rows) =>
        {
            batches.Add(rows.Count);
            going.Release();
            if (batches.Count == 1) first.Wait();
            Insert(c, rows);
        });
        var one = writer.WriteAsync(1).AsTask();
        await going.WaitAsync();
        var two = writer.WriteAsync(2).AsTask();
        var three = writer.WriteHereAsync(3);
        three.IsCompleted.ShouldBeFalse("somebody writes: it waits like the others");
        first.Set();
        await Task.WhenAll(one, two, three.AsTask());
        batches.ShouldBe([1, 2]);
        Rows().Select(r => r.Id).ShouldBe([1, 2, 3]);
    }

    [Fact]
    public async Task Many_callers_both_ways_lose_and_double_nothing_and_each_ones_order_stays()
    {
        await using var writer = new GroupCommitWriter<int>(_database, Insert);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(caller => Task.Run(async () =>
        {
            for (var i = 0; i < 200; i++)
            {
                var row = (caller * 1000) + i;
                if (i % 3 == 0) await writer.WriteAsync(row);
                else await writer.WriteHereAsync(row);
            }
        })));
        var written = Rows().ConvertAll(r => (int)r.Id);
        written.Count.ShouldBe(1600);
        foreach (var caller in written.GroupBy(id => id / 1000)) caller.ShouldBe(Enumerable.Range(caller.Key * 1000, 200));
    }

    [Fact]
    public async Task A_target_that_writes_again_from_within_a_commit_waits_for_its_turn()
    {
        Task? again = null;
        GroupCommitWriter<int>? writer = null;
        writer = new GroupCommitWriter<int>(_database, new Echo(rows =>
        {
            if (rows[0] != 1) return;
            again = writer!.WriteHereAsync(2).AsTask();
            again.IsCompleted.ShouldBeFalse();
        }));
        await using var _ = writer;
        await writer.WriteHereAsync(1);
        await again!.WaitAsync(TimeSpan.FromSeconds(60));
        Rows().Select(r => r.Id).ShouldBe([1, 2]);
    }

    [Fact]
    public async Task What_the_database_refuses_and_a_closed_writer_are_told_to_the_caller_and_the_next_row_is_written()
    {
        var writer = new GroupCommitWriter<int>(_database, Insert);
        await writer.WriteHereAsync(1);
        await Should.ThrowAsync<DbException>(async () => await writer.WriteHereAsync(1));
        await writer.WriteHereAsync(2);
        await writer.DisposeAsync();
        (await Should.ThrowAsync<StoreException>(async () => await writer.WriteHereAsync(3))).Failure.ShouldBe(StoreFailure.Unavailable);
        Rows().Select(r => r.Id).ShouldBe([1, 2]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_target_that_fails_while_it_lets_go_of_a_failed_connection_keeps_nobody_waiting(bool isHere)
    {
        await using var writer = new GroupCommitWriter<int>(_database, new Clinging());
        await WriteAsync(1);
        await Should.ThrowAsync<DbException>(() => WriteAsync(1));
        await WriteAsync(2).WaitAsync(TimeSpan.FromSeconds(60));
        await writer.WriteAsync(3).AsTask().WaitAsync(TimeSpan.FromSeconds(60));
        Rows().Select(r => r.Id).ShouldBe([1, 2, 3]);

        Task WriteAsync(int row) => isHere ? writer.WriteHereAsync(row).AsTask() : writer.WriteAsync(row).AsTask();
    }

    private sealed class Clinging : BatchTarget<int>
    {
        public override void Write(DbConnection connection, IReadOnlyList<int> rows) => Insert(connection, rows);

        public override void Closing() => throw new InvalidOperationException("it does not let go");
    }

    private sealed class Echo(Action<IReadOnlyList<int>> committed) : BatchTarget<int>
    {
        public override void Write(DbConnection connection, IReadOnlyList<int> rows) => Insert(connection, rows);

        public override void Committed(IReadOnlyList<int> rows) => committed(rows);
    }
}
