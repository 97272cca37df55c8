using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Signet.Mqtt;
using Signet.Mqtt.Client;
using Signet.Pki;

namespace Signet.Control;

/// <summary>What a knock with a revoked certificate showed.</summary>
public enum CanaryAnswer
{
    /// <summary>Refused in the handshake, as it should be.</summary>
    Refused,

    /// <summary>ALARM: the broker does not look at its list.</summary>
    LetIn,

    /// <summary>Nobody listens.</summary>
    NotReachable,
}

/// <summary>Knocks at a broker with a certificate that is revoked: a broker that fails open on a list it cannot read shows it in no other way.</summary>
public static class CrlCanary
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5), Pause = TimeSpan.FromMilliseconds(300);

    /// <param name="folder">With <c>canary.crt</c>, <c>canary.key</c> and <c>ca.crt</c>.</param>
    /// <param name="host">Of the broker.</param>
    /// <param name="port">Of the broker.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public static async Task<CanaryAnswer> KnockAsync(string folder, string host, int port, CancellationToken cancellationToken)
    {
        using var canary = PemFile.ReadWithKey(Path.Combine(folder, "canary.crt"), Path.Combine(folder, "canary.key"));
        var authorities = new X509Certificate2Collection();
        authorities.ImportFromPemFile(Path.Combine(folder, "ca.crt"));
        var context = SslStreamCertificateContext.Create(canary, authorities, offline: true);
        // A broker acts on a signal a moment after it came: the first refusal proves that this very process looks at its list; a yes is asked again once.
        for (var attempt = 1; ; attempt++)
        {
            await Task.Delay(Pause, TimeProvider.System, cancellationToken);
            try
            {
                using var knock = new TcpClient();
                await knock.ConnectAsync(host, port, cancellationToken);
            }
            catch (SocketException)
            {
                return CanaryAnswer.NotReachable;
            }

            if (!await GetsInAsync(context, authorities, host, port, cancellationToken)) return CanaryAnswer.Refused;
            if (attempt == 2) return CanaryAnswer.LetIn;
        }
    }

    private static async Task<bool> GetsInAsync(SslStreamCertificateContext canary, X509Certificate2Collection authorities, string host, int port, CancellationToken cancellationToken)
    {
        try
        {
            await using var client = await MqttClient.ConnectAsync(new MqttClientOptions
            {
                Host = host, Port = port, ClientId = "crl-canary", Reconnect = null, ConnectTimeout = Patience,
                Tls = () => new SslClientAuthenticationOptions
                {
                    TargetHost = "localhost", ClientCertificateContext = canary, EnabledSslProtocols = SslProtocols.Tls13,
                    // Whom we knock at is known by its port and process; what counts is whether it lets us in.
                    RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is X509Certificate2 leaf && IsOurs(leaf, authorities),
                },
            }, cancellationToken);
            return true;
        }
        catch (MqttException refused)
        {
            return refused.FromPeer; // a CONNACK of any kind comes only after the certificate was taken
        }
    }

    private static bool IsOurs(X509Certificate2 leaf, X509Certificate2Collection authorities)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(authorities);
        chain.ChainPolicy.ExtraStore.AddRange(authorities);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        return chain.Build(leaf);
    }
}
