using System.Net;
using System.Security.Cryptography.X509Certificates;

namespace Signet.Mqtt.Broker;

/// <summary>What is known about a transport besides its bytes. The broker never looks at sockets or TLS itself.</summary>
/// <param name="Remote">The peer, after PROXY protocol when a named proxy sent one.</param>
/// <param name="Local">The address that was connected to.</param>
/// <param name="ClientCertificate">Already validated; null when none was asked for.</param>
/// <param name="TlsProtocol">For example <c>Tls13</c>; null for plain TCP.</param>
/// <param name="Listener">Name of the listener.</param>
/// <param name="Tag">Free for the owner of the listener.</param>
public sealed record ConnectionFacts(EndPoint? Remote, EndPoint? Local, X509Certificate2? ClientCertificate, string? TlsProtocol, string Listener, object? Tag = null);
