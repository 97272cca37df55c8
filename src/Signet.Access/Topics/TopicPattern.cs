using System.Buffers;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace Signet.Access;

/// <summary>
/// A rule's topic pattern: an MQTT filter in which a whole level may be a placeholder. A placeholder stands for the asker's own name and only ever
/// equals that text: whatever the name holds, it is one literal level, and a wildcard that a subscriber wrote is never equal to it.
/// </summary>
/// <remarks>
/// Three questions, all after MQTT 5.0, section 4.7: does the pattern match a topic; does it cover a filter (every topic the filter could match, it matches);
/// does it overlap a filter (at least one topic is matched by both). As on the wire, a wildcard in the first level does not reach topics that begin with <c>$</c>,
/// and <c>a/#</c> holds <c>a</c> itself.
/// </remarks>
public sealed class TopicPattern
{
    private static readonly SearchValues<char> NeverInOneLevel = SearchValues.Create("+#/\0");
    private readonly Level[] _levels;
    private readonly bool _open;

    private TopicPattern(string text, Level[] levels, bool open, bool hasPlaceholder)
        => (Text, _levels, _open, HasPlaceholder) = (text, levels, open, hasPlaceholder);

    private enum Kind : byte
    {
        Literal,
        Any,

        /// <summary><c>{name}</c>: whoever asks.</summary>
        Name,

        /// <summary><c>{device}</c>: only a device.</summary>
        Device,

        /// <summary><c>{user}</c>: only a person.</summary>
        User,
    }

    /// <summary>As written.</summary>
    public string Text { get; }

    /// <summary>Its answer depends on who asks.</summary>
    public bool HasPlaceholder { get; }

    /// <summary>Names of the placeholders, for messages to people.</summary>
    public static ImmutableArray<string> Placeholders { get; } = ["{device}", "{name}", "{user}"];

    /// <summary>False when the text is no pattern; <paramref name="why"/> says what is wrong.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out TopicPattern? pattern, out string why)
    {
        (pattern, why) = (null, "");
        if (!TopicText.IsFilter(text))
        {
            why = $"\"{text}\" is not a topic filter (a wildcard fills a whole level, # only the last one)";
            return false;
        }

        if (text.StartsWith("$share/", StringComparison.Ordinal))
        {
            why = $"\"{text}\": a rule speaks of topics; $share/GROUP/ is taken off before rules are asked";
            return false;
        }

        var parts = Spelled(text).ToString().Split('/');
        var open = parts[^1] == "#";
        var levels = new List<Level>();
        foreach (var part in open ? parts[..^1] : parts)
        {
            Kind? kind = part switch { "+" => Kind.Any, "{name}" => Kind.Name, "{device}" => Kind.Device, "{user}" => Kind.User, _ => null };
            if (kind is null && part.AsSpan().IndexOfAny('{', '}') >= 0)
            {
                why = $"\"{text}\": \"{part}\" is no placeholder; {string.Join(", ", Placeholders)} each fill a whole level";
                return false;
            }

            levels.Add(new(kind ?? Kind.Literal, part));
        }

        pattern = new(text, [.. levels], open, levels.Any(l => l.Kind is not (Kind.Literal or Kind.Any)));
        return true;
    }

    /// <summary>Is the topic one of the pattern's?</summary>
    public bool Matches(ReadOnlySpan<char> topic, Principal asker)
    {
        if (topic.IsEmpty || (topic[0] == '$' && StartsWithWildcard)) return false;
        var reader = new LevelReader(topic);
        foreach (var level in _levels)
        {
            if (!reader.Next() || !(level.Kind == Kind.Any || Equal(level, reader.Current, asker))) return false;
        }

        return _open || reader.IsLast;
    }

    /// <summary>Is every topic that the filter could match one of the pattern's?</summary>
    public bool Covers(ReadOnlySpan<char> filter, Principal asker)
    {
        if (filter.IsEmpty || (filter[0] == '$' && StartsWithWildcard)) return false;
        var reader = new LevelReader(Spelled(filter));
        foreach (var level in _levels)
        {
            // The filter ends, or goes on with "#" (which also matches nothing more): it holds a shorter topic than the pattern does.
            if (!reader.Next() || reader.Current is "#") return false;
            if (level.Kind == Kind.Any) continue;
            if (reader.Current is "+" || !Equal(level, reader.Current, asker)) return false;
        }

        return _open || reader.IsLast;
    }

    /// <summary>Is there a topic that both the filter and the pattern match?</summary>
    public bool Overlaps(ReadOnlySpan<char> filter, Principal asker)
    {
        if (filter.IsEmpty || (HasPlaceholder && !Array.TrueForAll(_levels, l => CanBe(l, asker)))) return false;
        // A wildcard on one side never meets a "$" topic of the other.
        if ((filter[0] == '$' && StartsWithWildcard) || (filter[0] is '+' or '#' && _levels[0].Text.StartsWith('$'))) return false;
        var reader = new LevelReader(Spelled(filter));
        foreach (var level in _levels)
        {
            if (!reader.Next()) return false;
            if (reader.Current is "#") return true;
            if (level.Kind == Kind.Any || reader.Current is "+" || Equal(level, reader.Current, asker)) continue;
            return false;
        }

        if (_open || reader.IsLast) return true;
        reader.Next();
        return reader.Current is "#";
    }

    public override string ToString() => Text;

    // A topic is never empty, so "#" means one level or more and "/#" two or more: spelled out they need no special case.
    private static ReadOnlySpan<char> Spelled(ReadOnlySpan<char> filter) => filter switch { "#" => "+/#", "/#" => "/+/#", _ => filter };

    private bool StartsWithWildcard => _levels[0].Kind == Kind.Any;

    private static bool Equal(Level level, ReadOnlySpan<char> text, Principal asker) => level.Kind switch
    {
        Kind.Literal => text.SequenceEqual(level.Text),
        _ => CanBe(level, asker) && text.SequenceEqual(asker.Name),
    };

    // Could this level be a level of a real topic for this asker at all? An empty name would equal an empty level, "+" a subscriber's wildcard,
    // and "$SYS" would open the broker's own branch: such a name equals nothing.
    private static bool CanBe(Level level, Principal asker) => level.Kind switch
    {
        Kind.Literal or Kind.Any => true,
        Kind.Device when asker.Kind != PrincipalKind.Device => false,
        Kind.User when asker.Kind != PrincipalKind.Person => false,
        _ => asker.Name.Length > 0 && asker.Name[0] != '$' && !asker.Name.AsSpan().ContainsAny(NeverInOneLevel),
    };

    private readonly record struct Level(Kind Kind, string Text);
}
