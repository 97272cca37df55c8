using Signet.Cli.Shell;
using Signet.Pki;

namespace Signet.Cli.Verbs;

/// <summary>A table of devices: CSV (RFC 4180) whose first line names its columns. Every line is looked at before anything is done with the first.</summary>
internal static class DeviceTable
{
    private const int MaximumBytes = 16 << 20, MaximumRows = 100_000, ProblemsShown = 10;
    private static readonly string[] Columns = ["name", "kind", "title", "commands"];

    /// <exception cref="CliException">Names the first lines that are wrong, and how.</exception>
    public static IReadOnlyList<Row> Read(string path)
    {
        if (!File.Exists(path) || new FileInfo(path).Length > MaximumBytes)
            throw new CliException(ExitCode.WrongUsage, $"{path} is not there, or larger than {MaximumBytes >> 20} MiB.");
        var lines = File.ReadAllLines(path);
        var header = lines.Length > 0 ? Fields(lines[0])?.Select(field => field.Trim().ToLowerInvariant()).ToList() : null;
        if (header is null || !header.Contains("name") || header.Except(Columns, StringComparer.Ordinal).Any())
            throw new CliException(ExitCode.WrongUsage, $"{path}: the first line must name the columns: name, and of kind, title, commands what you need.");
        if (lines.Length - 1 > MaximumRows)
            throw new CliException(ExitCode.WrongUsage, $"{path} has more than {MaximumRows} devices.");

        var rows = new List<Row>();
        var problems = new List<string>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var number = 2; number <= lines.Length; number++)
        {
            if (lines[number - 1].Trim().Length == 0)
                continue;
            var fields = Fields(lines[number - 1]);
            if (fields is null || fields.Count != header.Count)
            {
                problems.Add($"line {number} has not {header.Count} fields");
                continue;
            }

            string Of(string column) => header.IndexOf(column) is var at and >= 0 ? fields[at].Trim() : "";
            var row = new Row(Of("name"), Of("kind") is { Length: > 0 } kind ? kind : "device", Of("title"), Of("commands").Split(' ', StringSplitOptions.RemoveEmptyEntries));
            if (!CertificateNames.IsDevice(row.Name))
                problems.Add($"line {number}: '{Printer.Inert(row.Name)}' is no name for a device");
            else if (!seen.Add(row.Name))
                problems.Add($"line {number}: {row.Name} is there twice");
            else
                rows.Add(row);
        }

        if (problems.Count > 0)
            throw new CliException(ExitCode.WrongUsage, $"{path}: {string.Join("; ", problems.Take(ProblemsShown))}{(problems.Count > ProblemsShown ? $"; {problems.Count - ProblemsShown} more" : "")}. Nothing was done.");
        return rows.Count > 0 ? rows : throw new CliException(ExitCode.WrongUsage, $"{path} names no device.");
    }

    // Null: a quote is not closed, or stands inside a bare field.
    private static List<string>? Fields(string line)
    {
        var (fields, field, quoted) = (new List<string>(), new System.Text.StringBuilder(), false);
        for (var i = 0; i < line.Length; i++)
        {
            var c = line[i];
            if (quoted && c == '"' && i + 1 < line.Length && line[i + 1] == '"')
                field.Append(line[++i]);
            else if (c == '"' && (quoted || field.Length == 0))
                quoted = !quoted;
            else if (c == '"')
                return null;
            else if (c == ',' && !quoted)
                (fields, field) = ([.. fields, field.ToString()], new System.Text.StringBuilder());
            else
                field.Append(c);
        }

        fields.Add(field.ToString());
        return quoted ? null : fields;
    }

    internal sealed record Row(string Name, string Kind, string Title, IReadOnlyList<string> Commands);
}
