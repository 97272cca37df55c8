using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Signet.Mqtt;
using Signet.Mqtt.Broker;
using Signet.Mqtt.Client;

namespace Signet.Lab;

/// <summary>What the paper's attacks and its defects did to one suite.</summary>
/// <param name="Attacks">Name, whether the actuator acted, its cause.</param>
/// <param name="Defects">The same for the four real defects: acting, or losing a genuine message, is what the attacker wants.</param>
public sealed record PaperRun(string Suite, PaperStatistics Statistics, IReadOnlyList<(string Name, bool Succeeded, string Cause)> Attacks, IReadOnlyList<(string Name, bool Succeeded, string Cause)> Defects)
{
    public JsonObject ToJson() => new()
    {
        ["suite"] = Suite,
        ["received"] = Statistics.Received, ["accepted"] = Statistics.Accepted, ["rejected"] = Statistics.Rejected,
        ["attacks"] = Json(Attacks), ["defects"] = Json(Defects),
    };

    private static JsonArray Json(IEnumerable<(string Name, bool Succeeded, string Cause)> rows) =>
        new([.. rows.Select(r => new JsonObject { ["name"] = r.Name, ["outcome"] = r.Succeeded ? "succeeded" : "blocked", ["cause"] = r.Cause })]);
}

/// <summary>
/// The paper's secure house on a broker with passwords and access rules: secure sensor, secure actuator, and its attacker, who is a client with an account of its own.
/// Runs one suite through the seven attacks and the four defects, in the paper's event names.
/// </summary>
public sealed class PaperSecureHouse : IAsyncDisposable
{
    private readonly IReadOnlyList<IAsyncDisposable> _broker;
    private readonly MqttClient[] _clients;
    private readonly IPaperSensor _sensor;
    private readonly IPaperActuator _actuator;
    private readonly LabLogs _logs;

    private PaperSecureHouse(IReadOnlyList<IAsyncDisposable> broker, MqttClient[] clients, IPaperSensor sensor, IPaperActuator actuator, LabLogs logs) =>
        (_broker, _clients, _sensor, _actuator, _logs) = (broker, clients, sensor, actuator, logs);

    public static async Task<PaperRun> RunAsync(LabContext lab, string suite, PaperKeys keys, CancellationToken cancellationToken)
    {
        var folder = Path.Combine(lab.Scratch, suite);
        var sensorLog = lab.Logs["sensor_secure." + suite];
        var actuatorLog = lab.Logs["actuator_secure." + suite];
        IPaperSensor Sensor() => suite == PaperNames.Faithful
            ? new FaithfulSensor(keys, sensorLog, lab.Time, lab.Secrets)
            : new CorrectedSensor(keys, Path.Combine(folder, "sensor_epoch"), sensorLog, lab.Time, lab.Secrets);
        IPaperActuator actuator = suite == PaperNames.Faithful
            ? new FaithfulActuator(keys, Path.Combine(folder, "logs", "actuator_state.json"), actuatorLog, lab.Time)
            : new CorrectedActuator(keys.Actuator, new Dictionary<string, DSA> { [PaperNames.SecureSensorId] = keys.Sensor }, Path.Combine(folder, "logs", "actuator_state.json"), actuatorLog, lab.Time);
        var policy = new PasswordPolicy(lab.Secrets);
        var (broker, port) = await StartBrokerAsync(lab, folder, policy, cancellationToken);
        async Task<MqttClient> ClientAsync(string id) => await MqttClient.ConnectAsync(
            OpenHouse.ClientOptions("127.0.0.1", port, id) with { UserName = id, Password = policy.PasswordOf(id) }, cancellationToken);
        MqttClient[] clients = [await ClientAsync(PaperNames.SecureSensorClient), await ClientAsync(PaperNames.SecureActuatorClient), await ClientAsync(PaperNames.SecureAttacker)];
        await clients[1].SubscribeAsync([new(PaperNames.SecureTopic, QoS.AtMostOnce)], cancellationToken: cancellationToken);
        await using var house = new PaperSecureHouse(broker, clients, Sensor(), actuator, lab.Logs);
        sensorLog.Info("Starting secure sensor", new() { ["broker"] = "127.0.0.1", ["port"] = port, ["topic"] = PaperNames.SecureTopic, ["mode"] = "SECURE", ["sensor_id"] = PaperNames.SecureSensorId });
        actuatorLog.Info("SECURE ACTUATOR ACTIVE", new() { ["topic"] = PaperNames.SecureTopic, ["protections"] = "DSA signatures, AES-256-GCM, counters, AEAD" });
        return await house.PlayAsync(lab, suite, keys, Sensor, cancellationToken);
    }

