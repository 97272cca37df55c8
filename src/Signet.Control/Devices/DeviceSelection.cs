using System.Diagnostics.CodeAnalysis;
using Signet.Wire;

namespace Signet.Control;

/// <summary>
/// Several devices in one text, as command line, API and pages take it: at most <see cref="ControlLimits.SelectionTerms"/> terms with commas between, any of which may fit.
/// <c>all</c>, a device's name, <c>group:NAME</c>, <c>tag:NAME</c>, <c>kind:KIND</c>, <c>search:WORD</c>. A colon is in no device's name, so the two never mix.
/// </summary>
public sealed class DeviceSelection
{
    private readonly IReadOnlyList<(string Field, string Value)> _terms;

    private readonly HashSet<string> _names;
    private readonly IReadOnlyList<(string Field, string Value, SearchWord[] Words)> _others;

    private DeviceSelection(string text, IReadOnlyList<(string Field, string Value)> terms)
    {
        (Text, _terms) = (text, terms);
        _names = terms.Where(t => t.Field == "name").Select(t => t.Value).ToHashSet(StringComparer.Ordinal);
        _others = [.. terms.Where(t => t.Field != "name").Select(t => (t.Field, t.Value, DeviceSearch.Words(t.Value)))];
    }

    /// <summary>As it was written.</summary>
    public string Text { get; }

    /// <summary>Exactly one device, by its name; null for everything else.</summary>
    public string? SingleName => _terms is [("name", var name)] ? name : null;

    /// <summary>Never throws on any text; <paramref name="why"/> says what to write instead.</summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out DeviceSelection? selection, out string why)
    {
        selection = null;
        if (string.IsNullOrWhiteSpace(text) || text.Length > ControlLimits.SelectionCharacters)
        {
            why = $"say which devices, in 1 to {ControlLimits.SelectionCharacters} characters: a name, group:NAME, tag:NAME, kind:KIND, search:WORD or all";
            return false;
        }

        var written = text.Split(',', StringSplitOptions.TrimEntries).Distinct(StringComparer.Ordinal).ToList();
        if (written.Count > ControlLimits.SelectionTerms)
        {
            why = $"a selection has at most {ControlLimits.SelectionTerms} terms; put the devices in a group or give them a tag";
            return false;
        }

        var terms = new List<(string, string)>();
        foreach (var term in written)
        {
            var (field, value) = term.Split(':', 2) is [var head, var tail] ? (head, tail.Trim()) : (term == "all" ? "all" : "name", term);
            why = WhyNot(field, value);
            if (why.Length > 0) return false;
            terms.Add((field, value));
        }

        why = "";
        selection = new(text, terms);
        return true;
    }

    /// <summary>Those of the fleet that fit, in the order given.</summary>
    public IEnumerable<DeviceRecord> Of(IEnumerable<DeviceRecord> devices) => devices.Where(d => _names.Contains(d.Name) || _others.Any(t => Fits(d, t)));

    /// <summary>Names that stand in the selection and in no device.</summary>
    public IEnumerable<string> MissingFrom(IReadOnlyCollection<DeviceRecord> devices)
    {
        var missing = _terms.Where(t => t.Field == "name").Select(t => t.Value).ToHashSet(StringComparer.Ordinal);
        if (missing.Count > 0) missing.ExceptWith(devices.Select(device => device.Name));
        return missing;
    }

    private static string WhyNot(string field, string value) => field switch
    {
        "all" => "",
        "name" => Topics.IsDeviceName(value) ? "" : "a device's name has 1 to 63 of the characters a-z 0-9 . _ -; for several write group:NAME, tag:NAME, kind:KIND, search:WORD or all",
        "group" or "tag" or "kind" => Topics.IsWord(value) ? "" : $"after {field}: comes one word of the characters a-z 0-9 . _ -",
        "search" => value.Length is > 0 and <= 100 ? "" : "after search: come 1 to 100 characters",
        _ => "devices are selected by name, group:NAME, tag:NAME, kind:KIND, search:WORD or all",
    };

    private static bool Fits(DeviceRecord device, (string Field, string Value, SearchWord[] Words) term) => term.Field switch
    {
        "all" => true,
        "group" => device.Groups.Contains(term.Value, StringComparer.Ordinal),
        "tag" => device.Tags.Contains(term.Value, StringComparer.Ordinal),
        "kind" => device.Kind == term.Value,
        _ => DeviceSearch.HoldsAll(device, term.Words),
    };
}
