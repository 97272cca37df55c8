using Microsoft.Extensions.Logging;

namespace Signet.Agent;

/// <summary>
/// What thousands of devices say at once: the first line of a kind as it is, alike ones of the next ten seconds as a number when another comes or all is over. A kind is a message's event, and the word that says why where there is one.
/// Safe for concurrent use.
/// </summary>
internal sealed class FoldingLogger(ILogger inner, TimeProvider time) : ILogger, IDisposable
{
    /// <summary>Chosen: one can read a line of each kind in that time.</summary>
    public static readonly TimeSpan Window = TimeSpan.FromSeconds(10);
    private readonly Lock _one = new();
    private readonly Dictionary<(int Event, string? Why), Kind> _kinds = [];

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => inner.IsEnabled(logLevel);

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (!IsEnabled(logLevel)) return;
        lock (_one)
        {
            var key = (eventId.Id, WhyOf(state));
            if (!_kinds.TryGetValue(key, out var kind)) _kinds[key] = kind = new();
            if (kind.Began is { } began && time.GetElapsedTime(began) < Window)
            {
                (kind.Folded, kind.Last) = (kind.Folded + 1, formatter(state, exception));
                return;
            }
            Tell(kind);
            kind.Began = time.GetTimestamp();
            inner.Log(logLevel, eventId, state, exception, formatter);
        }
    }

    /// <summary>Says what was only counted.</summary>
    public void Dispose()
    {
        lock (_one)
            foreach (var kind in _kinds.Values)
                Tell(kind);
    }

    private void Tell(Kind kind)
    {
        if (kind is { Folded: > 0, Last: { } last }) Agent.Log.Folded(inner, kind.Folded, last);
        (kind.Folded, kind.Last) = (0, null);
    }

    private static string? WhyOf<TState>(TState state)
        => state is IReadOnlyList<KeyValuePair<string, object?>> values ? values.FirstOrDefault(value => value.Key == "Reason").Value as string : null;

    private sealed class Kind
    {
        public long? Began { get; set; }
        public int Folded { get; set; }
        public string? Last { get; set; }
    }
}
