using System.Buffers.Text;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Signet.Pki;
using Signet.Testing;
using Signet.Wire;

namespace Signet.Control.Tests;

/// <summary>Every refusal that a device's messages can meet in the center, each by a message that is right in everything that is looked at before.</summary>
[Trait("database", "sqlite")]
public sealed class ReasonSpecs
{
    private const string Device = "door-1";
    private static readonly long Epoch = DateTimeOffset.UtcNow.ToUnixTimeSeconds();

    private sealed record Flaw(string Name, string Action, RejectReason Reason, string Words, Func<Speaker, (string Topic, byte[] Payload)> Say);

    private static readonly Flaw[] Flaws =
    [
        new("too large", "receipt-refused", RejectReason.TooLarge, "65536", s => (Topics.Receipt(Device), new byte[WireLimits.MessageBytes + 1])),
        new("not three parts", "telemetry-refused", RejectReason.Malformed, "parts", s => (Topics.Telemetry(Device, "open"), "a.b"u8.ToArray())),
        new("claims of another kind", "receipt-refused", RejectReason.Malformed, "typ", s => (Topics.Receipt(Device), s.Reading())),
        new("a stranger's key", "receipt-refused", RejectReason.UnknownKey, "no pinned key", s => (Topics.Receipt(Device), s.Stranger())),
        new("HMAC with the public key", "receipt-refused", RejectReason.AlgorithmNotAllowed, "pinned to ES256", s => (Topics.Receipt(Device), s.Renamed("HS256"))),
        new("empty signature", "telemetry-refused", RejectReason.BadSignature, "not signed by", s => (Topics.Telemetry(Device, "open"), s.Unsigned())),
        new("for another center", "receipt-refused", RejectReason.WrongAudience, "meant for", s => (Topics.Receipt(Device), s.Receipt(r => r with { Audience = "other_center" }))),
        new("signed for another reading", "telemetry-refused", RejectReason.WrongTopic, "another topic", s => (Topics.Telemetry(Device, "moves"), s.Reading())),
        new("an old reading", "telemetry-refused", RejectReason.Expired, "issued at", s => (Topics.Telemetry(Device, "open"), s.Reading(r => r with { IssuedAt = DateTimeOffset.UtcNow.AddSeconds(-600) }))),
        new("a reading of the future", "telemetry-refused", RejectReason.IssuedInFuture, "the clock here", s => (Topics.Telemetry(Device, "open"), s.Reading(r => r with { IssuedAt = DateTimeOffset.UtcNow.AddSeconds(5000) }))),
        new("an epoch of the future", "receipt-refused", RejectReason.IssuedInFuture, "ahead of the clock", s => (Topics.Receipt(Device), s.Receipt(r => r with { Epoch = Epoch + 5000 }))),
        new("a number seen before", "telemetry-refused", RejectReason.Replayed, "seen before", s => (Topics.Telemetry(Device, "open"), s.Reading(r => r with { Sequence = 1 }))),
        new("an epoch that is over", "telemetry-refused", RejectReason.StaleEpoch, "the sender is at", s => (Topics.Telemetry(Device, "open"), s.Reading(r => r with { Epoch = 5 }))),
    ];

    [Fact]
    public async Task Each_flaw_reaches_its_own_layer_changes_nothing_and_is_on_the_record()
    {
        await using var house = await TestHouse.StartAsync();
        using var speaker = new Speaker(house);
        await using var client = await house.ConnectAsync(Device, "hand");
        Task SayAsync((string Topic, byte[] Payload) said) => client.PublishAsync(new() { Topic = said.Topic, Payload = said.Payload, QoS = Mqtt.QoS.AtLeastOnce });
        await SayAsync((Topics.Telemetry(Device, "open"), speaker.Reading(r => r with { Sequence = 1 })));

        foreach (var flaw in Flaws)
        {
            var before = house.Center.Audit.Size;
            await SayAsync(flaw.Say(speaker));
            var entry = await house.AuditedAsync(new() { Action = flaw.Action, Reason = RejectReasons.Of(flaw.Reason).Name }, e => e.Sequence > before);
            entry.Details["detail"]!.GetValue<string>().ShouldContain(flaw.Words, customMessage: flaw.Name);
            entry.Actor.ShouldBe(Device);
        }

        // Nothing of it locks the device out.
        await SayAsync((Topics.Telemetry(Device, "open"), speaker.Reading(r => r with { Sequence = 5000 })));
        await Eventually.Some(async () => (await house.Center.Fleet.LatestReadingsAsync(Device)).Count > 0 ? "" : null, "the good reading is there");
        await house.AssertAuditIntactAsync();
    }

