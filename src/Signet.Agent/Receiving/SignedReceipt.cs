using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Signet.Wire;

namespace Signet.Agent;

/// <summary>A receipt as it goes out. Only <see cref="ReceiptSigner"/> makes new ones; the journal keeps the bytes.</summary>
public sealed class SignedReceipt
{
    internal SignedReceipt(string id, string commandDigest, ReadOnlyMemory<byte> bytes, bool isJournaled) =>
        (Id, CommandDigest, Bytes, IsJournaled) = (id, commandDigest, bytes, isJournaled);

    public string Id { get; }

    /// <summary>The trace it was signed in, handed on with it; null when nobody traces.</summary>
    internal string? Trace { get; } = DeviceTracing.Current;

    /// <summary>Digest of the command message it answers.</summary>
    public string CommandDigest { get; }

    public ReadOnlyMemory<byte> Bytes { get; }

    /// <summary>It states the end of a command and stays in the journal until the center has it. Refusals and <c>accepted</c> do not.</summary>
    public bool IsJournaled { get; }
}

/// <summary>Signs this device's receipts, numbering them. Safe for concurrent use.</summary>
internal sealed class ReceiptSigner(DeviceIdentity device, OutgoingSequence sequence, CommandJournal journal, TimeProvider time, RandomNumberGenerator random)
{
    /// <param name="commandId">Its <c>jti</c>.</param>
    /// <param name="digest">Of the bytes as received, envelope included.</param>
    /// <param name="outcome">What came of it.</param>
    public SignedReceipt Outcome(string commandId, string digest, CommandOutcome outcome)
    {
        try
        {
            return Sign(commandId, digest, outcome.State, RejectReason.None, outcome.Result);
        }
        catch (ArgumentException)
        {
            // The handler's result does not fit a message (too large, NaN ...). What happened still has to be said.
            return Sign(commandId, digest, outcome.State, RejectReason.None, new JsonObject { ["detail"] = "the result could not be put into a receipt" });
        }
    }

    public SignedReceipt Accepted(string commandId, string digest) => Sign(commandId, digest, ReceiptState.Accepted, RejectReason.None, []);

    /// <param name="claimedId">What the bytes say their <c>jti</c> is.</param>
    /// <param name="digest">Of the bytes as received.</param>
    /// <param name="rejection">Why they were refused.</param>
    /// <param name="suppressed">Refusals before this one that were not told.</param>
    /// <param name="branch">Where they came, when that was not the topic of commands.</param>
    public SignedReceipt Refusal(string claimedId, string digest, Rejection rejection, int suppressed, string? branch = null)
    {
        var result = new JsonObject { ["detail"] = rejection.Detail };
        if (branch is not null) result["refused"] = branch;
        if (suppressed > 0) result["suppressed"] = suppressed;
        return Sign(claimedId, digest, ReceiptState.Rejected, rejection.Reason, result);
    }

    private SignedReceipt Sign(string re, string digest, ReceiptState state, RejectReason reason, JsonObject result)
    {
        var id = MessageId.New(time, random);
        var bytes = ReceiptMessage.Sign(new ReceiptClaims
        {
            Issuer = device.Name, Audience = device.Center, Id = id, IssuedAt = time.GetUtcNow(), Epoch = sequence.Epoch, Sequence = sequence.Next(), Topic = Topics.Receipt(device.Name),
            InReplyTo = re, Digest = digest, State = state, Reason = reason, Result = result, Seen = journal.TreeSize,
        }, device.Voice());
        return new(id, digest, bytes, isJournaled: state is ReceiptState.Executed or ReceiptState.Failed or ReceiptState.Interrupted);
    }
}
