using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Signet.Control;
using Signet.Pki;

namespace Signet.Web.Hosting;

/// <summary>
/// Whom a proxy that ends TLS speaks for. It is believed only when both are true: it connects from a network in <c>console:proxies</c>, and the connection was opened with a certificate of this house of the profile <c>proxy</c> and
/// the name in <c>console:proxyName</c>. It then says for each request who the client is: its certificate, with whose key the client has made its handshake with the proxy, and its address. Signet judges that certificate
/// itself, as if the client had brought it. The same words from anybody else are a forgery: refused and on record. A proxy's own certificate is good for nothing else.
/// </summary>
internal sealed class ForwardedIdentity(CommandCenter center, WebOptions options)
{
    /// <summary>Percent-encoded PEM, nginx's <c>$ssl_client_escaped_cert</c>; left out: the client brought none.</summary>
    public const string CertificateHeader = "X-Signet-Client-Cert";

    /// <summary>IP address, nginx's <c>$remote_addr</c>.</summary>
    public const string AddressHeader = "X-Signet-Client-Address";

    private const string Listener = "https-proxy";

    public async Task PassAsync(HttpContext context, RequestDelegate next)
    {
        var isProxy = context.Connection.ClientCertificate is { } own && IsProxys(own);
        var speaks = context.Request.Headers.ContainsKey(CertificateHeader) || context.Request.Headers.ContainsKey(AddressHeader);
        if (!isProxy && !speaks)
        {
            await next(context);
            return;
        }

        var from = context.Connection.RemoteIpAddress ?? IPAddress.None;
        if (from.IsIPv4MappedToIPv6) from = from.MapToIPv4();
        if (!isProxy || !IsNamed(context.Connection.ClientCertificate!, from))
        {
            center.ForeignBrokers.Forged(from.ToString(), isProxy ? "proxy-not-named" : "not-a-proxy");
            await RefuseAsync(context, "this connection may not speak for anybody else\n");
            return;
        }

        if (!TryRead(context.Request.Headers, out var certificate, out var address))
        {
            center.ForeignBrokers.Forged(from.ToString(), "malformed");
            await RefuseAsync(context, $"a proxy says {AddressHeader} once, and {CertificateHeader} once or not at all\n");
            return;
        }

        // nginx lets it in, for it judges nothing: that a revoked certificate came back is seen here.
        if (certificate is not null && center.Judge.Judge(certificate, null, CertificatePurpose.TlsClient).Refusal == CertificateRefusal.Revoked) center.Certificates.Returned(certificate, Listener);
        // Of this request alone: the proxy's connection may carry another client's next.
        context.Features.Set<ITlsConnectionFeature>(new Client { ClientCertificate = certificate });
        context.Connection.RemoteIpAddress = address;
        context.Connection.RemotePort = 0;
        using var open = certificate is null ? null : center.CertificateConnections.Add(certificate, Listener, context.Abort);
        await next(context);
    }

    /// <summary>Did a proxy that is believed bring this request?</summary>
    public static bool IsForwarded(HttpContext context) => context.Features.Get<ITlsConnectionFeature>() is Client;

    private bool IsProxys(X509Certificate2 certificate) => center.Judge.Judge(certificate, null, CertificatePurpose.TlsClient).Identity?.Profile == CertificateProfile.Proxy;

    private bool IsNamed(X509Certificate2 certificate, IPAddress from) => options.Proxies.Any(network => network.Contains(from))
        && center.Judge.Judge(certificate, null, CertificatePurpose.TlsClient) is { Accepted: true, Identity: { Profile: CertificateProfile.Proxy } identity } && identity.Name == options.ProxyName;

    private static bool TryRead(IHeaderDictionary headers, out X509Certificate2? certificate, out IPAddress address)
    {
        (certificate, address) = (null, IPAddress.None);
        var (addresses, certificates) = (headers[AddressHeader], headers[CertificateHeader]);
        if (addresses.Count != 1 || certificates.Count > 1 || !IPAddress.TryParse(addresses[0], out var read)) return false;
        address = read;
        if (certificates.Count == 0 || certificates[0] is not { Length: > 0 } escaped) return true;
        // Bounded by the limit of all headers together.
        var pem = Uri.UnescapeDataString(escaped);
        if (!PemEncoding.TryFind(pem, out var fields) || !pem.AsSpan()[fields.Label].SequenceEqual("CERTIFICATE")) return false;
        try
        {
            // Not disposed: a session of the broker knows its client by it for as long as it lives.
            certificate = X509CertificateLoader.LoadCertificate(Convert.FromBase64String(pem[fields.Base64Data]));
            return true;
        }
        catch (Exception e) when (e is CryptographicException or FormatException)
        {
            return false;
        }
    }

    private static async Task RefuseAsync(HttpContext context, string why)
    {
        context.Response.StatusCode = StatusCodes.Status400BadRequest;
        context.Response.ContentType = "text/plain; charset=utf-8";
        await context.Response.WriteAsync(why);
    }

    private sealed class Client : ITlsConnectionFeature
    {
        public X509Certificate2? ClientCertificate { get; set; }

        public Task<X509Certificate2?> GetClientCertificateAsync(CancellationToken cancellationToken) => Task.FromResult(ClientCertificate);
    }
}
