using Signet.Audit;
using Signet.Proof;
using Signet.Store;

namespace Signet.Control;

/// <summary>What moving an installation's rows did.</summary>
/// <param name="Rows">Rows copied in all.</param>
/// <param name="Audit">Verification of the log in its new place.</param>
/// <param name="Kept">Files that were put aside, or null.</param>
public sealed record MoveReport(long Rows, AuditVerdict Audit, string? Kept);

/// <summary>Moves the rows of a stopped installation between SQLite files and PostgreSQL; keys and files stay where they are.</summary>
public static class Moving
{
    /// <summary>The schema of <c>signet.db</c>, for looking at it.</summary>
    public static IReadOnlyList<Migration> ControlMigrations => Schema.Migrations;

    /// <param name="directory">Of a stopped center.</param>
    /// <param name="postgres">The server, source or target.</param>
    /// <param name="to">Where the rows go.</param>
    /// <param name="progress">Told rows copied.</param>
    /// <param name="cancellationToken">Ends it; the source is unchanged and stays the one that counts.</param>
    /// <exception cref="ControlException">One clear line; the source is unchanged.</exception>
    public static Task<MoveReport> RunAsync(string directory, PostgresAddress postgres, DatabaseKind to, IProgress<long>? progress = null, CancellationToken cancellationToken = default) => Clearly.DoAsync<MoveReport>(async () =>
    {
        directory = Path.GetFullPath(directory);
        var (files, server) = (InstallationDatabases.Of(directory, null), InstallationDatabases.Of(directory, postgres));
        var (source, target) = to == DatabaseKind.Postgres ? (files, server) : (server, files);
        using var held = Installation.Open(directory, to == DatabaseKind.Postgres ? null : postgres);   // refuses a running center, and a directory that keeps its rows elsewhere
        var record = InstallationRecord.Read(directory);
        // Brings the source up to date, so that both sides have one schema.
        await using (Database.Open(source.Control, Schema.Migrations)) { }
        await using (Database.Open(source.Audit, AuditOffline.Migrations)) { }
        Require(AuditOffline.Verify(held.AuditDirectory, source: source.Audit, cancellationToken: cancellationToken), "the log does not verify where it is now, and is not moved");
        if (to == DatabaseKind.Sqlite)
            foreach (var file in new[] { target.Control.Path!, target.Audit.Path! })
                if (File.Exists(file)) throw new ControlException($"{file} exists already; move it away");
        // Rows of our own id are what an interrupted copy left: nobody can have written there while the directory says otherwise.
        var rows = await CopyAsync($"installation <> '{record.Id}'", source, target, progress, cancellationToken);
        var verdict = AuditOffline.Verify(held.AuditDirectory, source: target.Audit, cancellationToken: cancellationToken);
        Require(verdict, "the copied log does not verify; the old place stays the one that counts");
        // The one step that counts: from here on the rows are read in their new place.
        record.In(to).Write(directory);
        if (to != DatabaseKind.Postgres) return new(rows, verdict, null);
        foreach (var file in new[] { files.Control.Path!, files.Audit.Path! }) PutAside(file);
        return new(rows, verdict, "signet.db.migrated, audit/audit.db.migrated");
    });

    /// <summary>Copies both databases, the log first; then the target is whole.</summary>
    /// <param name="others">SQL: whose rows on a server are not to be replaced.</param>
    /// <param name="from">Source.</param>
    /// <param name="to">Target.</param>
    /// <param name="progress">Told rows copied.</param>
    /// <param name="cancellationToken">Ends it.</param>
    internal static async Task<long> CopyAsync(string others, InstallationDatabases from, InstallationDatabases to, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        if (to.Control.Kind == DatabaseKind.Postgres) Database.DropUnless(to.Control, $"SELECT installation FROM center WHERE {others}", to.Audit);
        var audit = await DatabaseCopy.RunAsync(from.Audit, to.Audit, AuditOffline.Migrations, progress, cancellationToken);
        var done = audit.Values.Sum();
        var control = await DatabaseCopy.RunAsync(from.Control, to.Control, Schema.Migrations, progress is null ? null : new After(done, progress), cancellationToken);
        return done + control.Values.Sum();
    }

    private static void Require(AuditVerdict verdict, string otherwise)
    {
        if (!verdict.IsIntact) throw new ControlException($"{otherwise}: {verdict.Summary}");
    }

    private static void PutAside(string file)
    {
        File.Move(file, file + ".migrated", overwrite: true);
        foreach (var rest in new[] { file + "-wal", file + "-shm" }) File.Delete(rest);
    }

    private sealed class After(long before, IProgress<long> next) : IProgress<long>
    {
        public void Report(long value) => next.Report(before + value);
    }
}
