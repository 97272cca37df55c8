using System.Collections.Concurrent;

namespace Signet.Lab;

/// <summary>All logs of a run, one for each actor, made when first asked for.</summary>
public sealed class LabLogs : IDisposable
{
    private readonly ConcurrentDictionary<string, LabLog> _logs = new(StringComparer.Ordinal);
    private readonly Func<string, LabLog> _make;

    /// <param name="directory">For <c>NAME.ndjson</c>; null keeps them in memory only.</param>
    public LabLogs(string? directory, TimeProvider time) => _make = name => directory is null ? LabLog.InMemory(name, time) : LabLog.InDirectory(directory, name, time);

    public LabLog this[string actor] => _logs.GetOrAdd(actor, _make);

    public IEnumerable<LabLog> All => _logs.Values;

    /// <summary>One line for each log that could not be written to its end.</summary>
    public IReadOnlyList<string> Troubles => [.. _logs.Values.Select(l => l.Trouble).OfType<string>().Order(StringComparer.Ordinal)];

    public void Dispose()
    {
        foreach (var log in _logs.Values) log.Dispose();
    }
}
