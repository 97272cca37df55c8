namespace Signet.Mqtt.Broker.Storage;

/// <summary>Keeps nothing beyond the process: sessions and retained messages live in the broker's memory alone.</summary>
public sealed class MemorySessionStore : ISessionStore
{
    public bool IsDurable => false;

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
