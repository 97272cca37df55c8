using System.Numerics;

namespace Signet.Lab.Tests;

/// <summary>The paper's scheme to the letter, with its defects shown as they are.</summary>
[Trait("row", "S4-16")]
public sealed class PaperFaithfulSpecs : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly LabLog _log = Bench.Log("actuator_secure");

    private FaithfulSensor Sensor() => new(Bench.Keys, Bench.Log("sensor_secure"), TimeProvider.System, Bench.Random);

    private FaithfulActuator Actuator() => new(Bench.Keys, _folder["logs/actuator_state.json"], _log, TimeProvider.System);

    [Fact, Trait("row", "S4-13")]
    public void A_message_has_the_papers_members_in_its_order_and_is_accepted()
    {
        var message = Sensor().Next();
        Bench.Json(message).Select(m => m.Key).ShouldBe(["sender", "enc_session_key", "nonce", "ciphertext", "counter", "timestamp", "msg_id", "signature"]);
        Actuator().Receive(message).ShouldSatisfyAllConditions(v => v.Accepted.ShouldBeTrue(), v => v.Event.ShouldBe("door_open"));
        _log.Lines.Select(l => l.Message).ShouldContain("Message verified and decrypted");
    }

    [Fact, Trait("row", "S4-17")]
    public void The_state_file_is_sender_and_counter_indented_by_two()
    {
        var (sensor, actuator) = (Sensor(), Actuator());
        actuator.Receive(sensor.Next());
        actuator.Receive(sensor.Next());
        File.ReadAllText(_folder["logs/actuator_state.json"]).ShouldBe("{\n  \"sensor_001_secure\": 2\n}");
    }

    [Fact, Trait("row", "S4-18")]
    public void A_replay_is_refused_and_logged_in_the_papers_words()
    {
        var (sensor, actuator) = (Sensor(), Actuator());
        var message = sensor.Next();
        actuator.Receive(message).Accepted.ShouldBeTrue();
        actuator.Receive(message).Cause.ShouldBe("replay");
        var line = _log.Lines.Single(l => l.Message == "REPLAY DETECTED");
        line.Level.ShouldBe("WARNING");
        line.Data!.Select(m => m.Key).ShouldBe(["attack", "sender", "counter", "last_counter", "rejected"]);
    }

    [Fact]
    public void The_signature_is_checked_before_anything_is_decrypted_or_stored()
    {
        var actuator = Actuator();
        var message = Bench.Json(Sensor().Next());
        message["ciphertext"] = "AAAA" + (string)message["ciphertext"]!;
        actuator.Receive(message.ToJsonString().Utf8()).Cause.ShouldBe("signature");
        actuator.LastCounter(PaperNames.SecureSensorId).ShouldBeNull();
    }

    [Theory, Trait("row", "S4-21")]
    [InlineData("fake_payload"), InlineData("replay_attack"), InlineData("future_timestamp_attack"), InlineData("tamper_ciphertext")]
    [InlineData("bad_session_key"), InlineData("forged_signature"), InlineData("random_garbage")]
    public void Each_of_the_papers_seven_attacks_fails_at_the_first_look(string name)
    {
        var attack = PaperAttacks.All.Single(a => a.Name == name);
        Actuator().Receive(attack.Make(DateTimeOffset.UtcNow, Bench.Random)).Cause.ShouldBe("fields"); // the members the actuator reads are not there
    }

    [Theory]
    [InlineData(""), InlineData("{"), InlineData("[]"), InlineData("7"), InlineData("null"), InlineData("{\"sender\":1,\"counter\":{}}"), InlineData("{\"a\":1,\"a\":2}"), InlineData("{\"sender\":\"x\",\"sender\":\"y\",\"counter\":1}")]
    public void Any_text_gets_a_verdict(string text) => Actuator().Receive(text.Utf8()).Accepted.ShouldBeFalse();

    // ---- the four real defects

    [Fact]
    public void Defect_1_time_and_message_id_are_unsigned_and_can_be_rewritten()
    {
        Actuator().Receive(PaperDefects.RewriteUnsignedFields(Sensor().Next())).Accepted.ShouldBeTrue();
        _log.Lines.Single(l => l.Message == "Message verified and decrypted").Data!["msg_id"]!.ToString().ShouldBe("00000000-0000-4000-8000-000000000000");
    }

    [Fact]
    public void Defect_2_a_swapped_key_burns_the_counter_and_the_genuine_message_is_lost()
    {
        var actuator = Actuator();
        var genuine = Sensor().Next();
        actuator.Receive(PaperDefects.SwapSessionKey(genuine, Bench.Keys.Actuator, Bench.Random)).Cause.ShouldBe("ciphertext");
        actuator.Receive(genuine).Cause.ShouldBe("replay");
    }

    [Fact]
    public void Defect_3_shifting_the_delimiter_executes_one_signed_message_twice()
    {
        var (sensor, actuator) = (Sensor(), Actuator());
        var genuine = Shiftable(sensor, out var shifted);
        actuator.Receive(shifted).Accepted.ShouldBeTrue();
        actuator.Receive(genuine).Accepted.ShouldBeTrue();
    }

    [Fact]
    public void Defect_3_shifting_the_sender_stores_a_name_nobody_has()
    {
        var (sensor, actuator) = (Sensor(), Actuator());
        byte[] shifted;
        while (!PaperDefects.TryShiftSender(sensor.Next(), out shifted)) { }
        actuator.Receive(shifted).Cause.ShouldBe("ciphertext"); // the signature and the replay check passed
        actuator.LastCounter("0" + PaperNames.SecureSensorId).ShouldBe(BigInteger.One);
    }

    [Fact]
    public void Defect_4_a_rebooted_sensor_is_locked_out_until_it_has_counted_past_its_old_self()
    {
        var actuator = Actuator();
        var before = Sensor();
        for (var i = 0; i < 5; i++) actuator.Receive(before.Next()).Accepted.ShouldBeTrue();
        var rebooted = Sensor();
        for (var i = 0; i < 5; i++) actuator.Receive(rebooted.Next()).Cause.ShouldBe("replay");
        actuator.Receive(rebooted.Next()).Accepted.ShouldBeTrue();
    }

    /// <summary>The first message whose ciphertext is padded and whose counter has two digits.</summary>
    private static byte[] Shiftable(FaithfulSensor sensor, out byte[] shifted)
    {
        while (true)
        {
            var genuine = sensor.Next();
            if (PaperDefects.TryShiftDelimiter(genuine, out shifted)) return genuine;
        }
    }

    public void Dispose() => _folder.Dispose();
}
