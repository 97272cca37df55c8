using System.CommandLine;
using System.Net;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Signet.Access;
using Signet.Cli.Shell;
using Signet.Control;
using Signet.Pki;
using Signet.Web;

namespace Signet.Cli.Up;

/// <summary><c>signet up</c>: everything in one process, and with <c>--demo</c> three simulated devices in processes of their own.</summary>
internal static class UpVerb
{
    private static readonly Option<bool> Demo = new("--demo") { Description = "A complete demonstration on loopback: an administrator, three simulated devices" };
    private static readonly Option<string?> Config = new("--config") { Description = "Settings file (default: signet.json in the data directory, if there is one)", HelpName = "FILE" };
    private static readonly Option<bool> PrintConfig = new("--print-config") { Description = "Print every setting with its origin, and start nothing" };

    private static readonly Dictionary<Setting, Option<string?>> Flags = Setting.All.Where(setting => setting.Flag is not null)
        .ToDictionary(setting => setting, setting => new Option<string?>(setting.Flag!) { Description = $"{setting.Meaning} (default {(setting.Default.Length == 0 ? "none" : setting.Default)})", HelpName = "VALUE" });

    public static Command Build() => Verb.Make("up", "Run the command center: console, API, MQTT broker, PKI endpoint", [Demo, Config, PrintConfig, .. Flags.Values], RunAsync);

