using System.Text.Json;
using System.Text.Json.Nodes;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Signet.Cli.Shell;

/// <summary>
/// What a command says: text and tables for people, or JSON for scripts. Results go to stdout, everything else to stderr.
/// Colours appear only on a terminal and never when NO_COLOR is set.
/// </summary>
internal sealed class Printer
{
    private static readonly JsonSerializerOptions OneLine = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private readonly IAnsiConsole _console;

    public Printer(bool json, TextWriter output, TextWriter error)
    {
        Json = json;
        Output = output;
        Error = error;
        var terminal = ReferenceEquals(output, Console.Out) && !Console.IsOutputRedirected && Environment.GetEnvironmentVariable("NO_COLOR") is null;
        _console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(output),
            Ansi = terminal ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = terminal ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = terminal ? InteractionSupport.Detect : InteractionSupport.No,
        });
        if (!terminal)
            _console.Profile.Width = 160; // a pipe has no width; wide enough that rows stay on one line
    }

    /// <summary>Whether the reader is a script.</summary>
    public bool Json { get; }

    public TextWriter Output { get; }

    public TextWriter Error { get; }

    /// <summary>Prints one JSON object on one line.</summary>
    public void Object(JsonNode value)
    {
        Output.WriteLine(value.ToJsonString(OneLine));
        Output.Flush();
    }

    /// <summary>Prints a line for people; nothing in JSON mode.</summary>
    public void Line(string text = "")
    {
        if (!Json)
            Output.WriteLine(text);
    }

    /// <summary>Prints a line with Spectre markup for people; text from elsewhere must pass <see cref="Markup.Escape"/> first.</summary>
    public void Markup(string markup)
    {
        if (!Json)
            _console.MarkupLine(markup);
    }

    /// <summary>Prints rows under headings for people. Cells are taken literally and made inert: control characters cannot reach the terminal.</summary>
    public void Table(IReadOnlyList<string> headings, IEnumerable<IReadOnlyList<string>> rows)
    {
        if (Json)
            return;
        var table = new Table { Border = TableBorder.Simple, UseSafeBorder = true };
        foreach (var heading in headings)
            table.AddColumn(new TableColumn(new Text(heading, new Style(decoration: Decoration.Bold))).NoWrap());
        foreach (var row in rows)
            table.AddRow(row.Select(cell => (IRenderable)new Text(Inert(cell))).ToArray());
        _console.Write(table);
    }

    /// <summary>Prints name and value pairs, aligned.</summary>
    public void Facts(params (string Name, string Value)[] facts)
    {
        var width = facts.Max(fact => fact.Name.Length);
        foreach (var (name, value) in facts)
            Line($"  {name.PadRight(width)}  {Inert(value)}");
    }

    /// <summary>One clear line on stderr.</summary>
    public void Fail(string message) => Error.WriteLine($"signet: {Inert(message)}");

    /// <summary>Replaces control characters, so that a name or payload from elsewhere cannot steer the terminal.</summary>
    public static string Inert(string text) =>
        text.Any(char.IsControl) ? string.Concat(text.Select(c => char.IsControl(c) ? '\u00b7' : c)) : text;
}
