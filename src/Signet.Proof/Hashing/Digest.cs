using System.Buffers;
using System.Buffers.Text;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Signet.Proof;

/// <summary>32 bytes of SHA-256, by value.</summary>
[InlineArray(Size)]
public struct Digest : IEquatable<Digest>
{
    public const int Size = 32;
    private byte _first;

    /// <summary>32 zero bytes.</summary>
    public static Digest Zero => default;

    public static Digest From(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != Size) throw new ArgumentException($"A digest has {Size} bytes, not {bytes.Length}.", nameof(bytes));
        return MemoryMarshal.Read<Digest>(bytes);
    }

    /// <summary>False when the length is wrong.</summary>
    public static bool TryFrom(ReadOnlySpan<byte> bytes, out Digest digest) => MemoryMarshal.TryRead(bytes, out digest) && bytes.Length == Size;

    /// <summary>Base64url without padding, 43 characters, exactly one encoding.</summary>
    public static bool TryFromBase64Url(ReadOnlySpan<byte> text, out Digest digest)
    {
        digest = default;
        Span<byte> bytes = stackalloc byte[Size];
        // 43 characters are 258 bits, so the last one ends in two zero bits; blanks and padding, which the decoder would pass over, leave too few bytes.
        if (text.Length != Base64UrlLength || Base64Url.DecodeFromUtf8(text, bytes, out _, out var written) != OperationStatus.Done || written != Size || !"AEIMQUYcgkosw048"u8.Contains(text[^1])) return false;
        digest = From(bytes);
        return true;
    }

    public const int Base64UrlLength = 43;

    public static Digest Sha256(ReadOnlySpan<byte> data)
    {
        Digest digest = default;
        if (data.Length <= LibCrypto.Longest && LibCrypto.IsAvailable && LibCrypto.TrySha256(data, digest)) return digest;
        // One object a thread that is used again: a tenth faster than the platform's one-shot call on what a log hashes.
        _sha256 ??= IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        _sha256.AppendData(data);
        _sha256.GetHashAndReset(digest);
        return digest;
    }

    [ThreadStatic]
    private static IncrementalHash? _sha256;

    public readonly void CopyTo(Span<byte> destination) => ((ReadOnlySpan<byte>)this).CopyTo(destination);
    public readonly bool Equals(ReadOnlySpan<byte> other) => ((ReadOnlySpan<byte>)this).SequenceEqual(other);
    public readonly byte[] ToArray() => ((ReadOnlySpan<byte>)this).ToArray();
    public readonly string ToBase64() => Convert.ToBase64String(this);
    public readonly bool Equals(Digest other) => ((ReadOnlySpan<byte>)this).SequenceEqual(other);
    public override readonly bool Equals(object? obj) => obj is Digest other && Equals(other);
    public override readonly int GetHashCode() => MemoryMarshal.Read<int>(this);
    public override readonly string ToString() => Convert.ToHexStringLower(this);
    public static bool operator ==(Digest left, Digest right) => left.Equals(right);
    public static bool operator !=(Digest left, Digest right) => !left.Equals(right);
}
