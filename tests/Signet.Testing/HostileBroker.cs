using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Signet.Testing;

/// <summary>A PUBLISH on its way to a client or, else, to the broker, as somebody who runs the broker has it.</summary>
public sealed record Carried(bool ToClient, string Topic, byte[] Payload);

/// <summary>
/// Somebody who runs the broker, or stole its key: sits between clients and a real broker, speaks TLS with the broker's own certificate, and may drop, keep back, repeat, reorder, edit and reroute whatever
/// passes. MQTT 5 and 3.1.1 packets are cut where their length says; only PUBLISH is looked into, everything else passes. A PUBLISH of QoS 1 that is dropped is acknowledged, so that nobody sends it again.
/// </summary>
public sealed class HostileBroker : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly IPEndPoint _broker;
    private readonly Func<SslServerAuthenticationOptions> _asBroker;
    private readonly Func<SslClientAuthenticationOptions>? _asClient;
    private readonly ConcurrentDictionary<string, Func<byte[], Task>> _clients = new(StringComparer.Ordinal);
    private readonly Task _accepting;

    /// <param name="broker">The real one.</param>
    /// <param name="asBroker">TLS towards clients, with the broker's certificate.</param>
    /// <param name="asClient">TLS towards the broker; null: plain TCP.</param>
    public HostileBroker(IPEndPoint broker, Func<SslServerAuthenticationOptions> asBroker, Func<SslClientAuthenticationOptions>? asClient)
    {
        (_broker, _asBroker, _asClient) = (broker, asBroker, asClient);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>Server options from the broker's certificate and key.</summary>
    public static SslServerAuthenticationOptions Stolen(X509Certificate2 certificate, X509Certificate2 intermediate) => new()
    {
        ServerCertificateContext = SslStreamCertificateContext.Create(certificate, [intermediate], offline: true), EnabledSslProtocols = SslProtocols.Tls13, ClientCertificateRequired = true,
        RemoteCertificateValidationCallback = (_, found, _, _) => found is not null, // whoever comes
    };

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>What becomes of a message: the messages that are handed on instead, in order; none: dropped. Called for each PUBLISH.</summary>
    public Func<Carried, IReadOnlyList<Carried>> Deed { get; set; } = one => [one];

    /// <summary>Hands a message to a client later, or one it never should have had: QoS 0, so that nothing need be acknowledged.</summary>
    public Task InjectAsync(string clientId, string topic, byte[] payload) => _clients[clientId](Publish(topic, payload, 0, 0, hasProperties: true));

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        _stop.Dispose();
        _listener.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _ = ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // It ends.
        }
    }

    private async Task ServeAsync(TcpClient accepted)
    {
        try
        {
            using var client = accepted;
            using var server = new TcpClient { NoDelay = true };
            client.NoDelay = true;
            await server.ConnectAsync(_broker, _stop.Token);
            await using var towardsClient = new SslStream(client.GetStream());
            await towardsClient.AuthenticateAsServerAsync(_asBroker(), _stop.Token);
            await using var towardsBroker = await OpenAsync(server);
            var (down, up) = (new Lane(towardsClient), new Lane(towardsBroker));
            await await Task.WhenAny(CarryAsync(towardsBroker, down, up, toClient: true), CarryAsync(towardsClient, up, down, toClient: false));
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or SocketException or AuthenticationException or ObjectDisposedException)
        {
            // One end is gone; disposing both tells the other.
        }
    }

    private async Task<Stream> OpenAsync(TcpClient server)
    {
        if (_asClient is null) return server.GetStream();
        var tls = new SslStream(server.GetStream());
        await tls.AuthenticateAsClientAsync(_asClient(), _stop.Token);
        return tls;
    }

    private async Task CarryAsync(Stream from, Lane to, Lane back, bool toClient)
    {
        var version5 = true;
        while (await ReadPacketAsync(from) is { } packet)
        {
            var body = packet.AsMemory(1 + LengthBytes(packet));
            if (packet[0] >> 4 == 1)
            {
                version5 = body.Span[6] == 5;
                var at = 10 + (version5 ? 1 + body.Span[10] : 0); // no properties longer than 127 bytes come from our clients
                _clients[Encoding.UTF8.GetString(body.Span.Slice(at + 2, BinaryPrimitives.ReadUInt16BigEndian(body.Span[at..])))] = back.WriteAsync;
            }

            if (packet[0] >> 4 != 3)
            {
                await to.WriteAsync(packet);
                continue;
            }

            await CarryPublishAsync(packet, body, to, back, toClient);
        }
    }

    private async Task CarryPublishAsync(byte[] packet, ReadOnlyMemory<byte> body, Lane to, Lane back, bool toClient)
    {
        var qos = packet[0] >> 1 & 3;
        var topicLength = BinaryPrimitives.ReadUInt16BigEndian(body.Span);
        var topic = Encoding.UTF8.GetString(body.Span.Slice(2, topicLength));
        var at = 2 + topicLength;
        var id = qos == 0 ? 0 : BinaryPrimitives.ReadUInt16BigEndian(body.Span[at..]);
        if (qos > 0) at += 2;
        var (properties, size) = VariableLength(body.Span[at..]);
        var rest = body[(at + size + properties)..];
        var handed = Deed(new(toClient, topic, rest.ToArray()));
        var isKept = false;
        foreach (var one in handed)
        {
            // The first keeps its number, so that it is acknowledged; what is added goes without.
            if (!isKept && one.Topic == topic && one.Payload.AsSpan().SequenceEqual(rest.Span)) await to.WriteAsync(packet);
            else await to.WriteAsync(Publish(one.Topic, one.Payload, isKept ? 0 : qos, isKept ? 0 : id, hasProperties: true));
            isKept = true;
        }

        if (!isKept && qos == 1) await back.WriteAsync([0x40, 2, (byte)(id >> 8), (byte)id]);
    }

    private static byte[] Publish(string topic, byte[] payload, int qos, int id, bool hasProperties)
    {
        var name = Encoding.UTF8.GetBytes(topic);
        var length = 2 + name.Length + (qos > 0 ? 2 : 0) + (hasProperties ? 1 : 0) + payload.Length;
        var packet = new List<byte> { (byte)(0x30 | qos << 1) };
        for (var left = length; ; left >>= 7)
        {
            packet.Add((byte)(left & 127 | (left > 127 ? 128 : 0)));
            if (left <= 127) break;
        }

        packet.AddRange([(byte)(name.Length >> 8), (byte)name.Length, .. name]);
        if (qos > 0) packet.AddRange([(byte)(id >> 8), (byte)id]);
        if (hasProperties) packet.Add(0);
        packet.AddRange(payload);
        return [.. packet];
    }

    private async Task<byte[]?> ReadPacketAsync(Stream from)
    {
        var head = new List<byte>();
        var one = new byte[1];
        while (head.Count < 2 || (head[^1] & 128) != 0)
        {
            if (await from.ReadAsync(one, _stop.Token) == 0) return null;
            head.Add(one[0]);
        }

        var (length, _) = VariableLength([.. head.Skip(1)]);
        var packet = new byte[head.Count + length];
        head.CopyTo(packet);
        await from.ReadExactlyAsync(packet.AsMemory(head.Count), _stop.Token);
        return packet;
    }

    private static int LengthBytes(byte[] packet) => VariableLength(packet.AsSpan(1)).Bytes;

    private static (int Value, int Bytes) VariableLength(ReadOnlySpan<byte> bytes)
    {
        var (value, count) = (0, 0);
        do value |= (bytes[count] & 127) << (7 * count);
        while ((bytes[count++] & 128) != 0);
        return (value, count);
    }

    /// <summary>One writer at a time.</summary>
    private sealed class Lane(Stream stream)
    {
        private readonly SemaphoreSlim _one = new(1);

        public async Task WriteAsync(byte[] packet)
        {
            await _one.WaitAsync();
            try
            {
                await stream.WriteAsync(packet);
                await stream.FlushAsync();
            }
            finally
            {
                _one.Release();
            }
        }
    }
}
