using System.Formats.Tar;
using System.Security.Cryptography;
using System.Text.Json;
using Signet.Audit;
using Signet.Store;

namespace Signet.Control;

/// <summary>
/// Makes one sealed file of a data directory whose center may be running (docs/spec/backup.md). The order keeps the parts consistent:
/// <code>
/// 1  the audit log's moving key and newest note   (may lie behind the rows, never ahead)
/// 2  keys, certificates, settings, device homes
/// 3  signet.db                                    (every command it names is in the log already)
/// 4  audit.db, sealed segments
/// 5  the broker's sessions
/// 6  manifest.json
/// </code>
/// </summary>
public static class Backup
{
    internal const string ManifestName = "manifest.json";

    /// <param name="directory">The data directory.</param>
    /// <param name="postgres">The server, when the settings name one.</param>
    /// <param name="target">The file to make; must not exist. 0600.</param>
    /// <param name="passphrase">At least <see cref="ControlLimits.BackupPassphrase"/> characters.</param>
    /// <param name="withKeys">Private keys too: who has file and passphrase can be this center.</param>
    /// <param name="time">Clock.</param>
    /// <param name="random">For the salt.</param>
    /// <param name="progress">Told each file.</param>
    /// <param name="cancellationToken">Ends it; the unfinished file is removed.</param>
    /// <exception cref="ControlException">One clear line.</exception>
    public static Task<BackupManifest> CreateAsync(string directory, PostgresAddress? postgres, string target, string passphrase, bool withKeys, TimeProvider time, RandomNumberGenerator random,
        IProgress<string>? progress = null, CancellationToken cancellationToken = default) => Clearly.DoAsync(async () =>
    {
        directory = Path.GetFullPath(directory);
        RequirePassphrase(passphrase);
        if (!Installation.Exists(directory)) throw new ControlException($"there is no data directory {directory}");
        var record = InstallationRecord.Read(directory);
        record.RequireKind(directory, postgres);
        var scratch = Path.Combine(directory, "backup", $".making-{Environment.ProcessId}");
        PrivateDirectory.Create(scratch);
        try
        {
            return await WriteAsync(directory, record, InstallationDatabases.Of(directory, postgres), scratch, target, passphrase, withKeys, time, random, progress, cancellationToken);
        }
        finally
        {
            Directory.Delete(scratch, recursive: true);
        }
    });

    internal static void RequirePassphrase(string passphrase)
    {
        if (passphrase.Length < ControlLimits.BackupPassphrase) throw new ControlException($"the passphrase is shorter than {ControlLimits.BackupPassphrase} characters; a file that lies about for years needs a longer one");
    }

