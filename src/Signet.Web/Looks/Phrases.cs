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

    /// <summary>All that is translated into a language.</summary>
    /// <exception cref="InvalidDataException">A text is translated twice, differently.</exception>
    public static FrozenDictionary<string, string> Load(string language)
    {
        var all = new Dictionary<string, string>(StringComparer.Ordinal);
        var assembly = typeof(Phrases).Assembly;
        foreach (var name in assembly.GetManifestResourceNames().Where(name => name.StartsWith($"Phrases/{language}/", StringComparison.Ordinal)))
        {
            using var stream = assembly.GetManifestResourceStream(name)!;
            foreach (var (english, translated) in JsonSerializer.Deserialize<Dictionary<string, string>>(stream)!)
                if (!all.TryAdd(english, translated) && all[english] != translated) throw new InvalidDataException($"{name}: \"{english}\" is translated twice, differently");
        }
        return all.ToFrozenDictionary(StringComparer.Ordinal);
    }
}
