using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Signet.Proof;

namespace Signet.Agent.Tests;

/// <summary>Devices as witnesses against a log whose owner holds its keys and lies. The histories are real: real trees, real signatures.</summary>
public sealed class WitnessSpecs : IDisposable
{
    private readonly DeviceFleet _fleet = new();
    private readonly ManualTime _time = new(DateTimeOffset.UtcNow);
    private readonly ECDsa _logKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly List<IDisposable> _open = [];

    public void Dispose()
    {
        foreach (var one in _open) one.Dispose();
        _logKey.Dispose();
        _fleet.Dispose();
    }

    [Fact]
    public void A_history_that_only_grows_is_asked_about_proven_kept_and_cosigned()
    {
        var log = new History(_logKey);
        var device = Device("door-1");
        var first = log.Sign(10);
        Cosigned(device.Take(first)).Size.ShouldBe(10);
        device.Take(first).ShouldBeEmpty();   // once is enough
        var second = log.Sign(25);
        Ask(device.Take(second)).ShouldBe(10);
        var line = Cosigned(device.Take(log.Show(10, second))).Line;
        Checkpoint.TryParse(second, out var checkpoint, out _).ShouldBeTrue();
        Cosignature.Verified(checkpoint!, [line], new Dictionary<string, byte[]> { ["door-1"] = device.PublicKey }).ShouldBe(["door-1"]);
        device.Take(first).ShouldBeEmpty();   // an old copy that it knows
        device.Witness.Alarms.ShouldBeEmpty();
    }

    [Fact]
    public void Two_histories_of_one_size_raise_an_alarm_at_once_and_the_two_notes_prove_it()
    {
        var device = Device("door-1");
        device.Take(new History(_logKey).Sign(10));
        var alarm = Alarm(device.Take(new History(_logKey, fork: 5).Sign(10)));
        alarm.Reason.ShouldBe(WitnessAlarm.Forked);
        alarm.Verify(device.PublicKey).ShouldBeTrue();
        (alarm with { Reason = WitnessAlarm.NoProof }).Verify(device.PublicKey).ShouldBeFalse();
        var trust = new[] { CheckpointKey.Of(_logKey) };
        Checkpoint.TryParse(alarm.Seen, out var a, out _).ShouldBeTrue();
        Checkpoint.TryParse(alarm.Other, out var b, out _).ShouldBeTrue();
        (a!.Verify(trust), b!.Verify(trust), a.Size == b.Size, a.Root == b.Root).ShouldBe((CheckpointTrust.Good, CheckpointTrust.Good, true, false));
    }

    [Fact]
    public void A_rewritten_past_cannot_be_proven_and_raises_an_alarm()
    {
        var device = Device("door-1");
        device.Take(new History(_logKey).Sign(10));
        var rewritten = new History(_logKey, fork: 5);
        var note = rewritten.Sign(30);
        Ask(device.Take(note)).ShouldBe(10);
        Alarm(device.Take(rewritten.Show(10, note))).Reason.ShouldBe(WitnessAlarm.NotConsistent);
    }

    [Fact]
    public void A_rollback_and_a_silent_center_raise_an_alarm_within_one_checkpoint_interval()
    {
        foreach (var (size, reason) in new[] { (10, WitnessAlarm.RolledBack), (40, WitnessAlarm.NoProof) })
        {
            var log = new History(_logKey);
            var device = Device("door-1");
            device.Take(log.Sign(30));
            Ask(device.Take(new History(_logKey).Sign(size))).ShouldBe(30);
            IReadOnlyList<byte[]> said = [];
            var seconds = 0;
            for (; seconds < 10 && !said.Any(IsAlarm); seconds++)
            {
                _time.Advance(TimeSpan.FromSeconds(1));
                said = device.Witness.Tick();
            }
            Alarm(said).Reason.ShouldBe(reason);
            seconds.ShouldBeLessThanOrEqualTo(10);
        }
    }

