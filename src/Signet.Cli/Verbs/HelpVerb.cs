using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text.Json.Nodes;
using Signet.Cli.Shell;

namespace Signet.Cli.Verbs;

/// <summary><c>signet help</c>: every command on one page, each with an example.</summary>
internal static class HelpVerb
{
    public static Command Build(RootCommand root)
    {
        var check = new Option<bool>("--check") { Description = "Try every example with the parser; exit 1 when a command has none or one does not fit", Hidden = true };
        return Verb.Make("help", "Every command on one page, each with an example", [check], (parsed, printer, _) =>
        {
            var all = All(root, []).ToList();
            if (parsed.GetValue(check))
            {
                var faults = all.SelectMany(one => Faults(root, one.Words, Examples.Of(one.Command))).Concat(Examples.Strangers(all.Select(one => one.Words)).Select(words => $"{words}: examples of no command")).ToList();
                foreach (var fault in faults) printer.Output.WriteLine(fault);
                return Task.FromResult(faults.Count == 0 ? ExitCode.Done : ExitCode.Refused);
            }
            if (printer.Json)
                printer.Object(new JsonObject
                {
                    ["commands"] = new JsonArray([.. all.Select(one => (JsonNode)new JsonObject
                    {
                        ["command"] = one.Words, ["summary"] = one.Command.Description, ["examples"] = new JsonArray([.. Examples.Of(one.Command).Select(line => (JsonNode)line)]),
                    })]),
                });
            else printer.Table(["command", "what it does", "example"], all.Where(one => one.Command.Subcommands.Count == 0).Select(one => new[] { one.Words, one.Command.Description ?? "", Examples.Of(one.Command) is [var first, ..] ? first : "" }));
            return Task.FromResult(ExitCode.Done);
        });
    }

    private static IEnumerable<(string Words, Command Command)> All(Command command, string[] above)
    {
        yield return (string.Join(' ', above), command);
        foreach (var below in command.Subcommands.Where(one => !one.Hidden).OrderBy(one => one.Name, StringComparer.Ordinal).SelectMany(one => All(one, [.. above, one.Name]))) yield return below;
    }

    private static IEnumerable<string> Faults(RootCommand root, string words, IReadOnlyList<string> lines)
    {
        if (lines.Count == 0) yield return $"{words}: no example";
        foreach (var line in lines)
        {
            // What stands before and behind is the shell's.
            var start = line.IndexOf("signet ", StringComparison.Ordinal);
            if (start < 0)
            {
                yield return $"{words}: {line}: no signet in it";
                continue;
            }
            var ours = line[start..].Split([" | ", " > ", " < "], 2, StringSplitOptions.None)[0].TrimEnd(')');
            if (root.Parse(CommandLineParser.SplitCommandLine(ours.Replace('\'', '"')).Skip(1).ToArray()).Errors is [var error, ..]) yield return $"{words}: {line}: {error.Message}";
        }
    }
}
