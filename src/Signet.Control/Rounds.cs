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

    /// <summary>Work that ends by itself or with the center. When it fails it is begun again.</summary>
    public void Run(string name, Func<CancellationToken, Task> work) => _running.Add(Task.Run(async () =>
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await work(_stop.Token);
                return;
            }
            catch (Exception e) when (!_stop.IsCancellationRequested)
            {
                Log.RoundFailed(logger, name, e.Message);
                await Task.Delay(ControlLimits.AuditRetry, time, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }));

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }
}
