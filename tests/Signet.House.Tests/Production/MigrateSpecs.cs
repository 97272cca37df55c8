using System.Text.Json.Nodes;
using Signet.House.Tests.Program;
using Signet.Testing;

namespace Signet.House.Tests.Production;

/// <summary>An installation moves from files to a server and back, by the command line, without losing an entry or a proof.</summary>
public sealed class MigrateSpecs : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("signet-migrate-").FullName;

    private string Data => Path.Combine(_folder, "data");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Rows_move_to_PostgreSQL_and_back_with_every_entry_command_and_proof()
    {
        var connection = (await PostgresServer.SharedAsync()).NewDatabase();
        Dictionary<string, string> named = new() { ["SIGNET__Database__Connection"] = connection };
        Dictionary<string, string> there = new(named) { ["SIGNET__Database__Kind"] = "postgres" };
        string command;
        var receipt = Path.Combine(_folder, "receipt.json");
        await using (var signet = await SignetProcess.UpAsync(Data, "--demo"))
        {
            var sent = await SignetProcess.RunAsync(Data, "command", "send", "door-1", "open", "--wait", "--json");
            sent.ExitCode.ShouldBe(0, sent.Error);
            command = (string)sent.Json["id"]!;
            (await SignetProcess.RunAsync(Data, named, "", "migrate", "--from", "sqlite", "--to", "postgres")).Error.ShouldContain("in use by process", customMessage: "a running center is not moved");
            await signet.InterruptAsync();
        }
        var before = await EntriesAsync(Data, []);

        (await SignetProcess.RunAsync(Data, "migrate", "--preview", "--json")).Json["databases"]!.AsArray().Sum(d => d!["pending"]!.AsArray().Count).ShouldBe(0);
        (await SignetProcess.RunAsync(Data, "migrate", "--from", "sqlite", "--to", "postgres")).ExitCode.ShouldBe(2, "no server was named");
        var moved = await SignetProcess.RunAsync(Data, named, "", "migrate", "--from", "sqlite", "--to", "postgres", "--json");
        moved.ExitCode.ShouldBe(0, moved.Error);
        ((string)moved.Json["audit"]!).ShouldStartWith("intact");
        (await EntriesAsync(Data, there)).ShouldBe(before);

        // The old place no longer counts, and a second move has nothing to move.
        (await SignetProcess.RunAsync(Data, "up", "--demo")).Error.ShouldContain("keeps its data in PostgreSQL");
        (await SignetProcess.RunAsync(Data, named, "", "migrate", "--from", "sqlite", "--to", "postgres")).ExitCode.ShouldBe(1);

        await using (var signet = await SignetProcess.UpAsync(Data, there, "--demo"))
        {
            ((string)(await SignetProcess.RunAsync(Data, "command", "show", command, "--json")).Json["state"]!).ShouldBe("executed");
            (await SignetProcess.RunAsync(Data, "command", "send", "door-1", "close", "--wait")).ExitCode.ShouldBe(0);
            (await SignetProcess.RunAsync(Data, "audit", "verify")).ExitCode.ShouldBe(0);
            (await SignetProcess.RunAsync(Data, "receipt", "export", command, "--out", receipt)).ExitCode.ShouldBe(0);
            (await SignetProcess.RunAsync(null, "receipt", "verify", receipt, "--trust", Path.Combine(Data, "pki", "root.crt"))).ExitCode.ShouldBe(0);
            await signet.InterruptAsync();
        }

        var onServer = await EntriesAsync(Data, there);
        onServer.ShouldBeGreaterThan(before);
        foreach (var old in new[] { "signet.db.migrated", "audit/audit.db.migrated" }) File.Exists(Path.Combine(Data, old)).ShouldBeTrue();
        var back = await SignetProcess.RunAsync(Data, named, "", "migrate", "--from", "postgres", "--to", "sqlite");
        back.ExitCode.ShouldBe(0, back.Error);
        (await EntriesAsync(Data, [])).ShouldBe(onServer);
    }

    [Fact]
    public async Task A_data_directory_and_a_database_that_do_not_belong_together_are_refused()
    {
        var connection = (await PostgresServer.SharedAsync()).NewDatabase();
        Dictionary<string, string> there = new() { ["SIGNET__Database__Kind"] = "postgres", ["SIGNET__Database__Connection"] = connection };
        (await SignetProcess.RunAsync(Data, there, "", "init")).ExitCode.ShouldBe(0);
        (await SignetProcess.RunAsync(Data + "2", there, "", "init")).Error.ShouldContain("holds an installation already");
        var printed = await SignetProcess.RunAsync(Data, new Dictionary<string, string>(there) { ["SIGNET__Database__Connection"] = connection + ";Password=topsecret" }, "", "up", "--print-config", "--json");
        printed.Output.ShouldContain("database:connection");
        printed.Output.ShouldNotContain("topsecret");
    }

    /// <summary>Entries of the stopped log, verified from its rows.</summary>
    private static async Task<long> EntriesAsync(string data, Dictionary<string, string> environment)
    {
        var verified = await SignetProcess.RunAsync(data, environment, "", "audit", "verify", "--offline", "--json");
        verified.ExitCode.ShouldBe(0, verified.Output + verified.Error);
        return (long)JsonNode.Parse(verified.Output)!["entries"]!;
    }
}
