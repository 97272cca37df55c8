using System.CommandLine;
using System.Text;
using System.Text.Json.Nodes;
using Signet.Cli.Shell;
using Signet.Pki;

namespace Signet.Cli.Brokers;

/// <summary><c>signet broker config mosquitto|nginx|rabbitmq|emqx DIR</c>: complete, commented configuration for other people's programs, made from the running command center.</summary>
internal static class BrokerConfig
{
    public static readonly Option<string[]> Hosts = new("--host") { Description = "Name or address of that broker or proxy (may be repeated; default: localhost)", HelpName = "NAME|IP" };
    private static readonly Argument<string> Target = new("DIR") { Description = "Folder to write to; files that are there are replaced" };
    private static readonly Option<int> Port = new("--port") { Description = "Port it listens on", HelpName = "PORT", DefaultValueFactory = _ => 8883 };
    private static readonly Option<string> Center = new("--center") { Description = "Host under which the command center is reached from there", HelpName = "HOST", DefaultValueFactory = _ => "127.0.0.1" };
    private static readonly Option<string?> Bind = new("--bind") { Description = "Address nginx connects from (default: 127.0.0.2 for a center on this machine); the center must name it in mqtt:proxies, or console:proxies", HelpName = "ADDR" };
    private static readonly Option<int> MqttPort = new("--mqtt-port") { Description = "The embedded broker's port", HelpName = "PORT", DefaultValueFactory = _ => 8883 };
    private static readonly Option<int> AuthPort = new("--auth-port") { Description = "The port of the endpoints for other brokers", HelpName = "PORT", DefaultValueFactory = _ => 3000 };
    private static readonly Option<int> ManagementPort = new("--management-port") { Description = "Port of RabbitMQ's management API, on loopback", HelpName = "PORT", DefaultValueFactory = _ => 15672 };
    private static readonly Option<string?> AuthToken = new("--auth-token-file") { Description = "File with the secret path segment (auth:tokenFile) when the center is on another machine", HelpName = "FILE" };
    private static readonly Option<string?> Plugin = new("--plugin") { Description = "Path of signet_mosquitto.so there: the center then drives this Mosquitto (broker:address) instead of an ACL file", HelpName = "FILE" };
    private static readonly Option<string> GoAuthPlugin = new("--plugin") { Description = "Path of go-auth.so there", HelpName = "FILE", DefaultValueFactory = _ => "/etc/mosquitto/go-auth.so" };
    private static readonly Option<int> ConsolePort = new("--console-port") { Description = "The console's port", HelpName = "PORT", DefaultValueFactory = _ => 8443 };

    public static Command Build() => Verb.Noun("config", "Write configuration for other people's brokers and proxies", Mosquitto(), GoAuth(), Nginx(), RabbitMq(), Emqx());

    private static Command Mosquitto() => Verb.Make("mosquitto", "Mosquitto 2: mutual TLS, CRL, ACL from the policy or Signet's plugin, persistence", [Target, Hosts, Port, Plugin], async (parsed, printer, cancellation) =>
    {
        var folder = Folder(parsed);
        var plugin = parsed.GetValue(Plugin) is { } path ? Plain(Path.GetFullPath(path)) : null;
        using var center = CenterClient.Connect(parsed);
        await IssueAsync(center, folder, "mosquitto", HostsOf(parsed), cancellation);
        var canary = await IssueCanaryAsync(center, folder, cancellation);
        if (plugin is not null)
        {
            await MosquittoFiles.WriteDrivenAsync(folder, GlobalOptions.DataDirectory(parsed), parsed.GetValue(Port), plugin, HostsOf(parsed)[0], cancellation);
            return Written(printer, folder, $"start it with: mosquitto -c {folder}/mosquitto.conf; until the center drives it nobody is let in; then the center with what {folder}/signet.json says in its own settings");
        }

        await MosquittoFiles.WriteAsync(center, folder, GlobalOptions.DataDirectory(parsed), parsed.GetValue(Port), cancellation);
        return Written(printer, folder, $"start it with: mosquitto -c {folder}/mosquitto.conf; after each change of policy, fleet or certificates: signet broker sync mosquitto {folder} (canary {canary})");
    });

    private static Command Nginx() => Verb.Make("nginx", "nginx in front: TLS passthrough with PROXY protocol, a terminating variant, the console", [Target, Hosts, Port, Center, Bind, MqttPort, ConsolePort], async (parsed, printer, cancellation) =>
    {
        var folder = Folder(parsed);
        using var center = CenterClient.Connect(parsed);
        await IssueAsync(center, folder, "nginx", HostsOf(parsed), cancellation, profile: "proxy");
        MosquittoFiles.CopyTrust(GlobalOptions.DataDirectory(parsed), folder);
        var bind = parsed.GetValue(Bind) ?? (parsed.GetValue(Center) is "127.0.0.1" or "localhost" ? "127.0.0.2" : throw new CliException(ExitCode.WrongUsage, "Name the address nginx connects from: --bind ADDR."));
        if (!System.Net.IPAddress.TryParse(bind, out _))
            throw new CliException(ExitCode.WrongUsage, $"--bind takes an IP address, and \"{bind}\" is none.");
        await NginxFiles.WriteAsync(folder, parsed.GetValue(Port), parsed.GetValue(Center)!, bind, parsed.GetValue(MqttPort), parsed.GetValue(ConsolePort), HostsOf(parsed), cancellation);
        return Written(printer, folder, $"test it with: nginx -t -c {folder}/nginx.conf; the center must run with SIGNET__Mqtt__Proxies={bind}, or for nginx-terminating.conf with SIGNET__Console__Proxies={bind}");
    });

