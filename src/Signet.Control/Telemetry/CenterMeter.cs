using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Signet.Audit;

namespace Signet.Control;

/// <summary>The center's instruments (<see cref="MetricCatalogue"/>). They cost nothing until somebody listens; gauges are read when an exporter asks.</summary>
internal sealed class CenterMeter : IDisposable
{
    private static readonly TimeSpan Silence = TimeSpan.FromHours(1);

    // Reasons come from closed lists; should one ever not, an attacker must not be able to make series without end.
    private const int MaximumReasons = 200;
    private readonly Meter _meter = new(MetricCatalogue.Meter, CommandCenter.Version);
    private readonly ConcurrentDictionary<string, byte> _reasons = new(StringComparer.Ordinal);
    private readonly CommandCenter _center;
    private readonly Counter<long> _events, _denials, _commands, _revocations;
    private readonly Histogram<double> _revocation;

    public CenterMeter(CommandCenter center)
    {
        _center = center;
        _events = Counter("signet.events");
        _denials = Counter("signet.denials");
        _commands = Counter("signet.commands");
        _revocations = Counter("signet.revocations");
        Gauge("signet.ready", () => center.Status().IsReady ? 1 : 0);
        Gauge("signet.devices.known", () => center.Status().DevicesKnown);
        Gauge("signet.devices.online", () => center.Status().DevicesOnline);
        Gauge("signet.devices.silent", () => center.Fleet.List().Count(d => d.Enabled && d.Presence.LastSeen < center.Time.GetUtcNow() - Silence));
        Gauge("signet.commands.open", () => center.Status().CommandsOpen);
        Gauge("signet.audit.entries", () => center.Audit.Size);
        Gauge("signet.audit.lag", () => center.Audit.Size - (center.Audit.LatestCheckpoint?.Size ?? 0));
        Gauge("signet.audit.writable", () => center.Audit.Health.State == AuditState.Writable ? 1 : 0);
        Gauge("signet.database.ready", () => center.Database.IsReady ? 1 : 0);
        Observed("signet.logins.unanswered", () => [new(center.TotpLogin.Unanswered.Busy, new KeyValuePair<string, object?>("reason", TotpLogin.Busy)), new(center.TotpLogin.Unanswered.Unavailable, new KeyValuePair<string, object?>("reason", TotpLogin.Unavailable))]);
        Gauge("signet.broker.connections", () => center.Broker.Totals().Connections);
        Gauge("signet.broker.sessions", () => center.Broker.Totals().Sessions);
        Gauge("signet.broker.queued", () => center.Broker.Sessions().Sum(s => (long)s.Queued));
        Observed("signet.broker.messages.in", () => [new(center.Broker.Totals().MessagesIn)]);
        Observed("signet.broker.messages.out", () => [new(center.Broker.Totals().MessagesOut)]);
        Observed("signet.broker.dropped", () => [new(center.Broker.Totals().Dropped)]);
        Observed("signet.broker.refused", () => center.Broker.Totals().Refused.Select(r => new Measurement<long>(r.Value, new KeyValuePair<string, object?>("reason", Bounded(r.Key)))));
        Gauges("signet.certificate.left", () => center.Certificates.Ends([]).Select(c => new Measurement<long>(Left(c.Ends), new("name", c.Name), new KeyValuePair<string, object?>("profile", c.Profile))));
        Gauges("signet.crl.left", () => center.Authority.Lists.Select(l => new Measurement<long>(Left(l.NextUpdate), new KeyValuePair<string, object?>("issuer", l.Issuer))));
        _revocation = Note(_meter.CreateHistogram<double>("signet.revocation.duration", Row("signet.revocation.duration", "histogram").Unit, Row("signet.revocation.duration", "histogram").Meaning));
        center.Audit.Appended += Count;
    }

    /// <summary>Names of the instruments that exist.</summary>
    public ConcurrentQueue<string> Made { get; } = [];

    public void Dispose()
    {
        _center.Audit.Appended -= Count;
        _meter.Dispose();
    }

    private void Count(AuditEntry entry)
    {
        _events.Add(1, new KeyValuePair<string, object?>("type", entry.Type));
        if (entry.Outcome == "refused") _denials.Add(1, new("type", entry.Type), new KeyValuePair<string, object?>("reason", Bounded(entry.Reason)));
        switch (entry.Action)
        {
            case "command-sent" when entry.Outcome is not ("refused" or "failed"): Command("sent"); break;
            case "receipt" when entry.Type == AuditTypes.Command: Command(entry.Outcome); break;
            case "command-unanswered": Command("unanswered"); break;
            case "certificate-revoked":
                _revocations.Add(1);
                if (entry.Details["milliseconds"] is System.Text.Json.Nodes.JsonValue value && value.TryGetValue<long>(out var milliseconds)) _revocation.Record(milliseconds / 1000.0);
                break;
        }
    }

    private void Command(string state) => _commands.Add(1, new KeyValuePair<string, object?>("state", state));

    private string Bounded(string reason)
    {
        if (_reasons.ContainsKey(reason)) return reason;
        return reason.Length <= 64 && _reasons.Count < MaximumReasons && (_reasons.TryAdd(reason, 0) || true) ? reason : "other";
    }

    private long Left(DateTimeOffset end) => (long)(end - _center.Time.GetUtcNow()).TotalSeconds;

    private static MetricRow Row(string name, string kind) => MetricCatalogue.Rows.Single(r => r.Name == name && r.Kind == kind);

    private Counter<long> Counter(string name) => Note(_meter.CreateCounter<long>(name, Row(name, "counter").Unit, Row(name, "counter").Meaning));

    private void Gauge(string name, Func<long> value) => Gauges(name, () => [new(value())]);

    private void Gauges(string name, Func<IEnumerable<Measurement<long>>> values) => Note(_meter.CreateObservableGauge(name, () => Safely(values), Row(name, "gauge").Unit, Row(name, "gauge").Meaning));

    private void Observed(string name, Func<IEnumerable<Measurement<long>>> values) => Note(_meter.CreateObservableCounter(name, () => Safely(values), Row(name, "counter").Unit, Row(name, "counter").Meaning));

    // A database that is gone makes a gap in one series, not in all of them.
    private static IEnumerable<Measurement<long>> Safely(Func<IEnumerable<Measurement<long>>> values)
    {
        try
        {
            return [.. values()];
        }
        catch (Exception e) when (e is Store.StoreException or AuditUnavailableException or Pki.PkiException)
        {
            return [];
        }
    }

    private T Note<T>(T instrument)
        where T : Instrument
    {
        Made.Enqueue(instrument.Name);
        return instrument;
    }
}
