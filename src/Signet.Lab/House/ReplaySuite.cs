using System.Text;
using System.Text.Json.Nodes;
using Signet.Access;
using Signet.Audit;
using Signet.Control;
using Signet.Mqtt;
using Signet.Mqtt.Client;
using Signet.Wire;

namespace Signet.Lab;

/// <summary>What the replay suite found: each copy must be refused by the device, and every side must have noticed.</summary>
/// <param name="Attempts">Copies of genuine commands sent to the device.</param>
/// <param name="Refusals">Signed refusals with the reason <c>replayed</c> that the device sent (it answers ten at once and then one a second, and counts the rest).</param>
/// <param name="Executions">Copies the device carried out. Must be none.</param>
/// <param name="DeviceLines">Lines of the device's own log that name a replay.</param>
/// <param name="AuditEntries">Entries of type <c>replay</c> in the center's audit log.</param>
/// <param name="AuditedCopies">Copies those entries speak of, repetitions counted in them.</param>
/// <param name="OnThePage">The console's audit page shows them.</param>
/// <param name="LogVerifies">The audit log still verifies afterwards.</param>
public sealed record ReplayFinding(int Attempts, int Refusals, int Executions, int DeviceLines, int AuditEntries, int AuditedCopies, bool OnThePage, bool LogVerifies)
{
    public bool Holds => Attempts > 0 && Executions == 0 && Refusals > 0 && DeviceLines > 0 && AuditEntries > 0 && OnThePage && LogVerifies;

    public JsonObject ToJson() => new()
    {
        ["attempts"] = Attempts, ["refusals"] = Refusals, ["executions"] = Executions, ["deviceLogLines"] = DeviceLines, ["auditEntries"] = AuditEntries, ["auditedCopies"] = AuditedCopies,
        ["onThePage"] = OnThePage, ["logVerifies"] = LogVerifies,
    };

    public static ReplayFinding Of(JsonObject json) => new((int)json["attempts"]!, (int)json["refusals"]!, (int)json["executions"]!, (int)json["deviceLogLines"]!, (int)json["auditEntries"]!, (int)json["auditedCopies"]!,
        (bool)json["onThePage"]!, (bool)json["logVerifies"]!);
}

/// <summary>
/// Replay against the house whole: real command center, broker, device, console. The attacker has the center's TLS key, so the broker lets it publish commands; it does not have the
/// key that signs them. Genuine commands it takes from receipt files, which anybody may be handed as proof. It plays genuine commands again at once, after others, and after the device has restarted, and the suite looks at both sides' logs, the audit log and the page.
/// </summary>
internal static class ReplaySuite
{
    private const string Device = "door-1";
    private const int Commands = 4, CopiesEach = 3;

    public static async Task<ReplayFinding> RunAsync(LabContext lab, CancellationToken cancellationToken)
    {
        var house = await lab.HouseAsync(cancellationToken);
        var before = house.Center.Audit.Size;
        await using var attacker = await StealAsync(house, cancellationToken);
        await attacker.SubscribeAsync(Topics.Receipt(Device));

        var moves = await MovesAsync(house, cancellationToken);
        var captured = new List<byte[]>();
        for (var i = 0; i < Commands; i++)
        {
            var (id, _) = await SendAsync(house, i % 2 == 0 ? "open" : "close", cancellationToken);
            captured.Add(await CaptureAsync(house, id, cancellationToken));
        }
        var genuine = await MovesAsync(house, cancellationToken) - moves;

        var attempts = 0;
        async Task ReplayAsync(IEnumerable<byte[]> copies)
        {
            foreach (var copy in copies)
            {
                await attacker.PublishAsync(new() { Topic = Topics.Command(Device), Payload = copy, QoS = QoS.AtLeastOnce }, cancellationToken);
                attempts++;
            }
        }

        await ReplayAsync(Enumerable.Repeat(captured[^1], CopiesEach)); // at once
        await ReplayAsync(captured[..^1]); // after others
        await SendAsync(house, "restart", cancellationToken);
        if (!await Waiting.UntilAsync(() => house.Center.Fleet.Find(Device)!.CanReceive, lab.Time, cancellationToken, LabLimits.Ready)) throw new LabException("the device did not come back after its restart");
        await ReplayAsync(captured); // after a restart

        // The door moves when it is opened or closed: a copy that was carried out would show.
        var executions = (int)(await MovesAsync(house, cancellationToken) - moves - genuine);
        await Waiting.UntilAsync(() => Entries(house, before).Count > 0, lab.Time, cancellationToken, TimeSpan.FromSeconds(5));
        var entries = Entries(house, before);
        var refusals = await RefusalsAsync(lab, attacker, cancellationToken);
        var lines = house.DeviceLines.Split('\n').Count(l => l.Contains("replayed", StringComparison.Ordinal));
        var intact = (await house.Center.Audit.VerifyAsync(cancellationToken: cancellationToken)).IsIntact;
        return new(attempts, refusals, executions, lines, entries.Count, entries.Sum(e => (int?)e.Details["count"] ?? 1), await IsOnThePageAsync(lab, cancellationToken), intact);
    }

