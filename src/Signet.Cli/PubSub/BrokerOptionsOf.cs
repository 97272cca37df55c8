using System.CommandLine;
using System.Globalization;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Signet.Cli.Shell;
using Signet.Mqtt;
using Signet.Mqtt.Client;
using Signet.Pki;

namespace Signet.Cli.PubSub;

/// <summary>
/// How <c>signet pub</c> and <c>signet sub</c> reach any MQTT broker: TLS against the given authority, a client certificate, a user with password, or both.
/// Without <c>--broker</c> the address is <c>PUBLIC_IP</c> and <c>EXTERNAL_PORT</c> of the environment, as clients behind a reverse proxy are told it.
/// </summary>
internal static class BrokerOptionsOf
{
    private const int StandardPort = 8883, PlainPort = 1883;

    /// <summary>Between two attempts. Chosen: soon there again after a proxy was restarted.</summary>
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);

    public static readonly Option<string?> Broker = new("--broker") { Description = "The broker (default: $PUBLIC_IP:$EXTERNAL_PORT; port 8883)", HelpName = "HOST:PORT" };
    public static readonly Option<string?> Ca = new("--ca") { Description = "Certificates the broker's must lead to (PEM; default: the system's)", HelpName = "FILE" };
    public static readonly Option<string?> Cert = new("--cert") { Description = "The client's certificate, with intermediates (PEM)", HelpName = "FILE" };
    public static readonly Option<string?> Key = new("--key") { Description = "Its private key (PEM, 0600) or a PKCS#11 URI", HelpName = "FILE" };
    public static readonly Option<string?> User = new("--user") { Description = "User name", HelpName = "U" };
    public static readonly Option<bool> PasswordStdin = new("--password-stdin") { Description = "Read the password from the first line of standard input (an argument would show in process lists)" };
    public static readonly Option<string?> ClientId = new("--client-id") { Description = "MQTT client id (default: the broker chooses)", HelpName = "ID" };
    public static readonly Option<string> Version = new("--mqtt") { Description = "Version of MQTT: 5 or 3.1.1", HelpName = "V", DefaultValueFactory = _ => "5" };
    public static readonly Option<bool> Tls12 = new("--tls1.2") { Description = "Allow TLS 1.2 too, for brokers that have nothing newer" };
    public static readonly Option<bool> NoTls = new("--no-tls") { Description = "Plain TCP; only to this machine itself" };

    public static readonly Option<string?> Retry = new("--retry") { Description = "Go on trying for this time, such as 30s, while the broker cannot be reached, at the start or later (default: end at once with exit 3)", HelpName = "TIME" };

    public static IEnumerable<Symbol> All => [Broker, Ca, Cert, Key, User, PasswordStdin, ClientId, Version, Tls12, NoTls, Retry];

    /// <exception cref="CliException">What is missing or does not fit together.</exception>
    public static MqttClientOptions Read(ParseResult parsed)
    {
        var plain = parsed.GetValue(NoTls);
        var (host, port) = Address(parsed.GetValue(Broker), plain);
        if (plain && host is not ("localhost" or "127.0.0.1" or "::1"))
            throw new CliException(ExitCode.WrongUsage, $"--no-tls is only for this machine itself, and {host} is another: everybody between could read and change what is sent.");
        if (parsed.GetValue(Cert) is null != parsed.GetValue(Key) is null)
            throw new CliException(ExitCode.WrongUsage, "--cert and --key belong together.");
        if (parsed.GetValue(PasswordStdin) && parsed.GetValue(User) is null)
            throw new CliException(ExitCode.WrongUsage, "--password-stdin needs --user U.");
        return new()
        {
            Host = host,
            Port = port,
            Tls = plain ? null : Tls(parsed, host),
            ClientId = parsed.GetValue(ClientId) ?? "",
            Version = parsed.GetValue(Version) switch
            {
                "5" or "5.0" => MqttVersion.V5,
                "3.1.1" or "3" or "311" => MqttVersion.V311,
                var other => throw new CliException(ExitCode.WrongUsage, $"--mqtt takes 5 or 3.1.1, and \"{other}\" is neither."),
            },
            UserName = parsed.GetValue(User),
            Password = parsed.GetValue(PasswordStdin) ? System.Text.Encoding.UTF8.GetBytes(Console.In.ReadLine() ?? throw new CliException(ExitCode.WrongUsage, "--password-stdin found no line on standard input.")) : null,
            // What the broker refuses it refuses again: only a line that is down is tried anew.
            Reconnect = parsed.GetValue(Retry) is null ? null : new() { Longest = LongestPause, StopWhenRefused = true },
        };
    }

    /// <summary>The certificate given with <c>--cert</c> and <c>--key</c>; null without them.</summary>
    public static X509Certificate2? Certificate(ParseResult parsed)
        => parsed.GetValue(Cert) is { } cert && parsed.GetValue(Key) is { } key ? ReadPair(cert, key) : null;

    /// <exception cref="PkiException">One clear line.</exception>
    public static X509Certificate2 ReadPair(string cert, string key)
    {
        if (!Pkcs11Key.IsUri(key)) return PemFile.ReadWithKey(cert, key);
        using var leaf = PemFile.Read(cert)[0];
        using var opened = KeyFile.Open(key);
        return opened switch
        {
            ECDsa ec => leaf.CopyWithPrivateKey(ec),
            RSA rsa => leaf.CopyWithPrivateKey(rsa),
            _ => throw new PkiException($"{key} names a key of a kind this program does not use"),
        };
    }

    private static (string Host, int Port) Address(string? given, bool plain)
    {
        var text = given;
        if (string.IsNullOrEmpty(text))
        {
            var host = Environment.GetEnvironmentVariable("PUBLIC_IP");
            if (string.IsNullOrEmpty(host)) throw new CliException(ExitCode.WrongUsage, "Which broker? Give --broker HOST:PORT, or set PUBLIC_IP and EXTERNAL_PORT.");
            var external = Environment.GetEnvironmentVariable("EXTERNAL_PORT");
            text = string.IsNullOrEmpty(external) ? host : $"{(host.Contains(':', StringComparison.Ordinal) && !host.StartsWith('[') ? $"[{host}]" : host)}:{external}";
        }

        if (!Uri.TryCreate($"mqtt://{text}", UriKind.Absolute, out var uri) || uri.Host.Length == 0 || uri.AbsolutePath is not ("" or "/") || uri.UserInfo.Length > 0)
            throw new CliException(ExitCode.WrongUsage, $"A broker is HOST:PORT, and \"{text}\" is none.");
        return (uri.IdnHost.Trim('[', ']'), uri.Port > 0 ? uri.Port : plain ? PlainPort : StandardPort);
    }

    private static Func<SslClientAuthenticationOptions> Tls(ParseResult parsed, string host)
    {
        var own = Certificate(parsed);
        var context = own is null ? null : SslStreamCertificateContext.Create(own, [.. PemFile.Read(parsed.GetValue(Cert)!).Skip(1)], offline: true);
        X509ChainPolicy? trust = null;
        if (parsed.GetValue(Ca) is { } ca)
        {
            trust = new() { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true };
            foreach (var authority in PemFile.Read(ca))
            {
                if (authority.SubjectName.RawData.AsSpan().SequenceEqual(authority.IssuerName.RawData)) trust.CustomTrustStore.Add(authority);
                else trust.ExtraStore.Add(authority);
            }

            if (trust.CustomTrustStore.Count == 0) throw new CliException(ExitCode.WrongUsage, $"{ca} holds no self-signed root certificate to trust.");
        }

        return () => new()
        {
            TargetHost = host,
            ClientCertificateContext = context,
            EnabledSslProtocols = parsed.GetValue(Tls12) ? SslProtocols.Tls13 | SslProtocols.Tls12 : SslProtocols.Tls13,
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
            CertificateChainPolicy = trust?.Clone(),
        };
    }

    /// <summary>Connects, or ends the command with what the broker or the network said. With <c>--retry</c> a client whose line is down for longer than that is closed.</summary>
    public static async Task<MqttClient> ConnectAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var (options, patience) = (Read(parsed), parsed.GetValue(Retry) is { } text ? Durations.Parse("--retry", text) : TimeSpan.Zero);
        for (var began = TimeProvider.System.GetTimestamp(); ;)
        {
            try
            {
                var client = await MqttClient.ConnectAsync(options, cancellation);
                if (patience > TimeSpan.Zero) EndWhenAway(client, patience);
                return client;
            }
            catch (MqttException problem) when (problem.FromPeer || TimeProvider.System.GetElapsedTime(began) >= patience)
            {
                throw Explain(options, problem);
            }
            catch (MqttException)
            {
                await Task.Delay(LongestPause / 4, TimeProvider.System, cancellation);
            }
        }
    }

    private static void EndWhenAway(MqttClient client, TimeSpan patience)
    {
        var outage = TimeProvider.System.CreateTimer(_ => _ = client.DisposeAsync().AsTask(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        client.StateChanged += change => outage.Change(change.State == MqttClientState.Reconnecting ? patience : Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    private static CliException Explain(MqttClientOptions options, MqttException problem)
    {
        var cause = problem.InnerException is AuthenticationException inner ? $"{problem.Message} {inner.Message}" : problem.Message;
        return new(problem.FromPeer ? ExitCode.Refused : ExitCode.NotReachable, string.Create(CultureInfo.InvariantCulture,
            $"{options.Host}:{options.Port} {(problem.FromPeer ? "refused the connection" : "cannot be reached")}: {cause.TrimEnd('.')}. Does --ca hold the broker's root, and does the certificate name {options.Host}?"));
    }
}
