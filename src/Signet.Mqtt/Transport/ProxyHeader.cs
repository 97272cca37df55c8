using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Signet.Mqtt.Broker.Transport;

/// <summary>
/// PROXY protocol version 2 (haproxy's proxy-protocol.txt, section 2.2): signature 12 bytes, version and command, family, length (2 bytes), addresses, TLVs.
/// Version 1, a line of text (section 2.1), is what nginx sends and is taken too. Read only from proxies that are named; for everyone else the bytes are MQTT or TLS.
/// </summary>
internal readonly record struct ProxyHeader(IPEndPoint? Source, IPEndPoint? Destination, string? Error)
{
    private const int FixedLength = 16, SignatureLength = 12;

    /// <summary>The longest line of version 1, CR LF included (section 2.1).</summary>
    private const int LongestLine = 107;

    /// <summary>Addresses take 216 bytes at most; TLVs with a whole certificate chain stay far below this. Chosen.</summary>
    private const int MaximumLength = 4096;

    private static ReadOnlySpan<byte> Signature => [0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A];

    /// <summary>Reads exactly the header off the connection and not a byte of what follows.</summary>
    public static async Task<ProxyHeader> ReadAsync(Stream stream, CancellationToken cancellationToken)
    {
        var head = new byte[FixedLength];
        if (!await FillAsync(stream, head.AsMemory(0, SignatureLength), cancellationToken)) return Fail("the proxy closed before its header was whole");
        if (head.AsSpan().StartsWith("PROXY "u8)) return await ReadLineAsync(stream, head, cancellationToken);
        if (!await FillAsync(stream, head.AsMemory(SignatureLength), cancellationToken)) return Fail("the proxy closed before its header was whole");
        if (!TryBodyLength(head, out var length, out var error)) return Fail(error);
        var body = new byte[length];
        if (!await FillAsync(stream, body, cancellationToken)) return Fail("the proxy closed before its header was whole");
        return Parse(head, body);
    }

    public static bool TryBodyLength(ReadOnlySpan<byte> head, out int length, out string error)
    {
        length = 0;
        error = "";
        if (head.Length < FixedLength || !head.StartsWith(Signature)) error = "no PROXY protocol header from a proxy that must send one";
        else if (head[12] >> 4 != 2) error = "PROXY protocol version is not 2";
        else if ((length = BinaryPrimitives.ReadUInt16BigEndian(head[14..])) > MaximumLength) error = $"PROXY header of {length} bytes is longer than {MaximumLength}";
        return error.Length == 0;
    }

    /// <summary>LOCAL (the proxy's own health check) and families other than IP leave the addresses as the socket shows them.</summary>
    public static ProxyHeader Parse(ReadOnlySpan<byte> head, ReadOnlySpan<byte> body)
    {
        var command = head[12] & 0x0F;
        if (command > 1) return Fail("PROXY command is neither LOCAL nor PROXY");
        if (command == 0) return default;
        return (head[13] >> 4) switch
        {
            1 when body.Length >= 12 => new(EndPointOf(body[..4], body[8..]), EndPointOf(body[4..8], body[10..]), null),
            2 when body.Length >= 36 => new(EndPointOf(body[..16], body[32..]), EndPointOf(body[16..32], body[34..]), null),
            1 or 2 => Fail("PROXY addresses are cut off"),
            0 or 3 => default,
            _ => Fail("PROXY address family is unknown"),
        };
    }

    /// <summary>Version 1: <c>PROXY TCP4 SOURCE DESTINATION PORT PORT</c> CR LF; UNKNOWN leaves the addresses as the socket shows them.</summary>
    public static ProxyHeader ParseLine(ReadOnlySpan<byte> line)
    {
        if (!line.EndsWith("\r\n"u8)) return Fail("the PROXY line has no end");
        var words = Encoding.ASCII.GetString(line[..^2]).Split(' ');
        if (words is ["PROXY", "UNKNOWN", ..]) return default;
        if (words is not ["PROXY", "TCP4" or "TCP6", var from, var to, var fromPort, var toPort]) return Fail("the PROXY line is none of TCP4, TCP6 and UNKNOWN");
        var family = words[1] == "TCP4" ? AddressFamily.InterNetwork : AddressFamily.InterNetworkV6;
        return IPAddress.TryParse(from, out var source) && IPAddress.TryParse(to, out var destination) && source.AddressFamily == family && destination.AddressFamily == family
            && ushort.TryParse(fromPort, NumberStyles.None, CultureInfo.InvariantCulture, out var a) && ushort.TryParse(toPort, NumberStyles.None, CultureInfo.InvariantCulture, out var b)
            ? new(new(source, a), new(destination, b), null)
            : Fail("the PROXY line holds no addresses and ports");
    }

    // Byte by byte: not one of what follows may be taken.
    private static async Task<ProxyHeader> ReadLineAsync(Stream stream, byte[] begun, CancellationToken cancellationToken)
    {
        var line = new byte[LongestLine];
        begun.AsSpan(0, SignatureLength).CopyTo(line);
        for (var length = SignatureLength; length < LongestLine; length++)
        {
            if (!await FillAsync(stream, line.AsMemory(length, 1), cancellationToken)) return Fail("the proxy closed before its header was whole");
            if (line[length] == (byte)'\n') return ParseLine(line.AsSpan(0, length + 1));
        }

        return Fail($"the PROXY line is longer than {LongestLine} bytes");
    }

    private static IPEndPoint EndPointOf(ReadOnlySpan<byte> address, ReadOnlySpan<byte> port) => new(new IPAddress(address), BinaryPrimitives.ReadUInt16BigEndian(port));

    private static ProxyHeader Fail(string why) => new(null, null, why);

    private static async Task<bool> FillAsync(Stream stream, Memory<byte> target, CancellationToken cancellationToken)
    {
        while (!target.IsEmpty)
        {
            var count = await stream.ReadAsync(target, cancellationToken);
            if (count == 0) return false;
            target = target[count..];
        }

        return true;
    }
}
