namespace Signet.Web.SignIn;

/// <summary>One attempt at an account at a time, from the look at its wait to the count of its failure: a hundred guesses that are sent at once are not all let through before the first has failed.
/// A browser that has signed in before waits for its own attempts alone, as it is held back for its own alone. Names share some turns, which costs a wait and nothing else.</summary>
internal sealed class AttemptTurns : IDisposable
{
    private readonly SemaphoreSlim[] turns = [.. Enumerable.Range(0, 64).Select(_ => new SemaphoreSlim(1))];

    /// <param name="tally">What <see cref="LoginThrottle"/> counts under.</param>
    /// <param name="knownBrowser">Mark of a browser that the account signed in with; null for a stranger.</param>
    public async Task<IDisposable> TakeAsync(string tally, string? knownBrowser, CancellationToken cancellationToken)
    {
        var turn = turns[(uint)HashCode.Combine(string.GetHashCode(tally, StringComparison.OrdinalIgnoreCase), knownBrowser) % turns.Length];
        await turn.WaitAsync(cancellationToken);
        return new Turn(turn);
    }

    public void Dispose()
    {
        foreach (var turn in turns) turn.Dispose();
    }

    private sealed class Turn(SemaphoreSlim taken) : IDisposable
    {
        public void Dispose() => taken.Release();
    }
}
