using System.CommandLine;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Signet.Cli.Shell;
using Signet.Mqtt;
using Signet.Mqtt.Broker;
using Signet.Pki;

namespace Signet.Cli.Bare;

/// <summary><c>signet broker run</c>: the MQTT library's broker alone, without command center, policy or log. On loopback only.</summary>
internal static class BareBroker
{
    private static readonly Option<int?> Plain = new("--plain") { Description = "Listen on this port without TLS (0 picks a free one); needs --allow-anonymous", HelpName = "PORT" };
    private static readonly Option<bool> AllowAnonymous = new("--allow-anonymous") { Description = "Let everybody do everything" };
    private static readonly Option<int?> Tls = new("--tls") { Description = "Listen on this port with mutual TLS (0 picks a free one)", HelpName = "PORT" };
    private static readonly Option<string?> Ca = new("--ca") { Description = "Certificates that client certificates must lead to (PEM)", HelpName = "FILE" };
    private static readonly Option<string?> Cert = new("--cert") { Description = "The broker's certificate, with intermediates (PEM)", HelpName = "FILE" };
    private static readonly Option<string?> Key = new("--key") { Description = "The broker's private key (PEM, 0600)", HelpName = "FILE" };
    private static readonly Option<int> MaxPacket = Number("--max-packet", "Largest packet, bytes", new BrokerLimits().MaximumPacketSize, 1024, BrokerLimits.ProtocolMaxPacket);
    private static readonly Option<int> ReceiveMaximum = Number("--receive-maximum", "Unacknowledged messages a client may have", new BrokerLimits().ReceiveMaximum, 1, ushort.MaxValue);
    private static readonly Option<int> MaxKeepAlive = Number("--max-keep-alive", "Longest keep alive granted, seconds", ushort.MaxValue, 1, ushort.MaxValue);
    private static readonly Option<int> MaxQoS = Number("--max-qos", "Highest QoS granted", 2, 0, 2);
    private static readonly Option<string?> StatsJson = new("--stats-json") { Description = "Write the counters here when the broker stops", HelpName = "FILE" };

    public static Command Build() => Verb.Make("run", "A bare MQTT 3.1.1 and 5.0 broker on loopback, for conformance suites and benchmarks",
        [Plain, AllowAnonymous, Tls, Ca, Cert, Key, MaxPacket, ReceiveMaximum, MaxKeepAlive, MaxQoS, StatsJson], RunAsync);

    private static async Task<ExitCode> RunAsync(ParseResult parsed, Printer printer, CancellationToken cancellation)
    {
        if (parsed.GetValue(Plain) is null && parsed.GetValue(Tls) is null)
            throw new CliException(ExitCode.WrongUsage, "Name a port: --plain PORT --allow-anonymous, or --tls PORT --ca F --cert F --key F.");
        if (parsed.GetValue(Plain) is not null && !parsed.GetValue(AllowAnonymous))
            throw new CliException(ExitCode.WrongUsage, "A port without TLS knows nobody's name: add --allow-anonymous if that is meant.");

        var options = new BrokerOptions
        {
            Limits = new BrokerLimits
            {
                MaximumPacketSize = parsed.GetValue(MaxPacket),
                ReceiveMaximum = (ushort)parsed.GetValue(ReceiveMaximum),
                MaximumKeepAlive = TimeSpan.FromSeconds(parsed.GetValue(MaxKeepAlive)),
                MaximumQoS = (QoS)parsed.GetValue(MaxQoS),
            },
        };
        await using var broker = new MqttBroker(options, new OpenPolicy(parsed.GetValue(AllowAnonymous)), TimeProvider.System);
        var listeners = new List<MqttListener>();
        try
        {
            var ready = new JsonObject { ["event"] = "ready" };
            if (parsed.GetValue(Plain) is { } plain)
                Open("plain", plain, tls: null, validate: null);
            if (parsed.GetValue(Tls) is { } secure)
                Open("tls", secure, ServerOptions(parsed), Validator(parsed));
            if (printer.Json)
                printer.Object(ready);

            await Task.Delay(Timeout.InfiniteTimeSpan, cancellation).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            if (parsed.GetValue(StatsJson) is { } stats)
                await File.WriteAllTextAsync(stats, Stats(broker.Counters).ToJsonString(), CancellationToken.None);
            return ExitCode.Done;

            void Open(string name, int port, Func<SslServerAuthenticationOptions>? tls, Func<X509Certificate2?, X509Certificate2Collection, string?>? validate)
            {
                try
                {
                    var listener = MqttListener.Start(broker, new ListenerOptions { EndPoint = new IPEndPoint(IPAddress.Loopback, port), Name = name, Tls = tls, ValidateClientCertificate = validate });
                    listeners.Add(listener);
                    ready[name] = listener.EndPoint.Port;
                    printer.Line($"{name}: 127.0.0.1:{listener.EndPoint.Port}");
                }
                catch (SocketException problem)
                {
                    throw new CliException(ExitCode.Refused, $"Port {port} cannot be opened: {problem.Message}. Choose another, or 0 for a free one.");
                }
            }
        }
        finally
        {
            foreach (var listener in listeners)
                await listener.DisposeAsync();
        }
    }

