using System.Net;
using Signet.Store;

namespace Signet.Control;

/// <summary>How one command center runs. Every default is safe; numbers that are not settings stand in <see cref="ControlLimits"/>.</summary>
public sealed record CenterOptions
{
    /// <summary>Made by <see cref="Installation.CreateAsync"/>.</summary>
    public required string DataDirectory { get; init; }

    /// <summary>Where the data are kept when not in SQLite files of the directory.</summary>
    public PostgresAddress? Postgres { get; init; }

    /// <summary>Address of the MQTT listener. Loopback until somebody says otherwise.</summary>
    public IPAddress Listen { get; init; } = IPAddress.Loopback;

    /// <summary>Port for MQTT with client certificates; 0 takes a free one (<see cref="CommandCenter.MqttEndPoint"/>).</summary>
    public int MqttPort { get; init; } = 8883;

    /// <summary>Port for MQTT with user name, one-time code and password (TLS without client certificate); opened when <see cref="OpenPasswordListener"/> or a TOTP account asks for it.</summary>
    public int MqttPasswordPort { get; init; } = 8884;

    /// <summary>Open the password listener at the start although there is no TOTP account yet.</summary>
    public bool OpenPasswordListener { get; init; }

    /// <summary>Also TLS 1.2 (ECDHE and AEAD only) on the password listener, for clients that lack 1.3.</summary>
    public bool AllowTls12ForPasswords { get; init; }

    /// <summary>New connections a second each MQTT port takes, with a burst of two seconds' worth; more are closed at once, and the trail says so. More than one core can shake hands with: it stops floods, not fleets.</summary>
    public int MqttConnectionsPerSecond { get; init; } = 2000;

    /// <summary>Handshakes at once on each MQTT port.</summary>
    public int MqttHalfOpen { get; init; } = 1024;

    /// <summary>Handshakes at once from one address on each MQTT port.</summary>
    public int MqttHalfOpenPerAddress { get; init; } = 256;

    /// <summary>Proxies that put a PROXY protocol v2 header before each MQTT connection; everybody else must not.</summary>
    public IReadOnlyList<IPNetwork> Proxies { get; init; } = [];

    /// <summary>A broker that is not ours carries the messages; null: the embedded one.</summary>
    public OtherBroker? OtherBroker { get; init; }

    /// <summary>Address of the PKI endpoint for CDP and AIA (<c>pki.publicUrl</c>); null: certificates name none.</summary>
    public Uri? PkiUrl { get; init; }

    /// <summary>How long after its certificate's end a device may still renew it. Zero: not at all.</summary>
    public TimeSpan LongestAbsence { get; init; } = TimeSpan.FromDays(180);

    /// <summary>From <c>iat</c> to <c>exp</c> of a command: a device that sees it later refuses it as <c>expired</c>. 1 s to 30 s, what a device accepts at most.</summary>
    public TimeSpan CommandLifetime { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>No receipt this long after sending: <c>unanswered</c>. A later receipt is still taken.</summary>
    public TimeSpan ReceiptDeadline { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Readings older than this are removed.</summary>
    public TimeSpan TelemetryRetention { get; init; } = TimeSpan.FromDays(7);

    /// <summary>Rotation, retention and failure of the audit log.</summary>
    public AuditSettings Audit { get; init; } = new();

    /// <summary>How often the audit log signs a checkpoint while there are new entries.</summary>
    public TimeSpan CheckpointInterval { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long after they got their role people may do without the second factor it needs.</summary>
    public TimeSpan SecondFactorGrace { get; init; } = TimeSpan.FromDays(7);

    /// <exception cref="ControlException">Names every setting that is out of range.</exception>
    internal void Validate()
    {
        var wrong = new List<string>();
        if (MqttPort is < 0 or > 65_535) wrong.Add($"the MQTT port {MqttPort} is not between 0 and 65535");
        if (MqttPasswordPort is < 0 or > 65_535) wrong.Add($"the MQTT password port {MqttPasswordPort} is not between 0 and 65535");
        if (MqttConnectionsPerSecond < 1 || MqttHalfOpen < 1 || MqttHalfOpenPerAddress < 1) wrong.Add("a limit on new MQTT connections is below 1");
        if (CommandLifetime < TimeSpan.FromSeconds(1) || CommandLifetime > TimeSpan.FromSeconds(30)) wrong.Add($"the command lifetime {CommandLifetime} is not between 1 s and 30 s");
        if (ReceiptDeadline < TimeSpan.FromMilliseconds(100) || ReceiptDeadline > TimeSpan.FromHours(1)) wrong.Add($"the receipt deadline {ReceiptDeadline} is not between 100 ms and 1 h");
        if (LongestAbsence < TimeSpan.Zero || LongestAbsence > TimeSpan.FromDays(3650)) wrong.Add($"the longest absence {LongestAbsence.TotalDays} days is not between 0 and 3650");
        if (TelemetryRetention < TimeSpan.FromMinutes(1)) wrong.Add($"the telemetry retention {TelemetryRetention} is shorter than a minute");
        wrong.AddRange(Audit.Wrong(CheckpointInterval));
        if (SecondFactorGrace < TimeSpan.Zero || SecondFactorGrace > TimeSpan.FromDays(365)) wrong.Add($"the grace period for second factors {SecondFactorGrace} is not between 0 and 365 days");
        if (wrong.Count > 0) throw new ControlException(string.Join("; ", wrong));
    }
}
