using System.Reflection;
using System.Text;
using System.Text.RegularExpressions;
using Signet.Web.Looks;

namespace Signet.Browser;

/// <summary>What Control says in one line is said in the reader's language: by templates, for names and numbers stand in these lines.</summary>
public sealed partial class RefusalPhraseSpecs
{
    private static string Source { get; } = Path.Combine(typeof(RefusalPhraseSpecs).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(one => one.Key == "Root").Value!, "src", "Signet.Control");

    [Fact]
    [Trait("row", "S0-31")]
    public void Every_refusal_that_control_writes_out_has_its_spanish()
    {
        var lines = Directory.EnumerateFiles(Source, "*.cs", SearchOption.AllDirectories).Select(File.ReadAllText)
            .SelectMany(text => Written().Matches(text).Select(match => Template(text, match.Index + match.Length, match.Groups[1].Length > 0))).Distinct().ToList();
        lines.Count.ShouldBeGreaterThan(80);
        var spanish = Phrases.Load("es");
        lines.Where(line => !spanish.ContainsKey(line)).ShouldBeEmpty("these have no Spanish in Phrases/es/refusals.json");
    }

    [Theory]
    [InlineData("there is no device 'lamp-1'", "no hay ningún dispositivo 'lamp-1'")]
    [InlineData("ada is operator; manage-users needs admin", "ada tiene el rol operator; manage-users requiere admin")]
    [InlineData("ada may act on devices of heating only, and lamp-1 is in none of these groups", "ada solo puede actuar sobre dispositivos de heating, y lamp-1 no está en ninguno de esos grupos")]
    [InlineData("there is no device '{0}<script>$1'", "no hay ningún dispositivo '{0}<script>$1'")]
    [InlineData("there is no such account", "no hay tal cuenta")]
    [InlineData("something that nobody has translated", "something that nobody has translated")]
    [InlineData("", "")]
    public void A_line_with_names_and_numbers_in_it_is_found_by_its_template(string english, string spanish)
    {
        var before = System.Globalization.CultureInfo.CurrentUICulture;
        try
        {
            System.Globalization.CultureInfo.CurrentUICulture = System.Globalization.CultureInfo.GetCultureInfo("es");
            new Phrases().Said(english).ShouldBe(spanish);
            System.Globalization.CultureInfo.CurrentUICulture = System.Globalization.CultureInfo.GetCultureInfo("en");
            new Phrases().Said(english).ShouldBe(english);
        }
        finally
        {
            System.Globalization.CultureInfo.CurrentUICulture = before;
        }
    }

    [Fact]
    public void A_long_line_of_somebody_elses_is_answered_at_once()
    {
        System.Globalization.CultureInfo.CurrentUICulture = System.Globalization.CultureInfo.GetCultureInfo("es");
        var clock = System.Diagnostics.Stopwatch.StartNew();
        new Phrases().Said(string.Concat(Enumerable.Repeat("a is b; c needs ", 4000)));
        clock.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(1));
    }

    // The text of a literal that begins there, its values as {0}, {1} ... in their order.
    private static string Template(string source, int at, bool interpolated)
    {
        var (text, holes) = (new StringBuilder(), 0);
        for (var i = at; source[i] != '"'; i++)
        {
            if (source[i] == '\\')
            {
                text.Append(source[++i]);
                continue;
            }
            if (!interpolated || source[i] is not ('{' or '}') || source[i] == source[i + 1])
            {
                text.Append(source[i]);
                if (interpolated && source[i] is '{' or '}') i++;
                continue;
            }
            var (depth, quoted) = (1, false);
            while (depth > 0)
            {
                i++;
                if (source[i] == '"') quoted = !quoted;
                else if (!quoted && source[i] == '{') depth++;
                else if (!quoted && source[i] == '}') depth--;
            }
            text.Append('{').Append(holes++).Append('}');
        }
        return text.ToString();
    }

    [GeneratedRegex("Refusal\\(RefusalCode\\.\\w+, (\\$?)\"", RegexOptions.None, 10_000)]
    private static partial Regex Written();
}
