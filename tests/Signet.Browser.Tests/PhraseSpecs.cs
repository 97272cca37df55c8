using System.Reflection;
using System.Text.RegularExpressions;
using Signet.Control;
using Signet.Web.Looks;

namespace Signet.Browser;

/// <summary>Two languages that keep up with each other.</summary>
public sealed partial class PhraseSpecs
{
    [Fact]
    [Trait("row", "S0-31")]
    public void Every_phrase_of_the_pages_has_its_spanish_with_the_same_places_for_values()
    {
        var used = Directory.EnumerateFiles(Source, "*.cs*", SearchOption.AllDirectories).Where(file => !file.Contains("node_modules", StringComparison.Ordinal))
            .SelectMany(file => Phrase().Matches(File.ReadAllText(file)).Select(match => Regex.Unescape(match.Groups[1].Value))).ToHashSet();
        used.Count.ShouldBeGreaterThan(100);
        var spanish = Phrases.Load("es");
        used.Where(phrase => !spanish.ContainsKey(phrase)).ShouldBeEmpty("these have no Spanish in Phrases/es/*.json");
        Phrases.Files("es").SelectMany(file => file.Texts).GroupBy(pair => pair.Key, pair => pair.Value).Where(one => one.Distinct().Count() > 1).Select(one => one.Key).ShouldBeEmpty("these are translated twice, differently");
        used.Where(phrase => spanish.TryGetValue(phrase, out var text) && text.Contains("!}", StringComparison.Ordinal)).ShouldBeEmpty("only what Said finds may hold a line within a line");
        spanish.Where(pair => Holes(pair.Key) != Holes(pair.Value)).Select(pair => pair.Key).ShouldBeEmpty("these have other places for values in Spanish");
    }

    // Words that are the same in every language, or the name of a thing that people type or read elsewhere.
    private static readonly HashSet<string> Names = ["Signet", "MQTT", "API", "CSV", "ES256", "PS256", "SHA-256", "EST", "CRL", "OCSP", "PEM", "NDJSON", "JSON", "TLS", "macOS", "Windows", "Firefox"];

    [Fact]
    [Trait("row", "S0-31")]
    public void No_page_says_anything_that_could_not_be_said_in_another_language()
    {
        var pages = Path.Combine(Source, "Pages");
        var bare = new List<string>();
        foreach (var file in Directory.EnumerateFiles(pages, "*.cshtml", SearchOption.AllDirectories))
        {
            var name = Path.GetRelativePath(pages, file);
            // What a person is to type, and code between the markup, is no text.
            var markup = Typed().Replace(RazorComment().Replace(File.ReadAllText(file), ""), "<");
            bare.AddRange(Text().Matches(markup).Concat(Spoken().Matches(markup)).Select(match => match.Groups[1].Value.Trim()).Where(text => text.Length > 0 && !Names.Contains(text) && !Sample().IsMatch(text)).Select(text => $"{name}: {text}"));
        }
        bare.ShouldBeEmpty("write @L[\"...\"], with its Spanish in Phrases/es");
    }

    [Fact]
    public void The_words_that_come_from_values_have_their_spanish_too()
    {
        var spanish = Phrases.Load("es");
        string[] words = [.. new[] { "online", "offline", "unknown", "never seen", "disabled", "succeeded", "blocked", "not applicable", "not run" }, .. Signet.Control.EventCatalogue.Outcomes, .. Enum.GetValues<Signet.Access.Role>().Select(role => Says.Words(role)), .. Enum.GetValues<CommandState>().Select(state => state.Name()), "running", "done", "stopped", "unchanged", .. Navigation.Places.Select(place => place.Title)];
        words.Where(word => !spanish.ContainsKey(word)).ShouldBeEmpty();
    }

    [Fact]
    public void A_thing_has_one_name_in_spanish()
    {
        // What people type, and the names of events, stay as they are.
        var said = Phrases.Load("es").Values.Where(text => English().IsMatch(Code().Replace(text, ""))).ToList();
        said.ShouldBeEmpty("a passkey is a llave de acceso, a broker a bróker");
        var spanish = Phrases.Load("es");
        (spanish["Kind"], spanish["Class"]).ShouldBe(("Tipo", "Clase"));
    }

    [GeneratedRegex(@"\b(?:passkeys?|brokers?)\b", RegexOptions.IgnoreCase, 10_000)]
    private static partial Regex English();

    [GeneratedRegex(@"`[^`]*`|[a-z]+(?:-[a-z]+)+", RegexOptions.None, 10_000)]
    private static partial Regex Code();

    private static string Source { get; } = Path.Combine(typeof(PhraseSpecs).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(one => one.Key == "Root").Value!, "src", "Signet.Web");

    private static string Holes(string phrase) => string.Join(' ', Hole().Matches(phrase).Select(match => match.Groups[1].Value).Order(StringComparer.Ordinal));

    [GeneratedRegex("""\b(?:L|phrases)\["((?:[^"\\]|\\.)*)"[\],]""", RegexOptions.None, 10_000)]
    private static partial Regex Phrase();

    // `{0!}` is a line in a line, for Phrases.Said alone.
    [GeneratedRegex(@"\{([0-9])!?\}", RegexOptions.None, 10_000)]
    private static partial Regex Hole();

    [GeneratedRegex(@"<(code|pre)\b[^<>]*>[^<]*|<[a-z]+ class=""(?:[^""]* )?(?:mono|brand|figure)(?: [^""]*)?""[^<>]*>[^<]*", RegexOptions.None, 10_000)]
    private static partial Regex Typed();

    [GeneratedRegex(@"@\*.*?\*@", RegexOptions.Singleline, 10_000)]
    private static partial Regex RazorComment();

    /// <summary>What a field could hold: lamp-1, 192.0.2.1, signet/lamp-1/command, the first line of a file.</summary>
    [GeneratedRegex(@"^(?:[a-z0-9.,:/]+[0-9.-][a-z0-9., :/-]*|-----BEGIN .*)$", RegexOptions.None, 10_000)]
    private static partial Regex Sample();

    /// <summary>Letters between two tags on one line, outside of any expression.</summary>
    [GeneratedRegex(@"(?:[a-z0-9]""?|/)>([^<>@{}\n=;()]*[A-Za-z]{3}[^<>@{}\n=;()]*)(?=<)", RegexOptions.None, 10_000)]
    private static partial Regex Text();

    /// <summary>Attributes that a person reads or hears.</summary>
    [GeneratedRegex(@"\b(?:aria-label|placeholder|data-label|data-ask|alt|title)=""([^""@]*[A-Za-z]{3}[^""@]*)""", RegexOptions.None, 10_000)]
    private static partial Regex Spoken();
}