    [Fact]
    [Trait("row", "S0-26")]
    public void Who_shows_a_rewritten_history_and_answers_with_the_note_the_device_keeps_has_proven_nothing()
    {
        var log = new History(_logKey);
        var device = Device("door-1");
        var kept = log.Sign(30);
        device.Take(kept);
        Ask(device.Take(new History(_logKey, fork: 5).Sign(40))).ShouldBe(30);
        List<byte[]> said = [];
        for (var second = 0; second < 10 && !said.Any(IsAlarm); second++)
        {
            device.Take(log.Show(30, kept)).ShouldBeEmpty();
            _time.Advance(TimeSpan.FromSeconds(1));
            said.AddRange(device.Witness.Tick());
        }
        Alarm([.. said.Where(IsAlarm)]).Reason.ShouldBe(WitnessAlarm.NoProof);
    }

    [Theory]
    [InlineData(20)]
    [InlineData(35)]
    [InlineData(40)]
    [Trait("row", "S0-26")]
    public void A_signed_note_of_another_history_is_found_whatever_its_size(int size)
    {
        var (log, other) = (new History(_logKey), new History(_logKey, fork: 12));
        var (device, honest) = (Device("door-1"), Device("door-2"));
        var newest = log.Sign(40);
        foreach (var (shown, one) in new[] { (other.Sign(size), device), (log.Sign(size), honest) })
        {
            one.Take(log.Sign(30));
            Ask(one.Take(shown)).ShouldBe(30);
        }

        // The center proves what it shows everybody. The note that led to the question is not part of it, or is.
        var answers = device.Take(log.Show(30, newest));
        Cosigned(honest.Take(log.Show(30, newest))).Size.ShouldBe(40);
        if (size == 40)
        {
            Alarm([.. answers.Where(IsAlarm)]).Reason.ShouldBe(WitnessAlarm.Forked);
            return;
        }

        Cosigned(answers).Size.ShouldBe(40);
        _time.Advance(AgentLimits.WitnessPause);
        Ask(device.Witness.Tick()).ShouldBe(size);
        Alarm(device.Take(log.Show(size, newest))).Reason.ShouldBe(WitnessAlarm.NotConsistent);

        Ask(honest.Witness.Tick()).ShouldBe(size);
        honest.Take(log.Show(size, newest)).ShouldBeEmpty();
        honest.Take(log.Sign(size)).ShouldBeEmpty("it is known now");
        (honest.Witness.IsWaiting, honest.Witness.Alarms.Count).ShouldBe((false, 0));
    }

    [Fact]
    [Trait("row", "S0-26")]
    public void A_note_of_another_history_for_which_no_proof_comes_raises_an_alarm()
    {
        var log = new History(_logKey);
        var device = Device("door-1");
        device.Take(log.Sign(30));
        device.Take(new History(_logKey, fork: 12).Sign(20));
        device.Take(log.Show(30, log.Sign(40)));
        List<byte[]> said = [];
        for (var second = 0; second < 12 && !said.Any(IsAlarm); second++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            said.AddRange(device.Witness.Tick());
        }
        Alarm([.. said.Where(IsAlarm)]).Reason.ShouldBe(WitnessAlarm.NoProof);
    }

    [Fact]
    [Trait("row", "S0-26")]
    public void A_question_whose_answer_was_lost_with_the_connection_is_asked_again_and_time_away_does_not_count()
    {
        var log = new History(_logKey);
        var device = Device("door-1");
        device.Take(log.Sign(30));
        var newest = log.Sign(40);
        Ask(device.Take(newest)).ShouldBe(30);
        for (var connection = 0; connection < 5; connection++)
        {
            _time.Advance(TimeSpan.FromSeconds(0.5));
            device.Witness.Closing();
            _time.Advance(TimeSpan.FromHours(1));
            Ask(device.Witness.Opening()).ShouldBe(30);
        }
        Cosigned(device.Take(log.Show(30, newest))).Size.ShouldBe(40);
        (device.Witness.IsWaiting, device.Witness.Alarms.Count).ShouldBe((false, 0));
    }

    [Fact]
    [Trait("row", "S0-26")]
    public void A_center_that_signs_faster_than_others_confirm_does_not_put_the_alarm_off()
    {
        var homes = new[] { "a", "b" }.ToDictionary(name => name, name => _fleet.Add(name));
        foreach (var home in homes.Values) WriteWitnesses(home, homes, quorum: 2);
        var (device, log) = (Device("a", homes["a"]), new History(_logKey));
        device.Take(log.Sign(1));
        List<byte[]> said = [];
        for (var size = 2; size < 50; size++)
        {
            var note = log.Sign(size);
            device.Take(note);
            device.Take(log.Show(size - 1, note));
            _time.Advance(TimeSpan.FromMilliseconds(200));
            said.AddRange(device.Witness.Tick());
        }
        Alarm([.. said.Where(IsAlarm)]).Reason.ShouldBe(WitnessAlarm.Unconfirmed);
    }

