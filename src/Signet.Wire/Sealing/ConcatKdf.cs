using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Signet.Wire;

/// <summary>The Concat KDF of ECDH-ES for one 256-bit key (RFC 7518 section 4.6.2, NIST SP 800-56A section 5.8.1): one round of SHA-256.</summary>
internal static class ConcatKdf
{
    public const int KeyBytes = 32;

    /// <param name="secret">Z, the shared secret.</param>
    /// <param name="algorithm">AlgorithmID: the <c>enc</c> value, because the key is used directly.</param>
    /// <param name="apu">PartyUInfo, empty in Signet's suites.</param>
    /// <param name="apv">PartyVInfo, empty in Signet's suites.</param>
    /// <param name="key">Receives the key.</param>
    public static void Derive(ReadOnlySpan<byte> secret, string algorithm, ReadOnlySpan<byte> apu, ReadOnlySpan<byte> apv, Span<byte> key)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        AppendNumber(hash, 1); // the round
        hash.AppendData(secret);
        AppendField(hash, Encoding.ASCII.GetBytes(algorithm));
        AppendField(hash, apu);
        AppendField(hash, apv);
        AppendNumber(hash, KeyBytes * 8);
        hash.GetHashAndReset(key);
    }

    private static void AppendField(IncrementalHash hash, ReadOnlySpan<byte> bytes)
    {
        AppendNumber(hash, bytes.Length);
        hash.AppendData(bytes);
    }

    private static void AppendNumber(IncrementalHash hash, int number)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, number);
        hash.AppendData(bytes);
    }
}
