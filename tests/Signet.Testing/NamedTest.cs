using System.Reflection;

namespace Signet.Testing;

/// <summary>A test somewhere in this repository that reaches a refusal: named by its class and sentence, and looked up, so that a name cannot outlive its test.</summary>
/// <param name="Project">Its folder under <c>tests/</c>.</param>
/// <param name="Class">Its class.</param>
/// <param name="Sentence">Its method.</param>
/// <param name="Words">What stands in that method about the refusal.</param>
public sealed record NamedTest(string Project, string Class, string Sentence, string Words)
{
    public void ShouldBeThere()
    {
        var root = typeof(NamedTest).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "RepositoryRoot").Value!;
        var file = Directory.EnumerateFiles(Path.Combine(root, "tests", Project), Class + ".cs", SearchOption.AllDirectories).ToList().ShouldHaveSingleItem(Class);
        var text = File.ReadAllText(file);
        var begins = text.IndexOf($" {Sentence}(", StringComparison.Ordinal);
        begins.ShouldBeGreaterThan(0, $"{Class}.{Sentence}");
        var ends = text.IndexOf("\n    }", begins, StringComparison.Ordinal);
        text[begins..ends].ShouldContain(Words, customMessage: $"{Class}.{Sentence}");
    }
}
