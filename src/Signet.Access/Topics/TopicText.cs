namespace Signet.Access;

/// <summary>Topic names and filters as MQTT 5.0, section 4.7, defines them.</summary>
public static class TopicText
{
    private const string ShareWord = "$share/";

    /// <summary>A topic name a message can have: not empty, no wildcard, no NUL.</summary>
    public static bool IsTopic(ReadOnlySpan<char> topic) => Fits(topic) && topic.IndexOfAny('+', '#', '\0') < 0;

    /// <summary>A filter that can be subscribed to: wildcards fill a whole level, <c>#</c> only the last one.</summary>
    public static bool IsFilter(ReadOnlySpan<char> filter)
    {
        if (!Fits(filter) || filter.Contains('\0')) return false;
        if (filter.IndexOfAny('+', '#') < 0) return true;
        for (var level = new LevelReader(filter); level.Next();)
        {
            if (level.Current.IndexOfAny('+', '#') < 0) continue;
            if (level.Current.Length != 1 || (level.Current[0] == '#' && !level.IsLast)) return false;
        }

        return true;
    }

    /// <summary>Takes <c>$share/GROUP/</c> off a shared subscription; false when that prefix is malformed (section 4.8.2).</summary>
    public static bool TryUnshare(ReadOnlySpan<char> filter, out ReadOnlySpan<char> unshared)
    {
        unshared = filter;
        if (!filter.StartsWith(ShareWord)) return !filter.SequenceEqual(ShareWord.AsSpan(0, ShareWord.Length - 1));
        var rest = filter[ShareWord.Length..];
        var slash = rest.IndexOf('/');
        if (slash < 1 || rest[..slash].IndexOfAny('+', '#') >= 0) return false;
        unshared = rest[(slash + 1)..];
        return true;
    }

    private static bool Fits(ReadOnlySpan<char> text) => text.Length is > 0 and <= AccessLimits.MaximumTopicLength && text.Count('/') < AccessLimits.MaximumLevels;
}

/// <summary>Walks the levels of a topic, filter or pattern without allocating.</summary>
internal ref struct LevelReader(ReadOnlySpan<char> text)
{
    private ReadOnlySpan<char> _rest = text;
    private bool _more = true;

    public ReadOnlySpan<char> Current { get; private set; }

    public readonly bool IsLast => !_more;

    public bool Next()
    {
        if (!_more) return false;
        var slash = _rest.IndexOf('/');
        Current = slash < 0 ? _rest : _rest[..slash];
        _more = slash >= 0;
        _rest = _more ? _rest[(slash + 1)..] : default;
        return true;
    }
}