    /// <summary>With the center's own TLS certificate and key, under another client id.</summary>
    private static Task<MqttClient> StealAsync(WholeHouse house, CancellationToken cancellationToken) => MqttClient.ConnectAsync(new()
    {
        Host = "localhost", Port = house.Center.MqttEndPoint.Port, ClientId = "attacker_with_the_centers_tls_key", Reconnect = null,
        Tls = () => new()
        {
            TargetHost = "localhost", ClientCertificateContext = house.Center.ServerCertificates.Center,
            RemoteCertificateValidationCallback = (_, server, chain, _) => house.Center.Judge.Judge(server as System.Security.Cryptography.X509Certificates.X509Certificate2, chain?.ChainPolicy.ExtraStore, Pki.CertificatePurpose.TlsServer).Accepted,
        },
    }, cancellationToken);

    private static readonly Actor Otto = new(WholeHouse.Operator, Role.Operator, Actor.User, "local");

    private static async Task<(string Id, JsonObject Result)> SendAsync(WholeHouse house, string command, CancellationToken cancellationToken)
    {
        var sent = await house.Center.Commands.SendAsync(new(Device, command), Otto, cancellationToken);
        if (!sent.TryGet(out var view, out var refusal)) throw new LabException($"a genuine command was refused: {refusal.Message}");
        var settled = await house.Center.Commands.WaitAsync(view.Id, LabLimits.Ready, cancellationToken);
        return settled is { State: "executed" } ? (view.Id, settled.Result as JsonObject ?? []) : throw new LabException($"a genuine command ended {settled?.State}: {settled?.Reason}");
    }

    private static async Task<long> MovesAsync(WholeHouse house, CancellationToken cancellationToken) =>
        (long?)(await SendAsync(house, "check-status", cancellationToken)).Result["moves"] ?? throw new LabException("the door does not say how often it moved");

    private static async Task<byte[]> CaptureAsync(WholeHouse house, string id, CancellationToken cancellationToken)
    {
        var exported = await house.Center.Commands.ExportReceiptAsync(id, Otto, cancellationToken);
        return exported.TryGet(out var file, out var refusal) ? Encoding.ASCII.GetBytes((string)JsonNode.Parse(file.Json.Span)!["command"]!) : throw new LabException($"no receipt to take the command from: {refusal.Message}");
    }

    private static async Task<int> RefusalsAsync(LabContext lab, MqttClient attacker, CancellationToken cancellationToken)
    {
        var refusals = 0;
        while (await attacker.NextAsync(lab.Time, cancellationToken, TimeSpan.FromMilliseconds(500)) is { } message)
            if (message.Topic == Topics.Receipt(Device) && (string?)JwsForge.Open(message.Payload.Span).Claims["reason"] == "replayed") refusals++;
        return refusals;
    }

    private static List<AuditEntry> Entries(WholeHouse house, long before) =>
        [.. house.Center.Audit.Entries(new() { Type = AuditTypes.Replay, Limit = 100 }).Where(e => e.Sequence >= before)];

    private static async Task<bool> IsOnThePageAsync(LabContext lab, CancellationToken cancellationToken)
    {
        await using var bench = await PeopleBench.StartAsync(lab, null, cancellationToken);
        using var reader = await bench.SignedInAsync(WholeHouse.Operator, cancellationToken);
        var page = await reader.GetAsync($"/audit?type={AuditTypes.Replay}", cancellationToken);
        return page.IsDone && page.Body.Contains("replayed", StringComparison.Ordinal) && page.Body.Contains("copy-refused-by-device", StringComparison.Ordinal);
    }
}
