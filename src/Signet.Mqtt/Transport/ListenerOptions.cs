using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace Signet.Mqtt.Broker;

/// <summary>One TCP or TLS port of a broker.</summary>
public sealed record ListenerOptions
{
    /// <summary>Address and port; port 0 takes a free one, see <see cref="MqttListener.EndPoint"/>.</summary>
    public required IPEndPoint EndPoint { get; init; }

    /// <summary>Appears in facts, sessions and refusals.</summary>
    public string Name { get; init; } = "mqtt";

    /// <summary>TLS settings, asked at every handshake so that a renewed certificate is taken up at once; null: plain TCP. Tickets are switched off by the listener (no resumed session skips the check).</summary>
    public Func<SslServerAuthenticationOptions>? Tls { get; init; }

    /// <summary>
    /// Judges the client's certificate; runs inside the handshake and must not go to the network. Gets the certificate (null when none was sent) and whatever else the
    /// client sent; returns null to accept, or the reason of the refusal. Null: no client certificate is asked for.
    /// </summary>
    public Func<X509Certificate2?, X509Certificate2Collection, string?>? ValidateClientCertificate { get; init; }

    /// <summary>Told of every transport that did not become an MQTT connection.</summary>
    public Action<HandshakeRefusal>? OnRefused { get; init; }

    /// <summary>Put into <see cref="ConnectionFacts.Tag"/>.</summary>
    public object? Tag { get; init; }

    /// <summary>From accept to the end of PROXY header and TLS handshake.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Handshakes at once; more are refused at accept. 1,024 take about 50 MB and some seconds of one core.</summary>
    public int MaximumHalfOpen { get; init; } = 1024;

    /// <summary>Handshakes at once from one address: one host cannot fill the above.</summary>
    public int MaximumHalfOpenPerAddress { get; init; } = 256;

    /// <summary>New connections a second, with a burst of two seconds' worth; null is unlimited.</summary>
    public int? ConnectionsPerSecond { get; init; }

    /// <summary>Connections the kernel keeps before they are accepted.</summary>
    public int Backlog { get; init; } = 1024;

    /// <summary>Wait for the sockets, and handle what they bring, on threads of the library's own, one a core (Linux; decision 0003). False, and elsewhere: the platform's way, over its thread pool.</summary>
    public bool OwnLoop { get; init; } = true;

    /// <summary>Proxies that must send a PROXY protocol v2 header; everyone else must not. Empty: nobody.</summary>
    public IReadOnlyList<IPNetwork> ProxiesFrom { get; init; } = [];
}

/// <summary>A transport that was closed before it could speak MQTT.</summary>
/// <param name="Remote">The peer; null when even that is unknown.</param>
/// <param name="Reason">One line: the validator's words, or what broke.</param>
/// <param name="Certificate">What the client sent, if it sent one; not trusted.</param>
/// <param name="Cause">The exception behind it, if any.</param>
/// <param name="Listener">Name of the listener.</param>
public sealed record HandshakeRefusal(EndPoint? Remote, string Reason, X509Certificate2? Certificate, Exception? Cause, string Listener);
