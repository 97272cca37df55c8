using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Signet.Mqtt;
using Signet.Mqtt.Client;

namespace Signet.Lab.Tests;

/// <summary>Both suites against a second implementation in Python on the <c>cryptography</c> package: the formats are what the specification says, not what one library happens to do.</summary>
[Trait("row", "S4-12")]
public sealed class PaperPeerSpecs : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public PaperPeerSpecs() => Bench.Keys.Save(_folder["keys"]);

    [Fact]
    public async Task The_faithful_actuator_accepts_the_peers_messages()
    {
        var lines = await Bench.PeerAsync(["sensor", "--suite", PaperNames.Faithful, "--keys", _folder["keys"], "--count", "5"]);
        var actuator = new FaithfulActuator(Bench.Keys, _folder["logs/actuator_state.json"], Bench.Log(), TimeProvider.System);
        lines.Select(l => actuator.Receive(l.Utf8()).Accepted).ShouldBe(Enumerable.Repeat(true, 5));
    }

    [Fact]
    public async Task The_corrected_actuator_accepts_the_peers_messages()
    {
        var lines = await Bench.PeerAsync(["sensor", "--suite", PaperNames.Corrected, "--keys", _folder["keys"], "--count", "5"]);
        var actuator = new CorrectedActuator(Bench.Keys.Actuator, new Dictionary<string, DSA> { [PaperNames.SecureSensorId] = Bench.Keys.Sensor }, _folder["state.json"], Bench.Log(), TimeProvider.System);
        lines.Select(l => actuator.Receive(l.Utf8()).Cause).ShouldBe(Enumerable.Repeat("", 5));
    }

    [Fact]
    public async Task The_peer_judges_genuine_and_hostile_faithful_messages_as_we_do()
    {
        var sensor = new FaithfulSensor(Bench.Keys, Bench.Log(), TimeProvider.System, Bench.Random);
        var messages = Enumerable.Range(0, 12).Select(_ => sensor.Next()).ToList();
        messages.Add(messages[3]);
        messages.Add(PaperDefects.RewriteUnsignedFields(sensor.Next()));
        var swapped = sensor.Next();
        messages.Add(PaperDefects.SwapSessionKey(swapped, Bench.Keys.Actuator, Bench.Random));
        messages.Add(swapped);
        PaperDefects.TryShiftSender(sensor.Next(), out var shifted).ShouldBeTrue();
        messages.Add(shifted);
        messages.AddRange(PaperAttacks.All.Select(a => a.Make(DateTimeOffset.UtcNow, Bench.Random)));
        await AgreeAsync(PaperNames.Faithful, messages, new FaithfulActuator(Bench.Keys, _folder["ours.json"], Bench.Log(), TimeProvider.System));
    }

    [Fact]
    public async Task The_delimiter_shift_works_on_the_peer_too()
    {
        var sensor = new FaithfulSensor(Bench.Keys, Bench.Log(), TimeProvider.System, Bench.Random);
        byte[] genuine, shifted;
        do genuine = sensor.Next();
        while (!PaperDefects.TryShiftDelimiter(genuine, out shifted));
        var verdicts = await JudgeAsync(PaperNames.Faithful, [shifted, genuine]);
        verdicts.ShouldBe(["", ""]); // accepted, and accepted again
    }

    [Fact]
    public async Task The_peer_judges_genuine_and_hostile_corrected_messages_as_we_do()
    {
        var sensor = new CorrectedSensor(Bench.Keys, _folder["epoch"], Bench.Log(), TimeProvider.System, Bench.Random);
        var genuine = sensor.Next();
        var late = sensor.Next(PaperNames.SecureTopic, DateTimeOffset.UtcNow.AddSeconds(-60));
        List<byte[]> messages =
        [
            genuine, genuine, PaperDefects.RewriteUnsignedFields(sensor.Next()), PaperDefects.SwapSessionKey(sensor.Next(), Bench.Keys.Actuator, Bench.Random),
            late, sensor.Next("home/secure/window", DateTimeOffset.UtcNow), sensor.Next(PaperNames.SecureTopic, DateTimeOffset.UtcNow.AddSeconds(60)), sensor.Next(),
            .. PaperAttacks.All.Select(a => a.Make(DateTimeOffset.UtcNow, Bench.Random)),
        ];
        await AgreeAsync(PaperNames.Corrected, messages,
            new CorrectedActuator(Bench.Keys.Actuator, new Dictionary<string, DSA> { [PaperNames.SecureSensorId] = Bench.Keys.Sensor }, _folder["ours.json"], Bench.Log(), TimeProvider.System));
    }

    [Theory, Trait("row", "S4-13")]
    [InlineData(PaperNames.Faithful)]
    [InlineData(PaperNames.Corrected)]
    public async Task Over_a_real_broker_our_actuator_hears_the_peers_sensor_and_the_peers_actuator_hears_ours(string suite)
    {
        var isFaithful = suite == PaperNames.Faithful;
        IPaperActuator actuator = isFaithful ? new FaithfulActuator(Bench.Keys, _folder["ours.json"], Bench.Log(), TimeProvider.System)
            : new CorrectedActuator(Bench.Keys.Actuator, new Dictionary<string, DSA> { [PaperNames.SecureSensorId] = Bench.Keys.Sensor }, _folder["ours.json"], Bench.Log(), TimeProvider.System);
        var (faithful, corrected) = (new FaithfulSensor(Bench.Keys, Bench.Log(), TimeProvider.System, Bench.Random), new CorrectedSensor(Bench.Keys, _folder["epoch"], Bench.Log(), TimeProvider.System, Bench.Random));
        byte[] Next() => isFaithful ? faithful.Next() : corrected.Next();
        using var mosquitto = await MosquittoAsync();
        var at = "127.0.0.1:" + mosquitto.Port.ToString(CultureInfo.InvariantCulture);
        await using var ours = await MqttClient.ConnectAsync(new() { Host = "127.0.0.1", Port = mosquitto.Port, ClientId = "ours" });
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));

        await ours.SubscribeAsync(PaperNames.SecureTopic);
        await Bench.PeerAsync(["sensor", "--suite", suite, "--keys", _folder["keys"], "--count", "3", "--broker", at]);
        var causes = new List<string>();
        await foreach (var message in ours.ReadMessagesAsync(limit.Token))
        {
            causes.Add(actuator.Receive(message.Payload.ToArray()).Cause);
            if (causes.Count == 3) break;
        }

        causes.ShouldBe(["", "", ""]);

        using var theirs = Bench.StartPeer(["actuator", "--suite", suite, "--keys", _folder["keys"], "--state", _folder["theirs.json"], "--count", "3", "--broker", at]);
        (await theirs.StandardOutput.ReadLineAsync(limit.Token)).ShouldBe("""{"ready": true}""");
        var first = Next();
        foreach (var message in new[] { first, first, Next() }) await ours.PublishAsync(new() { Topic = PaperNames.SecureTopic, Payload = message, QoS = QoS.AtLeastOnce }, limit.Token);
        var accepted = new List<bool>();
        while (accepted.Count < 3) accepted.Add((bool)JsonNode.Parse((await theirs.StandardOutput.ReadLineAsync(limit.Token))!)!["accepted"]!);
        accepted.ShouldBe([true, false, true]);
    }

    /// <summary>Debian's, open, on loopback.</summary>
    private static async Task<Mosquitto> MosquittoAsync()
    {
        using (var free = new TcpListener(IPAddress.Loopback, 0))
        {
            free.Start();
            var port = ((IPEndPoint)free.LocalEndpoint).Port;
            free.Stop();
            var broker = new Mosquitto(Process.Start(new ProcessStartInfo("/usr/sbin/mosquitto", ["-p", port.ToString(CultureInfo.InvariantCulture)]) { RedirectStandardError = true })!, port);
            for (var waited = Stopwatch.StartNew(); ;)
            {
                try
                {
                    using var knock = new TcpClient();
                    await knock.ConnectAsync(IPAddress.Loopback, port);
                    return broker;
                }
                catch (SocketException) when (waited.Elapsed < TimeSpan.FromSeconds(60))
                {
                    await Task.Delay(20);
                }
            }
        }
    }

    private sealed class Mosquitto(Process process, int port) : IDisposable
    {
        public int Port => port;

        public void Dispose()
        {
            process.Kill();
            process.Dispose();
        }
    }

    private async Task AgreeAsync(string suite, IReadOnlyList<byte[]> messages, IPaperActuator ours)
    {
        var theirs = await JudgeAsync(suite, messages);
        theirs.ShouldBe(messages.Select(m => ours.Receive(m).Cause).ToList());
        theirs.ShouldContain("");
    }

    private async Task<List<string>> JudgeAsync(string suite, IReadOnlyList<byte[]> messages)
    {
        var lines = await Bench.PeerAsync(["actuator", "--suite", suite, "--keys", _folder["keys"], "--state", _folder["theirs.json"]], Bench.Lines(messages));
        return [.. lines.Select(l => (string)JsonNode.Parse(l)!["cause"]!)];
    }

    [Fact, Trait("row", "S4-10")]
    public void Missing_keys_are_said_in_one_line_with_the_way_out() =>
        Should.Throw<LabException>(() => PaperKeys.Load(_folder["nowhere"])).Message.ShouldStartWith("ERROR: Key files not found!");

    [Fact, Trait("row", "S4-10")]
    public void Private_keys_are_for_their_owner_only()
    {
        if (!OperatingSystem.IsWindows()) File.GetUnixFileMode(Path.Combine(_folder["keys"], PaperKeys.SensorPrivate)).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        Directory.GetFiles(_folder["keys"]).Select(Path.GetFileName).Order().ShouldBe([PaperKeys.ActuatorPrivate, PaperKeys.ActuatorPublic, PaperKeys.SensorPrivate, PaperKeys.SensorPublic]);
    }

    public void Dispose() => _folder.Dispose();
}
