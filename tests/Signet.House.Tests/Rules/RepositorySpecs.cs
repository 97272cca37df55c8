using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Signet.House.Tests.Rules;

/// <summary>Rules of the house that no compiler checks.</summary>
public sealed partial class RepositorySpecs
{
    private static readonly string[] Tracked = Git("ls-files", "-z").Split('\0', StringSplitOptions.RemoveEmptyEntries);

    [Fact]
    public void Every_package_has_a_line_in_the_decision_about_dependencies()
    {
        var decision = File.ReadAllText(Repository.PathOf("docs", "decisions", "0002-dependencies.md"));
        var versions = File.ReadAllText(Repository.PathOf("Directory.Packages.props"));
        var packages = PackageVersion().Matches(versions).Select(match => match.Groups[1].Value).ToList();
        packages.ShouldNotBeEmpty();
        foreach (var package in packages)
            decision.ShouldContain($"| {package} |", customMessage: $"{package} needs its reason in docs/decisions/0002-dependencies.md");
    }

    [Fact]
    public void No_private_key_is_committed_but_the_named_test_keys()
    {
        var keys = Tracked.Where(path => !path.StartsWith("vectors/", StringComparison.Ordinal) && !path.EndsWith(".cs", StringComparison.Ordinal))
            .Where(path => File.ReadAllText(Repository.PathOf(path)).Contains("PRIVATE KEY-----\nM", StringComparison.Ordinal));
        keys.ShouldBeEmpty();
    }

    [Fact]
    public void No_folder_is_a_layer_and_no_type_hides_behind_an_empty_word()
    {
        var empty = Tracked.Where(path => path.StartsWith("src/", StringComparison.Ordinal) && EmptyName().IsMatch(path));
        empty.ShouldBeEmpty();
    }

    [Fact]
    public void Source_files_fit_in_a_few_screens()
    {
        var long_ones = Tracked.Where(path => path.StartsWith("src/", StringComparison.Ordinal) && path.EndsWith(".cs", StringComparison.Ordinal))
            .Where(path => File.ReadLines(Repository.PathOf(path)).Count() > 450);
        long_ones.ShouldBeEmpty();
    }

    [Fact]
    public void Nothing_unfinished_is_left_in_the_source()
    {
        var marks = Tracked.Where(path => path.StartsWith("src/", StringComparison.Ordinal) && path.EndsWith(".cs", StringComparison.Ordinal))
            .Where(path => Unfinished().IsMatch(File.ReadAllText(Repository.PathOf(path))));
        marks.ShouldBeEmpty();
    }

    [Fact]
    public void Links_between_documents_lead_somewhere()
    {
        var dead = from path in Tracked
                   where path.EndsWith(".md", StringComparison.Ordinal)
                   from Match link in MarkdownLink().Matches(File.ReadAllText(Repository.PathOf(path)))
                   let target = link.Groups[1].Value.Split('#')[0]
                   where target.Length > 0 && !target.Contains("://", StringComparison.Ordinal) && !target.StartsWith("mailto:", StringComparison.Ordinal)
                   let full = Path.Combine(Path.GetDirectoryName(Repository.PathOf(path))!, target)
                   where !File.Exists(full) && !Directory.Exists(full)
                   select $"{path} -> {target}";
        dead.ShouldBeEmpty();
    }

    [GeneratedRegex("<PackageVersion Include=\"([^\"]+)\"", RegexOptions.None, 1000)]
    private static partial Regex PackageVersion();

    [GeneratedRegex(@"/(Domain|Application|Infrastructure|Services|Helpers|Utils|Common|Managers)/|(Manager|(?<!Tag)Helper|Utils|Service)\.cs$", RegexOptions.None, 1000)]
    private static partial Regex EmptyName();

    [GeneratedRegex(@"NotImplementedException|\b(TODO|FIXME|HACK|XXX)\b", RegexOptions.None, 1000)]
    private static partial Regex Unfinished();

    [GeneratedRegex(@"\]\(([^)\s]+)\)", RegexOptions.None, 1000)]
    private static partial Regex MarkdownLink();

    private static string Git(params string[] arguments)
    {
        var start = new ProcessStartInfo("git") { WorkingDirectory = Repository.Root, RedirectStandardOutput = true };
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        using var git = Process.Start(start)!;
        var output = git.StandardOutput.ReadToEnd();
        git.WaitForExit();
        return git.ExitCode == 0 ? output : throw new InvalidOperationException("git is needed, and the tests run in a checkout");
    }
}
