using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Signet.Mqtt.Broker.Transport;

namespace Signet.Mqtt.Broker;

/// <summary>
/// Accepts TCP connections, does PROXY protocol and TLS, and hands them to the broker. Built on Socket and SslStream, which cost less per handshake
/// and have a shorter tail than Kestrel's connections here (docs/performance.md); Kestrel carries MQTT over WebSocket instead.
/// </summary>
public sealed class MqttListener : IAsyncDisposable
{
    private readonly Socket socket;
    private readonly MqttBroker broker;
    private readonly ListenerOptions options;
    private readonly ILogger logger;
    private readonly CancellationTokenSource stopping = new();
    private readonly Admission admission;
    private readonly TlsTerms? tls;
    private readonly OpenCount open = new();
    private Task accepting = Task.CompletedTask;
    private int disposed;

    private MqttListener(Socket socket, MqttBroker broker, ListenerOptions options, ILogger? logger)
    {
        this.socket = socket;
        this.broker = broker;
        this.options = options;
        this.logger = logger ?? NullLogger.Instance;
        admission = new Admission(options, broker.Time);
        tls = options.Tls is null ? null : new TlsTerms(options.Tls, options.ValidateClientCertificate);
        EndPoint = (IPEndPoint)socket.LocalEndPoint!;
    }

    /// <summary>Where it listens, with the port that was taken.</summary>
    public IPEndPoint EndPoint { get; }

    /// <summary>Listens at once; throws <see cref="SocketException"/> when the port is taken.</summary>
    public static MqttListener Start(MqttBroker broker, ListenerOptions options, ILogger? logger = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        var listening = new Socket(options.EndPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (options.EndPoint.AddressFamily == AddressFamily.InterNetworkV6) listening.DualMode = options.EndPoint.Address.Equals(IPAddress.IPv6Any);
            listening.Bind(options.EndPoint);
            listening.Listen(options.Backlog);
        }
        catch
        {
            listening.Dispose();
            throw;
        }

        return Start(broker, options, listening, logger);
    }

    /// <summary>Serves a socket that is bound and listening already (socket activation); the listener owns it from now on.</summary>
    public static MqttListener Start(MqttBroker broker, ListenerOptions options, Socket listening, ILogger? logger = null)
    {
        ArgumentNullException.ThrowIfNull(broker);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(listening);
        var listener = new MqttListener(listening, broker, options, logger);
        Log.Listening(listener.logger, options.Name, listener.EndPoint, options.Tls is not null);
        listener.accepting = Task.Run(listener.AcceptAllAsync);
        return listener;
    }

    /// <summary>Stops accepting and closes this listener's connections.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref disposed, 1) != 0) return;
        await stopping.CancelAsync();
        socket.Dispose();
        await accepting;
        await open.WhenNone();
        stopping.Dispose();
    }

    private async Task AcceptAllAsync()
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                var accepted = await socket.AcceptAsync(stopping.Token);
                open.Add();
                _ = ServeAsync(accepted);
            }
            catch (Exception) when (stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // Out of descriptors or memory: accepting again at once would spin.
                Log.AcceptFailed(logger, e, options.Name);
                await Task.Delay(TimeSpan.FromMilliseconds(100), broker.Time);
            }
        }
    }

    private async Task ServeAsync(Socket accepted)
    {
        EndPoint? remote = null;
        try
        {
            remote = accepted.RemoteEndPoint;
            accepted.NoDelay = true;
            using var transport = new SocketTransport(accepted, options.OwnLoop);
            if (!admission.TryEnter((remote as IPEndPoint)?.Address, out var full))
            {
                Refused(new HandshakeRefusal(remote, full, null, null, options.Name));
                return;
            }

            ConnectionFacts? facts;
            try
            {
                facts = await OpenAsync(transport, remote);
            }
            finally
            {
                admission.Leave((remote as IPEndPoint)?.Address);
            }

            if (facts is null) return;
            await broker.ServeAsync(transport.ToPipes(), facts, stopping.Token);
            await transport.CloseAsync(broker.Time);
        }
        catch (Exception e) when (e is SocketException or IOException or ObjectDisposedException)
        {
            Refused(new HandshakeRefusal(remote, $"transport broke: {e.Message}", null, e, options.Name));
        }
        catch (Exception e)
        {
            Log.Bug(logger, e);
        }
        finally
        {
            accepted.Dispose(); // also when it broke before there was a transport to own it
            open.Remove();
        }
    }

    /// <summary>PROXY header, then TLS, both within the handshake time. Null when refused (and told).</summary>
    private async Task<ConnectionFacts?> OpenAsync(SocketTransport transport, EndPoint? remote)
    {
        // Not a timer that cancels: one that fires as the handshake ends would find it disposed, and end the process. Whoever connects chooses that moment.
        using var patience = new CancellationTokenSource(options.HandshakeTimeout, broker.Time);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stopping.Token, patience.Token);
        var judgement = new Judgement();
        try
        {
            var local = transport.Socket.LocalEndPoint;
            if (remote is IPEndPoint peer && IsProxy(peer.Address))
            {
                var header = await ProxyHeader.ReadAsync(transport.Raw, limit.Token);
                if (header.Error is { } wrong)
                {
                    Refused(new HandshakeRefusal(remote, wrong, null, null, options.Name));
                    return null;
                }

                (remote, local) = (header.Source ?? remote, header.Destination ?? local);
            }

            if (tls is not null) await transport.AuthenticateAsync(tls, judgement, limit.Token);
            return new ConnectionFacts(remote, local, transport.ClientCertificate, transport.TlsProtocol, options.Name, options.Tag);
        }
        catch (Exception e) when (e is System.Security.Authentication.AuthenticationException or IOException or SocketException or OperationCanceledException or ObjectDisposedException or System.Security.Cryptography.CryptographicException or InvalidOperationException)
        {
            if (stopping.IsCancellationRequested) return null;
            var reason = judgement.Refusal ?? (limit.IsCancellationRequested ? $"handshake took longer than {options.HandshakeTimeout.TotalSeconds:0.#} s" : "handshake failed: " + Innermost(e));
            Refused(new HandshakeRefusal(remote, reason, judgement.Certificate, e, options.Name));
            await transport.CloseAsync(broker.Time);
            return null;
        }
    }

    private bool IsProxy(IPAddress address)
    {
        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return options.ProxiesFrom.Any(network => network.Contains(plain));
    }

    private void Refused(HandshakeRefusal refusal)
    {
        Log.HandshakeRefused(logger, options.Name, refusal.Remote, refusal.Reason);
        try
        {
            options.OnRefused?.Invoke(refusal);
        }
        catch (Exception e)
        {
            Log.Bug(logger, e);
        }
    }

    private static string Innermost(Exception e)
    {
        while (e.InnerException is { } inner) e = inner;
        return e.Message;
    }

    /// <summary>Counts connections without keeping a list of them; completes when the last is gone.</summary>
    private sealed class OpenCount
    {
        private readonly TaskCompletionSource none = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int count = 1; // one for the listener itself

        public void Add() => Interlocked.Increment(ref count);

        public void Remove()
        {
            if (Interlocked.Decrement(ref count) == 0) none.TrySetResult();
        }

        public Task WhenNone()
        {
            Remove();
            return none.Task;
        }
    }
}
