using System.Net;
using System.Text;
using Signet.Mqtt.Broker.Transport;

namespace Signet.Mqtt.Tests.Broker;

/// <summary>PROXY protocol version 1, the line of text that nginx sends (haproxy's proxy-protocol.txt, section 2.1).</summary>
public sealed class ProxyLineSpecs
{
    [Theory]
    [InlineData("PROXY TCP4 192.0.2.7 198.51.100.1 56324 8883\r\n", "192.0.2.7:56324")]
    [InlineData("PROXY TCP6 2001:db8::7 2001:db8::1 56324 8883\r\n", "[2001:db8::7]:56324")]
    [InlineData("PROXY UNKNOWN\r\n", null)]
    [InlineData("PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", null)]
    [Trait("row", "S2-8")]
    public void A_line_gives_the_clients_address(string line, string? source)
    {
        var header = ProxyHeader.ParseLine(Encoding.ASCII.GetBytes(line));
        header.Error.ShouldBeNull();
        header.Source.ShouldBe(source is null ? null : IPEndPoint.Parse(source));
    }

    [Theory]
    [InlineData("PROXY TCP4 192.0.2.7 198.51.100.1 56324\r\n"), InlineData("PROXY TCP4 192.0.2.7 198.51.100.1 56324 70000\r\n"), InlineData("PROXY TCP4 2001:db8::7 2001:db8::1 1 2\r\n"),
     InlineData("PROXY TCP5 192.0.2.7 198.51.100.1 1 2\r\n"), InlineData("PROXY TCP4 192.0.2.7 198.51.100.1 1 2\n"), InlineData("PROXY \r\n"), InlineData("PROXY TCP4  192.0.2.7 198.51.100.1 1 2\r\n"),
     InlineData("PROXY TCP4 192.0.2.7 198.51.100.1 -1 2\r\n"), InlineData("")]
    public void Anything_else_is_refused_with_a_reason(string line) => ProxyHeader.ParseLine(Encoding.ASCII.GetBytes(line)).Error.ShouldNotBeNullOrEmpty();
}
