namespace Signet.Mqtt.Broker.Storage;

/// <summary>Keeps nothing beyond the process: sessions and retained messages live in the broker's memory alone.</summary>
public sealed class MemorySessionStore : ISessionStore
{
    public bool IsDurable => false;

    public Task<StoredState> LoadAsync(CancellationToken cancellationToken) => Task.FromResult(StoredState.Empty);

    public void BeginGroup() { }

    public void EndGroup() { }

    public void Append(StoreChange change) { }

    public ValueTask CommitAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
