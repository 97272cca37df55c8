namespace Signet.Mqtt.Broker.Storage;

/// <summary>
/// Where sessions, their messages and retained values outlive the process.
/// </summary>
public interface ISessionStore : IAsyncDisposable
{
    /// <summary>False: nothing is kept; the broker then does not call it.</summary>
    bool IsDurable { get; }
}
