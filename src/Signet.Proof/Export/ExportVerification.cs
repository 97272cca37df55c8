using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Signet.Proof;

/// <summary>Verifies an export (docs/spec/audit-log.md, "Export") from its bytes, checkpoint public keys and, if at hand, the first HMAC key. Streams; never throws on any content.</summary>
public static class ExportVerification
{
    /// <summary>Longest line that is read: details, and the other members with their escapes.</summary>
    public const int MaximumLine = 1 << 20;

    /// <param name="export">NDJSON from its first line.</param>
    /// <param name="trust">Checkpoint keys that are believed.</param>
    /// <param name="firstKey">The log's first HMAC key: every HMAC is checked then, not only signatures and chain.</param>
    /// <param name="progress">Told the entries verified so far.</param>
    /// <param name="from">A mark of an earlier, interrupted run over the same export; needs a stream that can seek. What stands before it is not read again. Ignored for a selection.</param>
    /// <param name="mark">Told where an interrupted run can go on, at every checkpoint.</param>
    /// <param name="known">Notes of checkpoints kept elsewhere: a range must contain those it reaches. Newer ones say nothing about it; a selection cannot be compared with them.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static AuditVerdict Verify(Stream export, IReadOnlyList<CheckpointKey> trust, ReadOnlySpan<byte> firstKey = default, IProgress<long>? progress = null,
        VerificationMark? from = null, Action<VerificationMark>? mark = null, IReadOnlyList<string>? known = null, CancellationToken cancellationToken = default)
    {
        var lines = new ExportLines(export);
        if (!lines.TryRead(out var first) || !TryObject(first, out var header) || Text(header, "format") != "signet-audit-export-v1" || Text(header, "origin") is not { Length: > 0 } origin)
            return Broken(0, "this is not an export of an audit log");
        var reached = Number(header, "last") ?? 0;
        IReadOnlyList<string> comparable = [.. (known ?? []).Where(note => !Checkpoint.TryParse(note, out var at, out _) || at.Size <= reached)];
        return Text(header, "kind") switch
        {
            "range" when from is not null && from.Start.Checkpoint?.Origin == origin => Resumed(export, header, origin, trust, firstKey, comparable, from, progress, mark, cancellationToken),
            "range" => Range(lines, header, origin, trust, firstKey, comparable, progress, mark, cancellationToken),
            "selection" => Selection(lines, header, origin, trust, progress, cancellationToken),
            _ => Broken(0, "this is not a kind of export that this version knows"),
        };
    }

    /// <summary>Kind and first entry of an export that can seek, from its first line; ("", 1) when it is none. The stream stands at its beginning again.</summary>
    public static (string Kind, long First) Head(Stream export)
    {
        var lines = new ExportLines(export);
        var header = lines.TryRead(out var first) && TryObject(first, out var read) ? read : null;
        export.Position = 0;
        return header is null ? ("", 1) : (Text(header, "kind") ?? "", Number(header, "first") ?? 1);
    }

    private static AuditVerdict Range(ExportLines lines, JsonObject header, string origin, IReadOnlyList<CheckpointKey> trust, ReadOnlySpan<byte> firstKey, IReadOnlyList<string> known, IProgress<long>? progress, Action<VerificationMark>? mark,
        CancellationToken cancellationToken)
    {
        LogStart? start = null;
        if (header["start"] is JsonObject from && !TryStart(from, trust, out start, out var why)) return Broken(1, why);
        return Range(new ExportRows(lines), header, origin, start, trust, firstKey, known, progress, mark, 0, cancellationToken);
    }

    private static AuditVerdict Resumed(Stream export, JsonObject header, string origin, IReadOnlyList<CheckpointKey> trust, ReadOnlySpan<byte> firstKey, IReadOnlyList<string> known, VerificationMark from, IProgress<long>? progress, Action<VerificationMark>? mark,
        CancellationToken cancellationToken)
    {
        export.Position = from.Offset;
        var verdict = Range(new ExportRows(new ExportLines(export)), header, origin, from.Start, trust, firstKey, known, progress, mark, from.Offset, cancellationToken);
        return from.Continue(verdict, (Number(header, "first") ?? 1) - 1);
    }

    private static AuditVerdict Range(ExportRows rows, JsonObject header, string origin, LogStart? start, IReadOnlyList<CheckpointKey> trust, ReadOnlySpan<byte> firstKey, IReadOnlyList<string> known, IProgress<long>? progress,
        Action<VerificationMark>? mark, long offset,
        CancellationToken cancellationToken)
    {
        using var key = firstKey.IsEmpty ? null : ForwardKey.At(firstKey, start?.Checkpoint, trust);
        var log = new StoredLog
        {
            Start = start, Entries = rows.Entries(), HasPrev = false, Checkpoints = rows.Checkpoints(), Known = known,
            Confirmed = mark is null ? null : at => mark(new VerificationMark(at, offset + rows.BehindCheckpoint)),
        };
        using var verifier = new LogVerifier(log, origin, trust, key);
        var verdict = verifier.Verify(progress, cancellationToken);
        if (!verdict.IsIntact) return verdict;
        if (rows.Damage is { } damage) return verdict with { Fault = new(FaultKind.Unreadable, verifier.End.Tree.Size + 1, verifier.End.Tree.Size + 1, damage) };
        var covered = verdict.Latest?.Size ?? start?.Checkpoint?.Size ?? 0;
        if (verifier.End.Tree.Size > covered) return verdict with { Fault = new(FaultKind.Truncated, covered + 1, verifier.End.Tree.Size, "the export ends without the checkpoint that covers them") };
        if (Number(header, "last") is { } last && last != covered) return verdict with { Fault = new(FaultKind.Truncated, covered + 1, Math.Max(covered + 1, last), "cut off: the export's first line names them") };
        return verdict;
    }

    internal static bool TryStart(JsonObject from, IReadOnlyList<CheckpointKey> trust, out LogStart? start, out string why)
    {
        (start, why) = (null, "the export's beginning is damaged");
        if (!Checkpoint.TryParse(Text(from, "checkpoint") ?? "", out var checkpoint, out _) || from["nodes"] is not JsonArray texts || texts.Count > 64) return false;
        var nodes = new List<Digest>();
        foreach (var text in texts)
        {
            if (!Digest.TryFromBase64Url(Encoding.UTF8.GetBytes(text?.ToString() ?? ""), out var node)) return false;
            nodes.Add(node);
        }
        if (checkpoint.Verify(trust) != CheckpointTrust.Good)
        {
            why = "the checkpoint before the export's first entry is not signed by a trusted key";
            return false;
        }
        if (!MerkleFrontier.TryRestore(checkpoint.Size, nodes, out var tree)) return false;
        start = new LogStart(tree, checkpoint.Link, checkpoint);
        return true;
    }

    private static AuditVerdict Selection(ExportLines lines, JsonObject header, string origin, IReadOnlyList<CheckpointKey> trust, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        if (!Checkpoint.TryParse(Text(header, "checkpoint") ?? "", out var at, out var why)) return Broken(0, "its checkpoint " + why);
        if (at.Origin != origin) return new(new(FaultKind.MixedLogs, 0, 0, "its checkpoint belongs to another log"), 0, 0, null, []);
        if (at.Verify(trust) is not CheckpointTrust.Good and var trusted)
            return new(trusted == CheckpointTrust.OtherKey ? new(FaultKind.WrongKey, 1, at.Size, "the checkpoint was signed with another key than the trusted one")
                : new(FaultKind.CheckpointEdited, at.Size, at.Size, "the checkpoint's signature does not fit its text"), 0, 0, null, []);
        var (count, last) = (0L, 0L);
        Fault? fault = null;
        var mac = new byte[Digest.Size];
        while (fault is null && lines.TryRead(out var line))
        {
            cancellationToken.ThrowIfCancellationRequested();
            fault = ExportEntry.TryRead(line, mac, out var entry) ? Selected(entry, at, last) : new(FaultKind.Edited, last + 1, last + 1, "a line cannot be read");
            last = entry.Number;
            if (fault is null && (++count & 1023) == 0) progress?.Report(count);
        }
        if (fault is null && Number(header, "count") != count) fault = new(FaultKind.Truncated, last + 1, last + 1, $"the export says {Number(header, "count")} entries and holds {count}");
        progress?.Report(count);
        return new(fault, count, 1, at, fault is null ? ["a selection: each entry is proven to stand in the signed log; that none that belongs to it was left out is not"] : []);
    }

    private static Fault? Selected(in ExportEntry entry, Checkpoint at, long last)
    {
        if (!EntryView.TryRead(entry.Body.Span, out var view)) return new(FaultKind.Edited, entry.Number, entry.Number, "its body cannot be read");
        if (entry.Number <= last) return new(entry.Number == last ? FaultKind.Duplicated : FaultKind.Reordered, entry.Number, entry.Number, "stands behind a later one or twice");
        if (view.Sequence != entry.Number) return new(FaultKind.Edited, entry.Number, entry.Number, "its body says another number");
        return MerkleTree.VerifyInclusion(MerkleTree.LeafHash(entry.Body.Span), entry.Number - 1, at.Size, entry.Proof, at.Root) ? null
            : new(FaultKind.Edited, entry.Number, entry.Number, "its proof does not lead to the signed root");
    }

    private static AuditVerdict Broken(long entry, string why) => new(new Fault(FaultKind.Unreadable, entry, entry, why), 0, 0, null, []);

    internal static bool TryObject(ReadOnlyMemory<byte> line, out JsonObject value)
    {
        value = [];
        if (!EntryJson.TryParse(line.Span, out var read)) return false;
        value = read;
        return true;
    }

    private static string? Text(JsonObject line, string name) => line[name] is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;
    private static long? Number(JsonObject line, string name) => line[name] is JsonValue value && value.GetValueKind() == JsonValueKind.Number && value.TryGetValue<long>(out var number) ? number : null;
}
