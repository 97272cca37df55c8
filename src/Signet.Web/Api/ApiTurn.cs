namespace Signet.Web.Api;

/// <summary>One after another: between the look at what is there and the change of it nobody else changes it over the API. For the life of the program.</summary>
internal sealed class ApiTurn : IDisposable
{
    private readonly SemaphoreSlim one = new(1);

    public async Task<IDisposable> TakeAsync(CancellationToken stop)
    {
        await one.WaitAsync(stop);
        return new Held(one);
    }

    public void Dispose() => one.Dispose();

    private sealed class Held(SemaphoreSlim one) : IDisposable
    {
        public void Dispose() => one.Release();
    }
}