    [Fact]
    [Trait("row", "S0-26")]
    public void Cutting_the_connection_every_moment_does_not_put_the_alarm_off_and_time_away_does_not_count()
    {
        var homes = new[] { "a", "b" }.ToDictionary(name => name, name => _fleet.Add(name));
        foreach (var home in homes.Values) WriteWitnesses(home, homes, quorum: 2);
        var device = Device("a", homes["a"]);
        device.Witness.Opening().ShouldBeEmpty();
        device.Take(new History(_logKey).Sign(10));
        for (var connection = 1; connection <= 9; connection++)
        {
            _time.Advance(TimeSpan.FromSeconds(0.9));   // before the first look at the clock
            device.Witness.Closing();
            _time.Advance(TimeSpan.FromMinutes(1));
            var said = device.Witness.Opening();
            if (connection < 9) said.ShouldBeEmpty($"connection {connection}");
            else Alarm(said).Reason.ShouldBe(WitnessAlarm.Unconfirmed);
        }
    }

    [Fact]
    public async Task A_device_looks_at_the_clock_only_while_something_waits_for_an_answer()
    {
        var homes = new[] { "a", "b" }.ToDictionary(name => name, name => _fleet.Add(name));
        foreach (var home in homes.Values) WriteWitnesses(home, homes, quorum: 2);
        var (one, other) = (Device("a", homes["a"]), Device("b", homes["b"]));
        var log = new History(_logKey);
        one.Witness.IsWaiting.ShouldBeFalse();
        var waiting = one.Witness.WhenWaitingAsync(TestContext.Current.CancellationToken);
        waiting.IsCompleted.ShouldBeFalse();

        one.Take(log.Sign(10));
        one.Witness.IsWaiting.ShouldBeTrue("the other's cosignature is not there");
        await waiting.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        var line = Cosigned(other.Take(log.Sign(10))).Line;
        one.Take(log.Sign(10) + line);
        one.Witness.IsWaiting.ShouldBeFalse();
        Ask(one.Take(log.Sign(20))).ShouldBe(10);
        one.Witness.IsWaiting.ShouldBeTrue("a question is open");
    }

    [Fact]
    public void What_was_seen_and_raised_survives_a_restart_and_is_said_again()
    {
        var home = _fleet.Add("door-1");
        var device = Device("door-1", home);
        device.Take(new History(_logKey).Sign(20));
        Alarm(device.Take(new History(_logKey, fork: 3).Sign(20))).Reason.ShouldBe(WitnessAlarm.Forked);
        device.Dispose();

        var again = Device("door-1", home);
        again.Witness.Alarms.ShouldBe(["forked"]);
        Alarm(again.Witness.Opening()).Reason.ShouldBe(WitnessAlarm.Forked);
        Ask(again.Take(new History(_logKey).Sign(30))).ShouldBe(20);
        again.Dispose();
        WitnessState.Read(home).Alarms.ShouldHaveSingleItem().Reason.ShouldBe("forked");
        WitnessState.Read(home).Size.ShouldBe(20);
        WitnessState.Forget(home);
        var fresh = Device("door-1", home);
        fresh.Witness.Alarms.ShouldBeEmpty();
        Cosigned(fresh.Take(new History(_logKey, fork: 3).Sign(5))).Size.ShouldBe(5);
    }

