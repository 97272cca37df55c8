using System.Diagnostics.CodeAnalysis;

namespace Signet.Wire;

/// <summary>
/// A sealing suite: a name with a version that stands in the authenticated header, and the JWE algorithms it means. Content is always A256GCM
/// (RFC 7518 section 5.3): fresh 256-bit key, 96-bit nonce, 128-bit tag for each message.
/// <list type="table">
/// <item><term>signet-rsa-oaep-256-1</term><description>RSA-OAEP-256 (RFC 7518 section 4.3), key 2048 to 4096 bits, carries a random content key.</description></item>
/// <item><term>signet-ecdh-es-1</term><description>ECDH-ES on P-256, direct key agreement (RFC 7518 section 4.6): a fresh key pair for each message, Concat KDF with SHA-256, no apu and apv.</description></item>
/// </list>
/// </summary>
public sealed record SealingSuite
{
    public static readonly SealingSuite RsaOaep256 = new("signet-rsa-oaep-256-1", "RSA-OAEP-256");
    public static readonly SealingSuite EcdhEs = new("signet-ecdh-es-1", "ECDH-ES");

    private SealingSuite(string name, string algorithm) => (Name, Algorithm) = (name, algorithm);

    /// <summary>The header member <c>suite</c>.</summary>
    public string Name { get; }

    /// <summary>The header member <c>alg</c>.</summary>
    public string Algorithm { get; }

    public static IReadOnlyList<SealingSuite> All { get; } = [RsaOaep256, EcdhEs];

    public static bool TryOfName(string name, [NotNullWhen(true)] out SealingSuite? suite) => (suite = All.FirstOrDefault(s => s.Name == name)) is not null;

    public override string ToString() => Name;
}
