using Signet.Audit;

namespace Signet.Control;

/// <summary>Step 4: on the record, durably, in the audit log and in signet.db. Only <see cref="RecordAsync"/> makes one, and only it can be published.</summary>
internal sealed class RecordedCommand
{
    private RecordedCommand(SignedCommand signed, CommandView view) => (Signed, View) = (signed, view);

    public SignedCommand Signed { get; }

    /// <summary>State <c>draft</c>, with the number of its audit entry.</summary>
    public CommandView View { get; }

    /// <summary>The log first: a crash after it leaves an entry about a command that was never sent, which is true and harmless. The database second, so that nothing can be published which a restart would not know.</summary>
    public static async Task<Outcome<RecordedCommand>> RecordAsync(SignedCommand signed, AuditTrail trail, CommandLedger ledger, CancellationToken cancellationToken)
    {
        var (authorized, claims) = (signed.Authorized, signed.Claims);
        var entry = await trail.TryAppendAsync(AuditTrail.Of(AuditTypes.Command, authorized.Actor, authorized.Device, "command-sent", "recorded", "", new()
        {
            ["id"] = claims.Id,
            ["command"] = claims.Command,
            ["arguments"] = claims.Arguments.DeepClone(),
            ["epoch"] = claims.Epoch,
            ["sequence"] = claims.Sequence,
            ["digest"] = signed.Digest,
        }), cancellationToken);
        if (!entry.TryGet(out var written, out var refusal)) return refusal;
        return new RecordedCommand(signed, await ledger.InsertAsync(signed, written.Sequence, cancellationToken));
    }
}
