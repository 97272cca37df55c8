using System.Collections.Concurrent;

namespace Signet.Control;

/// <summary>What was made of something, kept until that is another: a list put in order, its counts. Safe for any number of threads; of two who ask at once both may make it.</summary>
internal sealed class Kept<TOf, T>
{
    private volatile Made? _made;

    /// <param name="of">Compared with what the kept one was made of: numbers by value, lists by reference.</param>
    /// <param name="make">Of this alone.</param>
    public T Of(TOf of, Func<TOf, T> make)
    {
        if (_made is { } made && EqualityComparer<TOf>.Default.Equals(made.From, of)) return made.Value;
        var value = make(of);
        _made = new(of, value);
        return value;
    }

    private sealed class Made(TOf from, T value)
    {
        public TOf From { get; } = from;
        public T Value { get; } = value;
    }
}

/// <summary>The same for each team: those who are limited to the same groups of devices.</summary>
internal sealed class KeptPerScope<TOf, T>
{
    private const int Most = 32; // chosen: as many teams as look at once
    private readonly ConcurrentDictionary<string, Kept<TOf, T>> _teams = new(StringComparer.Ordinal);

    public T Of(IReadOnlyList<string> groups, TOf of, Func<TOf, T> make)
    {
        var team = string.Join(' ', groups);
        if (!_teams.TryGetValue(team, out var kept))
        {
            if (_teams.Count >= Most) _teams.Clear();
            kept = _teams.GetOrAdd(team, _ => new());
        }

        return kept.Of(of, make);
    }
}
