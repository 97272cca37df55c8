using System.Globalization;
using System.Security.Cryptography;
using Signet.Proof;
using Signet.Store;

namespace Signet.Audit;

/// <summary>
/// Rotation: when enough entries or days have come together, the stretch since the last segment is written as a file of its own, <c>segments/FIRST-LAST.ndjson</c>,
/// in the form of an export: it begins and ends at a checkpoint, can be verified alone with the public key, and follows the segment before it.
/// The file is verified before it gets its name. A crash leaves a file that ends in .new, which the next round writes again.
/// </summary>
internal sealed class SegmentArchive(Database database, string origin, AuditOptions options, IReadOnlyList<CheckpointKey> trust)
{
    private readonly string _directory = Path.Combine(options.Directory, "segments");

    /// <summary>The segments on the disk, oldest first.</summary>
    public IReadOnlyList<AuditSegment> List() => !Directory.Exists(_directory) ? [] :
        [.. Directory.EnumerateFiles(_directory, "*.ndjson").Select(Parse).OfType<AuditSegment>().OrderBy(s => s.First)];

    /// <summary>Whether the checkpoint closes a segment.</summary>
    public bool IsDue(Checkpoint checkpoint, DateTimeOffset begun) =>
        checkpoint.Size - Sealed >= options.SegmentEntries || (checkpoint.Size > Sealed && checkpoint.Time - begun >= options.SegmentAge);

    /// <summary>The last entry that stands in a segment, kept or taken out.</summary>
    public long Sealed
    {
        get
        {
            using var connection = database.Open();
            return Math.Max(List() is [.., var last] ? last.Last : 0, StoredRows.KeptFrom(connection)?.Size ?? 0);
        }
    }

    /// <summary>When the open segment's first entry was written; null when there is none.</summary>
    public DateTimeOffset? Begun()
    {
        using var connection = database.Open();
        return EntryReader.Find(connection, Sealed + 1)?.Time;
    }

    /// <summary>Writes everything since the last segment, up to the checkpoint.</summary>
    /// <exception cref="StoreException">The segment before it has no checkpoint in the log, or the written file does not verify.</exception>
    public AuditSegment Seal(Checkpoint end, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(_directory);
        var last = Sealed;
        var name = string.Create(CultureInfo.InvariantCulture, $"{last + 1:D12}-{end.Size:D12}.ndjson");
        var path = Path.Combine(_directory, name);
        using var connection = database.Open();
        var start = last == 0 ? null : At(connection, last) ?? throw new StoreException(StoreFailure.Corrupt, $"{_directory}: no checkpoint ends at entry {last}, where the last segment does. Run signet audit verify.");
        File.Delete(path + ".new");
        using (var file = DurableFile.Create(path + ".new"))
        {
            AuditExport.WriteRange(connection, origin, start, end, file, null, cancellationToken);
            file.Flush(flushToDisk: true);
            file.Position = 0;
            var verdict = ExportVerification.Verify(file, trust, cancellationToken: cancellationToken);
            if (!verdict.IsIntact) throw new StoreException(StoreFailure.Corrupt, $"{path}: not sealed: {verdict.Summary}");
        }
        File.Move(path + ".new", path);
        DurableFile.SyncDirectory(_directory);
        return Parse(path)!;
    }

    /// <summary>
    /// Segments whose last entry is older than a moment, oldest first, each with the checkpoints up to which its rows are taken out one transaction after the other.
    /// Never the newest: its end is where the next one begins.
    /// </summary>
    public IReadOnlyList<DueSegment> Due(DateTimeOffset before)
    {
        using var connection = database.Open();
        var kept = StoredRows.KeptFrom(connection);
        var due = new List<DueSegment>();
        foreach (var segment in List().SkipLast(1))
        {
            if (At(connection, segment.Last) is not { } end)
            {
                if (segment.Last <= (kept?.Size ?? 0)) due.Add(new(segment, []));   // a crash came between its rows and its file
                continue;
            }
            if (end.Time > before) break;
            due.Add(new(segment, Steps(connection, kept?.Size ?? 0, end)));
        }
        return due;
    }

