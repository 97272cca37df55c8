using System.Globalization;
using System.Net;

namespace Signet.Cli.Up;

/// <summary>One thing that can be set, with its name in <c>signet.json</c>, its safe default and what a value must be.</summary>
/// <param name="Key">Path in the file, sections joined by ':' (<c>ports:mqtt</c>); in the environment <c>SIGNET__Ports__Mqtt</c>.</param>
/// <param name="Flag">The flag of <c>up</c> that sets it, or null where only the file and the environment do.</param>
/// <param name="Default">The value when nobody says anything.</param>
/// <param name="Meaning">One line for people.</param>
/// <param name="Check">Null when the value will do, else what it must be.</param>
internal sealed partial record Setting(string Key, string? Flag, string Default, string Meaning, Func<string, string?> Check)
{
    /// <summary>May hold a password: its value is not printed.</summary>
    public bool IsSecret { get; init; }

    public string EnvironmentName => "SIGNET__" + string.Join("__", Key.Split(':').Select(part => char.ToUpperInvariant(part[0]) + part[1..]));

    public static readonly Setting Listen = new("listen", "--listen", "127.0.0.1", "Address that every listener binds to",
        value => IPAddress.TryParse(value, out _) ? null : "an IP address");

    public static readonly Setting PortConsole = new("ports:console", "--port-console", "8443", "HTTPS: console, API, live feed", Port);
    public static readonly Setting PortMqtt = new("ports:mqtt", "--port-mqtt", "8883", "MQTT over mutual TLS", Port);
    public static readonly Setting PortPki = new("ports:pki", "--port-pki", "8080", "Plain HTTP: CRLs and CA certificates", Port);

    public static readonly Setting PortMqttPassword = new("ports:mqttPassword", "--port-mqtt-password", "8884", "MQTT over TLS with user name, one-time code and password; open with --demo or a TOTP account", Port);
    public static readonly Setting PortAuth = new("ports:auth", "--port-auth", "3000", "HTTP that other brokers ask; open with --demo, a TOTP account or auth:open", Port);

    public static readonly Setting MqttPasswordTls12 = new("mqttPassword:tls12", null, "false", "Also TLS 1.2 (ECDHE and AEAD only) on the password listener", Truth);

    public static readonly Setting MqttConnectionsPerSecond = new("mqtt:connectionsPerSecond", null, "2000", "New connections a second each MQTT port takes, with a burst of two seconds' worth; more are closed at once", value => WholeNumber(value, 1, 1_000_000));
    public static readonly Setting MqttHalfOpen = new("mqtt:halfOpen", null, "1024", "Handshakes at once on each MQTT port", value => WholeNumber(value, 1, 100_000));
    public static readonly Setting MqttHalfOpenPerAddress = new("mqtt:halfOpenPerAddress", null, "256", "Handshakes at once from one address", value => WholeNumber(value, 1, 100_000));

    public static readonly Setting MqttProxies = new("mqtt:proxies", null, "", "Networks of proxies that send a PROXY protocol v2 header before each MQTT connection, comma-separated", Networks);

    public static readonly Setting AuthOpen = new("auth:open", null, "false", "Open the endpoints for other brokers although there is no TOTP account", Truth);

    public static readonly Setting AuthListen = new("auth:listen", null, "127.0.0.1", "Address of the endpoints for other brokers; beyond loopback they need auth:from and auth:token",
        value => IPAddress.TryParse(value, out _) ? null : "an IP address");

    public static readonly Setting AuthFrom = new("auth:from", null, "", "Networks from which other brokers may ask, comma-separated (this machine always may)", Networks);

    public static readonly Setting AuthTokenFile = new("auth:tokenFile", null, "", "File (0600) with the secret path segment that other brokers must use: /auth/TOKEN/user",
        value => value.Length == 0 || Path.IsPathFullyQualified(value) ? null : "an absolute path, or empty");

    public static readonly Setting PublicUrl = new("pki:publicUrl", null, "", "Address under which others reach the PKI endpoint; goes into certificates (CDP, AIA)",
        value => value.Length == 0 || (Uri.TryCreate(value, UriKind.Absolute, out var url) && url.Scheme == Uri.UriSchemeHttp) ? null : "an http:// address, or empty");

    public static readonly Setting LongestAbsence = new("pki:longestAbsence", null, "180", "Days after its certificate's end in which a device may still renew it; 0: none",
        value => WholeNumber(value, 0, 3650));

