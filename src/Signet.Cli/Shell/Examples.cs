using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace Signet.Cli.Shell;

/// <summary>Examples under every <c>--help</c>.</summary>
internal static partial class Examples
{
    private static readonly Dictionary<Command, string[]> Known = [];

    public static Command WithExamples(this Command command, params string[] lines)
    {
        Known[command] = lines;
        return command;
    }

    public static IReadOnlyList<string> Of(Command command) => Known.GetValueOrDefault(command) ?? Table.GetValueOrDefault(Words(command)) ?? [];

    /// <summary>Rows of the table for commands that there are not.</summary>
    public static IEnumerable<string> Strangers(IEnumerable<string> commands) => Table.Keys.Except(commands, StringComparer.Ordinal);

    // "device maker add"; the program's own name is not among them.
    private static string Words(Command command)
        => command.Parents.OfType<Command>().FirstOrDefault() is not { } above ? "" : Words(above) is { Length: > 0 } words ? words + " " + command.Name : command.Name;

    /// <summary>Lets the help of all commands end with their examples.</summary>
    public static void AddTo(RootCommand root)
    {
        var help = root.Options.OfType<HelpOption>().Single();
        help.Action = new HelpWithExamples((HelpAction)help.Action!);
    }

    private sealed class HelpWithExamples(HelpAction usual) : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            var code = usual.Invoke(parseResult);
            var lines = Of(parseResult.CommandResult.Command);
            if (lines.Count == 0) return code;
            var output = parseResult.InvocationConfiguration.Output;
            output.WriteLine("Examples:");
            foreach (var line in lines) output.WriteLine("  " + line);
            output.WriteLine();
            return code;
        }
    }
}
