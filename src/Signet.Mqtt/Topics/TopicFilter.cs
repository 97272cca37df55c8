using System.Text;

namespace Signet.Mqtt;

/// <summary>Topic names and filters (MQTT 5.0 section 4.7).</summary>
public static class TopicFilter
{
    /// <summary>UTF-8 bytes in a topic name or filter; fixed by the two-byte length on the wire.</summary>
    public const int MaxBytes = 65_535;

    private const string SharePrefix = "$share/";

    /// <summary>A topic name to publish to: not empty, no wildcard, no U+0000, at most 65,535 bytes of valid UTF-8.</summary>
    public static bool IsValidTopic(ReadOnlySpan<char> topic) => HasValidText(topic) && topic.IndexOfAny('+', '#') < 0;

    /// <summary>A filter to subscribe to: <c>+</c> alone in its level, <c>#</c> alone in the last; <c>$share/GROUP/FILTER</c> with a group without wildcards.</summary>
    public static bool IsValidFilter(ReadOnlySpan<char> filter)
    {
        if (!HasValidText(filter)) return false;
        if (filter.StartsWith(SharePrefix, StringComparison.Ordinal) || filter is "$share")
        {
            return TrySplitShare(filter, out _, out var inner) && HasValidWildcards(inner);
        }

        return HasValidWildcards(filter);
    }

    /// <summary>Splits <c>$share/GROUP/FILTER</c>; false when the filter is not a shared one or is a broken one.</summary>
    public static bool TrySplitShare(ReadOnlySpan<char> filter, out ReadOnlySpan<char> group, out ReadOnlySpan<char> inner)
    {
        group = inner = default;
        if (!filter.StartsWith(SharePrefix, StringComparison.Ordinal)) return false;
        var rest = filter[SharePrefix.Length..];
        var slash = rest.IndexOf('/');
        if (slash <= 0 || slash == rest.Length - 1) return false;
        if (rest[..slash].IndexOfAny('+', '#') >= 0) return false;
        group = rest[..slash];
        inner = rest[(slash + 1)..];
        return true;
    }

    /// <summary>Does the filter (without <c>$share</c>) match the topic? Wildcards in the first level never match topics that begin with <c>$</c> [MQTT-4.7.2-1].</summary>
    public static bool Matches(ReadOnlySpan<char> filter, ReadOnlySpan<char> topic)
    {
        if (topic.Length > 0 && topic[0] == '$' && filter.Length > 0 && filter[0] is '+' or '#') return false;
        while (true)
        {
            var f = filter.IndexOf('/');
            var t = topic.IndexOf('/');
            var level = f < 0 ? filter : filter[..f];
            if (level is "#") return true;
            var name = t < 0 ? topic : topic[..t];
            if (level is not "+" && !level.SequenceEqual(name)) return false;
            if (f < 0) return t < 0;
            filter = filter[(f + 1)..];
            if (t < 0) return filter is "#"; // "a/#" also matches its parent "a" (section 4.7.1.2)
            topic = topic[(t + 1)..];
        }
    }

    /// <summary>Number of levels: one more than the slashes.</summary>
    public static int Levels(ReadOnlySpan<char> topic) => topic.Count('/') + 1;

    private static bool HasValidWildcards(ReadOnlySpan<char> filter)
    {
        while (true)
        {
            var slash = filter.IndexOf('/');
            var level = slash < 0 ? filter : filter[..slash];
            if (level.Contains('#') && (level.Length > 1 || slash >= 0)) return false;
            if (level.Contains('+') && level.Length > 1) return false;
            if (slash < 0) return true;
            filter = filter[(slash + 1)..];
        }
    }

    private static bool HasValidText(ReadOnlySpan<char> text)
    {
        if (text.IsEmpty || text.Length > MaxBytes || text.Contains('\0')) return false;
        var bytes = 0;
        while (!text.IsEmpty)
        {
            if (Rune.DecodeFromUtf16(text, out var rune, out var used) != System.Buffers.OperationStatus.Done) return false;
            bytes += rune.Utf8SequenceLength;
            text = text[used..];
        }

        return bytes <= MaxBytes;
    }
}
