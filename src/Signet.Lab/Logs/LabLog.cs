using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Signet.Lab;

/// <summary>
/// One actor's log in the paper's form: a JSON object a line with <c>timestamp, level, logger, message</c> and, where there is more to say, <c>extra_data</c>.
/// The file is <c>NAME.ndjson</c>. Lines are kept in memory too, as far as <see cref="LabLimits.LogLinesKept"/>, because measurements and tests read them. Safe for concurrent use.
/// </summary>
public sealed class LabLog : IDisposable
{
    private static readonly JsonSerializerOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private readonly StreamWriter? _file;
    private readonly TimeProvider _time;
    private readonly Lock _one = new();
    private readonly Queue<LogLine> _lines = new();

    private LabLog(string name, StreamWriter? file, TimeProvider time) => (Name, _file, _time) = (name, file, time);

    public string Name { get; }

    /// <summary>Appends to <c>NAME.ndjson</c> in the directory.</summary>
    public static LabLog InDirectory(string directory, string name, TimeProvider time)
    {
        try
        {
            Directory.CreateDirectory(directory);
            return new(name, new StreamWriter(Path.Combine(directory, name + ".ndjson"), append: true) { AutoFlush = true }, time);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new(name, null, time) { Trouble = $"the log of {name} could not be written to its end: {e.Message}" };
        }
    }

    /// <summary>Keeps lines in memory only.</summary>
    public static LabLog InMemory(string name, TimeProvider time) => new(name, null, time);

    public IReadOnlyList<LogLine> Lines
    {
        get
        {
            lock (_one) return [.. _lines];
        }
    }

    public void Info(string message, JsonObject? data = null) => Write("INFO", message, data);

    public void Warning(string message, JsonObject? data = null) => Write("WARNING", message, data);

    public void Error(string message, JsonObject? data = null) => Write("ERROR", message, data);

    private void Write(string level, string message, JsonObject? data)
    {
        var line = new JsonObject
        {
            ["timestamp"] = _time.GetUtcNow().UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.ffffffZ", CultureInfo.InvariantCulture),
            ["level"] = level,
            ["logger"] = Name,
            ["message"] = message,
        };
        if (data is not null) line["extra_data"] = data;
        lock (_one)
        {
            if (_lines.Count == LabLimits.LogLinesKept) _lines.Dequeue();
            _lines.Enqueue(new(level, message, data));
            if (Trouble is null) WriteToFile(line);
        }
    }

    /// <summary>Why the file ends before the actor does; null while it is whole.</summary>
    public string? Trouble { get; private set; }

    // A full disk must stop neither house nor attack: what is missing in the file is said at the end.
    private void WriteToFile(JsonObject line)
    {
        try
        {
            _file?.WriteLine(line.ToJsonString(Compact));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Trouble = $"the log of {Name} could not be written to its end: {e.Message}";
        }
    }

    public void Dispose()
    {
        try
        {
            _file?.Dispose();
        }
        catch (IOException e)
        {
            Trouble ??= $"the log of {Name} could not be written to its end: {e.Message}";
        }
    }
}

/// <summary>One line of a <see cref="LabLog"/>.</summary>
public sealed record LogLine(string Level, string Message, JsonObject? Data);
