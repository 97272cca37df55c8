using Microsoft.AspNetCore.Mvc;
using Signet.Access;
using Signet.Audit;
using Signet.Control;
using Signet.Proof;
using Signet.Web.Security;

namespace Signet.Web.Pages;

/// <summary>One entry with its proof: the hashes that lead from it to a signed root, followed here and shown so that anybody can follow them again.</summary>
[Requires(Act.ViewAudit), WithinGroups]
public sealed class AuditEntryModel(CommandCenter center) : ConsolePage(center)
{
    public AuditEntry Entry { get; private set; } = null!;

    /// <summary>Null: no checkpoint covers it yet.</summary>
    public EntryProof? Proof { get; private set; }

    public Digest Leaf { get; private set; }

    /// <summary>The path leads to the root, and the log's own key signed it.</summary>
    public bool IsProven { get; private set; }

    public EventRow? Row => EventCatalogue.Find(Entry.Type, Entry.Action);

    public async Task<IActionResult> OnGetAsync(long sequence, CancellationToken stop)
    {
        if (await Sight.EntryAsync(sequence, stop) is not { } entry) return NotFound();
        Entry = entry;
        Leaf = MerkleTree.LeafHash(entry.Body.Span);
        Proof = await Center.Audit.ProveAsync(sequence, stop);
        if (Proof is { } proof && CheckpointKey.TryReadPem(Center.Audit.TrustPem, out var trust, out _))
            IsProven = proof.Checkpoint.Verify(trust) == CheckpointTrust.Good && MerkleTree.VerifyInclusion(Leaf, sequence - 1, proof.Checkpoint.Size, proof.Path, proof.Checkpoint.Root);
        return Page();
    }
}
