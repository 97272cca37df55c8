using System.Text.RegularExpressions;

namespace Signet.House.Tests.Rules;

/// <summary>Holds docs/coverage.md against the tests.</summary>
public sealed partial class CoverageSpecs
{
    private static readonly string Page = File.ReadAllText(Repository.PathOf("docs", "coverage.md"));

    private static readonly string[] Tests = [.. Directory.EnumerateFiles(Repository.PathOf("tests"), "*.cs", SearchOption.AllDirectories)
        .Where(path => !path.Contains("/node_modules/", StringComparison.Ordinal))];

    [Fact]
    public void Every_class_of_tests_that_the_page_names_exists()
    {
        var there = Tests.Select(Path.GetFileNameWithoutExtension).ToHashSet(StringComparer.Ordinal);
        var named = SpecsName().Matches(Page).Select(match => match.Value).Where(name => name != nameof(CoverageSpecs)).ToHashSet(StringComparer.Ordinal);
        named.ShouldNotBeEmpty();
        named.Except(there, StringComparer.Ordinal).ShouldBeEmpty();
    }

    [Fact]
    public void No_row_that_a_test_carries_is_missing_from_the_page_or_called_not_yet()
    {
        var carried = Tests.SelectMany(path => Carried().Matches(File.ReadAllText(path))).Select(match => match.Groups[1].Value).ToHashSet(StringComparer.Ordinal);
        carried.ShouldNotBeEmpty();
        carried.Where(row => StateOf(row) is null or "not yet").ShouldBeEmpty();
    }

    private static string? StateOf(string row)
    {
        foreach (Match line in Line().Matches(Page))
        {
            if (Names(line.Groups["rows"].Value, row))
                return line.Groups["state"].Value;
        }

        return null;
    }

    /// <summary>Rows stand alone, in a list, or as a range: <c>S1-1, S1-4 to S1-22</c>.</summary>
    private static bool Names(string rows, string row) => rows.Split(", ").Any(part => part.Split(" to ") is [var first, var last]
        ? Parse(row) is var (system, number) && Parse(first).System == system && number >= Parse(first).Number && number <= Parse(last).Number
        : part == row);

    private static (string System, int Number) Parse(string row) => (row.Split('-')[0], int.TryParse(row.Split('-')[1], out var number) ? number : 0);

    [GeneratedRegex(@"\b[A-Z][A-Za-z]+Specs\b", RegexOptions.None, 1000)]
    private static partial Regex SpecsName();

    [GeneratedRegex("Trait\\(\"row\", \"([^\"]+)\"\\)", RegexOptions.None, 1000)]
    private static partial Regex Carried();

    [GeneratedRegex(@"^\| (?<rows>S[0-9]-[^|]+?) \| [^|]+ \| (?<state>[^|]+?) \|", RegexOptions.Multiline, 1000)]
    private static partial Regex Line();
}
