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

    private const long Entries = 19;

    private static long Ask(System.Data.Common.DbConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return Convert.ToInt64(command.ExecuteScalar(), CultureInfo.InvariantCulture);
    }
}