    private static Func<SslServerAuthenticationOptions> ServerOptions(ParseResult parsed)
    {
        var certFile = Required(parsed, Cert);
        using var key = KeyFile.Load(Required(parsed, Key));
        var chain = new X509Certificate2Collection();
        chain.ImportFromPemFile(certFile);
        var leaf = key switch
        {
            System.Security.Cryptography.RSA rsa => chain[0].CopyWithPrivateKey(rsa),
            System.Security.Cryptography.ECDsa ec => chain[0].CopyWithPrivateKey(ec),
            _ => throw new CliException(ExitCode.WrongUsage, $"The key of {certFile} is of a kind that TLS cannot use here."),
        };
        var context = SslStreamCertificateContext.Create(leaf, new X509Certificate2Collection(chain.Skip(1).ToArray()), offline: true);
        return () => new SslServerAuthenticationOptions { ServerCertificateContext = context, EnabledSslProtocols = SslProtocols.Tls13 };
    }

    private static Func<X509Certificate2?, X509Certificate2Collection, string?> Validator(ParseResult parsed)
    {
        var authorities = new X509Certificate2Collection();
        authorities.ImportFromPemFile(Required(parsed, Ca));
        var trust = new TrustStore(authorities.Where(IsSelfSigned), authorities.Where(certificate => !IsSelfSigned(certificate)));
        var judge = new CertificateJudge(() => trust, () => RevocationState.Empty, TimeProvider.System);
        return (leaf, sent) =>
        {
            var verdict = judge.Judge(leaf, sent, CertificatePurpose.TlsClient);
            return verdict.Refusal == CertificateRefusal.None ? null : verdict.Detail;
        };
    }

    private static bool IsSelfSigned(X509Certificate2 certificate) => certificate.SubjectName.RawData.AsSpan().SequenceEqual(certificate.IssuerName.RawData);

    private static string Required(ParseResult parsed, Option<string?> option) =>
        parsed.GetValue(option) ?? throw new CliException(ExitCode.WrongUsage, $"--tls needs {option.Name} FILE.");

    private static JsonObject Stats(BrokerCounters counters) => new()
    {
        ["connectionsTotal"] = counters.ConnectionsTotal,
        ["messagesIn"] = counters.MessagesIn,
        ["messagesOut"] = counters.MessagesOut,
        ["bytesIn"] = counters.BytesIn,
        ["bytesOut"] = counters.BytesOut,
        ["dropped"] = counters.Dropped,
    };

    private static Option<int> Number(string name, string description, int standard, int least, int most)
    {
        var option = new Option<int>(name) { Description = $"{description} (default {standard})", HelpName = "N", DefaultValueFactory = _ => standard };
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() < least || result.GetValueOrDefault<int>() > most)
                result.AddError($"{name} takes a number from {least} to {most}.");
        });
        return option;
    }
}