    private static Command RabbitMq() => Verb.Make("rabbitmq", "RabbitMQ 3.10 or newer: certificate log-in, decisions asked over HTTP", [Target, Hosts, Port, Center, AuthPort, ManagementPort], async (parsed, printer, cancellation) =>
    {
        var folder = Folder(parsed);
        using var center = CenterClient.Connect(parsed);
        await IssueAsync(center, folder, "rabbitmq", HostsOf(parsed), cancellation);
        MosquittoFiles.CopyTrust(GlobalOptions.DataDirectory(parsed), folder);
        await HttpBrokerFiles.WriteRabbitMqAsync(folder, parsed.GetValue(Port), parsed.GetValue(ManagementPort), $"http://{parsed.GetValue(Center)}:{parsed.GetValue(AuthPort)}", cancellation);
        return Written(printer, folder, $"start RabbitMQ with RABBITMQ_CONFIG_FILE={folder}/rabbitmq.conf and RABBITMQ_ENABLED_PLUGINS_FILE={folder}/enabled_plugins; then the center with what {folder}/signet.json says in its own settings");
    });

    private static Command GoAuth() => Verb.Make("go-auth", "mosquitto-go-auth: one-time codes on a Mosquitto of one's own, asked over HTTP (written from its documentation, not run here)", [Target, Center, AuthPort, AuthToken, GoAuthPlugin], async (parsed, printer, cancellation) =>
    {
        var folder = Folder(parsed);
        await HttpBrokerFiles.WriteGoAuthAsync(folder, Plain(parsed.GetValue(GoAuthPlugin)!), parsed.GetValue(Center)!, parsed.GetValue(AuthPort), parsed.GetValue(AuthToken), cancellation);
        return Written(printer, folder, $"put `include_dir {folder}` or the lines of auth.conf into Mosquitto's configuration; the center must run with auth:open = true");
    });

    private static Command Emqx() => Verb.Make("emqx", "EMQX 5: decisions asked over HTTP (written from its documentation, not run here)", [Target, Hosts, Port, Center, AuthPort], async (parsed, printer, cancellation) =>
    {
        var folder = Folder(parsed);
        using var center = CenterClient.Connect(parsed);
        await IssueAsync(center, folder, "emqx", HostsOf(parsed), cancellation);
        MosquittoFiles.CopyTrust(GlobalOptions.DataDirectory(parsed), folder);
        await HttpBrokerFiles.WriteEmqxAsync(folder, parsed.GetValue(Port), $"http://{parsed.GetValue(Center)}:{parsed.GetValue(AuthPort)}", cancellation);
        return Written(printer, folder, "the center must run with auth:open = true");
    });

    private static string Folder(ParseResult parsed)
    {
        var folder = Plain(Path.GetFullPath(parsed.GetValue(Target)!));
        Directory.CreateDirectory(folder);
        return folder;
    }

    private static string Plain(string path) => path.Any(c => char.IsControl(c) || char.IsWhiteSpace(c) || c is '"' or '\'' or ';' or '{' or '}')
        ? throw new CliException(ExitCode.WrongUsage, $"\"{path}\" holds characters that these configuration files cannot carry; choose a plain path.") : path;

    private static string[] HostsOf(ParseResult parsed)
    {
        var hosts = parsed.GetValue(Hosts) is { Length: > 0 } given ? given : ["localhost", "127.0.0.1"];
        return hosts.All(host => Uri.CheckHostName(host) != UriHostNameType.Unknown) ? hosts : throw new CliException(ExitCode.WrongUsage, "--host takes a host name or an IP address.");
    }

    /// <summary>NAME.crt with its chain and NAME.key (0600); an older pair is replaced.</summary>
    private static async Task IssueAsync(CenterClient center, string folder, string name, string[] hosts, CancellationToken cancellation, string profile = "broker")
    {
        var issued = await center.PostAsync("/api/v1/certificates", new JsonObject { ["profile"] = profile, ["name"] = name, ["hosts"] = new JsonArray([.. hosts.Select(host => JsonValue.Create(host))]) }, cancellation);
        Save(folder, name, issued);
    }

    /// <summary>A person's certificate for nobody, revoked at once: whoever still lets it in does not look at the CRL.</summary>
    private static async Task<string> IssueCanaryAsync(CenterClient center, string folder, CancellationToken cancellation)
    {
        var issued = await center.PostAsync("/api/v1/certificates", new JsonObject { ["profile"] = "user", ["name"] = "crl-canary" }, cancellation);
        Save(folder, "canary", issued);
        var serial = Query.Text(issued["serial"]);
        await center.PostAsync("/api/v1/certificates/revoke", new JsonObject { ["certificate"] = serial, ["reason"] = "cessation-of-operation", ["confirm"] = true }, cancellation);
        return serial;
    }

    private static void Save(string folder, string name, JsonObject issued)
    {
        KeyFile.WritePrivate(Path.Combine(folder, name + ".key"), Encoding.ASCII.GetBytes(Query.Text(issued["key"])));
        File.WriteAllText(Path.Combine(folder, name + ".crt"), Query.Text(issued["chain"]));
    }

    private static ExitCode Written(Printer printer, string folder, string next)
    {
        var files = Directory.GetFiles(folder).Select(Path.GetFileName).Order(StringComparer.Ordinal).ToList();
        if (printer.Json)
            printer.Object(new JsonObject { ["directory"] = folder, ["files"] = new JsonArray([.. files.Select(file => JsonValue.Create(file))]) });
        printer.Line($"wrote {string.Join(", ", files)} to {folder}");
        printer.Line(next);
        return ExitCode.Done;
    }
}
