using System.Text;
using System.Text.Json;

namespace Signet.Web.BrokerAuth;

/// <summary>
/// What another broker sends: a flat JSON object or a form, both small. A field that stands there twice, is no text or number, or holds broken UTF-8 makes the whole
/// request malformed, so that nobody can put a second user name behind the first; fields nobody asked for are passed over. Never throws.
/// </summary>
public sealed class AuthFields
{
    private const int MaximumFields = 64;
    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);
    private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal);

    private AuthFields()
    {
    }

    /// <summary>Null when the field is absent.</summary>
    public string? this[string name] => _values.GetValueOrDefault(name);

    /// <summary>Empty when the field is absent.</summary>
    public string Text(string name) => _values.GetValueOrDefault(name) ?? "";

    /// <summary>Null when the body is neither.</summary>
    public static AuthFields? Read(ReadOnlySpan<byte> body, string? contentType)
    {
        var type = contentType.AsSpan();
        if (type.IndexOf(';') is >= 0 and var semicolon) type = type[..semicolon].TrimEnd();
        if (type.Equals("application/json", StringComparison.OrdinalIgnoreCase)) return ReadJson(body);
        return type.Equals("application/x-www-form-urlencoded", StringComparison.OrdinalIgnoreCase) ? ReadForm(body) : null;
    }

    public static AuthFields? ReadJson(ReadOnlySpan<byte> body)
    {
        var fields = new AuthFields();
        try
        {
            var reader = new Utf8JsonReader(body, new JsonReaderOptions { MaxDepth = 4 });
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return null;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var name = reader.GetString()!;
                if (!reader.Read()) return null;
                string? value = null;
                switch (reader.TokenType)
                {
                    case JsonTokenType.String: value = reader.GetString(); break;
                    case JsonTokenType.Number: value = Encoding.ASCII.GetString(reader.ValueSpan); break;
                    case JsonTokenType.StartObject or JsonTokenType.StartArray:
                        if (!reader.TrySkip()) return null;
                        break;
                }

                if (value is not null && !fields.Add(name, value)) return null;
            }

            return reader.TokenType == JsonTokenType.EndObject && !reader.Read() ? fields : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null; // InvalidOperationException: a lone surrogate in an escape
        }
    }

    public static AuthFields? ReadForm(ReadOnlySpan<byte> body)
    {
        var fields = new AuthFields();
        foreach (var range in body.Split((byte)'&'))
        {
            var pair = body[range];
            if (pair.IsEmpty) continue;
            var equals = pair.IndexOf((byte)'=');
            if (!TryDecode(equals < 0 ? pair : pair[..equals], out var name) || !TryDecode(equals < 0 ? [] : pair[(equals + 1)..], out var value) || !fields.Add(name, value)) return null;
        }

        return fields;
    }

    private bool Add(string name, string value) => _values.Count < MaximumFields && _values.TryAdd(name, value);

    private static bool TryDecode(ReadOnlySpan<byte> text, out string decoded)
    {
        decoded = "";
        Span<byte> bytes = text.Length <= 1024 ? stackalloc byte[text.Length] : new byte[text.Length];
        var length = 0;
        for (var i = 0; i < text.Length; i++)
        {
            var b = text[i];
            if (b == '+') b = (byte)' ';
            else if (b == '%')
            {
                if (i + 2 >= text.Length || !char.IsAsciiHexDigit((char)text[i + 1]) || !char.IsAsciiHexDigit((char)text[i + 2])) return false;
                b = (byte)((Digit(text[i + 1]) << 4) | Digit(text[i + 2]));
                i += 2;
            }

            bytes[length++] = b;
        }

        try
        {
            decoded = StrictUtf8.GetString(bytes[..length]);
            return true;
        }
        catch (DecoderFallbackException)
        {
            return false;
        }

        static int Digit(byte b) => b <= '9' ? b - '0' : (b | 0x20) - 'a' + 10;
    }
}
