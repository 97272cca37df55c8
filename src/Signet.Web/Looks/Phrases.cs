using System.Collections.Frozen;
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Html;

namespace Signet.Web.Looks;

/// <summary>The words of the pages in the reader's language. The English text is the key; <c>Phrases/es/*.json</c> holds the Spanish. What has no translation is shown in English.</summary>
public sealed class Phrases
{
    /// <summary>Languages with their own names.</summary>
    public static IReadOnlyList<(string Code, string Name)> Languages { get; } = [("en", "English"), ("es", "Español")];

    private static readonly FrozenDictionary<string, string> Spanish = Load("es");
    private static readonly Regex Hole = new(@"\{[0-9]\}", RegexOptions.NonBacktracking);
    private static readonly Regex Place = new(@"\{[0-9]!?\}", RegexOptions.NonBacktracking);

    /// <summary>Of the present request.</summary>
    public string Language => CultureInfo.CurrentUICulture.TwoLetterISOLanguageName == "es" ? "es" : "en";

    public string this[string english] => Language == "es" && Spanish.TryGetValue(english, out var spanish) ? spanish : english;

    public string this[string english, params object?[] values] => string.Format(CultureInfo.InvariantCulture, this[english], values);

    /// <summary>A moment; null is never.</summary>
    public IHtmlContent At(DateTimeOffset? moment) => new Moment(moment, since: false, this["never"]);

    /// <summary>How long ago a moment is, or how far ahead; null is never.</summary>
    public IHtmlContent Since(DateTimeOffset? moment) => new Moment(moment, since: true, this["never"]);

    /// <summary>
    /// A line that was made elsewhere, with names and numbers in it: found by its template (<c>there is no device '{0}'</c>), the values put into the translation as they are; where the translation says
    /// <c>{0!}</c> the value is such a line itself and is translated too. What has none stays English.
    /// </summary>
    public string Said(string line)
    {
        if (Language != "es" || line.Length > LongestLine) return line;
        if (Spanish.TryGetValue(line, out var whole)) return whole;
        foreach (var (pattern, translated) in SpanishTemplates)
            if (pattern.Match(line) is { Success: true } match) return Filled(translated, match.Groups);
        return line;
    }

    private const int LongestLine = 2000; // chosen: refusals have one line; anything longer came from outside

    // Those that begin with words first, for a line within a line ends the same; then the most particular: `{0} is {1}` would fit many.
    private static readonly Lazy<IReadOnlyList<(Regex Pattern, string Translated)>> Templates = new(() => [.. Spanish.Where(pair => Hole.IsMatch(pair.Key)).OrderBy(pair => pair.Key.StartsWith('{'))
        .ThenByDescending(pair => Hole.Replace(pair.Key, "").Length)
        .Select(pair => (new Regex("^" + string.Join("(.*)", Hole.Split(pair.Key).Select(Regex.Escape)) + "$", RegexOptions.NonBacktracking | RegexOptions.Singleline | RegexOptions.CultureInvariant), pair.Value))]);

    private static IReadOnlyList<(Regex Pattern, string Translated)> SpanishTemplates => Templates.Value;

    private string Filled(string translated, GroupCollection values) => Place.Replace(translated, place => place.ValueSpan[1] - '0' + 1 is var number && number < values.Count
        ? place.ValueSpan[2] == '!' ? Said(values[number].Value) : values[number].Value : "");

    /// <summary>All that is translated into a language. A text that stands in two files takes the translation of the first one by name.</summary>
    public static FrozenDictionary<string, string> Load(string language)
    {
        var all = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (_, texts) in Files(language))
            foreach (var (english, translated) in texts) all.TryAdd(english, translated);
        return all.ToFrozenDictionary(StringComparer.Ordinal);
    }

    /// <summary>The files of a language by name, with what stands in each.</summary>
    public static IReadOnlyList<(string Name, IReadOnlyDictionary<string, string> Texts)> Files(string language)
    {
        var assembly = typeof(Phrases).Assembly;
        return [.. assembly.GetManifestResourceNames().Where(name => name.StartsWith($"Phrases/{language}/", StringComparison.Ordinal)).Order(StringComparer.Ordinal).Select(name =>
        {
            using var stream = assembly.GetManifestResourceStream(name)!;
            return (name, (IReadOnlyDictionary<string, string>)JsonSerializer.Deserialize<Dictionary<string, string>>(stream)!);
        })];
    }
}
