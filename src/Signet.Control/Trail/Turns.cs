namespace Signet.Control;

/// <summary>One at a time: <c>using var turn = await turns.TakeAsync(...)</c>.</summary>
internal sealed class Turns : IDisposable
{
    private readonly SemaphoreSlim _one = new(1);

    public async ValueTask<Turn> TakeAsync(CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken);
        return new(_one);
    }

    public void Dispose() => _one.Dispose();

    /// <summary>Dispose it once, to let the next one in.</summary>
    internal readonly struct Turn(SemaphoreSlim one) : IDisposable
    {
        public void Dispose() => one.Release();
    }
}
