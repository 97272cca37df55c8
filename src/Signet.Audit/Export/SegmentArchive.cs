using System.Globalization;
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

    /// <summary>The last entry that stands in a segment.</summary>
    public long Sealed => List() is [.., var last] ? last.Last : 0;

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

    private static Checkpoint? At(System.Data.Common.DbConnection connection, long size)
    {
        // Checkpoints grow with their numbers: halve the distance.
        using var find = connection.Command("SELECT note FROM checkpoints WHERE number = @number", "@number");
        var (low, high) = (1L, StoredRows.NewestCheckpoint(connection)?.Number ?? 0);
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
