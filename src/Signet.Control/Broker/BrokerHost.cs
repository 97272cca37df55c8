using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using Signet.Mqtt.Broker;
using Signet.Mqtt.Broker.Storage;
using Signet.Pki;

namespace Signet.Control;

/// <summary>The embedded broker on its port: TLS 1.3, client certificate required, judged by our own in-memory state.</summary>
internal sealed class BrokerHost : IAsyncDisposable
{
    /// <summary>SQLite; see <c>Signet.Mqtt.Broker.Storage</c>.</summary>
    public const string StoreFile = "sessions.db";

    private readonly MqttListener _listener;

    private BrokerHost(MqttBroker broker, MqttListener listener) => (Broker, _listener) = (broker, listener);

    public MqttBroker Broker { get; }

    public IPEndPoint EndPoint => _listener.EndPoint;

    /// <summary>Sessions, subscriptions, what waits for clients and retained messages are kept in <paramref name="directory"/>, and are there again after any end of the process.</summary>
    /// <exception cref="ControlException">The port is taken or may not be used.</exception>
    /// <exception cref="Signet.Store.StoreException">What is kept cannot be read.</exception>
    public static async Task<BrokerHost> StartAsync(CenterOptions options, string directory, BrokerPolicy policy, BrokerWatch watch, CertificateJudge judge, ServerCertificates certificates, TimeProvider time, ILoggerFactory loggers, CancellationToken cancellationToken)
    {
        var store = SqliteSessionStore.Open(Path.Combine(directory, StoreFile));
        var broker = await MqttBroker.OpenAsync(new() { Observer = watch, ReportAcknowledged = IsCommand, Store = store }, policy, time, loggers.CreateLogger<MqttBroker>(), cancellationToken);
        var endPoint = new IPEndPoint(options.Listen, options.MqttPort);
        try
        {
            return new(broker, MqttListener.Start(broker, new()
            {
                EndPoint = endPoint,
                Name = "mqtts",
                Tls = () => new SslServerAuthenticationOptions
                {
                    ServerCertificateContext = certificates.Broker,
                    ClientCertificateRequired = true,
                    EnabledSslProtocols = SslProtocols.Tls13,
                    CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
                    AllowTlsResume = false,
                    AllowRenegotiation = false,
                },
                ValidateClientCertificate = (leaf, sent) => BrokerWatch.WhyNot(judge.Judge(leaf, sent, CertificatePurpose.TlsClient), leaf),
                OnRefused = watch.HandshakeRefused,
            }));
        }
        catch (SocketException e)
        {
            await broker.DisposeAsync();
            throw new ControlException(e.SocketErrorCode switch
            {
                SocketError.AddressAlreadyInUse => $"port {endPoint.Port} on {endPoint.Address} is taken by another program; stop it or choose another with --port-mqtt (0 picks a free one)",
                SocketError.AccessDenied => $"port {endPoint.Port} may not be used by this user; choose one above 1023 with --port-mqtt",
                SocketError.AddressNotAvailable => $"{endPoint.Address} is no address of this machine",
                _ => $"cannot listen on {endPoint}: {e.Message}",
            }, e);
        }
    }

    private static bool IsCommand(string topic) => topic.StartsWith("signet/", StringComparison.Ordinal) && topic.EndsWith("/command", StringComparison.Ordinal);

    /// <summary>No new connections; the open ones are told that the server is shutting down.</summary>
    public async ValueTask DisposeAsync()
    {
        await _listener.DisposeAsync();
        await Broker.DisposeAsync();
    }
}
