using System.Buffers;
using System.Buffers.Text;
using System.Text.Json;

namespace Signet.Proof;

/// <summary>
/// The members of an entry's body, found without copying: the verifier reads hundreds of thousands a second.
/// It insists on the exact members in the exact order and does not look inside strings and details; their bytes are covered by hash and signature.
/// </summary>
public ref struct EntryView
{
    private static readonly SearchValues<byte> StringStops = SearchValues.Create("\"\\"u8);
    private static readonly SearchValues<byte> ObjectStops = SearchValues.Create("\"{}"u8);

    public long Sequence { get; private set; }

    /// <summary>UTC, whole microseconds.</summary>
    public DateTime Time { get; private set; }

    public Digest Prev { get; private set; }
    public Digest? Personal { get; private set; }

    // As they stand between the quotes, escapes included.
    public ReadOnlySpan<byte> Type { get; private set; }
    public ReadOnlySpan<byte> Actor { get; private set; }
    public ReadOnlySpan<byte> Subject { get; private set; }
    public ReadOnlySpan<byte> Action { get; private set; }
    public ReadOnlySpan<byte> Outcome { get; private set; }
    public ReadOnlySpan<byte> Reason { get; private set; }

    /// <summary>A JSON object.</summary>
    public ReadOnlySpan<byte> Details { get; private set; }

    /// <summary>Never throws.</summary>
    public static bool TryRead(ReadOnlySpan<byte> body, out EntryView view)
    {
        view = default;
        var rest = body;
        if (!String(ref rest, "{\"action\":\""u8, out var action) || !String(ref rest, ",\"actor\":\""u8, out var actor) || !Object(ref rest, ",\"details\":"u8, out var details)
            || !String(ref rest, ",\"outcome\":\""u8, out var outcome))
            return false;
        if (rest.StartsWith(",\"personal\""u8))
        {
            if (!String(ref rest, ",\"personal\":\""u8, out var text) || !Digest.TryFromBase64Url(text, out var personal)) return false;
            view.Personal = personal;
        }
        if (!String(ref rest, ",\"prev\":\""u8, out var prevText) || !Digest.TryFromBase64Url(prevText, out var prev) || !String(ref rest, ",\"reason\":\""u8, out var reason)
            || !Number(ref rest, ",\"seq\":"u8, out var sequence) || !String(ref rest, ",\"subject\":\""u8, out var subject)
            || !String(ref rest, ",\"time\":\""u8, out var timeText) || !TryTime(timeText, out var time) || !String(ref rest, ",\"type\":\""u8, out var type) || !rest.SequenceEqual("}"u8))
            return false;
        (view.Sequence, view.Time, view.Prev) = (sequence, time, prev);
        view.Type = type;
        view.Actor = actor;
        view.Subject = subject;
        view.Action = action;
        view.Outcome = outcome;
        view.Reason = reason;
        view.Details = details;
        return true;
    }

    /// <summary>The text that stands between the quotes of a JSON string; null when its escapes are not JSON.</summary>
    public static string? Unescape(ReadOnlySpan<byte> inner)
    {
        Span<byte> quoted = inner.Length < 512 ? stackalloc byte[inner.Length + 2] : new byte[inner.Length + 2];
        quoted[0] = quoted[^1] = (byte)'"';
        inner.CopyTo(quoted[1..]);
        try
        {
            var reader = new Utf8JsonReader(quoted);
            return reader.Read() ? reader.GetString() : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static bool String(scoped ref ReadOnlySpan<byte> rest, scoped ReadOnlySpan<byte> label, out ReadOnlySpan<byte> value)
    {
        value = default;
        if (!rest.StartsWith(label)) return false;
        var length = StringLength(rest[label.Length..]);
        if (length < 0) return false;
        value = rest.Slice(label.Length, length);
        rest = rest[(label.Length + length + 1)..];
        return true;
    }

    // Bytes before the closing quote, -1 when there is none.
    private static int StringLength(ReadOnlySpan<byte> text)
    {
        for (var at = 0; ;)
        {
            var stop = text[at..].IndexOfAny(StringStops);
            if (stop < 0) return -1;
            at += stop;
            if (text[at] == (byte)'"') return at;
            at += 2;
            if (at > text.Length) return -1;
        }
    }

    private static bool Object(scoped ref ReadOnlySpan<byte> rest, scoped ReadOnlySpan<byte> label, out ReadOnlySpan<byte> value)
    {
        value = default;
        if (!rest.StartsWith(label)) return false;
        var text = rest[label.Length..];
        if (text.IsEmpty || text[0] != (byte)'{') return false;
        var depth = 0;
        for (var at = 0; ;)
        {
            var stop = text[at..].IndexOfAny(ObjectStops);
            if (stop < 0) return false;
            at += stop + 1;
            switch (text[at - 1])
            {
                case (byte)'{':
                    depth++;
                    break;
                case (byte)'}' when --depth == 0:
                    value = text[..at];
                    rest = text[at..];
                    return true;
                case (byte)'"':
                    var length = StringLength(text[at..]);
                    if (length < 0) return false;
                    at += length + 1;
                    break;
                default:
                    break;
            }
        }
    }

    private static bool Number(scoped ref ReadOnlySpan<byte> rest, scoped ReadOnlySpan<byte> label, out long value)
    {
        value = 0;
        if (!rest.StartsWith(label)) return false;
        rest = rest[label.Length..];
        // No sign, no leading zero, and nothing else that Utf8Parser would take.
        if (rest.IsEmpty || rest[0] is < (byte)'1' or > (byte)'9' || !Utf8Parser.TryParse(rest, out value, out int digits)) return false;
        rest = rest[digits..];
        return true;
    }

    private static bool TryTime(ReadOnlySpan<byte> text, out DateTime time)
    {
        time = default;
        if (text.Length != EntryDraft.TimeLength || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':' || text[19] != '.' || text[26] != 'Z'
            || !Digits(text[..4], out var year) || !Digits(text.Slice(5, 2), out var month) || !Digits(text.Slice(8, 2), out var day)
            || !Digits(text.Slice(11, 2), out var hour) || !Digits(text.Slice(14, 2), out var minute) || !Digits(text.Slice(17, 2), out var second) || !Digits(text.Slice(20, 6), out var micro)
            || year == 0 || month is 0 or > 12 || day == 0 || day > DateTime.DaysInMonth(year, month) || hour > 23 || minute > 59 || second > 59)
            return false;
        time = new DateTime(year, month, day, hour, minute, second, DateTimeKind.Utc).AddTicks(micro * 10L);
        return true;
    }

    private static bool Digits(ReadOnlySpan<byte> text, out int value)
    {
        value = 0;
        foreach (var c in text)
        {
            if (c is < (byte)'0' or > (byte)'9') return false;
            value = value * 10 + c - '0';
        }
        return true;
    }
}
