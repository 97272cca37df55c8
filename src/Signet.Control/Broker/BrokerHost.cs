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
    private readonly CenterOptions _options;
    private readonly BrokerWatch _watch;
    private readonly ServerCertificates _certificates;
    private MqttListener? _password;

    private BrokerHost(MqttBroker broker, MqttListener listener, CenterOptions options, BrokerWatch watch, ServerCertificates certificates)
        => (Broker, _listener, _options, _watch, _certificates) = (broker, listener, options, watch, certificates);

    public MqttBroker Broker { get; }

    public IPEndPoint EndPoint => _listener.EndPoint;

    /// <summary>Where clients without certificates log in; null while that listener is closed.</summary>
    public IPEndPoint? PasswordEndPoint => _password?.EndPoint;

    /// <summary>Sessions, subscriptions, what waits for clients and retained messages are kept in <paramref name="directory"/>, and are there again after any end of the process.</summary>
    /// <exception cref="ControlException">The port is taken or may not be used.</exception>
    /// <exception cref="Signet.Store.StoreException">What is kept cannot be read.</exception>
    public static async Task<BrokerHost> StartAsync(CenterOptions options, string directory, BrokerPolicy policy, BrokerWatch watch, CertificateJudge judge, ServerCertificates certificates, TimeProvider time, ILoggerFactory loggers, CancellationToken cancellationToken)
    {
        var store = SqliteSessionStore.Open(Path.Combine(directory, StoreFile));
        var broker = await MqttBroker.OpenAsync(new() { Observer = watch, ReportAcknowledged = IsCommand, Store = store, SysInterval = ControlLimits.BrokerStatus }, policy, time, loggers.CreateLogger<MqttBroker>(), cancellationToken);
        try
        {
            return new(broker, Listen(broker, new()
            {
                EndPoint = new IPEndPoint(options.Listen, options.MqttPort),
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
                ValidateClientCertificate = (leaf, sent) => watch.Judged(judge.Judge(leaf, sent, CertificatePurpose.TlsClient), leaf, "mqtts"),
                OnRefused = watch.HandshakeRefused,
            }, options, "--port-mqtt"), options, watch, certificates);
        }
        catch
        {
            await broker.DisposeAsync();
            throw;
        }
    }

    /// <summary>Opens the listener for user name, one-time code and password: TLS, no client certificate. Does nothing when it is open.</summary>
    /// <exception cref="ControlException">The port is taken or may not be used.</exception>
    public void OpenPasswordListener() => _password ??= Listen(Broker, new()
    {
        EndPoint = new IPEndPoint(_options.Listen, _options.MqttPasswordPort),
        Name = BrokerPolicy.PasswordListener,
        Tls = () => new SslServerAuthenticationOptions
        {
            ServerCertificateContext = _certificates.Broker,
            EnabledSslProtocols = _options.AllowTls12ForPasswords ? SslProtocols.Tls12 | SslProtocols.Tls13 : SslProtocols.Tls13,
            CipherSuitesPolicy = _options.AllowTls12ForPasswords && !OperatingSystem.IsWindows() ? Ciphers : null,
            AllowTlsResume = false,
            AllowRenegotiation = false,
        },
        OnRefused = _watch.HandshakeRefused,
    }, _options, "--port-mqtt-password");

    // RFC 9325, section 4.2: with TLS 1.2 only ephemeral key exchange and authenticated encryption.
#pragma warning disable CA1416 // asked for on Linux and macOS only
    private static CipherSuitesPolicy Ciphers => new(
    [
        TlsCipherSuite.TLS_AES_256_GCM_SHA384, TlsCipherSuite.TLS_AES_128_GCM_SHA256, TlsCipherSuite.TLS_CHACHA20_POLY1305_SHA256,
        TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    ]);
#pragma warning restore CA1416

    /// <summary>Listens under the limits that hold for every MQTT port.</summary>
    private static MqttListener Listen(MqttBroker broker, ListenerOptions listener, CenterOptions options, string flag)
    {
        var endPoint = listener.EndPoint;
        try
        {
            return MqttListener.Start(broker, listener with
            {
                ProxiesFrom = options.Proxies, ConnectionsPerSecond = options.MqttConnectionsPerSecond,
                MaximumHalfOpen = options.MqttHalfOpen, MaximumHalfOpenPerAddress = options.MqttHalfOpenPerAddress,
            });
        }
        catch (SocketException e)
        {
            throw new ControlException(e.SocketErrorCode switch
            {
                SocketError.AddressAlreadyInUse => $"port {endPoint.Port} on {endPoint.Address} is taken by another program; stop it or choose another with {flag} (0 picks a free one)",
                SocketError.AccessDenied => $"port {endPoint.Port} may not be used by this user; choose one above 1023 with {flag}",
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
        if (_password is not null) await _password.DisposeAsync();
        await Broker.DisposeAsync();
    }
}
