using System.Text;

namespace Signet.Control;

/// <summary>One metric: the name that dashboards and alerts hold on to.</summary>
/// <param name="Name">Begins with <c>signet.</c>.</param>
/// <param name="Kind">counter (only rises), gauge (a value now) or histogram.</param>
/// <param name="Unit">UCUM, as OpenTelemetry has it.</param>
/// <param name="Meaning">One line.</param>
/// <param name="Attributes">What it is split by; "" for nothing.</param>
public sealed record MetricRow(string Name, string Kind, string Unit, string Meaning, string Attributes = "");

/// <summary>Every metric of the center. docs/metrics.md is made from this list, and <see cref="CenterMeter"/> cannot make an instrument that is not in it.</summary>
public static class MetricCatalogue
{
    public const string Meter = "signet";

    public static IReadOnlyList<MetricRow> Rows { get; } =
    [
        new("signet.ready", "gauge", "1", "1 when broker, link, intake, database and audit log all work, else 0"),
        new("signet.devices.known", "gauge", "{device}", "devices in the fleet, disabled ones included"),
        new("signet.devices.online", "gauge", "{device}", "devices with a live session that said a verified word"),
        new("signet.devices.silent", "gauge", "{device}", "enabled devices that were there once and of which nothing was heard for an hour"),
        new("signet.commands.open", "gauge", "{command}", "commands sent and without a final answer"),
        new("signet.commands", "counter", "{command}", "commands sent, and the answers to them", "state: sent, accepted, executed, failed, rejected, interrupted, unanswered"),
        new("signet.events", "counter", "{entry}", "entries of the audit log", "type"),
        new("signet.denials", "counter", "{entry}", "what was refused", "type, reason (RejectReason or refusal name)"),
        new("signet.revocations", "counter", "{certificate}", "revocations recorded"),
        new("signet.revocation.duration", "histogram", "s", "from the order to revoke to the last session cut and the new list"),
        new("signet.audit.entries", "gauge", "{entry}", "entries in the audit log"),
        new("signet.audit.lag", "gauge", "{entry}", "entries that no signed checkpoint covers yet"),
        new("signet.audit.writable", "gauge", "1", "1 when the log takes entries, else 0: then nothing is done"),
        new("signet.database.ready", "gauge", "1", "1 when the database of fleet, commands and people answers, else 0"),
        new("signet.certificate.left", "gauge", "s", "time until a certificate ends; below 0 it has ended. The center's own and the devices' that end soonest", "name, profile"),
        new("signet.crl.left", "gauge", "s", "time until the next revocation list is due; below 0 those who check lists refuse everyone", "issuer"),
        new("signet.logins.unanswered", "counter", "{login}", "log-ins with one-time codes that got neither yes nor no (HTTP 503, MQTT 0x89)", "reason: busy, store-unavailable"),
        new("signet.broker.connections", "gauge", "{connection}", "clients connected to the embedded broker"),
        new("signet.broker.sessions", "gauge", "{session}", "sessions, kept ones of absent clients included"),
        new("signet.broker.queued", "gauge", "{message}", "messages that wait for a client"),
        new("signet.broker.messages.in", "counter", "{message}", "messages received"),
        new("signet.broker.messages.out", "counter", "{message}", "messages sent"),
        new("signet.broker.dropped", "counter", "{message}", "messages dropped: queue full, expired"),
        new("signet.broker.refused", "counter", "{refusal}", "refused by broker or TLS listener", "reason"),
    ];

    /// <summary>docs/metrics.md.</summary>
    public static string Markdown()
    {
        var text = new StringBuilder("""
            # Metrics

            Made from `src/Signet.Control/Telemetry/MetricCatalogue.cs`; a test holds this page against it. Exported by OTLP when `OTEL_EXPORTER_OTLP_ENDPOINT` is set (docs/operations.md, "Telemetry").
            On the way to Prometheus a collector writes dots as underscores and adds units: `signet.audit.lag` is `signet_audit_lag`.

            | name | kind | unit | meaning | split by |
            |---|---|---|---|---|

            """);
        foreach (var row in Rows) text.Append(System.Globalization.CultureInfo.InvariantCulture, $"| `{row.Name}` | {row.Kind} | {row.Unit} | {row.Meaning} | {row.Attributes} |\n");
        text.Append("""

            ## Traces

            One trace leads from the click to the receipt: the request (`Microsoft.AspNetCore`), `signet.command` (authorise, sign, record, publish), `signet.device.command` in the device's process, `signet.receipt` in the
            center. The context travels as the MQTT 5 user property `traceparent` (W3C Trace Context). It is not signed and decides nothing: it only joins what was measured.

            """);
        return text.ToString();
    }
}
