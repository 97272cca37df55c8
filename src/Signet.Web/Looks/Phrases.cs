using System.Collections.Frozen;
using System.Globalization;
using System.Text.Json;

namespace Signet.Web.Looks;

/// <summary>The words of the pages in the reader's language. The English text is the key; <c>Phrases/es/*.json</c> holds the Spanish. What has no translation is shown in English.</summary>
public sealed class Phrases
{
    /// <summary>Languages with their own names.</summary>
    public static IReadOnlyList<(string Code, string Name)> Languages { get; } = [("en", "English"), ("es", "Español")];

    private static readonly FrozenDictionary<string, string> Spanish = Load("es");

    /// <summary>Of the present request.</summary>
    public string Language => CultureInfo.CurrentUICulture.TwoLetterISOLanguageName == "es" ? "es" : "en";

    public string this[string english] => Language == "es" && Spanish.TryGetValue(english, out var spanish) ? spanish : english;

    public string this[string english, params object?[] values] => string.Format(CultureInfo.InvariantCulture, this[english], values);

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
