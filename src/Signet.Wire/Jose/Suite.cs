using System.Diagnostics.CodeAnalysis;

namespace Signet.Wire;

/// <summary>
/// A signature suite: a name with a version that stands inside the signed bytes, and the JWS algorithm it means. A suite never changes; a better one gets a new name.
/// <list type="table">
/// <item><term>signet-ps256-1</term><description>PS256: RSASSA-PSS, SHA-256, MGF1-SHA-256, salt 32 bytes (RFC 7518 section 3.5). Key 2048 to 4096 bits; signature as long as the modulus.</description></item>
/// <item><term>signet-es256-1</term><description>ES256: ECDSA on P-256 with SHA-256 (RFC 7518 section 3.4), signature R || S of 64 bytes, S in the lower half of the order.</description></item>
/// <item><term>signet-hs256-1</term><description>HS256: HMAC-SHA-256 (RFC 7518 section 3.2). Key 32 to 64 bytes, one per direction; tag 32 bytes. Either holder can make it.</description></item>
/// </list>
/// </summary>
public sealed record Suite
{
    public static readonly Suite Ps256 = new("signet-ps256-1", "PS256");
    public static readonly Suite Es256 = new("signet-es256-1", "ES256");
    public static readonly Suite Hs256 = new("signet-hs256-1", "HS256");

    private Suite(string name, string algorithm) => (Name, Algorithm) = (name, algorithm);

    /// <summary>The claim <c>suite</c>.</summary>
    public string Name { get; }

    /// <summary>The header parameter <c>alg</c>.</summary>
    public string Algorithm { get; }

    /// <summary>Approvals by passkeys only: <see cref="WebAuthnProof"/>. P-256, with the browser's and the authenticator's data around it.</summary>
    public static readonly Suite WebAuthn = new("signet-webauthn-1", "WebAuthn-ES256");

    /// <summary>Those that messages on a topic may be signed in.</summary>
    public static IReadOnlyList<Suite> All { get; } = [Ps256, Es256, Hs256];

    /// <summary>The suite of a JWS algorithm.</summary>
    public static bool TryOfAlgorithm(string algorithm, [NotNullWhen(true)] out Suite? suite) =>
        (suite = All.FirstOrDefault(s => s.Algorithm == algorithm)) is not null;

    public override string ToString() => Name;
}
