using System.Globalization;
using Signet.Audit;
using Signet.Control;
using Signet.House.Tests.Rules;
using Signet.Store;
using Signet.Testing;

namespace Signet.House.Tests.Production;

/// <summary>
/// Rows written by earlier versions, opened by this one. <c>Old/c4f6c94</c> holds what the demonstration of that commit left (three devices, one executed command): both databases, the log's public key and
/// its newest checkpoint; no private key is in the repository, so what needs one (starting the center on them) is not shown here.
/// </summary>
public sealed class UpgradeSpecs
{
    [Fact]
    public void Rows_of_an_earlier_version_are_brought_up_to_date_without_losing_any_and_the_log_still_verifies()
    {
        using var temp = new TempDirectory();
        foreach (var file in new[] { "signet.db", "audit/audit.db", "audit/checkpoint", "audit/checkpoint.pub" })
        {
            Directory.CreateDirectory(Path.GetDirectoryName(temp.File(file))!);
            File.Copy(Repository.PathOf($"tests/Signet.House.Tests/Production/Old/c4f6c94/{file}"), temp.File(file));
        }
        var sources = InstallationDatabases.Of(temp.Path, null);
        var before = Database.Inspect(sources.Control, Moving.ControlMigrations);
        before.Version.ShouldBe(1);
        before.Pending.Select(m => m.Number).ShouldBe(Enumerable.Range(2, Moving.ControlMigrations.Count - 1));

        using (var connection = Database.Open(sources.Control, Moving.ControlMigrations).Open())
        {
            Ask(connection, "SELECT count(*) FROM device").ShouldBe(3);
            Ask(connection, "SELECT count(*) FROM command WHERE state = 8 AND receipt IS NOT NULL").ShouldBe(1);   // executed
            Ask(connection, "SELECT epoch FROM center").ShouldBeGreaterThan(1_700_000_000);
        }
        Database.Inspect(sources.Control, Moving.ControlMigrations).Pending.ShouldBeEmpty();

        var verdict = AuditOffline.Verify(temp.File("audit"));
        verdict.IsIntact.ShouldBeTrue(verdict.Summary);
        verdict.Entries.ShouldBe(Entries);
        using (Database.Open(sources.Audit, AuditOffline.Migrations).Open()) { }
        AuditOffline.Verify(temp.File("audit")).Entries.ShouldBe(Entries);
    }

    [Fact]
    public void A_migration_that_fails_leaves_the_rows_as_the_one_before_it_left_them_and_the_next_start_goes_on_from_there()
    {
        using var temp = new TempDirectory();
        File.Copy(Repository.PathOf("tests/Signet.House.Tests/Production/Old/c4f6c94/signet.db"), temp.File("signet.db"));
        var source = InstallationDatabases.Of(temp.Path, null).Control;
        var migrations = Moving.ControlMigrations;
        var middle = migrations.Count / 2;
        // Half of it can be done, then it breaks: none of it may be there afterwards.
        List<Migration> broken = [.. migrations.Take(middle), migrations[middle] with { Sql = migrations[middle].Sql + ";\nCREATE TABLE half(id BIGINT);\nINSERT INTO no_such_table VALUES (1)" }, .. migrations.Skip(middle + 1)];
        var refused = Should.Throw<StoreException>(() => Database.Open(source, broken));
        refused.Message.ShouldContain("no_such_table");
        var state = Database.Inspect(source, migrations);
        state.Version.ShouldBe(middle);
        state.Pending[0].ShouldBe(migrations[middle]);

        using var connection = Database.Open(source, migrations).Open();
        Ask(connection, "SELECT count(*) FROM device").ShouldBe(3);
        Ask(connection, "SELECT count(*) FROM sqlite_master WHERE name = 'half'").ShouldBe(0);
        Database.Inspect(source, migrations).Pending.ShouldBeEmpty();
    }

    [Fact]
    public async Task What_an_earlier_version_left_is_opened_by_this_one_with_keys_devices_and_commands()
    {
        // The long form builds the earlier version, lets it work and starts this one on what it left: keys cannot be in the repository.
        if (Environment.GetEnvironmentVariable("SIGNET_FULL") != "1") return;
        var upgraded = await BoundedProcess.RunAsync(Repository.PathOf("eng/upgrade-check.sh"), [], within: TimeSpan.FromMinutes(10), directory: Repository.Root);
        upgraded.ExitCode.ShouldBe(0, upgraded.Output + upgraded.Errors);
        upgraded.Output.ShouldContain("all intact");
    }

    private const long Entries = 19;

    private static long Ask(System.Data.Common.DbConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return Convert.ToInt64(command.ExecuteScalar(), CultureInfo.InvariantCulture);
    }
}
