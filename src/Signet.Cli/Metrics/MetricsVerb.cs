using System.CommandLine;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Signet.Cli.Shell;
using Signet.Control;
using Signet.Mqtt;
using Signet.Mqtt.Client;

namespace Signet.Cli.Metrics;

/// <summary>
/// <c>signet metrics push</c>: a sensor client for cron. Connects with <c>user|CODE</c> and password, publishes each value with QoS 1, leaves after the PUBACKs. If it dies before,
/// the broker publishes <c>unsafe_disconnection</c> for it. A code is good once: when the broker says it was used, the client waits for the next one, once.
/// </summary>
internal static class MetricsVerb
{
    private const string LastWill = "unsafe_disconnection";
    private const int MaximumValues = 100, MaximumValueBytes = 4096;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    public static Command Build() => Verb.Noun("metrics", "Publish readings of a device that logs in with a one-time code", Push());

    private static Command Push()
    {
        var config = new Option<string>("--config") { Description = "The client's config.ini", HelpName = "FILE", Required = true };
        var values = new Option<string[]>("--value") { Description = "A reading (may be repeated); without any they are read from standard input, one NAME=V a line", HelpName = "NAME=V" };
        return Verb.Make("push", "Connect, publish, leave: for cron and systemd timers", [config, values], async (parsed, printer, cancellation) =>
        {
            var file = Path.GetFullPath(parsed.GetValue(config)!);
            var settings = MetricsConfig.Load(file);
            if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(file) & (UnixFileMode.GroupRead | UnixFileMode.OtherRead)) != UnixFileMode.None)
                printer.Error.WriteLine($"signet: warning: other users of this machine can read {file}, which holds password and secret; mend it with: chmod 600 {file}");
            var given = parsed.GetValue(values) is { Length: > 0 } some ? some : await ReadValuesAsync(cancellation);
            var messages = given.Select(value => Message(settings, value)).ToList();
            if (!Base32.TryDecode(settings.Secret, out var secret) || secret.Length < OneTimeCode.ShortestSecretBytes)
                throw new CliException(ExitCode.Refused, $"{file}: secret is not base32 of at least {OneTimeCode.ShortestSecretBytes * 8} bits.");
            var roots = Roots(settings.CaFile);
            await PushAsync(settings, secret, roots, messages, printer, TimeProvider.System, cancellation);
            if (printer.Json)
                printer.Object(new JsonObject { ["published"] = new JsonArray([.. messages.Select(message => JsonValue.Create(message.Topic))]) });
            printer.Line($"published {messages.Count} readings to {settings.Broker}:{settings.Port}");
            return ExitCode.Done;
        });
    }

    private static async Task PushAsync(MetricsConfig settings, byte[] secret, X509Certificate2Collection roots, List<MqttMessage> messages, Printer printer, TimeProvider time, CancellationToken cancellation)
    {
        for (var attempt = 1; ; attempt++)
        {
            var step = OneTimeCode.StepAt(time.GetUtcNow());
            try
            {
                await using var client = await MqttClient.ConnectAsync(Options(settings, OneTimeCode.At(secret, step), roots), cancellation);
                var results = await Task.WhenAll(messages.Select(message => client.PublishAsync(message, cancellation))).WaitAsync(Patience, cancellation);
                for (var at = 0; at < results.Length; at++)
                {
                    if (!results[at].IsAccepted)
                        throw new CliException(ExitCode.Refused, $"The broker refused {messages[at].Topic}: {results[at].ReasonString ?? results[at].Reason.ToString()}.");
                }

                return; // disposing says DISCONNECT, so that the last will is not published
            }
            catch (MqttException refused) when (refused.FromPeer && attempt == 1 && MayBeUsedCode(refused))
            {
                // Our own broker names the reason (totp-used); another can only say that it is not authorized.
                var next = DateTimeOffset.FromUnixTimeSeconds((step + 1) * OneTimeCode.StepSeconds).AddMilliseconds(500) - time.GetUtcNow();
                printer.Error.WriteLine($"signet: the one-time code of this step was refused ({refused.Message.TrimEnd('.')}); trying once more with the next one in {Math.Max(0, next.TotalSeconds):0} s");
                if (next > TimeSpan.Zero)
                    await Task.Delay(next, time, cancellation);
            }
            catch (MqttException problem)
            {
                throw problem.FromPeer
                    ? new CliException(ExitCode.Refused, $"{settings.Broker}:{settings.Port} refused {settings.User}: {problem.Message.TrimEnd('.')}. Check user, password, secret and this machine's clock.")
                    : new CliException(ExitCode.NotReachable, $"{settings.Broker}:{settings.Port} cannot be reached: {problem.Message.TrimEnd('.')}.");
            }
            catch (TimeoutException)
            {
                throw new CliException(ExitCode.NotReachable, $"{settings.Broker}:{settings.Port} acknowledged not every reading within {Patience.TotalSeconds} s.");
            }
        }
    }

    private static bool MayBeUsedCode(MqttException refused) => refused.Reason is ReasonCode.NotAuthorized or ReasonCode.BadUserNameOrPassword
        && (refused.Message.Contains(TotpLogin.Used, StringComparison.Ordinal) || !refused.Message.Contains("not-authorized", StringComparison.Ordinal));

    private static MqttClientOptions Options(MetricsConfig settings, string code, X509Certificate2Collection roots) => new()
    {
        Host = settings.Broker,
        Port = settings.Port,
        ClientId = settings.ClientId,
        CleanStart = true,
        SessionExpiry = TimeSpan.Zero,
        UserName = $"{settings.User}|{code}",
        Password = Encoding.UTF8.GetBytes(settings.Password),
        Will = new MqttWill(new MqttMessage { Topic = settings.StateTopic, Payload = Encoding.ASCII.GetBytes(LastWill), QoS = QoS.AtLeastOnce }),
        Reconnect = null,
        ConnectTimeout = Patience,
        Tls = () => new SslClientAuthenticationOptions
        {
            TargetHost = settings.Broker,
            // The broker may be an older Mosquitto with `tls_version tlsv1.2`.
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            CertificateChainPolicy = Trust(roots),
        },
    };

    private static X509ChainPolicy Trust(X509Certificate2Collection roots)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true };
        policy.CustomTrustStore.AddRange(roots);
        policy.ApplicationPolicy.Add(new Oid("1.3.6.1.5.5.7.3.1")); // serverAuth
        return policy;
    }

    private static X509Certificate2Collection Roots(string file)
    {
        var roots = new X509Certificate2Collection();
        try
        {
            roots.ImportFromPemFile(file);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new CliException(ExitCode.Refused, $"{file} (ca_certs) cannot be read: {problem.Message.TrimEnd('.')}. Under cron give its absolute path.");
        }

        return roots.Count > 0 ? roots : throw new CliException(ExitCode.Refused, $"{file} (ca_certs) holds no certificate.");
    }

    private static MqttMessage Message(MetricsConfig settings, string value)
    {
        var equals = value.IndexOf('=', StringComparison.Ordinal);
        if (equals < 1)
            throw new CliException(ExitCode.WrongUsage, $"\"{value}\" is no reading; write NAME=VALUE, for example Temperatura=21.5.");
        var topic = settings.TopicOf(value[..equals].Trim())
            ?? throw new CliException(ExitCode.WrongUsage, $"The config names no topic for {value[..equals].Trim()}; it has {string.Join(", ", settings.Topics.Select(t => t.Key))}.");
        var payload = Encoding.UTF8.GetBytes(value[(equals + 1)..].Trim());
        return payload.Length is > 0 and <= MaximumValueBytes
            ? new MqttMessage { Topic = topic, Payload = payload, QoS = QoS.AtLeastOnce }
            : throw new CliException(ExitCode.WrongUsage, $"The value of {value[..equals].Trim()} is empty or longer than {MaximumValueBytes} bytes.");
    }

    private static async Task<IReadOnlyList<string>> ReadValuesAsync(CancellationToken cancellation)
    {
        if (!Console.IsInputRedirected)
            throw new CliException(ExitCode.WrongUsage, "Give the readings with --value NAME=V, or on standard input, one NAME=V a line.");
        var lines = new List<string>();
        using var input = new StreamReader(Console.OpenStandardInput(), Encoding.UTF8);
        while (await input.ReadLineAsync(cancellation) is { } line)
        {
            if (!string.IsNullOrWhiteSpace(line))
                lines.Add(line);
            if (lines.Count > MaximumValues)
                throw new CliException(ExitCode.WrongUsage, $"Standard input held more than {MaximumValues} readings.");
        }

        return lines.Count > 0 ? lines : throw new CliException(ExitCode.WrongUsage, "Standard input held no readings.");
    }
}
