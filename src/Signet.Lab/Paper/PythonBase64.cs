namespace Signet.Lab;

/// <summary>
/// Base64 as Python's <c>base64.b64decode</c> reads it without <c>validate</c>: characters outside the alphabet are skipped, and nothing after a complete padding is looked at.
/// That leniency is part of the paper's scheme, and the delimiter shift lives on it.
/// </summary>
internal static class PythonBase64
{
    public static string Encode(ReadOnlySpan<byte> bytes) => Convert.ToBase64String(bytes);

    /// <summary>False where Python raises <c>binascii.Error</c> (or <c>ValueError</c>, for text beyond ASCII).</summary>
    public static bool TryDecode(string text, out byte[] bytes)
    {
        bytes = [];
        var output = new List<byte>(text.Length * 3 / 4);
        int quad = 0, left = 0, pads = 0;
        foreach (var c in text)
        {
            if (c > 127) return false;
            if (c == '=')
            {
                if (quad >= 2 && quad + ++pads >= 4)
                {
                    bytes = [.. output];
                    return true;
                }
                continue;
            }
            var value = Value(c);
            if (value < 0) continue;
            pads = 0;
            switch (quad)
            {
                case 0:
                    (quad, left) = (1, value);
                    break;
                case 1:
                    output.Add((byte)((left << 2) | (value >> 4)));
                    (quad, left) = (2, value & 0x0f);
                    break;
                case 2:
                    output.Add((byte)((left << 4) | (value >> 2)));
                    (quad, left) = (3, value & 0x03);
                    break;
                default:
                    output.Add((byte)((left << 6) | value));
                    (quad, left) = (0, 0);
                    break;
            }
        }
        if (quad != 0) return false;
        bytes = [.. output];
        return true;
    }

    private static int Value(char c) => c switch
    {
        >= 'A' and <= 'Z' => c - 'A',
        >= 'a' and <= 'z' => c - 'a' + 26,
        >= '0' and <= '9' => c - '0' + 52,
        '+' => 62,
        '/' => 63,
        _ => -1,
    };
}
