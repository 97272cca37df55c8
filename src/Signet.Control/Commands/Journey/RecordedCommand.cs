using Signet.Audit;

namespace Signet.Control;

/// <summary>Step 4: on the record, durably, in the audit log and in signet.db. Only <see cref="RecordAsync"/> makes one, and only it can be published.</summary>
internal sealed class RecordedCommand
{
    private RecordedCommand(ReadOnlyMemory<byte> bytes, CommandView view, bool isIntent) => (Bytes, View, IsIntent) = (bytes, view, isIntent);

    /// <summary>What is published.</summary>
    public ReadOnlyMemory<byte> Bytes { get; }

    /// <summary>It may go back to waiting when it is certain that nothing came of it.</summary>
    public bool IsIntent { get; }

    /// <summary>State <c>draft</c>, with the number of its audit entry.</summary>
    public CommandView View { get; }

    /// <summary>The log first: a crash after it leaves an entry about a command that was never sent, which is true and harmless. The database second, so that nothing can be published which a restart would not know.</summary>
    public static async Task<Outcome<RecordedCommand>> RecordAsync(SignedCommand signed, AuditTrail trail, CommandLedger ledger, DateTimeOffset now, CancellationToken cancellationToken)
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
        }), here: true, cancellationToken);
        if (!entry.TryGet(out var written, out var refusal)) return refusal;
        if (!authorized.IsIntent) return new RecordedCommand(signed.Bytes, await ledger.InsertAsync(signed, written.Sequence, cancellationToken), isIntent: false);
        return await ledger.DispatchAsync(signed, written.Sequence, now, cancellationToken) is { } dispatched ? new RecordedCommand(signed.Bytes, dispatched, isIntent: true)
            : new Refusal(RefusalCode.Conflict, "it was withdrawn or ran out of time meanwhile");
    }

    /// <summary>The same bytes once more: they were recorded before the center stopped, and nobody knows whether they were published.</summary>
    public static RecordedCommand Again(CommandRow row, CommandAttempt attempt)
        => new(System.Text.Encoding.ASCII.GetBytes(attempt.Envelope.Length > 0 ? attempt.Envelope : attempt.Message), row.ToView(), isIntent: row.ValidUntil > 0);
}
