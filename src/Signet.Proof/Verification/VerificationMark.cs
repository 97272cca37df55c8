using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Nodes;

namespace Signet.Proof;

/// <summary>
/// Where an interrupted verification goes on: a state that a signed checkpoint has confirmed. It belongs to whoever verifies: somebody who can write this file can make a verification skip what is before it,
/// though not believe anything that the checkpoint's signature does not cover.
/// </summary>
/// <param name="Start">Everything up to its checkpoint was verified.</param>
/// <param name="Offset">In an export: bytes up to the end of that checkpoint's line; 0 for a database.</param>
public sealed record VerificationMark(LogStart Start, long Offset)
{
    private const string Format = "signet-audit-verification-v1";

    public long Entries => Start.Tree.Size;

    /// <summary>One canonical JSON object.</summary>
    public byte[] ToBytes() => EntryJson.Write(new JsonObject
    {
        ["checkpoint"] = Start.Checkpoint!.Note, ["format"] = Format, ["nodes"] = new JsonArray([.. Start.Tree.Nodes.Select(node => JsonValue.Create(Base64Url.EncodeToString(node)))]), ["offset"] = Offset,
    });

    /// <summary>Reads what <see cref="ToBytes"/> wrote. Never throws; false when it is something else, or its checkpoint is not signed by a trusted key.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, IReadOnlyList<CheckpointKey> trust, [NotNullWhen(true)] out VerificationMark? mark)
    {
        mark = null;
        if (!EntryJson.TryParse(bytes, out var read) || read["format"]?.ToString() != Format || read["offset"] is not JsonValue value || !value.TryGetValue<long>(out var offset) || offset < 0
            || !ExportVerification.TryStart(read, trust, out var start, out _))
            return false;
        mark = new(start!, offset);
        return true;
    }

    /// <summary>The verdict of the rest as the verdict of the whole.</summary>
    /// <param name="rest">What the later run found.</param>
    /// <param name="before">Entries in front of the first one of the form that was verified: 0 for a whole log.</param>
    public AuditVerdict Continue(AuditVerdict rest, long before = 0) => rest with
    {
        Entries = rest.Entries + Entries - before,
        Gaps = [.. rest.Gaps.Where(gap => !gap.StartsWith("entries 1 to ", StringComparison.Ordinal)), $"entries {before + 1} to {Entries} were verified by an earlier run and not read again"],
    };
}
