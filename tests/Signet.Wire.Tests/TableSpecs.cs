using System.Security.Cryptography;

namespace Signet.Wire.Tests;

public sealed class TableSpecs
{
    [Fact]
    public void The_numbers_and_names_of_refusals_never_change()
    {
        // Stored in audit logs and journals: if this fails, the change is wrong, not the test. New rows go at the end.
        string.Join(' ', RejectReasons.All.Select(i => $"{(int)i.Reason}={i.Name}")).ShouldBe(
            "1=malformed 2=unknown-key 3=algorithm-not-allowed 4=bad-signature 5=wrong-audience 6=wrong-topic 7=expired 8=issued-in-future 9=replayed 10=stale-epoch "
            + "11=cannot-decrypt 12=command-not-allowed 13=bad-arguments 14=approval-missing 15=approval-invalid 16=certificate-expired 17=certificate-revoked "
            + "18=certificate-untrusted 19=too-large 20=rate-limited 21=totp-used");
    }

    [Fact]
    public void Every_reason_has_its_row_and_is_found_by_its_name()
    {
        foreach (var reason in Enum.GetValues<RejectReason>().Where(r => r != RejectReason.None))
        {
            RejectReasons.TryParse(RejectReasons.Of(reason).Name, out var found).ShouldBeTrue();
            found.ShouldBe(reason);
            RejectReasons.Of(reason).HttpStatus.ShouldBeInRange(400, 499);
        }
        RejectReasons.TryParse("none", out _).ShouldBeFalse();
        RejectReasons.TryParse(null, out _).ShouldBeFalse();
        Should.Throw<ArgumentOutOfRangeException>(() => RejectReasons.Of((RejectReason)22));
    }

    [Theory]
    [InlineData("signet/thermostat-1/command", "thermostat-1", "command")]
    [InlineData("signet/a.b_c-d/telemetry/temperature", "a.b_c-d", "telemetry/temperature")]
    [InlineData("signet/9/status", "9", "status")]
    public void Topics_of_ours_are_taken_apart(string topic, string device, string branch)
    {
        Topics.TryParse(topic, out var d, out var b).ShouldBeTrue();
        (d, b).ShouldBe((device, branch));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("signet")]
    [InlineData("signet/")]
    [InlineData("signet//command")]
    [InlineData("signet/+/command")]
    [InlineData("signet/#")]
    [InlineData("signet/A/command")]
    [InlineData("signet/a/command/")]
    [InlineData("signet/a/telemetry")]
    [InlineData("signet/a/telemetry/")]
    [InlineData("signet/a/telemetry/b/c")]
    [InlineData("signet/command_center/command")]
    [InlineData("signet/a/other")]
    [InlineData("Signet/a/command")]
    public void Every_other_topic_is_not(string? topic) => Topics.TryParse(topic, out _, out _).ShouldBeFalse();

    [Fact]
    public void The_longest_topic_fits_its_limit()
    {
        Topics.Telemetry(new string('a', WireLimits.NameCharacters), new string('b', WireLimits.WordCharacters)).Length.ShouldBe(WireLimits.TopicCharacters);
        Should.Throw<ArgumentException>(() => Topics.Command(new string('a', 64)));
        Should.Throw<ArgumentException>(() => Topics.Command("a/b"));
        Should.Throw<ArgumentException>(() => Topics.Telemetry("a", "+"));
    }

    [Fact]
    public void Message_ids_sort_by_time_and_hold_it()
    {
        using var random = RandomNumberGenerator.Create();
        var early = MessageId.New(new StoppedClock(1_800_000_000_123), random);
        var late = MessageId.New(new StoppedClock(1_800_000_000_124), random);
        MessageId.IsValid(early).ShouldBeTrue();
        string.CompareOrdinal(early, late).ShouldBeLessThan(0);
        MessageId.TimeOf(early).ToUnixTimeMilliseconds().ShouldBe(1_800_000_000_123);
        MessageId.TimeOf("7ZZZZZZZZZZZZZZZZZZZZZZZZZ").Year.ShouldBe(9999);
        MessageId.IsValid(early.ToLowerInvariant()).ShouldBeFalse();
        MessageId.IsValid(early[1..]).ShouldBeFalse();
        MessageId.IsValid("0" + new string('U', 25)).ShouldBeFalse();
    }

    private sealed class StoppedClock(long milliseconds) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => DateTimeOffset.FromUnixTimeMilliseconds(milliseconds);
    }

    [Fact]
    public void Ids_made_one_after_the_other_sort_so_within_a_millisecond_and_when_the_clock_goes_back()
    {
        using var random = System.Security.Cryptography.RandomNumberGenerator.Create();
        var still = new StillClock(DateTimeOffset.FromUnixTimeSeconds(1_800_000_000));
        var ids = new List<string> { MessageId.New(still, random) };
        for (var i = 0; i < 200; i++)
        {
            if (i == 100) still.Now -= TimeSpan.FromHours(1);
            ids.Add(MessageId.NewAfter(ids[^1], still, random));
        }

        ids.ShouldBe(ids.Order(StringComparer.Ordinal));
        ids.Distinct(StringComparer.Ordinal).Count().ShouldBe(ids.Count);
        MessageId.NewAfter("01JQX4S8M0RSTVWXYZ2345ZZZZ", new StillClock(DateTimeOffset.UnixEpoch), random).ShouldBe("01JQX4S8M0RSTVWXYZ23460000");
        Should.Throw<ArgumentException>(() => MessageId.NewAfter("7ZZZZZZZZZZZZZZZZZZZZZZZZZ", still, random));
    }

    private sealed class StillClock(DateTimeOffset now) : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = now;

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
