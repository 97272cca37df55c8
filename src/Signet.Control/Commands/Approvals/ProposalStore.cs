using System.Data.Common;
using System.Text.Json;
using System.Text.Json.Nodes;
using Dapper;

namespace Signet.Control;

/// <summary>Proposals and their approvals in signet.db.</summary>
internal sealed class ProposalStore(ControlDatabase database)
{
    private const string Columns = """
        id AS Id, class AS Class, devices AS Devices, command AS Command, arguments AS Arguments, requester AS Requester, needed AS Needed, not_after AS NotAfter, created AS Created
        """;

    public static void Insert(DbConnection connection, Proposal proposal) => connection.Execute("""
        INSERT INTO proposal (id, class, devices, command, arguments, requester, needed, not_after, created) VALUES (@Id, @Class, @devices, @Command, @arguments, @Requester, @needed, @notAfter, @created)
        """, new
    {
        proposal.Id, proposal.Class, devices = JsonSerializer.Serialize(proposal.Devices), proposal.Command, arguments = proposal.Arguments.ToJsonString(), proposal.Requester, needed = (long)proposal.Needed,
        notAfter = proposal.NotAfter.ToUnixTimeMilliseconds(), created = proposal.Created.ToUnixTimeMilliseconds(),
    });

    public Proposal? Find(string id) => database.Read(c => c.QueryFirstOrDefault<Row>($"SELECT {Columns} FROM proposal WHERE id = @id", new { id }) is { } row ? Build(c, row) : null);

    /// <summary>Proposals of a command, a rollout, or the one with this id.</summary>
    public IReadOnlyList<Proposal> Of(string id) => database.Read<IReadOnlyList<Proposal>>(c => [.. c.Query<Row>(
        $"SELECT {Columns} FROM proposal WHERE id = @id OR id IN (SELECT proposal FROM command WHERE id = @id OR rollout = @id) ORDER BY id", new { id }).ToList().Select(row => Build(c, row))]);

    /// <summary>Those that commands still wait for, oldest first.</summary>
    public IReadOnlyList<Proposal> Open(int most) => database.Read<IReadOnlyList<Proposal>>(c => [.. c.Query<Row>(
        $"SELECT {Columns} FROM proposal WHERE id IN (SELECT proposal FROM command WHERE state = 2) ORDER BY id LIMIT @most", new { most }).ToList().Select(row => Build(c, row))]);

    /// <summary>The signed approvals, by person.</summary>
    public IReadOnlyList<string> Approvals(string proposal)
        => database.Read<IReadOnlyList<string>>(c => [.. c.Query<string>("SELECT message FROM approval WHERE proposal = @proposal ORDER BY person", new { proposal })]);

    /// <summary>Keeps one person's approval; with <paramref name="isMet"/> the proposal's commands go on. The views of those.</summary>
    public Task<IReadOnlyList<CommandView>> ApproveAsync(string proposal, string person, string message, bool isMet, DateTimeOffset at, CancellationToken cancellationToken) => database.WriteAsync<IReadOnlyList<CommandView>>(connection =>
    {
        connection.Execute("INSERT INTO approval (proposal, person, message, approved) VALUES (@proposal, @person, @message, @at) ON CONFLICT (proposal, person) DO NOTHING",
            new { proposal, person, message, at = at.ToUnixTimeMilliseconds() });
        if (!isMet) return [];
        return [.. connection.Query<string>("SELECT id FROM command WHERE proposal = @proposal AND state = 2 ORDER BY id", new { proposal }).ToList()
            .Select(id => CommandLedger.Apply(connection, id, CommandEvent.Approved, new(at))).OfType<CommandView>()];
    }, cancellationToken);

    private static Proposal Build(DbConnection connection, Row row) => new(
        row.Id, row.Class, JsonSerializer.Deserialize<string[]>(row.Devices) ?? [], row.Command, (JsonObject)JsonNode.Parse(row.Arguments)!, row.Requester, (int)row.Needed, row.NotAfter.ToTime(), row.Created.ToTime(),
        [.. connection.Query<string>("SELECT person FROM approval WHERE proposal = @Id ORDER BY person", new { row.Id })]);

    private sealed class Row
    {
        public string Id { get; set; } = "";
        public string Class { get; set; } = "";
        public string Devices { get; set; } = "[]";
        public string Command { get; set; } = "";
        public string Arguments { get; set; } = "{}";
        public string Requester { get; set; } = "";
        public long Needed { get; set; }
        public long NotAfter { get; set; }
        public long Created { get; set; }
    }
}
