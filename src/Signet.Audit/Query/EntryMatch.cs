using System.Text;
using Signet.Proof;

namespace Signet.Audit;

/// <summary>Decides on the stored bytes of an entry whether a filter wants it, without making strings of them.</summary>
internal sealed class EntryMatch
{
    private readonly byte[]? _type, _actor, _subject, _action, _outcome, _reason, _text;
    private readonly DateTime? _from, _to;
    private readonly long? _sequence;
    private readonly bool _isEmpty;
    private readonly HashSet<string>? _subjects, _exceptTypes;
    private readonly HashSet<string>.AlternateLookup<ReadOnlySpan<char>> _subjectsByText;
    private readonly byte[]? _self;
    private readonly byte[][] _needles;

    public EntryMatch(AuditFilter filter)
    {
        (_type, _actor, _subject) = (Inner(filter.Type), Inner(filter.Actor), Inner(filter.Subject));
        (_action, _outcome, _reason) = (Inner(filter.Action), Inner(filter.Outcome), Inner(filter.Reason));
        _text = string.IsNullOrEmpty(filter.Text) ? null : Lower(Inner(filter.Text)!);
        _sequence = filter.Sequence;
        (_from, _to) = (filter.From?.UtcDateTime, filter.To?.UtcDateTime);
        _subjects = filter.Subjects?.ToHashSet(StringComparer.Ordinal);
        if (_subjects is not null) _subjectsByText = _subjects.GetAlternateLookup<ReadOnlySpan<char>>();
        (_exceptTypes, _self) = (filter.ExceptTypes?.ToHashSet(StringComparer.Ordinal), Inner(filter.Self));
        _needles = [.. new[] { _subject, _actor, _reason, _action, _outcome, _type }.OfType<byte[]>()];
        _isEmpty = filter == new AuditFilter { Before = filter.Before, Limit = filter.Limit };
    }

    /// <summary>What the search index is asked for: values of members.</summary>
    public IEnumerable<long> Tokens
    {
        get
        {
            if (_type is not null) yield return SearchTokens.Token(SearchMember.Type, _type);
            if (_actor is not null) yield return SearchTokens.Token(SearchMember.Actor, _actor);
            if (_subject is not null) yield return SearchTokens.Token(SearchMember.Subject, _subject);
            if (_action is not null) yield return SearchTokens.Token(SearchMember.Action, _action);
            if (_outcome is not null) yield return SearchTokens.Token(SearchMember.Outcome, _outcome);
            if (_reason is not null) yield return SearchTokens.Token(SearchMember.Reason, _reason);
        }
    }

    /// <summary>Any of these in the search index; null: not asked for, or too many to ask for one by one.</summary>
    public IReadOnlyList<long>? AnyToken => _subjects is { Count: <= AuditLimits.SearchedSubjects } some ? [.. some.Select(subject => SearchTokens.Token(SearchMember.Subject, Inner(subject) ?? []))] : null;

    /// <summary>Ticks; entries before are not wanted.</summary>
    public long? Earliest => _from?.Ticks;

    /// <summary>Ticks; entries at or after are not wanted.</summary>
    public long? Latest => _to?.Ticks;

    /// <summary>Bits of the text in the search index; null without one.</summary>
    public int[]? TextBits => _text is null ? null : SearchTokens.BitsOf(_text);

    // Without conditions also an entry that cannot be read: a list shows that something is wrong there.
    public bool Wants(ReadOnlySpan<byte> body) => MayWant(body) && (EntryView.TryRead(body, out var entry) ? Wants(entry) : _isEmpty);

    // What a member must hold stands in the body as it is: most entries are passed over without being taken apart, which costs many times as much.
    private bool MayWant(ReadOnlySpan<byte> body)
    {
        foreach (var needle in _needles)
            if (body.IndexOf(needle) < 0)
                return false;
        return (_subjects is null || MayBeAny(body)) && (_text is null || Contains(body));
    }

    // The subject is the last member of its name, whatever the details hold: only time and type stand behind it. One with escapes, and a body that is none, are looked at closely.
    private bool MayBeAny(ReadOnlySpan<byte> body)
    {
        var label = ",\"subject\":\""u8;
        if (body.LastIndexOf(label) is var at && at < 0) return true;
        var rest = body[(at + label.Length)..];
        if (rest.IndexOf((byte)'"') is var length && (length is < 0 or > LongestQuick || rest[..length].Contains((byte)'\\'))) return true;
        Span<char> text = stackalloc char[LongestQuick];
        return _subjectsByText.Contains(text[..Encoding.UTF8.GetChars(rest[..length], text)]);
    }

    private const int LongestQuick = 128; // bytes; chosen: names of devices have 63 at most

    private bool Wants(in EntryView entry) => (_sequence is null || _sequence == entry.Sequence) && Is(_type, entry.Type) && Is(_actor, entry.Actor) && Is(_subject, entry.Subject) && IsAny(entry.Subject) && !IsExcepted(entry) && Is(_action, entry.Action) && Is(_outcome, entry.Outcome) && Is(_reason, entry.Reason)
        && !(entry.Time < _from) && !(entry.Time >= _to) && HasText(entry);

    private static bool Is(byte[]? wanted, ReadOnlySpan<byte> value) => wanted is null || value.SequenceEqual(wanted);

    private bool IsAny(ReadOnlySpan<byte> subject) => _subjects is null || (EntryView.Unescape(subject) is { } text && _subjects.Contains(text));

    private bool IsExcepted(in EntryView entry) => _exceptTypes is not null && EntryView.Unescape(entry.Type) is { } type && _exceptTypes.Contains(type) && !(_self is not null && entry.Subject.SequenceEqual(_self));

    // Not in the chain value, the commitment or the member names, where everything would be found.
    private bool HasText(in EntryView entry) => _text is null || Contains(entry.Actor) || Contains(entry.Subject) || Contains(entry.Action) || Contains(entry.Outcome)
        || Contains(entry.Reason) || Contains(entry.Type) || Contains(entry.Details);

    private bool Contains(ReadOnlySpan<byte> value)
    {
        if (value.Length < _text!.Length) return false;
        Span<byte> lower = value.Length <= 2048 ? stackalloc byte[value.Length] : new byte[value.Length];
        Ascii.ToLower(value, lower, out var written);
        if (written == value.Length) return lower.IndexOf(_text) >= 0;
        for (var i = 0; i < value.Length; i++) lower[i] = ToLower(value[i]);   // Ascii.ToLower stops at the first byte above 127
        return lower.IndexOf(_text) >= 0;
    }

    private static byte[] Lower(byte[] text) => Array.ConvertAll(text, ToLower);
    private static byte ToLower(byte b) => b is >= (byte)'A' and <= (byte)'Z' ? (byte)(b | 0x20) : b;

    // The canonical JSON of a text without its quotes: what stands in the body.
    private static byte[]? Inner(string? text) => string.IsNullOrEmpty(text) ? null : EntryJson.Write(System.Text.Json.Nodes.JsonValue.Create(text))[1..^1];
}
