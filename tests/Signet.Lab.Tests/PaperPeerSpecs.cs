using System.Security.Cryptography;
using System.Text.Json.Nodes;

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
