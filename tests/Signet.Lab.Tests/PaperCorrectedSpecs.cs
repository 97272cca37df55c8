using System.Security.Cryptography;

namespace Signet.Lab.Tests;

/// <summary>The same primitives, covering everything: each defect of the faithful suite is cured, and the reason says how it was noticed.</summary>
public sealed class PaperCorrectedSpecs : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly SetClock _clock = new(new(2026, 11, 20, 12, 0, 0, 123, TimeSpan.Zero));
    private readonly LabLog _log = Bench.Log("actuator_secure");

    private CorrectedSensor Sensor(string name = PaperNames.SecureSensorId) => new(Bench.Keys, _folder[name + ".epoch"], Bench.Log(), _clock, Bench.Random, name);

    private CorrectedActuator Actuator() =>
        new(Bench.Keys.Actuator, new Dictionary<string, DSA> { [PaperNames.SecureSensorId] = Bench.Keys.Sensor }, _folder["state.json"], _log, _clock);

    [Fact]
    public void A_genuine_message_is_accepted_once()
    {
        var actuator = Actuator();
        var message = Sensor().Next();
        actuator.Receive(message).Accepted.ShouldBeTrue();
        actuator.Receive(message).Cause.ShouldBe("replayed");
        actuator.Statistics.ShouldBe(new PaperStatistics(2, 1, 1));
    }

    [Fact]
    public void Every_member_is_signed()
    {
        var genuine = Bench.Json(Sensor().Next());
        foreach (var member in genuine.Select(m => m.Key).Where(k => k is not ("signature" or "suite" or "sender")).ToList())
        {
            var changed = genuine.DeepClone().AsObject();
            changed[member] = changed[member]!.GetValueKind() == System.Text.Json.JsonValueKind.String
                ? (string)changed[member]! switch { var s when s[0] == 'A' => "B" + s[1..], var s => "A" + s[1..] }
                : (long)changed[member]! + 1;
            Actuator().Receive(Wire.CanonicalJson.Write(changed)).Cause.ShouldBe("bad-signature", member);
        }
    }

    [Fact]
    public void Defect_1_is_cured_rewritten_time_and_id_break_the_signature() =>
        Actuator().Receive(PaperDefects.RewriteUnsignedFields(Sensor().Next())).Cause.ShouldBe("bad-signature");

    [Fact]
    public void Defect_2_is_cured_a_swapped_key_is_noticed_and_burns_nothing()
    {
        var actuator = Actuator();
        var genuine = Sensor().Next();
        actuator.Receive(PaperDefects.SwapSessionKey(genuine, Bench.Keys.Actuator, Bench.Random)).Cause.ShouldBe("bad-signature");
        actuator.Receive(genuine).Accepted.ShouldBeTrue();
    }

    [Fact]
    public void Defect_2_is_cured_even_for_an_insider_state_moves_only_after_decryption()
    {
        // Signed by the sensor itself, but with a key blob for somebody else: passes the signature, fails decryption.
        var actuator = Actuator();
        using var other = PaperKeysWithActuator();
        var sensor = new CorrectedSensor(other, _folder["insider.epoch"], Bench.Log(), _clock, Bench.Random);
        actuator.Receive(sensor.Next()).Cause.ShouldBe("cannot-decrypt");
        actuator.Receive(Sensor().Next()).Accepted.ShouldBeTrue();
        File.ReadAllText(_folder["state.json"]).ShouldNotContain("insider");
    }

    [Fact]
    public void Defect_3_is_cured_a_shifted_delimiter_is_another_message()
    {
        var (sensor, actuator) = (Sensor(), Actuator());
        byte[] genuine, shifted;
        do genuine = sensor.Next();
        while (!PaperDefects.TryShiftDelimiter(genuine, out shifted));
        actuator.Receive(shifted).Cause.ShouldBe("bad-signature");
        PaperDefects.TryShiftSender(genuine, out shifted).ShouldBeTrue();
        actuator.Receive(shifted).Cause.ShouldBe("unknown-key");
        actuator.Receive(genuine).Accepted.ShouldBeTrue();
    }

    [Fact]
    public void Defect_4_is_cured_a_rebooted_sensor_is_heard_at_once_and_its_old_messages_are_not()
    {
        var actuator = Actuator();
        var before = Sensor();
        for (var i = 0; i < 5; i++) actuator.Receive(before.Next()).Accepted.ShouldBeTrue();
        var kept = before.Next();
        _clock.Now += TimeSpan.FromSeconds(2); // nothing reboots faster
        actuator.Receive(Sensor().Next()).Accepted.ShouldBeTrue();
        actuator.Receive(kept).Cause.ShouldBe("stale-epoch");
    }

    [Fact]
    public void A_rebooted_actuator_still_refuses_what_it_has_seen()
    {
        var message = Sensor().Next();
        Actuator().Receive(message).Accepted.ShouldBeTrue();
        Actuator().Receive(message).Cause.ShouldBe("replayed");
    }

    [Fact]
    public void An_actuator_with_an_unreadable_state_does_not_start()
    {
        File.WriteAllText(_folder["state.json"], "{\"sensor_001_secure\": 3");
        Should.Throw<LabException>(Actuator).Message.ShouldContain("state.json");
    }

    [Theory]
    [InlineData(-31, "expired"), InlineData(-29, ""), InlineData(4, ""), InlineData(6, "issued-in-future")]
    public void A_message_is_taken_only_near_its_time(int seconds, string cause) =>
        Actuator().Receive(Sensor().Next(PaperNames.SecureTopic, _clock.Now.AddSeconds(seconds))).Cause.ShouldBe(cause);

    [Fact]
    public void A_message_for_another_topic_is_refused() => Actuator().Receive(Sensor().Next("home/secure/window", _clock.Now)).Cause.ShouldBe("wrong-topic");

    [Fact]
    public void One_senders_key_does_not_speak_for_another_sender() => Actuator().Receive(Sensor("sensor_002_secure").Next()).Cause.ShouldBe("unknown-key");

    [Fact]
    public void The_papers_seven_attacks_are_malformed_here()
    {
        foreach (var attack in PaperAttacks.All) Actuator().Receive(attack.Make(_clock.Now, Bench.Random)).Cause.ShouldBe("malformed", attack.Name);
    }

    [Theory]
    [InlineData(""), InlineData("{"), InlineData("[]"), InlineData("null"), InlineData("{\"suite\":\"paper-corrected\"}"), InlineData("{\"suite\": \"paper-corrected\"}"), InlineData("\u0000\u0001")]
    public void Any_text_gets_a_verdict(string text) => Actuator().Receive(text.Utf8()).Cause.ShouldBe("malformed");

    /// <summary>The sensor's own signing key beside a foreign actuator key.</summary>
    private PaperKeys PaperKeysWithActuator()
    {
        Bench.Keys.Save(_folder["other"]);
        File.Delete(Path.Combine(_folder["other"], PaperKeys.ActuatorPrivate));
        using var foreign = RSA.Create(2048);
        File.WriteAllText(Path.Combine(_folder["other"], PaperKeys.ActuatorPrivate), foreign.ExportPkcs8PrivateKeyPem());
        return PaperKeys.Load(_folder["other"]);
    }

    public void Dispose() => _folder.Dispose();
}
