namespace Signet.Wire;

/// <summary>
/// An ECDSA signature (R, S) stays valid as (R, n - S), so anyone could make a second encoding of a signed message. Only the S in the lower half
/// of the order is ours: signers normalise, verifiers refuse the other. n is the order of P-256 (SP 800-186 section 3.2.1.3).
/// </summary>
internal static class LowS
{
    public const int SignatureBytes = 64;

    private static ReadOnlySpan<byte> Order =>
    [
        0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];

    private static ReadOnlySpan<byte> HalfOrder =>
    [
        0x7f, 0xff, 0xff, 0xff, 0x80, 0x00, 0x00, 0x00, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xde, 0x73, 0x7d, 0x56, 0xd3, 0x8b, 0xcf, 0x42, 0x79, 0xdc, 0xe5, 0x61, 0x7e, 0x31, 0x92, 0xa8,
    ];

    /// <summary>Is S of an R || S signature at most half the order?</summary>
    public static bool IsLow(ReadOnlySpan<byte> signature) => signature[32..].SequenceCompareTo(HalfOrder) <= 0;

    /// <summary>Replaces S by n - S where that is the lower one.</summary>
    public static void Normalise(Span<byte> signature)
    {
        if (IsLow(signature)) return;
        var s = signature[32..];
        var borrow = 0;
        for (var i = 31; i >= 0; i--)
        {
            var difference = Order[i] - s[i] - borrow;
            borrow = difference < 0 ? 1 : 0;
            s[i] = (byte)(difference & 0xff);
        }
    }
}