    private static async Task<BackupManifest> WriteAsync(string directory, InstallationRecord record, InstallationDatabases databases, string scratch, string target, string passphrase, bool withKeys,
        TimeProvider time, RandomNumberGenerator random, IProgress<string>? progress, CancellationToken cancellationToken)
    {
        var unfinished = target + ".new";
        File.Delete(unfinished);
        if (File.Exists(target)) throw new ControlException($"{target} exists already, and backups are not overwritten");
        try
        {
            BackupManifest manifest;
            using (var file = DurableFile.Create(unfinished))
            {
                using (var sealing = SealedFile.Create(file, passphrase, random))
                using (var tar = new TarWriter(sealing, TarEntryFormat.Pax, leaveOpen: true))
                {
                    var files = new List<BackupFile>();
                    void Add(string name, string from) { files.Add(Put(tar, name, from)); progress?.Report(name); }

                    foreach (var name in Ordered(directory, withKeys)) Add(name, Path.Combine(directory, name));
                    var (control, audit, sessions) = (Path.Combine(scratch, "signet.db"), Path.Combine(scratch, "audit.db"), Path.Combine(scratch, "sessions.db"));
                    await DatabaseCopy.SnapshotAsync(databases.Control, control, Schema.Migrations, cancellationToken);
                    Add("signet.db", control);
                    await DatabaseCopy.SnapshotAsync(databases.Audit, audit, AuditOffline.Migrations, cancellationToken);
                    Add("audit/audit.db", audit);
                    foreach (var segment in Walk(directory, "audit/segments")) Add(segment, Path.Combine(directory, segment));
                    if (File.Exists(Path.Combine(directory, "broker", "sessions.db")))
                    {
                        await DatabaseCopy.SnapshotAsync(DatabaseSource.Sqlite(Path.Combine(directory, "broker", "sessions.db")), sessions, Mqtt.Broker.Storage.SqliteSessionStore.Migrations, cancellationToken);
                        Add("broker/sessions.db", sessions);
                    }
                    manifest = new(CommandCenter.Version, record.Id, time.GetUtcNow(), record.Kind == DatabaseKind.Postgres ? "postgres" : "sqlite", Schema.Migrations.Count, AuditOffline.Migrations.Count,
                        AuditOffline.Count(DatabaseSource.Sqlite(audit)), withKeys, files);
                    using var content = new MemoryStream(JsonSerializer.SerializeToUtf8Bytes(manifest, Json));
                    tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, ManifestName) { DataStream = content });
                }
                file.Flush(flushToDisk: true);
            }
            File.Move(unfinished, target);
            DurableFile.SyncDirectory(Path.GetDirectoryName(Path.GetFullPath(target))!);
            return manifest;
        }
        catch
        {
            File.Delete(unfinished);
            throw;
        }
    }

    internal static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    // Everything that is a plain file, the moving parts of the audit log first. Databases, segments and what belongs to one process are not plain files.
    private static IEnumerable<string> Ordered(string directory, bool withKeys) => Walk(directory, "")
        .Where(name => !IsOfAProcess(name) && (withKeys || !IsKey(name)))
        .OrderBy(name => name.StartsWith("audit/", StringComparison.Ordinal) ? 0 : 1).ThenBy(name => name, StringComparer.Ordinal);

    private static bool IsOfAProcess(string name) => name is "profile.json" or "audit/reserve" || Path.GetFileName(name) is "lock"
        || name.StartsWith("backup/", StringComparison.Ordinal) || name.StartsWith("lab/", StringComparison.Ordinal) || name.StartsWith("audit/segments/", StringComparison.Ordinal)
        || Path.GetExtension(name) is ".lock" or ".pid" or ".new" or ".db" or ".db-wal" or ".db-shm" or ".db-journal" or ".migrated";

    /// <summary>Every secret of a data directory ends in one of these.</summary>
    internal static bool IsKey(string name) => Path.GetExtension(name) is ".key" or ".p12" or ".pfx";

    private static List<string> Walk(string directory, string below)
    {
        var root = Path.Combine(directory, below);
        return !Directory.Exists(root) ? [] : Directory.EnumerateFiles(root, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint })
            .Select(path => Path.GetRelativePath(directory, path).Replace(Path.DirectorySeparatorChar, '/')).Order(StringComparer.Ordinal).ToList();
    }

    private static BackupFile Put(TarWriter tar, string name, string from)
    {
        // A small file is read once: should it be replaced or grow meanwhile, hash and content are still of one moment. Large ones are our own snapshots and sealed segments, which stand still.
        using var file = DurableFile.OpenHeld(from);
        using var small = file.Length <= ReadAtOnce ? new MemoryStream() : null;
        if (small is not null) file.CopyTo(small);
        var content = small ?? (Stream)file;
        content.Position = 0;
        var hash = Convert.ToHexStringLower(SHA256.HashData(content));
        content.Position = 0;
        tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, name) { DataStream = content, Mode = IsKey(name) ? UnixFileMode.UserRead | UnixFileMode.UserWrite : ModeOf(from) });
        return new(name, content.Length, hash);
    }

    private const int ReadAtOnce = 16 << 20;

    private static UnixFileMode ModeOf(string path) => OperatingSystem.IsWindows() ? UnixFileMode.UserRead | UnixFileMode.UserWrite : File.GetUnixFileMode(path);
}
