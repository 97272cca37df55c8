using System.Buffers;
using System.Buffers.Text;

namespace Signet.Wire;

/// <summary>Base64url without padding (RFC 4648 section 5), in its one spelling: no padding, no white space, unused bits zero (section 3.5).</summary>
internal static class StrictBase64Url
{
    private static readonly SearchValues<byte> Alphabet = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"u8);

    // The platform's decoder takes padding and white space, so the alphabet is checked first.
    public static bool TryDecode(ReadOnlySpan<byte> text, out byte[] bytes)
    {
        bytes = [];
        if (text.Length % 4 == 1 || text.ContainsAnyExcept(Alphabet)) return false;
        var unused = (text.Length % 4) switch { 2 => 0b1111, 3 => 0b11, _ => 0 };
        if (unused != 0 && (ValueOf(text[^1]) & unused) != 0) return false;
        var room = new byte[Base64Url.GetMaxDecodedLength(text.Length)];
        if (Base64Url.DecodeFromUtf8(text, room, out var read, out var written) != OperationStatus.Done || read != text.Length) return false;
        bytes = written == room.Length ? room : room[..written];
        return true;
    }

    private static int ValueOf(byte character) => character switch
    {
        >= (byte)'A' and <= (byte)'Z' => character - 'A',
        >= (byte)'a' and <= (byte)'z' => character - 'a' + 26,
        >= (byte)'0' and <= (byte)'9' => character - '0' + 52,
        (byte)'-' => 62,
        _ => 63,
    };
}
