namespace Signet.Control;

/// <summary>Looking through the devices, the same for page, API and commands to many.</summary>
public static class DeviceSearch
{
    /// <summary>Devices whose name, kind, title, state, groups or tags hold every word of the search, letters compared without case.</summary>
    public static IEnumerable<DeviceRecord> Search(IEnumerable<DeviceRecord> devices, string? search)
    {
        var words = Words(search);
        return words.Length == 0 ? devices : devices.Where(device => HoldsAll(device, words));
    }

    /// <summary>The words of a search: what spaces part.</summary>
    internal static SearchWord[] Words(string? search) => Array.ConvertAll((search ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries), word => new SearchWord(word));

    internal static bool HoldsAll(DeviceRecord device, SearchWord[] words)
    {
        var text = device.SearchText;
        foreach (var word in words)
            if (!word.IsIn(text) && !word.FitsState(device)) return false;
        return true;
    }
}

/// <summary>One word that is looked for. It has no space in it, so it never reaches from one of the texts of a device into the next.</summary>
internal sealed class SearchWord
{
    // Upper case and then byte for byte: the same comparison as without case, and four times as fast over ten thousand devices.
    private readonly string _upper;
    private readonly bool _unknown;
    private readonly bool _online;
    private readonly bool _offline;
    private readonly bool _disabled;

    // Of any state: most words are of none, and over ten thousand devices fetching each one's presence takes its time.
    private readonly bool _isOfState;

    public SearchWord(string word)
    {
        _upper = word.ToUpperInvariant();
        (_unknown, _online, _offline, _disabled) = (IsIn("UNKNOWN"), IsIn("ONLINE"), IsIn("OFFLINE"), IsIn("DISABLED"));
        _isOfState = _unknown || _online || _offline || _disabled;
    }

    /// <param name="text">In upper case.</param>
    public bool IsIn(string text) => text.Contains(_upper, StringComparison.Ordinal);

    /// <summary>The state changes from moment to moment and stands in no text.</summary>
    public bool FitsState(DeviceRecord device)
        => _isOfState && (device.Presence.State switch { PresenceState.Online => _online, PresenceState.Offline => _offline, _ => _unknown } || (_disabled && !device.Enabled));
}

/// <summary>The texts of one device that a search looks through, in one string: made at the first search, and the same until one of them changes. Equal to any other: it is no part of what a record says.</summary>
internal struct RememberedText : IEquatable<RememberedText>
{
    private Made? _made;

    // Copies of a record (`with`) bring this along, so it is asked whose it is.
    public string Of(DeviceRecord record)
    {
        if (_made is { } made && made.IsOf(record)) return made.Text;
        _made = made = new(record.Name, record.Kind, record.Title, record.Groups, record.Tags);
        return made.Text;
    }

    public readonly bool Equals(RememberedText other) => true;

    public override readonly bool Equals(object? obj) => obj is RememberedText;

    public override readonly int GetHashCode() => 0;

    private sealed class Made(string name, string kind, string title, IReadOnlyList<string> groups, IReadOnlyList<string> tags)
    {
        public string Text { get; } = string.Join(' ', [name, kind, title, .. groups, .. tags]).ToUpperInvariant();

        public bool IsOf(DeviceRecord record)
            => ReferenceEquals(groups, record.Groups) && ReferenceEquals(tags, record.Tags) && ReferenceEquals(name, record.Name) && ReferenceEquals(title, record.Title) && ReferenceEquals(kind, record.Kind);
    }
}