    /// <summary>Mosquitto with a password file and access rules, as in the paper; where it is not installed, the house's own broker with the same accounts and rules.</summary>
    private static async Task<(IReadOnlyList<IAsyncDisposable> Broker, int Port)> StartBrokerAsync(LabContext lab, string folder, PasswordPolicy policy, CancellationToken cancellationToken)
    {
        if (PaperMosquitto.Program is { } program)
        {
            var mosquitto = await PaperMosquitto.StartAsync(program, Path.Combine(folder, "mosquitto"), policy.Accounts, lab.Time, cancellationToken);
            return ([mosquitto], mosquitto.Port);
        }
        var broker = new MqttBroker(new BrokerOptions(), policy, lab.Time);
        var listener = MqttListener.Start(broker, new() { EndPoint = new(System.Net.IPAddress.Loopback, 0), Name = "paper" });
        return ([listener, broker], listener.EndPoint.Port);
    }

    private async Task<PaperRun> PlayAsync(LabContext lab, string suite, PaperKeys keys, Func<IPaperSensor> reboot, CancellationToken cancellationToken)
    {
        for (var i = 0; i < 12; i++)
            if (!(await SendAsync(0, _sensor.Next(), cancellationToken)).Accepted) throw new LabException($"{suite}: a genuine message was rejected");

        var attacker = _logs[PaperNames.SecureAttacker + "." + suite];
        attacker.Info("SECURE ATTACKER STARTED");
        var attacks = new List<(string, bool, string)>();
        foreach (var attack in PaperAttacks.All)
        {
            attacker.Warning(attack.LogLine);
            var verdict = await SendAsync(2, attack.Make(lab.Time.GetUtcNow(), lab.Secrets), cancellationToken);
            attacks.Add((attack.Name, verdict.Accepted, verdict.Cause));
        }
        attacker.Info("ATTACKER FINISHED");

        var defects = new List<(string, bool, string)>();
        var rewritten = await SendAsync(2, PaperDefects.RewriteUnsignedFields(_sensor.Next()), cancellationToken);
        defects.Add(("unsigned fields rewritten", rewritten.Accepted, rewritten.Cause));

        var genuine = _sensor.Next();
        await SendAsync(2, PaperDefects.SwapSessionKey(genuine, keys.Actuator, lab.Secrets), cancellationToken);
        var burned = await SendAsync(0, genuine, cancellationToken);
        defects.Add(("counter burned by a swapped key", !burned.Accepted, burned.Accepted ? "the genuine message was still taken" : "the genuine message was rejected: " + burned.Cause));

        byte[] shifted;
        do genuine = _sensor.Next();
        while (!PaperDefects.TryShiftDelimiter(genuine, out shifted));
        // Held back by the attacker before anything newer arrives; a counter with its first digit gone is low, so the state is one of a fresh actuator.
        var fresh = FreshActuator(lab, suite, keys);
        var first = fresh.Receive(shifted);
        var second = fresh.Receive(genuine);
        defects.Add(("delimiter shift", first.Accepted && second.Accepted, first.Accepted ? "one signed message was executed twice" : first.Cause));

        if (suite == PaperNames.Corrected) await Task.Delay(TimeSpan.FromMilliseconds(1_100), lab.Time, cancellationToken); // no device reboots within a second
        var after = await SendAsync(0, reboot().Next(), cancellationToken);
        defects.Add(("lock-out after reboot", !after.Accepted, after.Accepted ? "the rebooted sensor was heard at once" : "the rebooted sensor was rejected: " + after.Cause));

        var statistics = _actuator.Statistics;
        _logs["actuator_secure." + suite].Info("ACTUATOR STATISTICS", new() { ["total_received"] = statistics.Received, ["accepted"] = statistics.Accepted, ["rejected"] = statistics.Rejected });
        _logs["sensor_secure." + suite].Info("Sensor shutdown complete");
        return new(suite, statistics, attacks, defects);
    }

