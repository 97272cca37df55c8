using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Signet.Proof;
using Signet.Store;
using Signet.Testing;

namespace Signet.Audit.Tests;

/// <summary>A log in a directory of its own, with a clock that stands until it is moved.</summary>
internal sealed class AuditHome : IDisposable
{
    /// <summary>The server that holds the rows in the second round; null for the file in <see cref="Folder"/>.</summary>
    public string? Connection { get; }

    public AuditHome() : this(TestDatabase.IsPostgres ? PostgresServer.SharedAsync().GetAwaiter().GetResult().NewDatabase() : null) { }

    public AuditHome(string? connection)
    {
        Connection = connection;
        Directory.CreateDirectory(Folder);
    }

    public DatabaseSource? Source => SourceOf(Connection);

    public static DatabaseSource? SourceOf(string? connection) => string.IsNullOrEmpty(connection) ? null : DatabaseSource.Postgres(PostgresAddress.Parse(connection), "signet_audit");

    public string Folder { get; } = Path.Combine(Path.GetTempPath(), "signet-audit-" + Convert.ToHexString(RandomNumberGenerator.GetBytes(6)));
    public HandClock Clock { get; } = new();
    public byte[] FirstKey { get; private set; } = [];
    public string DatabasePath => Path.Combine(Folder, "audit.db");

    public AuditOptions Options => new() { Directory = Folder, Database = Source, ExportFirstKey = key => FirstKey = key.ToArray(), ReserveBytes = 0 };

    public Task<AuditLog> OpenAsync(AuditOptions? options = null) => AuditLog.OpenAsync(options ?? Options, Clock, RandomNumberGenerator.Create());

    public static AuditRecord Record(int i, string type = AuditTypes.Command) =>
        new(type, "operator-" + i % 7, "device-" + i % 13, "command-sent", i % 5 == 0 ? "refused" : "success", i % 5 == 0 ? "replayed" : "", new JsonObject { ["n"] = i, ["text"] = "käse \"x\"" });

    /// <summary>A stopped log of some entries with a checkpoint after every <paramref name="checkpointEvery"/>.</summary>
    public async Task FillAsync(int entries, int checkpointEvery = 100, bool clean = true)
    {
        var log = await OpenAsync();
        for (var i = (int)log.Size + 1; i <= entries; i++)
        {
            Clock.Advance(TimeSpan.FromMilliseconds(7));
            await log.AppendAsync(Record(i));
            if (i % checkpointEvery == 0) await log.CheckpointAsync();
        }
        if (clean) await log.DisposeAsync();
        else await CrashAsync(log);
    }

    /// <summary>Ends a log without its final checkpoint.</summary>
    public static async Task CrashAsync(AuditLog log)
    {
        var close = typeof(AuditLog).GetMethod("CloseAsync", System.Reflection.BindingFlags.Instance | System.Reflection.BindingFlags.NonPublic)!;
        await (Task)close.Invoke(log, null)!;
    }

    public AuditVerdict Verify(bool withFirstKey = false) => AuditOffline.Verify(Folder, firstKey: withFirstKey ? FirstKey : default, source: Source);

    public void Execute(string sql, params (string Name, object Value)[] values)
    {
        using var connection = Connect();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        foreach (var (name, value) in values)
        {
            var parameter = command.CreateParameter();
            (parameter.ParameterName, parameter.Value) = (name, value);
            command.Parameters.Add(parameter);
        }
        command.ExecuteNonQuery();
    }

    public T Scalar<T>(string sql)
    {
        using var connection = Connect();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return (T)command.ExecuteScalar()!;
    }

    /// <summary>A connection of somebody else's: neither our pool nor our settings.</summary>
    public System.Data.Common.DbConnection Connect()
    {
        SqliteRuntime.EnsureLoaded();
        System.Data.Common.DbConnection connection = Connection is null
            ? new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={DatabasePath};Pooling=False") : new Npgsql.NpgsqlConnection(Connection + ";Search Path=signet_audit;Pooling=False");
        connection.Open();
        return connection;
    }

    /// <summary>A copy of all files, for changing something in it.</summary>
    public AuditHome Copy()
    {
        var copy = new AuditHome(Connection is null ? null : PostgresServer.SharedAsync().GetAwaiter().GetResult().CopyDatabase(Connection)) { FirstKey = FirstKey };
        foreach (var file in Directory.GetFiles(Folder).Where(file => Path.GetFileName(file) is not ("signet.lock" or "signet.pid"))) File.Copy(file, Path.Combine(copy.Folder, Path.GetFileName(file)), overwrite: true);
        return copy;
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}

/// <summary>A clock that is moved by hand; timers fire inside <see cref="Advance"/>.</summary>
internal sealed class HandClock : TimeProvider
{
    private readonly List<HandTimer> _timers = [];
    private DateTimeOffset _now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    public override DateTimeOffset GetUtcNow() => _now;

    public void Advance(TimeSpan by)
    {
        _now += by;
        HandTimer[] due;
        lock (_timers) due = [.. _timers.Where(t => t.Due <= _now)];
        foreach (var timer in due) timer.Fire();
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new HandTimer(this, callback, state);
        timer.Change(dueTime, period);
        lock (_timers) _timers.Add(timer);
        return timer;
    }

    private sealed class HandTimer(HandClock clock, TimerCallback callback, object? state) : ITimer
    {
        public DateTimeOffset? Due { get; private set; }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            Due = dueTime == Timeout.InfiniteTimeSpan ? null : clock._now + dueTime;
            return true;
        }

        public void Fire()
        {
            Due = null;
            callback(state);
        }

        public void Dispose() => Due = null;

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
