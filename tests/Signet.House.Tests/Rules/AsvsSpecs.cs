using System.Text.RegularExpressions;

namespace Signet.House.Tests.Rules;

/// <summary>Holds docs/asvs.md against the standard's numbers and against the tests.</summary>
public sealed partial class AsvsSpecs
{
    private static readonly string[] Lines = File.ReadAllLines(Repository.PathOf("docs", "asvs.md"));

    /// <summary>The requirements of levels 1 and 2 of ASVS 5.0.0: section, number of the last one. Those of level 3 stand behind them in each section.</summary>
    private static readonly (string Section, int Last)[] Sections =
    [
        ("1.1", 2), ("1.2", 9), ("1.3", 11), ("1.4", 3), ("1.5", 2), ("2.1", 3), ("2.2", 3), ("2.3", 4), ("2.4", 1), ("3.2", 2), ("3.3", 4), ("3.4", 6), ("3.5", 5), ("3.7", 2),
        ("4.1", 3), ("4.2", 1), ("4.3", 2), ("4.4", 4), ("5.1", 1), ("5.2", 3), ("5.3", 2), ("5.4", 3), ("6.1", 3), ("6.2", 12), ("6.3", 4), ("6.4", 4), ("6.5", 5), ("6.6", 3), ("6.8", 4),
        ("7.1", 3), ("7.2", 4), ("7.3", 2), ("7.4", 5), ("7.5", 2), ("7.6", 2), ("8.1", 2), ("8.2", 3), ("8.3", 1), ("8.4", 1), ("9.1", 3), ("9.2", 4),
        ("10.1", 2), ("10.2", 2), ("10.3", 4), ("10.4", 11), ("10.5", 5), ("10.6", 2), ("10.7", 3), ("11.1", 2), ("11.2", 3), ("11.3", 3), ("11.4", 4), ("11.5", 1), ("11.6", 1),
        ("12.1", 3), ("12.2", 2), ("12.3", 4), ("13.1", 1), ("13.2", 5), ("13.3", 2), ("13.4", 5), ("14.1", 2), ("14.2", 4), ("14.3", 3), ("15.1", 3), ("15.2", 3), ("15.3", 7),
        ("16.1", 1), ("16.2", 5), ("16.3", 4), ("16.4", 3), ("16.5", 3), ("17.1", 1), ("17.2", 4), ("17.3", 2),
    ];

    [Fact]
    public void Every_requirement_of_levels_1_and_2_is_answered_once_and_no_other_number_stands_there_unmarked()
    {
        Sections.Sum(section => section.Last).ShouldBe(253, "70 of level 1 and 183 of level 2");
        var wanted = Sections.SelectMany(section => Enumerable.Range(1, section.Last).Select(number => $"{section.Section}.{number}")).ToHashSet(StringComparer.Ordinal);
        var answered = Lines.Where(line => line.StartsWith("| ", StringComparison.Ordinal)).Select(line => line.Split('|')[1]).Where(cell => !cell.Contains("(level 3)", StringComparison.Ordinal)).SelectMany(NumbersIn).ToList();
        answered.ShouldBeUnique();
        answered.Except(wanted, StringComparer.Ordinal).ShouldBeEmpty("numbers that are none of levels 1 and 2");
        wanted.Except(answered, StringComparer.Ordinal).ShouldBeEmpty("requirements that nothing answers");
    }

    [Fact]
    public void Every_class_of_tests_that_a_line_names_is_in_the_room_that_it_names()
    {
        var named = 0;
        foreach (var line in Lines.Where(line => line.StartsWith("| ", StringComparison.Ordinal)))
        {
            var shown = line.Split('|')[3];
            // "Control SightSpecs, SessionSpecs": a room counts for the name behind it.
            foreach (Match match in Named().Matches(shown))
            {
                named++;
                var room = match.Groups["room"].Success ? match.Groups["room"].Value : "Browser";
                Directory.EnumerateFiles(Repository.PathOf("tests", $"Signet.{room}.Tests"), match.Groups["specs"].Value + ".cs", SearchOption.AllDirectories).Any().ShouldBeTrue($"there is no {match.Groups["specs"].Value} in {room}: {line}");
            }
        }

        named.ShouldBeGreaterThan(100);
    }

    // "6.2.1, 6.2.9 length", "1.2.6 to 1.2.8 LDAP": the numbers in front.
    private static IEnumerable<string> NumbersIn(string cell)
    {
        foreach (Match match in Numbers().Matches(cell))
        {
            var (section, first) = (match.Groups["section"].Value, int.Parse(match.Groups["first"].Value, System.Globalization.CultureInfo.InvariantCulture));
            if (!match.Groups["last"].Success)
            {
                yield return $"{section}.{first}";
                continue;
            }

            // A range reaches over the end of its section: 5.1.1 to 5.2.3.
            var (lastSection, last) = (match.Groups["lastSection"].Value, int.Parse(match.Groups["last"].Value, System.Globalization.CultureInfo.InvariantCulture));
            var from = Array.FindIndex(Sections, one => one.Section == section);
            var to = Array.FindIndex(Sections, one => one.Section == lastSection);
            for (var at = from; at <= to && at >= 0; at++)
                for (var number = at == from ? first : 1; number <= (at == to ? last : Sections[at].Last); number++) yield return $"{Sections[at].Section}.{number}";
        }
    }

    [GeneratedRegex(@"(?<section>[0-9]+\.[0-9]+)\.(?<first>[0-9]+)(?: to (?<lastSection>[0-9]+\.[0-9]+)\.(?<last>[0-9]+))?", RegexOptions.None, 1000)]
    private static partial Regex Numbers();

    [GeneratedRegex(@"(?:\b(?<room>Wire|Pki|Access|Proof|Store|Audit|Mqtt|Agent|Control|Lab|House|Browser) )?\b(?<specs>[A-Z][A-Za-z0-9]+Specs)\b", RegexOptions.None, 1000)]
    private static partial Regex Named();
}
