using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.Unicode;

namespace Signet.Wire;

/// <summary>
/// The reading half of <see cref="CanonicalJson"/>: a parser for canonical text only. Because every freedom JSON leaves (white space, order,
/// escapes, number spellings) is refused where it appears, one pass suffices, without exceptions and without a second look. Strictly rising
/// member names make duplicates impossible.
/// </summary>
internal ref struct CanonicalReader
{
    private readonly ReadOnlySpan<byte> _json;
    private readonly bool _isClaims;
    private int _at;
    private int _items;
    private string? _problem;

    private CanonicalReader(ReadOnlySpan<byte> json, bool isClaims)
    {
        _json = json;
        _isClaims = isClaims;
    }

    /// <summary>With <paramref name="isClaims"/> the outermost integers are held as <see cref="long"/>, which is what <see cref="ClaimsReader"/> asks for and costs a tenth.</summary>
    public static bool TryRead(ReadOnlySpan<byte> json, bool isClaims, [NotNullWhen(true)] out JsonObject? value, out string why)
    {
        var reader = new CanonicalReader(json, isClaims);
        value = null;
        if (!Utf8.IsValid(json)) reader._problem = "not UTF-8";
        else if (reader.Next != '{') reader.Fail("an object must begin here");
        else value = reader.ReadObject(1);
        if (reader._problem is null && reader._at != json.Length) reader.Fail("nothing may follow the object");
        why = reader._problem ?? "";
        if (reader._problem is not null) value = null;
        return value is not null;
    }

    private readonly int Next => _at < _json.Length ? _json[_at] : -1;

    private JsonNode? Fail(string what)
    {
        _problem ??= $"{what} (offset {_at})";
        return null;
    }

    private bool Take(char expected)
    {
        if (Next != expected) return false;
        _at++;
        return true;
    }

    private bool CountItem()
    {
        if (++_items <= WireLimits.JsonItems) return true;
        Fail($"more than {WireLimits.JsonItems} members and elements");
        return false;
    }

    private JsonNode? ReadValue(int depth)
    {
        switch (Next)
        {
            case '{': return ReadObject(depth + 1);
            case '[': return ReadArray(depth + 1);
            case '"': return ReadString() is { } text ? JsonValue.Create(text) : null;
            case 't': return TakeWord("true"u8) ? JsonValue.Create(true) : Fail("unknown word");
            case 'f': return TakeWord("false"u8) ? JsonValue.Create(false) : Fail("unknown word");
            case 'n': return TakeWord("null"u8) ? null : Fail("unknown word");
            case '-' or (>= '0' and <= '9'): return ReadNumber(depth);
            default: return Fail("a value must begin here, without white space");
        }
    }

    private bool TakeWord(ReadOnlySpan<byte> word)
    {
        if (!_json[_at..].StartsWith(word)) return false;
        _at += word.Length;
        return true;
    }

    private JsonObject? ReadObject(int depth)
    {
        if (depth > WireLimits.JsonDepth) return (JsonObject?)Fail($"deeper than {WireLimits.JsonDepth} levels");
        _at++;
        var members = new JsonObject();
        if (Take('}')) return members;
        string? previous = null;
        do
        {
            if (!CountItem()) return null;
            if (Next != '"') return (JsonObject?)Fail("a member's name must begin here, without white space");
            var start = _at;
            if (ReadString() is not { } name) return null;
            if (previous is not null && string.CompareOrdinal(previous, name) >= 0)
            {
                _at = start;
                return (JsonObject?)Fail(previous == name ? "a member's name appears twice" : "members must be sorted by name");
            }
            previous = name;
            if (!Take(':')) return (JsonObject?)Fail("a colon must follow the name, without white space");
            var value = ReadValue(depth);
            if (_problem is not null) return null;
            members.Add(name, value);
        }
        while (Take(','));
        return Take('}') ? members : (JsonObject?)Fail("a comma or a closing brace must stand here, without white space");
    }

    private JsonArray? ReadArray(int depth)
    {
        if (depth > WireLimits.JsonDepth) return (JsonArray?)Fail($"deeper than {WireLimits.JsonDepth} levels");
        _at++;
        var elements = new JsonArray();
        if (Take(']')) return elements;
        do
        {
            if (!CountItem()) return null;
            var value = ReadValue(depth);
            if (_problem is not null) return null;
            elements.Add(value);
        }
        while (Take(','));
        return Take(']') ? elements : (JsonArray?)Fail("a comma or a closing bracket must stand here, without white space");
    }

    private string? ReadString()
    {
        _at++;
        StringBuilder? built = null;
        var start = _at;
        while (true)
        {
            var run = _json[_at..].IndexOfAny((byte)'"', (byte)'\\');
            var controls = (run < 0 ? _json[_at..] : _json.Slice(_at, run)).IndexOfAnyInRange((byte)0, (byte)0x1f);
            if (controls >= 0)
            {
                _at += controls;
                Fail("a control character must be escaped");
                return null;
            }
            if (run < 0)
            {
                Fail("a string does not end");
                return null;
            }
            _at += run;
            if (_json[_at] == '"')
            {
                var tail = Encoding.UTF8.GetString(_json[start.._at++]);
                return built is null ? tail : built.Append(tail).ToString();
            }
            (built ??= new StringBuilder()).Append(Encoding.UTF8.GetString(_json[start.._at]));
            if (!TakeEscape(built)) return null;
            start = _at;
        }
    }

    private bool TakeEscape(StringBuilder built)
    {
        // Exactly the escapes the writer makes; a character that has no escape there must stand for itself.
        var rest = _json[_at..];
        var unescaped = rest.Length < 2 ? -1 : rest[1] switch
        {
            (byte)'b' => '\b',
            (byte)'t' => '\t',
            (byte)'n' => '\n',
            (byte)'f' => '\f',
            (byte)'r' => '\r',
            (byte)'"' => '"',
            (byte)'\\' => '\\',
            (byte)'u' when rest.Length >= 6 && Utf8Parser.TryParse(rest[2..6], out ushort code, out var read, 'x') && read == 4 => code,
            _ => -1,
        };
        if (unescaped is < 0 or >= 0x10000 || !CanonicalWriter.MustEscape.Contains((char)unescaped)
            || CanonicalWriter.EscapeOf((char)unescaped) is var canonical && !rest.StartsWith(Encoding.ASCII.GetBytes(canonical)))
        {
            Fail("not the canonical escape");
            return false;
        }
        built.Append((char)unescaped);
        _at += canonical.Length;
        return true;
    }

    private JsonNode? ReadNumber(int depth)
    {
        if (_isClaims && depth == 1 && Utf8Parser.TryParse(_json[_at..], out long integer, out var digits) && digits <= 16 && IsPlain(_at, digits) && integer is >= -WireLimits.Integer and <= WireLimits.Integer)
        {
            _at += digits;
            return JsonValue.Create(integer);
        }

        var length = 0;
        while (_at + length < _json.Length && _json[_at + length] is (>= (byte)'0' and <= (byte)'9') or (byte)'-' or (byte)'+' or (byte)'.' or (byte)'e' or (byte)'E') length++;
        var text = length <= EcmaNumber.LongestText ? Encoding.ASCII.GetString(_json.Slice(_at, length)) : "";
        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole) && whole is >= -WireLimits.Integer and <= WireLimits.Integer)
        {
            if (whole.ToString(CultureInfo.InvariantCulture) != text) return Fail("not the canonical spelling of the number");
            return TakeNumber(length);
        }
        if (!double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var real) || !double.IsFinite(real)) return Fail("not a number");
        if (EcmaNumber.Format(real) != text) return Fail("not the canonical spelling of the number");
        return TakeNumber(length);
    }

    /// <summary>An integer in its one spelling, and nothing of a longer number behind it.</summary>
    private readonly bool IsPlain(int at, int length)
    {
        var first = _json[at] == '-' ? at + 1 : at;
        if (_json[first] == '0' && length > 1) return false; // 07, -0
        return at + length == _json.Length || _json[at + length] is (byte)',' or (byte)'}';
    }

    // Held as text, so that a reader may ask for int, long, double or decimal alike (a JsonValue made from a long gives no double).
    private JsonNode? TakeNumber(int length)
    {
        var number = JsonNode.Parse(_json.Slice(_at, length));
        _at += length;
        return number;
    }
}
