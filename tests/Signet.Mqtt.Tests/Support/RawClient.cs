using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Signet.Mqtt.Tests.Support;

/// <summary>A client that sends whatever bytes a test says: a broken client must be able to exist in tests. Bytes are written as hex; spaces are free; 'text' in quotes is a length-prefixed UTF-8 string.</summary>
public sealed class RawClient : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly Socket socket;

    private RawClient(Socket socket) => this.socket = socket;

    /// <summary>CONNECT of MQTT 5: clean start, keep alive 60, client id r.</summary>
    public const string Connect5 = "10 0E 'MQTT' 05 02 00 3C 00 'r'";

    public const string Connect311 = "10 0D 'MQTT' 04 02 00 3C 'r'";

    public static async Task<RawClient> ConnectAsync(int port)
    {
        var tcp = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await tcp.ConnectAsync(IPAddress.Loopback, port);
        return new RawClient(tcp);
    }

    /// <summary>The broker's end of a connection, for clients under test.</summary>
    public static RawClient Of(Socket accepted) => new(accepted);

    /// <summary>Connects and swallows the CONNACK.</summary>
    public static async Task<RawClient> OpenAsync(int port, string connect = Connect5)
    {
        var raw = await ConnectAsync(port);
        await raw.SendAsync(connect);
        (await raw.ReadAsync())[..2].ShouldBe("20");
        return raw;
    }

    public static byte[] Bytes(string text)
    {
        var bytes = new List<byte>();
        for (var i = 0; i < text.Length;)
        {
            if (text[i] == ' ')
            {
                i++;
            }
            else if (text[i] == '\'')
            {
                var end = text.IndexOf('\'', i + 1);
                var utf8 = Encoding.UTF8.GetBytes(text[(i + 1)..end]);
                bytes.AddRange([(byte)(utf8.Length >> 8), (byte)utf8.Length, .. utf8]);
                i = end + 1;
            }
            else
            {
                bytes.Add(Convert.ToByte(text.Substring(i, 2), 16));
                i += 2;
            }
        }

        return [.. bytes];
    }

    public Task SendAsync(string text) => SendAsync(Bytes(text));

    public async Task SendAsync(byte[] bytes)
    {
        for (var sent = 0; sent < bytes.Length;) sent += await socket.SendAsync(bytes.AsMemory(sent));
    }

    /// <summary>The next packet in hex, without spaces; empty when the broker closed.</summary>
    public async Task<string> ReadAsync()
    {
        using var limit = new CancellationTokenSource(Patience);
        var head = new List<byte>();
        var one = new byte[1];
        int length = 0, shift = 0;
        do
        {
            int count;
            try
            {
                count = await socket.ReceiveAsync(one, limit.Token);
            }
            catch (SocketException)
            {
                return "";
            }

            if (count == 0) return "";
            head.Add(one[0]);
            if (head.Count == 1) continue;
            length |= (one[0] & 0x7F) << shift;
            shift += 7;
        }
        while (head.Count < 2 || (one[0] & 0x80) != 0);
        var body = new byte[length];
        for (var got = 0; got < length;)
        {
            var count = await socket.ReceiveAsync(body.AsMemory(got), limit.Token);
            if (count == 0) return "";
            got += count;
        }

        return Convert.ToHexString([.. head, .. body]);
    }

    /// <summary>Expects exactly these packets, in this order.</summary>
    public async Task ExpectAsync(params string[] packets)
    {
        foreach (var packet in packets) (await ReadAsync()).ShouldBe(Convert.ToHexString(Bytes(packet)));
    }

    /// <summary>Expects DISCONNECT with this reason code (MQTT 5), then the end.</summary>
    public async Task ExpectDisconnectAsync(ReasonCode code)
    {
        var packet = await ReadAsync();
        packet.ShouldStartWith("E0");
        ((ReasonCode)Convert.ToByte(packet.Substring(4, 2), 16)).ShouldBe(code);
        (await ReadAsync()).ShouldBe("");
    }

    public async Task ExpectClosedAsync() => (await ReadAsync()).ShouldBe("");

    /// <summary>Breaks the connection without a word, as a crash does.</summary>
    public void Crash()
    {
        socket.LingerState = new LingerOption(true, 0);
        socket.Dispose();
    }

    public void Dispose() => socket.Dispose();
}
