using System.Security.Cryptography;
using Signet.Wire;

namespace Signet.Control;

/// <summary>Step 3: the bytes that will travel. Only <see cref="Sign"/> makes one.</summary>
internal sealed class SignedCommand
{
    private SignedCommand(AuthorizedCommand authorized, CommandClaims claims, byte[] jws, byte[]? envelope, byte[] contentKey)
        => (Authorized, Claims, Jws, Bytes, IsSealed, ContentKey, Digest) = (authorized, claims, jws, envelope ?? jws, envelope is not null, contentKey, Thumbprint.OfBytes(envelope ?? jws));

    public AuthorizedCommand Authorized { get; }
    public CommandClaims Claims { get; }

    /// <summary>The compact JWS.</summary>
    public ReadOnlyMemory<byte> Jws { get; }

    /// <summary>What is published, ASCII: the JWS, or the envelope around it.</summary>
    public ReadOnlyMemory<byte> Bytes { get; }

    public bool IsSealed { get; }

    /// <summary>Of the envelope; kept beside the command, so that its proof can be checked by others.</summary>
    public ReadOnlyMemory<byte> ContentKey { get; }

    /// <summary>What a receipt about these bytes must carry.</summary>
    public string Digest { get; }

    /// <param name="shared">The key the center shares with the device; null: the center signs with its own.</param>
    /// <param name="device">As it is now: the boot nonce it announced goes into the command.</param>
    /// <param name="approvals">Of the command's proposal; empty without one.</param>
    /// <param name="sealTo">The device's sealing key; null: the command travels readable.</param>
    public static SignedCommand Sign(AuthorizedCommand authorized, CommandSigner signer, SigningKey? shared, DeviceRecord device, IReadOnlyList<string> approvals, SealingRecipient? sealTo, RandomNumberGenerator random)
    {
        var nonce = device.Presence.Announced("nonce") is { } announced && BootNonce.IsValid(announced) ? announced : null;
        var claims = signer.Claims(authorized, nonce) with { Proposal = authorized.Proposal, Approvals = approvals };
        var jws = CommandMessage.Sign(claims, shared ?? signer.KeyFor(device));
        if (sealTo is null) return new(authorized, claims, jws, null, []);
        var contentKey = new byte[32];
        return new(authorized, claims, jws, SealedMessage.Seal(jws, sealTo, claims.Topic, random, contentKey), contentKey);
    }
}