    private static IPaperActuator FreshActuator(LabContext lab, string suite, PaperKeys keys)
    {
        var state = Path.Combine(lab.Scratch, suite, "fresh", "actuator_state.json");
        var log = LabLog.InMemory("fresh", lab.Time);
        return suite == PaperNames.Faithful
            ? new FaithfulActuator(keys, state, log, lab.Time)
            : new CorrectedActuator(keys.Actuator, new Dictionary<string, DSA> { [PaperNames.SecureSensorId] = keys.Sensor }, state, log, lab.Time);
    }

    /// <summary>Publishes as one of the clients, takes it up as the actuator, and returns the verdict.</summary>
    private async Task<PaperVerdict> SendAsync(int client, byte[] payload, CancellationToken cancellationToken)
    {
        var sent = await _clients[client].PublishAsync(new() { Topic = PaperNames.SecureTopic, Payload = payload, QoS = QoS.AtLeastOnce }, cancellationToken);
        if (!sent.IsAccepted) return new(false, "broker: " + sent.ReasonString, "", 0);
        var arrived = await _clients[1].NextAsync(TimeProvider.System, cancellationToken, TimeSpan.FromSeconds(5)) ?? throw new LabException("a message did not reach the paper's actuator");
        return _actuator.Receive(arrived.Payload.Span);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var client in _clients) await client.DisposeAsync();
        foreach (var part in _broker) await part.DisposeAsync();
    }

    /// <summary>The paper's hardened broker: an account for each client, and rules for the one topic. The attacker has an account too: what stops it must be the message.</summary>
    private sealed class PasswordPolicy(RandomNumberGenerator random) : IBrokerPolicy
    {
        private readonly Dictionary<string, byte[]> _passwords = new[] { PaperNames.SecureSensorClient, PaperNames.SecureActuatorClient, PaperNames.SecureAttacker }
            .ToDictionary(name => name, _ => Encoding.ASCII.GetBytes(Convert.ToHexString(PaperCrypto.GenerateSessionKey(random, 16))), StringComparer.Ordinal);

        public byte[] PasswordOf(string name) => _passwords[name];

        public IReadOnlyDictionary<string, string> Accounts => _passwords.ToDictionary(p => p.Key, p => Encoding.ASCII.GetString(p.Value), StringComparer.Ordinal);

        public ValueTask<ConnectDecision> AuthenticateAsync(ConnectRequest request, CancellationToken cancellationToken) => ValueTask.FromResult(
            request.UserName is { } name && _passwords.TryGetValue(name, out var password) && request.Password is { } sent && CryptographicOperations.FixedTimeEquals(password, sent.Span)
                ? ConnectDecision.Accept(name, name)
                : ConnectDecision.Refuse(ReasonCode.BadUserNameOrPassword, "bad user name or password"));

        public PolicyDecision AuthorizePublish(in PublishRequest request) =>
            request.Topic == PaperNames.SecureTopic && request.Client.Identity != PaperNames.SecureActuatorClient ? PolicyDecision.Allow : PolicyDecision.Deny("no rule");

        public PolicyDecision AuthorizeSubscribe(in SubscribeRequest request) => request.Filter == PaperNames.SecureTopic ? PolicyDecision.Allow : PolicyDecision.Deny("no rule");

        public PolicyDecision AuthorizeDeliver(in DeliverRequest request) => request.Topic == PaperNames.SecureTopic ? PolicyDecision.Allow : PolicyDecision.Deny("no rule");
    }
}