    public static readonly Setting ClientCertificate = new("console:clientCertificate", null, "ask", "Client certificates on the console's port: off, ask or require",
        value => value is "off" or "ask" or "require" ? null : "off, ask or require");

    public static readonly Setting CertificateSignIn = new("console:certificateSignIn", null, "factor", "What a person's client certificate is worth: off (nothing), factor (the second step after the password) or alone (it is enough, for pages and API)",
        value => value is "off" or "factor" or "alone" ? null : "off, factor or alone");

    public static readonly Setting ConsoleProxies = new("console:proxies", null, "", "Networks of proxies that end TLS before the console and say who their client is, comma-separated; each must show a certificate of the profile proxy", Networks);

    public static readonly Setting ConsoleProxyName = new("console:proxyName", null, "nginx", "Name in the certificate of those proxies", value => value.Length > 0 ? null : "a name");

    public static readonly Setting Hosts = new("hosts", "--host", "", "Further names and addresses, comma-separated, that go into the servers' certificates",
        value => value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .All(host => Uri.CheckHostName(host) != UriHostNameType.Unknown) ? null : "host names or IP addresses, comma-separated");

    public static readonly Setting ReceiptDeadline = new("commands:receiptDeadline", null, "20", "Seconds until a sent command without a receipt counts as unanswered",
        value => WholeNumber(value, 1, 3600));

    public static readonly Setting LogLevel = new("log:level", "--log-level", "warning", "What the log on stderr shows: debug, information, warning or error",
        value => value.ToLowerInvariant() is "debug" or "information" or "warning" or "error" ? null : "debug, information, warning or error");

    public static readonly Setting LogFormat = new("log:format", "--log-format", "text", "How the log is written: text (stderr) or json (one object a line; on stdout unless --json prints events there)",
        value => value is "text" or "json" ? null : "text or json");

    public static readonly Setting Drain = new("shutdown:drain", null, "0", "Seconds between saying \"not ready\" and stopping, for load balancers: at most 5, so that a stop takes less than 10 s", value => WholeNumber(value, 0, 5));

    public static readonly Setting Database = new("database:kind", null, "sqlite", "Where fleet, commands, people and audit log are kept: sqlite (files in the data directory) or postgres",
        value => value is "sqlite" or "postgres" ? null : "sqlite or postgres");

    public static readonly Setting DatabaseConnection = new("database:connection", null, "", "Connection string for postgres: Host=...;Database=...;Username=... (docs/operations.md)",
        _ => null) { IsSecret = true };

    public static readonly Setting DatabasePasswordFile = new("database:passwordFile", null, "", "File (0600) whose first line is the database password", _ => null);

    public static readonly Setting Registration = new("people:registration", null, "invitation", "Who may make an account at /register: open, invitation or closed",
        value => value is "open" or "invitation" or "closed" ? null : "open, invitation or closed");

    public static readonly Setting BreachedPasswords = new("people:breachedPasswords", null, "", "File of passwords from breaches that nobody may choose: SHA-1 in hexadecimal, one a line, in order, each with or without :COUNT (docs/operations.md); empty: none", Absolute);

