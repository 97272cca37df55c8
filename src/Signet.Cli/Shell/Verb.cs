using System.CommandLine;
using System.CommandLine.Parsing;
using Signet.Audit;
using Signet.Control;
using Signet.Lab;
using Signet.Pki;
using Signet.Store;
using Signet.Web;

namespace Signet.Cli.Shell;

/// <summary>Runs commands: parse, act, and turn whatever went wrong into one line and an exit code.</summary>
internal static class Verb
{
    // `up` promises to end within 10 s of Ctrl-C; its own parts take less.
    private static readonly TimeSpan TerminationPatience = TimeSpan.FromSeconds(9);

    /// <summary>Makes a command that does <paramref name="act"/>.</summary>
    public static Command Make(string name, string description, IEnumerable<Symbol> symbols, Func<ParseResult, Printer, CancellationToken, Task<ExitCode>> act)
    {
        var command = new Command(name, description);
        foreach (var symbol in symbols)
        {
            if (symbol is Option option)
                command.Options.Add(option);
            else
                command.Arguments.Add((Argument)symbol);
        }

        command.SetAction(async (parsed, cancellation) => (int)await GuardedAsync(parsed, act, cancellation));
        return command;
    }

    /// <summary>Makes a noun that only holds verbs.</summary>
    public static Command Noun(string name, string description, params Command[] verbs)
    {
        var noun = new Command(name, description);
        foreach (var verb in verbs)
            noun.Subcommands.Add(verb);
        return noun;
    }

    public static async Task<int> RunAsync(RootCommand root, string[] arguments)
    {
        var parsed = root.Parse(arguments);
        if (parsed.Errors.Count > 0 && !arguments.Any(argument => argument is "--help" or "-h" or "-?" or "--version"))
        {
            await Console.Error.WriteLineAsync($"signet: {Printer.Inert(parsed.Errors[0].Message)} See `{CommandLine(parsed.CommandResult)} --help`.");
            return (int)ExitCode.WrongUsage;
        }

        // The parser takes a switch that was left out as given and false, so "required" has to be asked here: an act that cannot be undone is never one slip away.
        if (parsed.Action is not System.CommandLine.Help.HelpAction && !arguments.Any(argument => argument is "--help" or "-h" or "-?" or "--version")
            && parsed.CommandResult.Command.Options.OfType<Option<bool>>().FirstOrDefault(option => option.Required && !parsed.GetValue(option)) is { } missing)
        {
            await Console.Error.WriteLineAsync($"signet: this needs {missing.Name}: {missing.Description}. See `{CommandLine(parsed.CommandResult)} --help`.");
            return (int)ExitCode.WrongUsage;
        }

        return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = TerminationPatience });
    }

    private static async Task<ExitCode> GuardedAsync(ParseResult parsed, Func<ParseResult, Printer, CancellationToken, Task<ExitCode>> act, CancellationToken cancellation)
    {
        var printer = new Printer(parsed.GetValue(GlobalOptions.Json), Console.Out, Console.Error);
        try
        {
            return await act(parsed, printer, cancellation);
        }
        catch (CliException refusal)
        {
            printer.Fail(refusal.Message);
            return refusal.Exit;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            printer.Fail("stopped");
            return ExitCode.Refused;
        }
        catch (Exception problem) when (IsTold(problem))
        {
            printer.Fail(problem.Message);
            return ExitCode.Refused;
        }
    }

    /// <summary>Failures whose message was written for the person at the terminal. Anything else is a bug and shows its trace.</summary>
    private static bool IsTold(Exception problem) =>
        problem is LabException or PkiException or StoreException or ControlException or WebConsoleException or AuditUnavailableException or IOException or UnauthorizedAccessException;

    private static string CommandLine(CommandResult result)
    {
        var names = new List<string>();
        for (SymbolResult? at = result; at is CommandResult command; at = at.Parent)
            names.Insert(0, command.Command is RootCommand ? "signet" : command.Command.Name);
        return string.Join(' ', names);
    }
}
