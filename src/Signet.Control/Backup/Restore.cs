using System.Formats.Tar;
using System.Security.Cryptography;
using System.Text.Json;
using Dapper;
using Signet.Audit;
using Signet.Proof;
using Signet.Store;

namespace Signet.Control;

/// <summary>What a restore did, and what the person has to do now.</summary>
/// <param name="Manifest">Of the backup.</param>
/// <param name="Audit">Verification of the restored log.</param>
/// <param name="MissingKeys">Key files that a running center needs and the backup does not hold.</param>
public sealed record RestoreReport(BackupManifest Manifest, AuditVerdict Audit, IReadOnlyList<string> MissingKeys);

/// <summary>
/// Makes a data directory out of a backup. Everything is unpacked, hashed and verified beside the target (<c>DIR.restoring</c>), which then gets its name: there is the whole directory or none.
/// <para>Replay (docs/spec/backup.md): the next start's epoch is above every earlier one because the clock is in it; readings signed before the restore are refused as <c>replayed</c>, because the center
/// that is gone may have taken them; the next revocation list has a number above every published one.</para>
/// </summary>
public static class Restore
{
    /// <param name="file">The backup.</param>
    /// <param name="directory">Missing or empty.</param>
    /// <param name="postgres">The server that gets the rows; null for files.</param>
    /// <param name="passphrase">As it was made with.</param>
    /// <param name="time">Clock.</param>
    /// <param name="progress">Told each file.</param>
    /// <param name="cancellationToken">Ends it; nothing is left.</param>
    /// <exception cref="ControlException">Wrong passphrase, cut off, newer version, changed content, target in use; nothing was restored.</exception>
    public static Task<RestoreReport> RunAsync(string file, string directory, PostgresAddress? postgres, string passphrase, TimeProvider time, IProgress<string>? progress = null,
        CancellationToken cancellationToken = default) => Clearly.DoAsync(async () =>
    {
        directory = Path.GetFullPath(directory);
        if (!File.Exists(file)) throw new ControlException($"there is no file {file}");
        if (Path.Exists(directory) && (File.Exists(directory) || Directory.EnumerateFileSystemEntries(directory).Any()))
            throw new ControlException($"{directory} is not empty, and a restore overwrites nothing; name another directory with --data");
        var beside = directory + ".restoring";
        if (Directory.Exists(beside)) Directory.Delete(beside, recursive: true);
        PrivateDirectory.Create(beside);
        try
        {
            var report = await FillAsync(file, beside, postgres, passphrase, time, progress, cancellationToken);
            if (Directory.Exists(directory)) Directory.Delete(directory);
            Directory.Move(beside, directory);
            DurableFile.SyncDirectory(Path.GetDirectoryName(directory)!);
            return report;
        }
        catch
        {
            Directory.Delete(beside, recursive: true);
            throw;
        }
    });

    private static async Task<RestoreReport> FillAsync(string file, string directory, PostgresAddress? postgres, string passphrase, TimeProvider time, IProgress<string>? progress, CancellationToken cancellationToken)
    {
        var manifest = await UnpackAsync(file, directory, passphrase, progress, cancellationToken);
        if (manifest.ControlSchema > Schema.Migrations.Count || manifest.AuditSchema > AuditOffline.Migrations.Count)
            throw new ControlException($"this backup was made by version {manifest.Program}, which is newer (schema {manifest.ControlSchema}, this program knows {Schema.Migrations.Count}); restore it with that version");
        var files = InstallationDatabases.Of(directory, null);
        bool isSealed;
        await using (var database = Database.Open(files.Control, Schema.Migrations))
        await using (var connection = database.OpenWriter())
        {
            isSealed = SealedSecrets.Any(connection);
            await connection.ExecuteAsync("UPDATE center SET remembers_since = @now, restored_from = @from", new
            {
                now = time.GetUtcNow().ToUnixTimeMilliseconds(),
                from = JsonSerializer.Serialize(new { made = manifest.Made, entries = manifest.AuditEntries, program = manifest.Program, keys = manifest.Keys }),
            });
        }

        // Above every list that was ever published: their numbers rise by one, this one is the clock.
        DurableFile.Replace(Path.Combine(directory, "pki", "crl.floor"), System.Text.Encoding.ASCII.GetBytes(time.GetUtcNow().ToUnixTimeSeconds().ToString(System.Globalization.CultureInfo.InvariantCulture)));
        var record = InstallationRecord.Read(directory);
        var databases = InstallationDatabases.Of(directory, postgres);
        // A restore overwrites nothing: rows of the same installation may be the living ones, which this backup is older than.
        if (postgres is not null) await Moving.CopyAsync("installation IS NOT NULL", files, databases, null, cancellationToken);
        record.In(databases.Control.Kind).Write(directory);
        var verdict = AuditOffline.Verify(Path.Combine(directory, "audit"), source: databases.Audit, cancellationToken: cancellationToken);
        if (!verdict.IsIntact) throw new ControlException($"the backup's audit log does not verify: {verdict.Summary}; nothing was restored");
        // On a server the rows are there, and a second copy would be taken for them some day.
        if (postgres is not null)
            foreach (var path in new[] { files.Control.Path!, files.Audit.Path! })
                foreach (var part in new[] { path, path + "-wal", path + "-shm" }) File.Delete(part);
        return new(manifest, verdict, Missing(directory, isSealed));
    }