    public static readonly Setting SecondFactorFor = new("people:secondFactorFor", null, "operator,admin", "Roles that need a second factor, comma-separated; empty: none",
        value => value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).All(role => role is "viewer" or "operator" or "admin") ? null : "viewer, operator or admin, comma-separated");

    public static readonly Setting SecondFactorGraceDays = new("people:secondFactorGraceDays", null, "7", "Days that people may do without the second factor their role needs",
        value => WholeNumber(value, 0, 365));

    public static readonly Setting AuditCheckpointSeconds = new("audit:checkpointSeconds", null, "10", "A checkpoint of the audit log is signed at the latest so many seconds after an entry", value => WholeNumber(value, 1, 600));
    public static readonly Setting AuditSegmentEntries = new("audit:segmentEntries", null, "100000", "Entries after which a segment of the audit log is sealed", value => WholeNumber(value, 1000, 10_000_000));
    public static readonly Setting AuditSegmentDays = new("audit:segmentDays", null, "30", "Days after which a segment of the audit log is sealed", value => WholeNumber(value, 1, 366));
    public static readonly Setting AuditRetentionDays = new("audit:retentionDays", null, "0", "Days after which sealed segments leave the database; 0 keeps everything", value => WholeNumber(value, 0, 36_500));
    public static readonly Setting AuditArchive = new("audit:archive", null, "", "Where they go: an absolute directory; empty: audit/archive in the data directory; `delete`: nowhere",
        value => value.Length == 0 || value == "delete" || Path.IsPathFullyQualified(value) ? null : "an absolute directory, `delete`, or empty");
    public static readonly Setting AuditReserveMebibytes = new("audit:reserveMebibytes", null, "8", "Space set aside so that emergencies are recorded on a full disk", value => WholeNumber(value, 0, 1024));
    public static readonly Setting AuditUnavailable = new("audit:whenUnavailable", null, "refuse", "What happens to commands and administration while the audit log cannot be written: refuse, or continue (entries follow, or are lost)",
        value => value is "refuse" or "continue" ? null : "refuse or continue");
    public static readonly Setting AuditSyslog = new("audit:syslog", null, "", "HOST:PORT of a syslog collector (RFC 5425, TLS) that gets every entry", value => value.Length == 0 || Address(value) is not null ? null : "HOST:PORT, or empty");
    public static readonly Setting AuditWebhook = new("audit:webhook", null, "", "https address that every entry is posted to",
        value => value.Length == 0 || (Uri.TryCreate(value, UriKind.Absolute, out var url) && url.Scheme == Uri.UriSchemeHttps && url.UserInfo.Length == 0) ? null : "an https:// address without a password in it, or empty");
    public static readonly Setting AuditWebhookSecretFile = new("audit:webhookSecretFile", null, "", "File (0600) with the key of the header X-Signet-Signature", Absolute);
    public static readonly Setting AuditForwardRoot = new("audit:forwardRoot", null, "", "PEM file of the roots that collector and webhook must lead to; empty: the operating system's", Absolute);

    /// <summary>Host and port of <c>HOST:PORT</c>; null for something else.</summary>
    internal static Uri? Address(string text) => Uri.TryCreate("tls://" + text, UriKind.Absolute, out var url) && url.Port > 0 && url.Host.Length > 0 && url.AbsolutePath is "" or "/" && url.UserInfo.Length == 0 ? url : null;

    private static string? Absolute(string value) => value.Length == 0 || Path.IsPathFullyQualified(value) ? null : "an absolute path, or empty";

    /// <summary>Everything that can be set; a key that is not here is an error.</summary>
    public static readonly IReadOnlyList<Setting> All = [Listen, PortConsole, PortMqtt, PortPki, PortMqttPassword, PortAuth, MqttPasswordTls12, MqttConnectionsPerSecond, MqttHalfOpen, MqttHalfOpenPerAddress, MqttProxies, AuthOpen, AuthListen, AuthFrom, AuthTokenFile, PublicUrl, LongestAbsence, ClientCertificate, CertificateSignIn, ConsoleProxies, ConsoleProxyName, Hosts, ReceiptDeadline, LogLevel, LogFormat, Drain, Database, DatabaseConnection, DatabasePasswordFile, Registration, BreachedPasswords, SecondFactorFor, SecondFactorGraceDays,
        AuditCheckpointSeconds, AuditSegmentEntries, AuditSegmentDays, AuditRetentionDays, AuditArchive, AuditReserveMebibytes, AuditUnavailable, AuditSyslog, AuditWebhook, AuditWebhookSecretFile, AuditForwardRoot, .. OfBrokers, .. OfProvider];

    private static string? Truth(string value) => value is "true" or "false" ? null : "true or false";

    private static string? Networks(string value) => value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).All(network => TryNetwork(network, out _))
        ? null : "addresses or networks (10.0.0.5, 10.1.0.0/16), comma-separated";

    /// <summary>An address alone is the network of that one address.</summary>
    internal static bool TryNetwork(string text, out IPNetwork network)
    {
        if (IPNetwork.TryParse(text, out network))
            return true;
        if (!IPAddress.TryParse(text, out var address))
            return false;
        network = new IPNetwork(address, address.GetAddressBytes().Length * 8);
        return true;
    }

    private static string? Port(string value) => WholeNumber(value, 0, 65535) is null ? null : "a port number (0 picks a free one)";

    private static string? WholeNumber(string value, int least, int most) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most
            ? null
            : $"a whole number from {least} to {most}";
}
