using Microsoft.Extensions.Logging;

namespace Signet.Control;

/// <summary>Work that is done again and again until the center stops. A round that fails is logged and the next one comes.</summary>
internal sealed class Rounds(TimeProvider time, ILogger logger) : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task> _running = [];

    public CancellationToken Stopping => _stop.Token;

    public void Every(TimeSpan interval, string name, Func<CancellationToken, Task> work) => _running.Add(Task.Run(async () =>
    {
        using var timer = new PeriodicTimer(interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token))
            {
                try
                {
                    await work(_stop.Token);
                }
                catch (Exception e) when (e is not OperationCanceledException)
                {
                    Log.RoundFailed(logger, name, e.Message);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped.
        }
    }));

    public void Run(Func<CancellationToken, Task> work) => _running.Add(Task.Run(() => work(_stop.Token)));

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }
}
