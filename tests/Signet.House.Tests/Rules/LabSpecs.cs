using System.Reflection;
using System.Text.RegularExpressions;

namespace Signet.House.Tests.Rules;

/// <summary>The lab takes houses apart. Nothing of that may be reachable from the program that people run: it is composed in lab code, and in lab code alone.</summary>
public sealed class LabSpecs
{
    [Fact]
    public void Only_the_verb_of_the_lab_opens_the_labs_door()
    {
        // Shell/Verb.cs knows the lab's exception, to print its one line.
        Using("Signet.Cli").ShouldBe(["Shell/Verb.cs", "Verbs/LabVerb.cs"]);
        foreach (var room in Directory.EnumerateDirectories(Repository.PathOf("src")).Select(d => Path.GetFileName(d)!).Except(["Signet.Cli", "Signet.Lab"], StringComparer.Ordinal))
            Using(room).ShouldBeEmpty(room);
        var verb = File.ReadAllText(Repository.PathOf("src", "Signet.Cli", "Verbs", "LabVerb.cs"));
        foreach (var part in new[] { "OpenHouse", "OpenPolicy", "ConsoleParts", "Bench", "WholeDevice", "LenientFront" }) verb.ShouldNotContain(part);

        static List<string> Using(string room) => [.. Directory.EnumerateFiles(Repository.PathOf("src", room), "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal) && Regex.IsMatch(File.ReadAllText(file), @"\bSignet\.Lab\b(?!\.csproj)", RegexOptions.None, TimeSpan.FromSeconds(1)))
            .Where(file => !File.ReadAllLines(file).Where(line => line.Contains("Signet.Lab", StringComparison.Ordinal)).All(line => line.TrimStart().StartsWith("//", StringComparison.Ordinal)))
            .Select(file => Path.GetRelativePath(Repository.PathOf("src", room), file)).Order(StringComparer.Ordinal)];
    }

    [Fact]
    public void The_console_takes_other_parts_from_the_lab_alone()
    {
        var console = typeof(Web.WebConsole);
        var taking = console.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic).Where(method => method.Name == "StartAsync" && method.GetParameters().Any(p => p.Name == "instead")).ToList();
        taking.ShouldHaveSingleItem().IsAssembly.ShouldBeTrue("internal: neither public nor protected");
        console.Assembly.GetCustomAttributes<System.Runtime.CompilerServices.InternalsVisibleToAttribute>().Select(friend => friend.AssemblyName).ShouldBe(["Signet.Lab"]);
        // The program itself is no friend of the console, so that `up` cannot even name the overload.
        typeof(Lab.LabRun).Assembly.GetCustomAttributes<System.Runtime.CompilerServices.InternalsVisibleToAttribute>().Select(friend => friend.AssemblyName).ShouldBe(["Signet.Lab.Tests"]);
    }

    [Fact]
    public void Nothing_a_caller_of_the_lab_can_say_leaves_a_control_out()
    {
        typeof(Lab.LabOptions).GetProperties().Select(property => property.Name).Order(StringComparer.Ordinal).ShouldBe(["KeepIn", "LatencySamples", "Only", "OutDirectory", "Progress", "Seed", "Soak"]);
        foreach (var file in Directory.EnumerateFiles(Repository.PathOf("src", "Signet.Lab"), "*.cs", SearchOption.AllDirectories))
            File.ReadAllText(file).Replace("GetEnvironmentVariable(\"PATH\")", "", StringComparison.Ordinal).ShouldNotContain("GetEnvironmentVariable", Case.Sensitive, file);
    }
}
