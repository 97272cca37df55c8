using System.Globalization;
using System.Text.RegularExpressions;
using Signet.House.Tests.Program;
using Signet.House.Tests.Rules;

namespace Signet.House.Tests;

/// <summary>The README's tour, typed as it stands.</summary>
public sealed partial class ReadmeSpecs(RunningHouse house) : IClassFixture<RunningHouse>
{
    [Fact]
    public async Task Every_command_of_the_tour_does_what_the_README_says()
    {
        var folder = Path.Combine(Path.GetDirectoryName(house.Data)!, "tour");
        Directory.CreateDirectory(folder);
        File.Copy((string)house.Signet.Ready["rootCertificate"]!, Path.Combine(folder, "root.crt"));
        var typed = Tour().ToList();
        typed.Count.ShouldBeGreaterThan(10);
        foreach (var (command, comment) in typed)
        {
            var latest = (await house.RunAsync("command", "list", "--limit", "1", "--json")).Json["commands"]!.AsArray();
            var line = command.Replace("8883", house.MqttPort.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
                .Replace(" ID ", $" {(latest.Count > 0 ? (string)latest[0]!["id"]! : "none")} ", StringComparison.Ordinal);
            var ended = await Peer.RunAsync("bash", ["-c", $"cd '{folder}' && export SIGNET_DATA='{house.Data}' && signet() {{ dotnet '{SignetProcess.Dll}' \"$@\"; }} && {line}"], seconds: 60);
            ended.ExitCode.ShouldBe(comment.StartsWith("refused, exit 1", StringComparison.Ordinal) ? 1 : 0, $"{line}\n{ended.Output}{ended.Error}");
        }
    }

    /// <summary>The commands of the tour but the lab's, which has tests of its own; lines that end in a backslash go on.</summary>
    private static IEnumerable<(string Command, string Comment)> Tour()
    {
        var readme = File.ReadAllText(Repository.PathOf("README.md"));
        var tour = readme[readme.IndexOf("## A tour", StringComparison.Ordinal)..readme.IndexOf("## How it is safe", StringComparison.Ordinal)];
        foreach (Match block in Shell().Matches(tour))
        {
            foreach (var line in block.Groups[1].Value.Replace("\\\n", " ", StringComparison.Ordinal).Split('\n', StringSplitOptions.RemoveEmptyEntries))
            {
                var parts = line.Split(" # ", 2);
                if (!parts[0].StartsWith("signet lab", StringComparison.Ordinal))
                    yield return (parts[0].Trim(), parts.Length > 1 ? parts[1].Trim() : "");
            }
        }
    }

    [GeneratedRegex("```sh\n(.*?)```", RegexOptions.Singleline, 1000)]
    private static partial Regex Shell();
}