    private static async Task<BackupManifest> UnpackAsync(string file, string directory, string passphrase, IProgress<string>? progress, CancellationToken cancellationToken)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read);
        using var opening = SealedFile.Open(stream, passphrase);
        using var tar = new TarReader(opening, leaveOpen: true);
        var found = new Dictionary<string, BackupFile>(StringComparer.Ordinal);
        BackupManifest? manifest = null;
        try
        {
            while (await tar.GetNextEntryAsync(copyData: false, cancellationToken) is { } entry)
            {
                if (manifest is not null || found.Count > ControlLimits.BackupFiles || entry.EntryType is not (TarEntryType.RegularFile or TarEntryType.V7RegularFile)) throw Damaged($"\"{entry.Name}\" has no place in it");
                if (entry.Name == Backup.ManifestName) manifest = await JsonSerializer.DeserializeAsync<BackupManifest>(entry.DataStream ?? Stream.Null, Backup.Json, cancellationToken);
                else if (!found.TryAdd(entry.Name, await UnpackAsync(entry, directory, cancellationToken))) throw Damaged($"\"{entry.Name}\" is in it twice");
                progress?.Report(entry.Name);
            }
        }
        catch (Exception e) when (e is InvalidDataException or JsonException or EndOfStreamException or FormatException)
        {
            throw Damaged(e.Message.Split('\n')[0].TrimEnd('.'));
        }
        if (manifest is null) throw Damaged("its manifest is missing");
        foreach (var named in manifest.Files)
            if (!found.Remove(named.Path, out var is_) || is_ != named) throw Damaged($"\"{named.Path}\" is missing or is not what the manifest says");
        return found.Count == 0 ? manifest : throw Damaged($"\"{found.Keys.First()}\" is not in its manifest");
    }

    private static async Task<BackupFile> UnpackAsync(TarEntry entry, string directory, CancellationToken cancellationToken)
    {
        // A name must stay inside, whoever made the file: whoever knows the passphrase must not be able to write elsewhere.
        var path = Path.GetFullPath(Path.Combine(directory, entry.Name));
        if (!path.StartsWith(directory + Path.DirectorySeparatorChar, StringComparison.Ordinal) || entry.Name.Contains('\\', StringComparison.Ordinal)) throw Damaged($"\"{entry.Name}\" leads out of the directory");
        PrivateDirectory.Create(Path.GetDirectoryName(path)!);
        var mode = Backup.IsKey(entry.Name) ? UnixFileMode.UserRead | UnixFileMode.UserWrite : entry.Mode & (UnixFileMode)0b110_100_100;
        using var file = DurableFile.Create(path, mode | UnixFileMode.UserRead | UnixFileMode.UserWrite);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[128 * 1024];
        long length = 0;
        for (int got; entry.DataStream is { } data && (got = await data.ReadAsync(buffer, cancellationToken)) > 0; length += got)
        {
            hash.AppendData(buffer, 0, got);
            await file.WriteAsync(buffer.AsMemory(0, got), cancellationToken);
        }
        file.Flush(flushToDisk: true);
        return new(entry.Name, length, Convert.ToHexStringLower(hash.GetHashAndReset()));
    }

    private static readonly string[] Needed = ["pki/intermediate.key", "pki/center_sign.key", "pki/command_center.key", "audit/checkpoint.key", "audit/hmac.key"];

    // What a center cannot start without.
    private static List<string> Missing(string directory, bool isSealed) =>
        [.. Needed.Concat(isSealed ? ["pki/accounts.key"] : []).Where(name => !File.Exists(Path.Combine(directory, name)))];

    private static ControlException Damaged(string what) => new($"the backup is damaged: {what}; nothing was restored");
}
