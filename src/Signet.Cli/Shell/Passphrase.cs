using System.CommandLine;
using System.Text;
using Signet.Pki;

namespace Signet.Cli.Shell;

/// <summary>A passphrase from a file (0600) or stdin, never from the command line, which every process may read; asked for twice on a terminal.</summary>
internal sealed class Passphrase
{
    private readonly Option<string?> _file = new("--passphrase-file") { Description = "File (0600) whose first line is the passphrase", HelpName = "FILE" };
    private readonly Option<bool> _stdin = new("--passphrase-stdin") { Description = "Read the passphrase from the first line of stdin" };

    public IEnumerable<Symbol> Symbols => [_file, _stdin];

    /// <exception cref="CliException">Neither was given and there is no terminal, or the file is readable by others.</exception>
    public string Read(ParseResult parsed, bool isNew)
    {
        if (parsed.GetValue(_file) is { } file)
        {
            if (!File.Exists(file)) throw new CliException(ExitCode.WrongUsage, $"There is no passphrase file {file}.");
            KeyFile.RequirePrivate(file);
            return File.ReadLines(file).FirstOrDefault() ?? "";
        }
        if (parsed.GetValue(_stdin)) return Console.In.ReadLine() ?? "";
        if (Console.IsInputRedirected) throw new CliException(ExitCode.WrongUsage, "A backup is sealed with a passphrase. Give it with --passphrase-file FILE or --passphrase-stdin.");
        var first = Ask("passphrase: ");
        if (isNew && Ask("again: ") != first) throw new CliException(ExitCode.WrongUsage, "The two passphrases differ.");
        return first;
    }

    private static string Ask(string prompt)
    {
        Console.Error.Write(prompt);
        var text = new StringBuilder();
        for (var key = Console.ReadKey(intercept: true); key.Key != ConsoleKey.Enter; key = Console.ReadKey(intercept: true))
            if (key.Key == ConsoleKey.Backspace) text.Length = Math.Max(0, text.Length - 1);
            else if (!char.IsControl(key.KeyChar)) text.Append(key.KeyChar);
        Console.Error.WriteLine();
        return text.ToString();
    }
}
