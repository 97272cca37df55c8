using System.Net;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Signet.Pki;

namespace Signet.Control;

/// <summary>The operator's side of the house: authority, embedded broker, fleet, commands, people and the audit log over one data directory.</summary>
public sealed class CommandCenter : IAsyncDisposable
{
    private CommandCenter(CenterOptions options) => Options = options;

    public CenterOptions Options { get; }
    public Installation Installation { get; } = null!;
    public CertificateAuthority Authority { get; } = null!;
    public CertificateJudge Judge { get; } = null!;
    public Certificates Certificates { get; } = null!;
    public Fleet Fleet { get; } = null!;
    public Commands Commands { get; } = null!;
    public Accounts Accounts { get; } = null!;
    public ApiTokens Tokens { get; } = null!;
    public LiveFeed Feed { get; } = null!;
    public BrokerView Broker { get; } = null!;

    /// <summary>Where the MQTT listener really listens.</summary>
    /// <exception cref="InvalidOperationException">Not started.</exception>
    public IPEndPoint MqttEndPoint { get; } = null!;

    /// <summary>Opens everything in the data directory; no port is open yet.</summary>
    /// <exception cref="ControlException">One clear line.</exception>
    public static Task<CommandCenter> OpenAsync(CenterOptions options, TimeProvider time, RandomNumberGenerator random, ILoggerFactory loggers, CancellationToken cancellationToken = default)
        => throw new NotSupportedException("lands next");

    /// <summary>Opens the MQTT listener and the center's own link. Ready for devices when it returns.</summary>
    /// <exception cref="ControlException">The port is taken ...</exception>
    public Task StartAsync(CancellationToken cancellationToken = default) => throw new NotSupportedException("lands next");

    public CenterStatus Status() => throw new NotSupportedException("lands next");

    /// <summary>Closes the listener, lets what was taken be finished and written, closes the log with a checkpoint. Within 10 s.</summary>
    public Task StopAsync(CancellationToken cancellationToken = default) => throw new NotSupportedException("lands next");

    public ValueTask DisposeAsync() => throw new NotSupportedException("lands next");
}
