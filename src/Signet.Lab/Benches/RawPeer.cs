using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;
using Signet.Pki;

namespace Signet.Lab;

/// <summary>A client that speaks in bytes, so that it can be as wrong as it likes.</summary>
internal sealed class RawPeer : IAsyncDisposable
{
    private readonly TcpClient _tcp = new() { NoDelay = true };
    private Stream _stream = Stream.Null;

    private RawPeer() { }

    /// <summary>TCP, and TLS where the bench has it.</summary>
    /// <exception cref="IOException">or <see cref="AuthenticationException"/>: the handshake was refused.</exception>
    public static async Task<RawPeer> OpenAsync(BrokerBench bench, IssuedCertificate? certificate, CancellationToken cancellationToken, bool tls = true, SslProtocols protocols = SslProtocols.None)
    {
        var peer = new RawPeer();
        try
        {
            await peer._tcp.ConnectAsync(bench.EndPoint, cancellationToken);
            peer._stream = peer._tcp.GetStream();
            if (tls && !bench.Off("tls"))
            {
                var secure = new SslStream(peer._stream);
                await secure.AuthenticateAsClientAsync(bench.ClientTls(certificate, bench.Who.Authority.Root, protocols), cancellationToken);
                peer._stream = secure;
            }
            return peer;
        }
        catch
        {
            await peer.DisposeAsync();
            throw;
        }
    }

    public async Task SendAsync(byte[] bytes, CancellationToken cancellationToken) => await _stream.WriteAsync(bytes, cancellationToken);

    /// <summary>What comes next, or empty when the other side closed or says nothing in time.</summary>
    public async Task<byte[]> ReadAsync(CancellationToken cancellationToken, TimeSpan? patience = null)
    {
        using var limit = new CancellationTokenSource(patience ?? LabLimits.Settle, TimeProvider.System);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        var buffer = new byte[4096];
        try
        {
            var read = await _stream.ReadAsync(buffer, both.Token);
            return buffer[..read];
        }
        catch (Exception e) when (e is IOException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            return [];
        }
    }

    /// <summary>Has the other side closed? False when it is still there after the time.</summary>
    public async Task<bool> IsClosedAsync(CancellationToken cancellationToken, TimeSpan? patience = null)
    {
        using var limit = new CancellationTokenSource(patience ?? LabLimits.Settle, TimeProvider.System);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        var buffer = new byte[4096];
        try
        {
            while (await _stream.ReadAsync(buffer, both.Token) > 0) { }
            return true;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
        catch (IOException)
        {
            return true;
        }
    }

    /// <summary>CONNECT, MQTT 5, clean start.</summary>
    public static byte[] Connect(string clientId) => Packet(0x10, [.. Text("MQTT"), 5, 0x02, 0, 60, 0, .. Text(clientId)]);

    /// <summary>PUBLISH, QoS 0, with a topic alias; the topic may be empty.</summary>
    public static byte[] PublishAlias(string topic, byte alias, string payload) => Packet(0x30, [.. Text(topic), 3, 0x23, 0, alias, .. Encoding.UTF8.GetBytes(payload)]);

    public static byte[] Packet(byte type, byte[] rest)
    {
        var length = new List<byte>();
        var left = rest.Length;
        do
        {
            length.Add((byte)((left & 0x7f) | (left > 127 ? 0x80 : 0)));
            left >>= 7;
        }
        while (left > 0);
        return [type, .. length, .. rest];
    }

    /// <summary>Packets that no client may send: after CONNECT was accepted, or (the first ones) instead of it.</summary>
    public static IReadOnlyList<(string Name, bool BeforeConnect, byte[] Bytes)> Malformed { get; } =
    [
        ("a PUBLISH before CONNECT", true, Packet(0x30, [.. Text("signet/x/telemetry/y"), 0])),
        ("a CONNECT with a protocol name of its own", true, Packet(0x10, [.. Text("MQTX"), 5, 2, 0, 60, 0, .. Text("x")])),
        ("a CONNECT with its reserved flag set", true, Packet(0x10, [.. Text("MQTT"), 5, 3, 0, 60, 0, .. Text("x")])),
        ("a CONNECT that ends in the middle", true, Packet(0x10, [.. Text("MQTT"), 5, 2, 0])),
        ("a second CONNECT", false, Connect("again")),
        ("a remaining length of five bytes", false, [0x30, 0xff, 0xff, 0xff, 0xff, 0x01]),
        ("packet type 0", false, [0x00, 0x00]),
        ("a PUBLISH with QoS 3", false, Packet(0x36, [.. Text("signet/door-2/telemetry/y"), 0, 1, 0])),
        ("a PUBLISH to a wildcard", false, Packet(0x30, [.. Text("signet/#"), 0])),
        ("a topic with a NUL in it", false, Packet(0x30, [0, 3, (byte)'a', 0, (byte)'b', 0])),
        ("a topic that is not UTF-8", false, Packet(0x30, [0, 2, 0xc3, 0x28, 0])),
        ("a topic longer than its packet", false, Packet(0x30, [0xff, 0xff, (byte)'a'])),
        ("a SUBSCRIBE with wrong flags", false, Packet(0x80, [0, 1, 0, .. Text("signet/door-2/command"), 0])),
        ("a SUBSCRIBE to nothing", false, Packet(0x82, [0, 1, 0])),
        ("a SUBSCRIBE with packet id 0", false, Packet(0x82, [0, 0, 0, .. Text("signet/door-2/command"), 0])),
        ("a PUBREL for what was never sent, with wrong flags", false, Packet(0x60, [0, 1])),
        ("a property that may stand once, twice", false, Packet(0x30, [.. Text("signet/door-2/telemetry/y"), 4, 0x01, 0, 0x01, 0])),
        ("a topic alias of 0", false, PublishAlias("signet/door-2/telemetry/y", 0, "x")),
    ];

    private static byte[] Text(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        return [(byte)(bytes.Length >> 8), (byte)bytes.Length, .. bytes];
    }

    public async ValueTask DisposeAsync()
    {
        await _stream.DisposeAsync();
        _tcp.Dispose();
    }
}
