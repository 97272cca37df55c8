using Signet.Wire;

namespace Signet.Control;

/// <summary>Step 3: the bytes that will travel. Only <see cref="Sign"/> makes one.</summary>
internal sealed class SignedCommand
{
    private SignedCommand(AuthorizedCommand authorized, CommandClaims claims, byte[] bytes)
        => (Authorized, Claims, Bytes, Digest) = (authorized, claims, bytes, Thumbprint.OfBytes(bytes));

    public AuthorizedCommand Authorized { get; }
    public CommandClaims Claims { get; }

    /// <summary>Compact JWS, ASCII.</summary>
    public ReadOnlyMemory<byte> Bytes { get; }

    /// <summary>What a receipt about these bytes must carry.</summary>
    public string Digest { get; }

    public static SignedCommand Sign(AuthorizedCommand authorized, CommandSigner signer)
    {
        var claims = signer.Claims(authorized);
        return new(authorized, claims, CommandMessage.Sign(claims, signer.Key));
    }
}