    private static async Task<ExitCode> RunAsync(ParseResult parsed, Printer printer, CancellationToken cancellation)
    {
        var directory = GlobalOptions.DataDirectory(parsed);
        var settings = Settings(parsed, directory);
        if (parsed.GetValue(PrintConfig))
            return Print(printer, settings);

        // Who collects JSON logs from stdout gets nothing else there: what is for people goes to stderr.
        if (settings[Setting.LogFormat] == "json" && !printer.Json) printer = new Printer(json: false, printer.Error, printer.Error);
        var demo = parsed.GetValue(Demo);
        var listen = IPAddress.Parse(settings[Setting.Listen]);
        if (demo && !IPAddress.IsLoopback(listen))
            throw new CliException(ExitCode.WrongUsage, $"--demo shows passwords and simulates devices, so it listens on loopback only, and {listen} is not. Leave out --listen or --demo.");

        var provider = ProviderSettings.Of(settings);
        using var random = RandomNumberGenerator.Create();
        using var atRunTime = new RunTimeSettings(settings, () => Settings(parsed, directory));
        using var loggers = LoggerFactory.Create(logging => logging
            .SetMinimumLevel(LogLevel.Trace)
            // Asked for each line, so that a change acts at once. A failed start is told once, in our own line: the host's is left out.
            .AddFilter((category, level) => level >= atRunTime.Level && category?.StartsWith("Microsoft.Extensions.Hosting", StringComparison.Ordinal) != true
                && (level >= LogLevel.Warning || category?.StartsWith("Microsoft", StringComparison.Ordinal) != true))
            .AddLines(settings[Setting.LogFormat] == "json", toStandardError: settings[Setting.LogFormat] != "json" || printer.Json));

        var first = !Installation.Exists(directory);
        if (first)
            await CreateAsync(directory, settings, demo, printer, random, cancellation);

        await using var center = await CommandCenter.OpenAsync(Options(directory, settings, listen, demo), TimeProvider.System, random, loggers, cancellation);
        if (demo && !center.Installation.IsDemo)
            throw new CliException(ExitCode.Refused, $"{directory} is a real installation, and --demo would show its passwords. Give the demonstration a directory of its own: --data DIR.");
        await using var terminal = AuditTerminal.Follow(center.Feed, printer);
        // RabbitMQ asks the endpoints of the console before it lets anybody in, the center too: there the console comes first.
        var asksFirst = center.Options.OtherBroker is { Kind: BrokerKind.RabbitMq };
        await using var early = asksFirst ? await WebConsole.StartAsync(center, WebSettings(settings, listen, demo, random) with { Provider = provider }, loggers, cancellation) : null;
        await center.StartAsync(cancellation);
        atRunTime.Listen(center, loggers.CreateLogger("Signet.Cli.Up"));
        await using var devices = new DemoDevices();
        // The devices come up while the console does.
        if (demo)
            devices.Start(center.Fleet.List().Select(device => center.Installation.DeviceDirectory(device.Name)).Where(Directory.Exists));
        await using var late = asksFirst ? null : await WebConsole.StartAsync(center, WebSettings(settings, listen, demo, random) with { Provider = provider }, loggers, cancellation);
        var console = early ?? late!;
        var welcome = await WelcomeAsync(center, console, demo, first, cancellation);
        if (demo)
            await DemoDevices.OnlineAsync(center.Fleet, cancellation);

        welcome.Print(printer);
        try
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellation);
        }
        catch (OperationCanceledException)
        {
            // Ctrl-C or SIGTERM: the clean way out.
        }

        center.Drain();
        if (settings.Number(Setting.Drain) > 0)
        {
            printer.Line($"not ready any more; stopping in {settings[Setting.Drain]} s ...");
            await Task.Delay(TimeSpan.FromSeconds(settings.Number(Setting.Drain)), CancellationToken.None);
        }
        printer.Line("stopping ...");
        await devices.DisposeAsync();
        await console.StopAsync(CancellationToken.None);
        await center.StopAsync(CancellationToken.None);
        printer.Line("stopped; nothing that was acknowledged is lost");
        return ExitCode.Done;
    }

    private static SignetSettings Settings(ParseResult parsed, string directory)
    {
        return SignetSettings.Load(parsed.GetValue(Config) ?? SignetSettings.Usual(directory), Environment.GetEnvironmentVariables(), Flags.ToDictionary(flag => flag.Key, flag => parsed.GetValue(flag.Value)));
    }

    private static ExitCode Print(Printer printer, SignetSettings settings)
    {
        if (printer.Json)
            printer.Object(new JsonObject { ["settings"] = new JsonArray([.. settings.Everything.Select(row => new JsonObject { ["key"] = row.Setting.Key, ["value"] = row.Value, ["origin"] = row.Origin, ["meaning"] = row.Setting.Meaning })]) });
        printer.Table(["setting", "value", "from", "meaning"], settings.Everything.Select(row => (IReadOnlyList<string>)[row.Setting.Key, row.Value, row.Origin, row.Setting.Meaning]));
        return ExitCode.Done;
    }

    private static async Task CreateAsync(string directory, SignetSettings settings, bool demo, Printer printer, RandomNumberGenerator random, CancellationToken cancellation)
    {
        printer.Line($"making a new installation in {directory} (certificate authority, databases{(demo ? ", demo devices" : "")}) ...");
        var options = new InstallationOptions { Demo = demo, Hosts = Hosts(settings), PkiUrl = PkiUrl(settings), Postgres = settings.Postgres };
        await Installation.CreateAsync(directory, options, TimeProvider.System, random, cancellation);
        if (!demo)
            printer.Line("the first audit key was destroyed; `signet init --audit-key-out FILE` keeps it for an auditor");
    }

    private static CenterOptions Options(string directory, SignetSettings settings, IPAddress listen, bool demo) => new()
    {
        DataDirectory = directory,
        Postgres = settings.Postgres,
        Listen = listen,
        MqttPort = settings.Number(Setting.PortMqtt),
        MqttPasswordPort = settings.Number(Setting.PortMqttPassword),
        OpenPasswordListener = demo,
        AllowTls12ForPasswords = settings[Setting.MqttPasswordTls12] == "true",
        Proxies = Networks(settings[Setting.MqttProxies]),
        MqttConnectionsPerSecond = settings.Number(Setting.MqttConnectionsPerSecond),
        MqttHalfOpen = settings.Number(Setting.MqttHalfOpen),
        MqttHalfOpenPerAddress = settings.Number(Setting.MqttHalfOpenPerAddress),
        OtherBroker = BrokerOptions.Of(settings),
        PkiUrl = PkiUrl(settings),
        LongestAbsence = TimeSpan.FromDays(settings.Number(Setting.LongestAbsence)),
        ReceiptDeadline = TimeSpan.FromSeconds(settings.Number(Setting.ReceiptDeadline)),
        CheckpointInterval = TimeSpan.FromSeconds(settings.Number(Setting.AuditCheckpointSeconds)),
        Audit = AuditOptions.Of(settings),
        SecondFactorGrace = TimeSpan.FromDays(settings.Number(Setting.SecondFactorGraceDays)),
    };

    private static WebOptions WebSettings(SignetSettings settings, IPAddress listen, bool demo, RandomNumberGenerator random) => new()
    {
        Listen = listen,
        ConsolePort = settings.Number(Setting.PortConsole),
        PkiPort = settings.Number(Setting.PortPki),
        ClientCertificate = Enum.Parse<ClientCertificateMode>(settings[Setting.ClientCertificate], ignoreCase: true),
        CertificateSignIn = Enum.Parse<Signet.Web.SignIn.CertificateSignIn>(settings[Setting.CertificateSignIn], ignoreCase: true),
        Proxies = Networks(settings[Setting.ConsoleProxies]),
        ProxyName = settings[Setting.ConsoleProxyName],
        AuthPort = settings.Number(Setting.PortAuth),
        AuthListen = IPAddress.Parse(settings[Setting.AuthListen]),
        AuthFrom = Networks(settings[Setting.AuthFrom]),
        AuthToken = AuthToken(settings[Setting.AuthTokenFile]),
        OpenAuth = demo || settings[Setting.AuthOpen] == "true" || settings[Setting.BrokerKind] != "embedded",
        Hosts = Hosts(settings),
        Registration = Enum.Parse<Registration>(settings[Setting.Registration], ignoreCase: true),
        BreachedPasswords = settings[Setting.BreachedPasswords],
        SecondFactorFor = [.. settings[Setting.SecondFactorFor].Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(role => Enum.Parse<Role>(role, ignoreCase: true))],
        Settings = [.. settings.Everything.Select(row => new ShownSetting(row.Setting.Key, row.Value, row.Origin, row.Setting.Meaning))],
        Random = random,
    };

    private static async Task<Welcome> WelcomeAsync(CommandCenter center, WebConsole console, bool demo, bool first, CancellationToken cancellation)
    {
        var password = demo ? await console.CreateDemoAdministratorAsync(Welcome.DemoAdministrator, cancellation) : null;
        var setup = demo ? null : await console.CreateSetupLinkAsync(cancellation);
        var token = (await center.Tokens.CreateLocalOperatorAsync(cancellation)).Value.Secret;
        var root = Path.Combine(center.Installation.PkiDirectory, "root.crt");
        new Profile(console.ConsoleUrl.GetLeftPart(UriPartial.Authority), token, Path.Combine(center.Installation.PkiDirectory, Authorities.TrustFile), Near(center.Options.Listen)?.ToString()).Save(center.Installation.Directory);
        return new Welcome(center, console, first, password, setup, token, root);
    }

    // Where everything is listened on, loopback is; a name need not lead here.
    private static IPAddress? Near(IPAddress listen) => listen.Equals(IPAddress.Any) ? IPAddress.Loopback : listen.Equals(IPAddress.IPv6Any) ? IPAddress.IPv6Loopback : null;

    private static string[] Hosts(SignetSettings settings) => settings[Setting.Hosts].Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    private static IReadOnlyList<IPNetwork> Networks(string text) =>
        [.. text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(network => Setting.TryNetwork(network, out var found) ? found : throw new ArgumentException(network, nameof(text)))];

    private static string? AuthToken(string file)
    {
        if (file.Length == 0)
            return null;
        KeyFile.RequirePrivate(file);
        var token = File.ReadAllText(file).Trim();
        return token.Length >= 22 && token.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_')
            ? token
            : throw new CliException(ExitCode.Refused, $"{file} must hold a token of at least 22 letters, digits, - and _; make one with: openssl rand -hex 16 > {file}");
    }

    private static Uri? PkiUrl(SignetSettings settings) => settings[Setting.PublicUrl] is { Length: > 0 } url ? new Uri(url) : null;
}