    /// <summary>Puts a verified copy of the file into the archive, durably; null without one. Also gives the file's SHA-256 in lower-case hexadecimal.</summary>
    /// <exception cref="StoreException">The file does not verify.</exception>
    public (AuditSegment? Kept, string Sha256) Archive(AuditSegment segment, string? archive)
    {
        using var file = File.OpenRead(segment.Path);
        var verdict = ExportVerification.Verify(file, trust);
        if (!verdict.IsIntact) throw new StoreException(StoreFailure.Corrupt, $"{segment.Path}: not taken out: {verdict.Summary}");
        file.Position = 0;
        var sha256 = Convert.ToHexStringLower(SHA256.HashData(file));
        if (archive is null) return (null, sha256);
        Directory.CreateDirectory(archive);
        var path = Path.Combine(archive, Path.GetFileName(segment.Path));
        if (!File.Exists(path) || !IsSame(path, sha256))
        {
            file.Position = 0;
            File.Delete(path + ".new");
            using (var copy = DurableFile.Create(path + ".new"))
            {
                file.CopyTo(copy);
                copy.Flush(flushToDisk: true);
            }
            if (!IsSame(path + ".new", sha256)) throw new StoreException(StoreFailure.Unavailable, $"{path}: the copy differs from the original. Check the disk.");
            File.Move(path + ".new", path, overwrite: true);
            DurableFile.SyncDirectory(archive);
        }
        return (segment with { Path = path }, sha256);
    }

    private static bool IsSame(string path, string sha256)
    {
        using var file = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(file)) == sha256;
    }

    // Ends of transactions: checkpoints some thousand entries apart, the last one being the segment's end.
    private static List<Checkpoint> Steps(System.Data.Common.DbConnection connection, long kept, Checkpoint end)
    {
        var steps = new List<Checkpoint>();
        foreach (var row in StoredRows.Checkpoints(connection, 0))
        {
            if (row.Number > end.Number || !Checkpoint.TryParse(row.Note, out var checkpoint, out _)) break;
            if (checkpoint.Size <= kept || (checkpoint.Size - (steps is [.., var last] ? last.Size : kept) < Retention.Chunk && checkpoint.Number != end.Number)) continue;
            steps.Add(checkpoint);
        }
        return steps;
    }

    /// <summary>The checkpoint that ends exactly there; null when there is none.</summary>
    public static Checkpoint? At(System.Data.Common.DbConnection connection, long size)
    {
        // Checkpoints grow with their numbers: halve the distance.
        using var find = connection.Command("SELECT note FROM checkpoints WHERE number = @number", "@number");
        var (low, high) = (StoredRows.KeptFrom(connection)?.Number ?? 1L, StoredRows.NewestCheckpoint(connection)?.Number ?? 0);
        while (low <= high)
        {
            var middle = low + (high - low) / 2;
            find.Parameters[0].Value = middle;
            if (find.ExecuteScalar() is not string note || !Checkpoint.TryParse(note, out var checkpoint, out _)) return null;
            if (checkpoint.Size == size) return checkpoint;
            if (checkpoint.Size < size) low = middle + 1;
            else high = middle - 1;
        }
        return null;
    }

    private static AuditSegment? Parse(string path)
    {
        var parts = Path.GetFileNameWithoutExtension(path).Split('-');
        return parts.Length == 2 && long.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var first) && long.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var last)
            ? new AuditSegment(first, last, path) : null;
    }
}

/// <summary>A sealed stretch of the log as a file that verifies alone.</summary>
public sealed record AuditSegment(long First, long Last, string Path);

/// <summary>A segment to be taken out.</summary>
/// <param name="Segment">Its file.</param>
/// <param name="Steps">Checkpoints up to which its rows go, one transaction each.</param>
internal sealed record DueSegment(AuditSegment Segment, IReadOnlyList<Checkpoint> Steps);
