namespace Signet.Wire;

/// <summary>A message that passed every check of its kind. Only verification makes one.</summary>
public abstract class Verified<TClaims>
    where TClaims : SignedClaims
{
    private protected Verified(TClaims claims, PinnedKey key, ReadOnlyMemory<byte> bytes) =>
        (Claims, KeyId, Suite, Bytes) = (claims, key.KeyId, key.Suite, bytes);

    public TClaims Claims { get; }
    public string KeyId { get; }
    public Suite Suite { get; }

    /// <summary>The exact message, a copy of its own.</summary>
    public ReadOnlyMemory<byte> Bytes { get; }

    /// <summary>Base64url SHA-256 of <see cref="Bytes"/>: what a receipt calls <c>digest</c>, unless the message travelled in an envelope (then it is the envelope's).</summary>
    public string Digest => Thumbprint.OfBytes(Bytes.Span);
}

/// <inheritdoc/>
public sealed class VerifiedCommand : Verified<CommandClaims>
{
    internal VerifiedCommand(CommandClaims claims, PinnedKey key, ReadOnlyMemory<byte> bytes) : base(claims, key, bytes) { }
}

/// <inheritdoc/>
public sealed class VerifiedReceipt : Verified<ReceiptClaims>
{
    internal VerifiedReceipt(ReceiptClaims claims, PinnedKey key, ReadOnlyMemory<byte> bytes) : base(claims, key, bytes) { }

    /// <summary>True when the receipt is authenticated by a key its receiver holds too, so it proves nothing to a third party (<c>evidence: shared-key</c>).</summary>
    public bool IsSharedKeyEvidence => Suite == Suite.Hs256;
}

/// <inheritdoc/>
public sealed class VerifiedTelemetry : Verified<TelemetryClaims>
{
    internal VerifiedTelemetry(TelemetryClaims claims, PinnedKey key, ReadOnlyMemory<byte> bytes) : base(claims, key, bytes) { }
}

/// <inheritdoc/>
public sealed class VerifiedManifest : Verified<ManifestClaims>
{
    internal VerifiedManifest(ManifestClaims claims, PinnedKey key, ReadOnlyMemory<byte> bytes) : base(claims, key, bytes) { }
}

/// <inheritdoc/>
public sealed class VerifiedApproval : Verified<ApprovalClaims>
{
    internal VerifiedApproval(ApprovalClaims claims, PinnedKey key, ReadOnlyMemory<byte> bytes) : base(claims, key, bytes) { }
}

/// <inheritdoc/>
public sealed class VerifiedStatus : Verified<StatusClaims>
{
    internal VerifiedStatus(StatusClaims claims, PinnedKey key, ReadOnlyMemory<byte> bytes) : base(claims, key, bytes) { }
}

/// <inheritdoc/>
public sealed class VerifiedHeartbeat : Verified<HeartbeatClaims>
{
    internal VerifiedHeartbeat(HeartbeatClaims claims, PinnedKey key, ReadOnlyMemory<byte> bytes) : base(claims, key, bytes) { }
}