    [Fact]
    public void A_split_view_is_noticed_by_every_device_that_is_not_with_the_majority()
    {
        string[] names = ["a", "b", "c", "d", "e"];
        var homes = names.ToDictionary(name => name, name => _fleet.Add(name));
        foreach (var home in homes.Values) WriteWitnesses(home, homes, quorum: 3);
        var devices = names.ToDictionary(name => name, name => Device(name, homes[name]));
        var (one, other) = (new History(_logKey), new History(_logKey, fork: 12));
        foreach (var device in devices.Values) device.Take(one.Sign(10));
        // From here on a, b, c are shown one history and d, e another; each group's cosignatures are handed to its own members.
        foreach (var (members, log) in new[] { (names[..3], one), (names[3..], other) })
        {
            var note = log.Sign(20);
            var lines = string.Concat(members.Select(name =>
            {
                devices[name].Take(note);
                return Cosigned(devices[name].Take(log.Show(10, note))).Line;
            }));
            foreach (var name in members) devices[name].Take(note + lines);
        }
        _time.Advance(AgentLimits.ConfirmationPatience);
        foreach (var name in names)
        {
            var said = devices[name].Witness.Tick();
            if (name is "a" or "b" or "c") said.ShouldBeEmpty(name);
            else Alarm(said).Reason.ShouldBe(WitnessAlarm.Unconfirmed, name);
        }
        // What the other half was shown, wherever it comes from, is the proof.
        Alarm(devices["d"].Take(one.Sign(20))).Reason.ShouldBe(WitnessAlarm.Forked);
    }

    [Fact]
    [Trait("row", "S0-26")]
    public void Cosignatures_under_the_note_that_led_to_a_question_count_when_it_is_answered()
    {
        var homes = new[] { "a", "b" }.ToDictionary(name => name, name => _fleet.Add(name));
        foreach (var home in homes.Values) WriteWitnesses(home, homes, quorum: 2);
        var (one, other) = (Device("a", homes["a"]), Device("b", homes["b"]));
        var log = new History(_logKey);
        var first = log.Sign(10);
        one.Take(first + Cosigned(other.Take(first)).Line);
        one.Witness.IsWaiting.ShouldBeFalse();

        var second = log.Sign(20);
        other.Take(second);
        var line = Cosigned(other.Take(log.Show(10, second))).Line;
        Ask(one.Take(second + line)).ShouldBe(10);
        Cosigned(one.Take(log.Show(10, second))).Size.ShouldBe(20);
        one.Witness.IsWaiting.ShouldBeFalse("the other's cosignature came before the answer");
        _time.Advance(2 * AgentLimits.ConfirmationPatience);
        one.Witness.Tick().ShouldBeEmpty();
    }

    [Fact]
    [Trait("row", "S0-26")]
    public void Cosignatures_that_come_while_a_question_is_open_count_when_it_is_answered()
    {
        var homes = new[] { "a", "b" }.ToDictionary(name => name, name => _fleet.Add(name));
        foreach (var home in homes.Values) WriteWitnesses(home, homes, quorum: 2);
        var (one, other) = (Device("a", homes["a"]), Device("b", homes["b"]));
        var log = new History(_logKey);
        var first = log.Sign(10);
        one.Take(first + Cosigned(other.Take(first)).Line);

        var second = log.Sign(20);
        other.Take(second);
        var line = Cosigned(other.Take(log.Show(10, second))).Line;
        Ask(one.Take(second)).ShouldBe(10);
        one.Take(second + line).ShouldBeEmpty();
        one.Take(second).ShouldBeEmpty("the bare note once more takes nothing away");
        Cosigned(one.Take(log.Show(10, second))).Size.ShouldBe(20);
        one.Witness.IsWaiting.ShouldBeFalse();
    }

    [Fact]
    [Trait("row", "S0-26")]
    public void A_device_that_is_not_on_the_list_does_not_count_itself()
    {
        var homes = new[] { "a", "b", "c" }.ToDictionary(name => name, name => _fleet.Add(name));
        var listed = new Dictionary<string, string> { ["a"] = homes["a"], ["b"] = homes["b"] };
        foreach (var home in homes.Values) WriteWitnesses(home, listed, quorum: 2);
        var (one, other, outside) = (Device("a", homes["a"]), Device("b", homes["b"]), Device("c", homes["c"]));
        var note = new History(_logKey).Sign(10);
        var (line, otherLine) = (Cosigned(one.Take(note)).Line, Cosigned(other.Take(note)).Line);

        outside.Take(note + line);
        outside.Witness.IsWaiting.ShouldBeTrue("half of the list has cosigned it");
        one.Take(note + otherLine);
        one.Witness.IsWaiting.ShouldBeFalse("with its own that is the whole list");
        outside.Take(note + line + otherLine);
        outside.Witness.IsWaiting.ShouldBeFalse();
    }

