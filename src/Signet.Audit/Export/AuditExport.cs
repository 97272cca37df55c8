using System.Buffers;
using System.Buffers.Text;
using System.Data.Common;
using System.Text.Json.Nodes;
using Signet.Proof;

namespace Signet.Audit;

/// <summary>
/// NDJSON with proofs, verifiable without server and network (docs/spec/audit-log.md, "Export").
/// A whole range carries its checkpoints, so that the chain and every signature can be followed; a selection by filter carries an inclusion proof with each entry.
/// Both stream: memory does not grow with the log.
/// </summary>
internal static class AuditExport
{
    public const string Format = "signet-audit-export-v1";

    /// <summary>Entries after <paramref name="start"/> (a checkpoint, null for the beginning) up to <paramref name="end"/>, with every checkpoint between.</summary>
    public static long WriteRange(DbConnection connection, string origin, Checkpoint? start, Checkpoint end, Stream output, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        var lines = new LineWriter(output);
        lines.Write(RangeHeader(connection, origin, start, end));
        using var notes = StoredRows.Checkpoints(connection, start?.Number ?? 0).GetEnumerator();
        var note = Next(notes);
        var count = 0L;
        foreach (var row in StoredRows.Entries(connection, start?.Size ?? 0))
        {
            if (row.Number > end.Size) break;
            lines.WriteEntry(row.Body.Span, row.Mac.Span, row.Number, null);
            while (note is not null && note.Size <= row.Number && note.Number <= end.Number)
            {
                lines.Write(new JsonObject { ["checkpoint"] = note.Note });
                note = Next(notes);
            }
            if ((++count & 1023) != 0) continue;
            cancellationToken.ThrowIfCancellationRequested();
            progress?.Report(count);
        }
        lines.Flush();
        progress?.Report(count);
        return count;
    }

    /// <summary>The matching entries, oldest first, each with its proof against one checkpoint. Two passes: the first line says how many there are.</summary>
    public static long WriteSelection(DbConnection connection, string origin, Checkpoint at, AuditFilter filter, Stream output, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        var lines = new LineWriter(output);
        var expected = AuditQuery.Matching(connection, filter, at.Size, cancellationToken).LongCount();
        lines.Write(new JsonObject { ["checkpoint"] = at.Note, ["count"] = expected, ["format"] = Format, ["kind"] = "selection", ["origin"] = origin });
        using var tree = new TreeReader(connection);
        var count = 0L;
        foreach (var row in AuditQuery.Matching(connection, filter, at.Size, cancellationToken))
        {
            lines.WriteEntry(row.Body.Span, row.Mac.Span, row.Number, MerkleTree.InclusionProof(row.Number - 1, at.Size, tree.Node));
            count++;   // not inside the call: without a listener its argument is not evaluated
            progress?.Report(count);
        }
        lines.Flush();
        return count;
    }

    private static JsonObject RangeHeader(DbConnection connection, string origin, Checkpoint? start, Checkpoint end)
    {
        var header = new JsonObject { ["first"] = (start?.Size ?? 0) + 1, ["format"] = Format, ["kind"] = "range", ["last"] = end.Size, ["origin"] = origin };
        if (start is null) return header;
        using var tree = new TreeReader(connection);
        var nodes = new JsonArray();
        foreach (var node in MerkleFrontier.At(start.Size, tree.Node).Nodes) nodes.Add((JsonNode)Base64Url.EncodeToString(node));
        header["start"] = new JsonObject { ["checkpoint"] = start.Note, ["nodes"] = nodes };
        return header;
    }

    private static Checkpoint? Next(IEnumerator<StoredCheckpoint> notes) => notes.MoveNext() && Checkpoint.TryParse(notes.Current.Note, out var checkpoint, out _) ? checkpoint : null;

    /// <summary>Lines of canonical JSON; an entry's body stands in its line byte for byte.</summary>
    private sealed class LineWriter(Stream output)
    {
        private readonly ArrayBufferWriter<byte> _buffer = new(64 * 1024);

        public void Write(JsonObject line)
        {
            EntryJson.Write(line, _buffer);
            End();
        }

        public void WriteEntry(ReadOnlySpan<byte> body, ReadOnlySpan<byte> mac, long number, IReadOnlyList<Digest>? proof)
        {
            _buffer.Write("{\"body\":"u8);
            _buffer.Write(body);
            _buffer.Write(",\"mac\":\""u8);
            Encode(mac);
            _buffer.Write("\""u8);
            for (var i = 0; i < proof?.Count; i++)
            {
                _buffer.Write(i == 0 ? ",\"proof\":[\""u8 : "\",\""u8);
                var hash = proof[i];
                Encode(hash);
            }
            if (proof is not null) _buffer.Write(proof.Count == 0 ? ",\"proof\":[]"u8 : "\"]"u8);
            _buffer.Write(",\"seq\":"u8);
            Utf8Formatter.TryFormat(number, _buffer.GetSpan(20), out var digits);
            _buffer.Advance(digits);
            _buffer.Write("}"u8);
            End();
        }

        public void Flush()
        {
            output.Write(_buffer.WrittenSpan);
            _buffer.ResetWrittenCount();
            output.Flush();
        }

        private void Encode(ReadOnlySpan<byte> bytes) => _buffer.Advance(Base64Url.EncodeToUtf8(bytes, _buffer.GetSpan(Base64Url.GetEncodedLength(bytes.Length))));

        private void End()
        {
            _buffer.Write("\n"u8);
            if (_buffer.WrittenCount > 60 * 1024) Flush();
        }
    }
}