    [Fact]
    public void Every_reason_of_the_table_is_reached_here_or_named_with_its_door()
    {
        NamedTest Here(string name, string sentence, string words) => new("Signet.Control.Tests", name, sentence, words);
        var elsewhere = new Dictionary<RejectReason, NamedTest>
        {
            [RejectReason.CommandNotAllowed] = Here("JourneySpecs", "An_unsupported_command_is_refused_with_a_clear_message_and_the_rule_is_on_the_record", "reason"),
            [RejectReason.BadArguments] = Here("SuiteSpecs", "Arguments_that_policy_does_not_allow_are_refused_by_the_center_before_it_signs_and_by_the_device", "bad-arguments"),
            [RejectReason.ApprovalMissing] = Here("TwoPeopleSpecs", "A_stolen_center_key_with_a_stolen_intermediate_executes_nothing_in_a_class", "approval-missing"),
            [RejectReason.ApprovalInvalid] = Here("TwoPeopleSpecs", "An_approval_that_does_not_fit_is_refused_at_the_center_for_its_own_reason", "approval-invalid"),
            [RejectReason.CertificateExpired] = Here("EstSpecs", "A_device_that_was_away_over_three_rotations_of_the_root_may_renew_and_do_nothing_else", "certificate-expired"),
            [RejectReason.CertificateRevoked] = Here("AdmissionSpecs", "A_revoked_device_is_cut_off_at_once_and_cannot_come_back", "certificate-revoked"),
            [RejectReason.CertificateUntrusted] = Here("AdmissionSpecs", "Without_a_certificate_or_with_a_foreign_one_nobody_comes_in_and_the_log_says_why", "certificate-untrusted"),
            [RejectReason.TotpUsed] = Here("TotpLoginSpecs", "A_code_is_good_once_whoever_brings_it_and_the_log_says_who_came", "TotpLogin.Used"),
            [RejectReason.RateLimited] = Here("TotpLoginSpecs", "Whoever_guesses_on_is_refused_rate_limited_even_with_the_right_code_and_others_are_not", "TotpLogin.Limited"),
            // No device seals to the center, which opens nothing: the device's side has it.
            [RejectReason.CannotDecrypt] = new("Signet.Agent.Tests", "CommandReceiverSpecs", "A_device_that_wants_sealed_commands_refuses_plain_ones_and_broken_envelopes", "RejectReason.CannotDecrypt"),
        };
        Flaws.Select(f => f.Reason).Concat(elsewhere.Keys).Distinct().Order().ShouldBe(RejectReasons.All.Select(r => r.Reason));
        foreach (var test in elsewhere.Values) test.ShouldBeThere();
    }

    /// <summary>Holds the device's real key and says what no device would.</summary>
    private sealed class Speaker : IDisposable
    {
        private readonly SigningKey _key;
        private readonly RandomNumberGenerator _random = RandomNumberGenerator.Create();
        private long _sequence = 100;

        public Speaker(TestHouse house)
        {
            var home = house.Center.Installation.DeviceDirectory(Device);
            var certificate = PemFile.ReadWithKey(Path.Combine(home, Device + ".crt"), Path.Combine(home, Device + ".key"));
            _key = SigningKey.Es256(certificate.GetECDsaPrivateKey()!, Thumbprint.Of(certificate));
        }

        public byte[] Receipt(Func<ReceiptClaims, ReceiptClaims>? change = null, SigningKey? key = null)
        {
            var claims = new ReceiptClaims
            {
                Issuer = Device, Audience = "command_center", Id = MessageId.New(TimeProvider.System, _random), IssuedAt = DateTimeOffset.UtcNow, Epoch = Epoch, Sequence = ++_sequence, Topic = Topics.Receipt(Device),
                InReplyTo = MessageId.New(TimeProvider.System, _random), Digest = Thumbprint.OfBytes([1]), State = ReceiptState.Executed, Reason = RejectReason.None, Result = [], Seen = 0,
            };
            return ReceiptMessage.Sign(change?.Invoke(claims) ?? claims, key ?? _key);
        }

        public byte[] Reading(Func<TelemetryClaims, TelemetryClaims>? change = null)
        {
            var claims = new TelemetryClaims
            {
                Issuer = Device, Id = MessageId.New(TimeProvider.System, _random), IssuedAt = DateTimeOffset.UtcNow, Epoch = Epoch, Sequence = ++_sequence, Topic = Topics.Telemetry(Device, "open"), Name = "open",
                Value = JsonValue.Create(true), Unit = null,
            };
            return TelemetryMessage.Sign(change?.Invoke(claims) ?? claims, _key);
        }

        public byte[] Stranger()
        {
            using var key = SigningKey.Es256(ECDsa.Create(ECCurve.NamedCurves.nistP256), "stranger");
            return Receipt(key: key);
        }

        public byte[] Renamed(string algorithm)
        {
            var parts = Encoding.ASCII.GetString(Receipt()).Split('.');
            var header = Encoding.ASCII.GetString(Base64Url.DecodeFromChars(parts[0])).Replace("ES256", algorithm, StringComparison.Ordinal);
            return Encoding.ASCII.GetBytes($"{Base64Url.EncodeToString(Encoding.ASCII.GetBytes(header))}.{parts[1]}.{parts[2]}");
        }

        public byte[] Unsigned() => Encoding.ASCII.GetBytes(Encoding.ASCII.GetString(Reading())[..^86]);

        public void Dispose()
        {
            _key.Dispose();
            _random.Dispose();
        }
    }
}
