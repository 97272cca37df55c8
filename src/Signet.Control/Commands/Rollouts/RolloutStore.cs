using System.Collections.Concurrent;
using System.Data.Common;
using System.Text.Json;
using System.Text.Json.Nodes;
using Dapper;

namespace Signet.Control;

/// <summary>A row of the table, as Dapper fills it.</summary>
internal sealed class RolloutRow
{
    public string Id { get; set; } = "";
    public string Command { get; set; } = "";
    public string Arguments { get; set; } = "{}";
    public string Selection { get; set; } = "";
    public string ByName { get; set; } = "";
    public string ByRole { get; set; } = "";
    public long Created { get; set; }
    public long PerMinute { get; set; }
    public double StopShare { get; set; }
    public long? Stopped { get; set; }
    public string? Why { get; set; }
    public string LeftOut { get; set; } = "{}";
    public string? Idempotency { get; set; }
}

/// <summary>Rollouts in signet.db. What became of one is counted from its commands' own rows: there is nothing that could disagree with them.</summary>
internal sealed class RolloutStore(ControlDatabase database)
{
    public const string StoppedByShare = "rollout-stopped";
    private const string Columns = """
        id AS Id, command AS Command, arguments AS Arguments, selection AS Selection, by_name AS ByName, by_role AS ByRole, created AS Created, per_minute AS PerMinute, stop_share AS StopShare,
        stopped AS Stopped, why AS Why, left_out AS LeftOut, idempotency AS Idempotency
        """;

    private readonly ConcurrentDictionary<string, bool> _changed = new(StringComparer.Ordinal);

    /// <summary>One of its commands was settled: it is looked at in the next round.</summary>
    public void Changed(string id) => _changed[id] = true;

    public IReadOnlyList<string> TakeChanged() => [.. _changed.Keys.Where(id => _changed.TryRemove(id, out _))];

    public static void Insert(DbConnection connection, RolloutRow row) => connection.Execute("""
        INSERT INTO rollout (id, command, arguments, selection, by_name, by_role, created, per_minute, stop_share, left_out, idempotency)
        VALUES (@Id, @Command, @Arguments, @Selection, @ByName, @ByRole, @Created, @PerMinute, @StopShare, @LeftOut, @Idempotency)
        """, row);

    public Rollout? Find(string id) => database.Read(c => c.QueryFirstOrDefault<RolloutRow>($"SELECT {Columns} FROM rollout WHERE id = @id", new { id }) is { } row ? Build(c, row) : null);

    /// <summary>Devices that got its command.</summary>
    public IReadOnlyList<string> DevicesOf(string id) => database.Read<IReadOnlyList<string>>(c => [.. c.Query<string>("SELECT DISTINCT device FROM command WHERE rollout = @id", new { id })]);

    public Rollout? FindByKey(string key) => database.Read(c => c.QueryFirstOrDefault<RolloutRow>($"SELECT {Columns} FROM rollout WHERE idempotency = @key", new { key }) is { } row ? Build(c, row) : null);

    /// <summary>The newest, newest first.</summary>
    public IReadOnlyList<Rollout> List(int most)
        => database.Read<IReadOnlyList<Rollout>>(c => [.. c.Query<RolloutRow>($"SELECT {Columns} FROM rollout ORDER BY id DESC LIMIT @most", new { most }).ToList().Select(row => Build(c, row))]);

    /// <summary>Marks it as stopped and withdraws what still waits, in one step: the commands that were. Empty when it was stopped before.</summary>
    public Task<IReadOnlyList<CommandView>> StopAsync(string id, string why, DateTimeOffset at, CancellationToken cancellationToken) => database.WriteAsync<IReadOnlyList<CommandView>>(connection =>
        connection.Execute("UPDATE rollout SET stopped = @at, why = @why WHERE id = @id AND stopped IS NULL", new { id, why, at = at.ToUnixTimeMilliseconds() }) == 0 ? []
            : [.. connection.Query<string>("SELECT id FROM command WHERE rollout = @id AND state IN (2, 3) ORDER BY id", new { id }).ToList()
                .Select(waiting => CommandLedger.Apply(connection, waiting, CommandEvent.Withdrawn, new(at, why))).OfType<CommandView>()], cancellationToken);

    private static Rollout Build(DbConnection connection, RolloutRow row)
    {
        var counts = connection.Query<StateCount>("SELECT state AS State, count(*) AS Number FROM command WHERE rollout = @Id GROUP BY state", new { row.Id })
            .ToDictionary(c => ((CommandState)c.State).Name(), c => (int)c.Number, StringComparer.Ordinal);
        var open = counts.Any(c => !CommandStates.Parse(c.Key).IsSettled());
        var state = row.Stopped is not null ? row.Why == StoppedByShare ? "stopped" : "cancelled" : open ? "running" : "done";
        return new(row.Id, row.Command, (JsonObject)JsonNode.Parse(row.Arguments)!, row.Selection, row.ByName, row.ByRole, row.Created.ToTime(), (int)row.PerMinute, row.StopShare, state, row.Stopped.ToTime(),
            counts.Values.Sum(), counts, JsonSerializer.Deserialize<Dictionary<string, string>>(row.LeftOut) ?? []);
    }

    private sealed class StateCount
    {
        public long State { get; set; }
        public long Number { get; set; }
    }
}
