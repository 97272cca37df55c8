using Signet.Store;

namespace Signet.Control;

/// <summary>The two databases of an installation: <c>signet.db</c> and <c>audit/audit.db</c>, or two schemas of one PostgreSQL database. The broker's sessions are files in any case.</summary>
/// <param name="Control">Fleet, commands, people.</param>
/// <param name="Audit">The log's rows.</param>
public sealed record InstallationDatabases(DatabaseSource Control, DatabaseSource Audit)
{
    internal const string ControlSchema = "signet", AuditSchema = "signet_audit";

    public static InstallationDatabases Of(string directory, PostgresAddress? postgres) => postgres is null
        ? new(DatabaseSource.Sqlite(Path.Combine(directory, "signet.db")), DatabaseSource.Sqlite(Path.Combine(directory, "audit", "audit.db")))
        : new(DatabaseSource.Postgres(postgres, ControlSchema), DatabaseSource.Postgres(postgres, AuditSchema));
}
