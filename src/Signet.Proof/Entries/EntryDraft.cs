using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text.Json.Nodes;

namespace Signet.Proof;

/// <summary>
/// The canonical body of an entry with three places left open that only the log can fill: the chain value before it, its number and its time.
/// The members are sorted as RFC 8785 asks: action, actor, details, outcome, [personal,] prev, reason, seq, subject, time, type.
/// Encoding text and details happens on the caller's thread; the log's writer only copies.
/// </summary>
public sealed class EntryDraft
{
    /// <summary>Characters of a time: 2026-01-02T03:04:05.678901Z.</summary>
    public const int TimeLength = 27;

    private readonly byte[] _bytes;
    private readonly int _prev, _sequence, _time;

    private EntryDraft(byte[] bytes, int prev, int sequence, int time) => (_bytes, _prev, _sequence, _time) = (bytes, prev, sequence, time);

    /// <summary>Bytes that <see cref="Write"/> needs at most.</summary>
    public int MaximumLength => _bytes.Length + Digest.Base64UrlLength + 19 + TimeLength;

    /// <param name="type">See docs/spec/audit-log.md for these members.</param>
    /// <param name="actor">Who.</param>
    /// <param name="subject">On what.</param>
    /// <param name="action">What.</param>
    /// <param name="outcome">How it ended.</param>
    /// <param name="reason">Why, or "".</param>
    /// <param name="details">More facts.</param>
    /// <param name="personal">The commitment to facts about a person, when there are some.</param>
    public static EntryDraft Create(string type, string actor, string subject, string action, string outcome, string reason, JsonObject? details, Digest? personal)
    {
        var output = _output ??= new ArrayBufferWriter<byte>(1024);
        output.ResetWrittenCount();
        output.Write("{\"action\":"u8);
        EntryJson.WriteString(action, output);
        output.Write(",\"actor\":"u8);
        EntryJson.WriteString(actor, output);
        output.Write(",\"details\":"u8);
        if (details is null) output.Write("{}"u8);
        else EntryJson.Write(details, output);
        output.Write(",\"outcome\":"u8);
        EntryJson.WriteString(outcome, output);
        if (personal is { } commitment)
        {
            output.Write(",\"personal\":\""u8);
            output.Advance(Base64Url.EncodeToUtf8(commitment, output.GetSpan(Digest.Base64UrlLength)));
            output.Write("\""u8);
        }
        output.Write(",\"prev\":\""u8);
        var prev = output.WrittenCount;
        output.Write("\",\"reason\":"u8);
        EntryJson.WriteString(reason, output);
        output.Write(",\"seq\":"u8);
        var sequence = output.WrittenCount;
        output.Write(",\"subject\":"u8);
        EntryJson.WriteString(subject, output);
        output.Write(",\"time\":\""u8);
        var time = output.WrittenCount;
        output.Write("\",\"type\":"u8);
        EntryJson.WriteString(type, output);
        output.Write("}"u8);
        return new EntryDraft(output.WrittenSpan.ToArray(), prev, sequence, time);
    }

    /// <summary>Fills the three places.</summary>
    /// <returns>Bytes written.</returns>
    public int Write(Span<byte> destination, in Digest prev, long sequence, DateTimeOffset time)
    {
        var at = Copy(destination, 0, 0, _prev);
        at += Base64Url.EncodeToUtf8(prev, destination[at..]);
        at = Copy(destination, at, _prev, _sequence);
        Utf8Formatter.TryFormat(sequence, destination[at..], out var digits);
        at = Copy(destination, at + digits, _sequence, _time);
        TimeText(time).CopyTo(destination[at..]);
        return Copy(destination, at + TimeLength, _time, _bytes.Length);
    }

    // Each thread's own buffer: an entry costs its bytes and nothing more.
    [ThreadStatic]
    private static ArrayBufferWriter<byte>? _output;

    [ThreadStatic]
    private static (long Ticks, byte[]? Text) _latest;

    // Entries of one commit have one time.
    private static ReadOnlySpan<byte> TimeText(DateTimeOffset time)
    {
        if (_latest.Text is { } known && _latest.Ticks == time.UtcTicks) return known;
        var text = new byte[TimeLength];
        time.UtcDateTime.TryFormat(text, out _, "yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);
        _latest = (time.UtcTicks, text);
        return text;
    }

    private int Copy(Span<byte> destination, int at, int from, int to)
    {
        _bytes.AsSpan(from, to - from).CopyTo(destination[at..]);
        return at + to - from;
    }
}