    [Fact]
    public void What_the_log_did_not_sign_changes_nothing()
    {
        using var stranger = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var device = Device("door-1");
        device.Take(new History(_logKey).Sign(10));
        device.Take(new History(stranger).Sign(12)).ShouldBeEmpty();
        foreach (var bytes in new[] { "", "{", "{}", "not a note", "{\"kind\":\"shown\"}", new string('x', WitnessMessage.MaximumLength + 1) }) device.Witness.Take(Encoding.UTF8.GetBytes(bytes)).ShouldBeEmpty();
        device.Witness.Alarms.ShouldBeEmpty();
    }

    internal static void WriteWitnesses(string home, Dictionary<string, string> homes, int quorum)
    {
        var witnesses = homes.Select(h =>
        {
            using var certificate = X509CertificateLoader.LoadCertificateFromFile(Path.Combine(h.Value, h.Key + ".crt"));
            return new { name = h.Key, key = Convert.ToBase64String(certificate.PublicKey.ExportSubjectPublicKeyInfo()) };
        });
        File.WriteAllText(Path.Combine(home, "witnesses.json"), JsonSerializer.Serialize(new { version = 1, quorum, witnesses }));
    }

    private Seen Device(string name, string? directory = null)
    {
        directory ??= _fleet.Add(name);
        using var key = CheckpointKey.Of(_logKey);
        File.WriteAllText(Path.Combine(directory, "checkpoint.pub"), key.ToPem());
        var home = DeviceHome.Open(directory, _time);
        var journal = CommandJournal.Open(home.StateDirectory);
        var seen = new Seen(home, journal, new CheckpointWitness(home, journal, _time, NullLogger.Instance));
        _open.Add(seen);
        return seen;
    }

    private static WitnessMessage Only(IReadOnlyList<byte[]> said)
    {
        WitnessMessage.TryRead(said.ShouldHaveSingleItem(), out var message).ShouldBeTrue();
        return message!;
    }

    private static WitnessMessage.Cosigned Cosigned(IReadOnlyList<byte[]> said) => Only(said).ShouldBeOfType<WitnessMessage.Cosigned>();
    private static long Ask(IReadOnlyList<byte[]> said) => Only(said).ShouldBeOfType<WitnessMessage.Ask>().Size;
    private static WitnessMessage.Alarm Alarm(IReadOnlyList<byte[]> said) => Only(said).ShouldBeOfType<WitnessMessage.Alarm>();
    private static bool IsAlarm(byte[] said) => WitnessMessage.TryRead(said, out var message) && message is WitnessMessage.Alarm;

    private sealed record Seen(DeviceHome Home, CommandJournal Journal, CheckpointWitness Witness) : IDisposable
    {
        public byte[] PublicKey => Home.Certificate.PublicKey.ExportSubjectPublicKeyInfo();

        public IReadOnlyList<byte[]> Take(string note) => Witness.Take(Encoding.UTF8.GetBytes(note));

        public IReadOnlyList<byte[]> Take(byte[] message) => Witness.Take(message);

        public void Dispose()
        {
            Journal.Dispose();
            Home.Dispose();
        }
    }

    /// <summary>A log as a liar keeps it: entries are numbers; from <paramref name="fork"/> on they are others.</summary>
    internal sealed class History(ECDsa key, int fork = int.MaxValue)
    {
        private Digest Leaf(long index) => MerkleTree.LeafHash(Encoding.UTF8.GetBytes($"{(index < fork ? "true" : "false")} {index}"));

        private Digest Node(int level, long index) => level == 0 ? Leaf(index) : MerkleTree.NodeHash(Node(level - 1, 2 * index), Node(level - 1, 2 * index + 1));

        public string Sign(long size)
        {
            using var publicKey = CheckpointKey.Of(key);
            return Checkpoint.Sign("signet/audit/" + publicKey.Fingerprint.ToString()[..16], size, MerkleFrontier.At(size, Node).Root(), size, DateTimeOffset.UnixEpoch, Digest.Zero, Digest.Zero, Digest.Zero, key).Note;
        }

        public byte[] Show(long from, string note) => Checkpoint.TryParse(note, out var to, out _) ? new WitnessMessage.Shown(from, note, MerkleTree.ConsistencyProof(from, to.Size, Node)).ToBytes() : throw new InvalidOperationException("no note");
    }
}
