using System.Reflection;
using System.Text.RegularExpressions;
using Signet.Web.Looks;

namespace Signet.Browser;

/// <summary>Two languages that keep up with each other.</summary>
public sealed partial class PhraseSpecs
{
    [Fact]
    [Trait("row", "S0-31")]
    public void Every_phrase_of_the_pages_has_its_spanish_with_the_same_places_for_values()
    {
        var source = Path.Combine(typeof(PhraseSpecs).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(one => one.Key == "Root").Value!, "src", "Signet.Web");
        var used = Directory.EnumerateFiles(source, "*.cs*", SearchOption.AllDirectories).Where(file => !file.Contains("node_modules", StringComparison.Ordinal))
            .SelectMany(file => Phrase().Matches(File.ReadAllText(file)).Select(match => Regex.Unescape(match.Groups[1].Value))).ToHashSet();
        used.Count.ShouldBeGreaterThan(100);
        var spanish = Phrases.Load("es");
        used.Where(phrase => !spanish.ContainsKey(phrase)).ShouldBeEmpty("these have no Spanish in Phrases/es/*.json");
        spanish.Where(pair => Holes(pair.Key) != Holes(pair.Value)).Select(pair => pair.Key).ShouldBeEmpty("these have other places for values in Spanish");
    }

    private static string Holes(string phrase) => string.Join(' ', Hole().Matches(phrase).Select(match => match.Value).Order(StringComparer.Ordinal));

    [GeneratedRegex("""\b(?:L|phrases)\["((?:[^"\\]|\\.)*)"[\],]""", RegexOptions.None, 10_000)]
    private static partial Regex Phrase();

    [GeneratedRegex(@"\{[0-9]\}", RegexOptions.None, 10_000)]
    private static partial Regex Hole();
}
