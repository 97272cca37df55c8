using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Signet.Testing;
using Signet.Wire;

namespace Signet.Agent.Tests;

/// <summary>Every refusal of the table that a command can meet on a device, each by a message that is right in everything that is looked at before.</summary>
public sealed class ReasonSpecs
{
    // Words: what only this layer says. Before: commands that were carried out already, the last of them with this number.
    private sealed record Flaw(RejectReason Reason, string Words, Func<Bench, byte[]> Message, string? Topic = null, int Before = 0);

    private static readonly RandomNumberGenerator Random = RandomNumberGenerator.Create();
    private static readonly Dictionary<string, Flaw> Flaws = new()
    {
        ["larger than the limit"] = new(RejectReason.TooLarge, "65536", _ => new byte[WireLimits.MessageBytes + 1]),
        ["a megabyte"] = new(RejectReason.TooLarge, "65536", _ => Encoding.ASCII.GetBytes(new string('A', 1 << 20))),
        ["not three parts"] = new(RejectReason.Malformed, "parts", _ => "a.b"u8.ToArray()),
        ["no object as header"] = new(RejectReason.Malformed, "header", _ => "MQ.e30.AA"u8.ToArray()),
        ["alg none"] = new(RejectReason.AlgorithmNotAllowed, "pinned to ES256", b => WithHeader(b, """{"alg":"none","kid":"KID","typ":"signet-command+jwt"}""", "")),
        ["HMAC with the public key"] = new(RejectReason.AlgorithmNotAllowed, "pinned to ES256", b => WithHeader(b, """{"alg":"HS256","kid":"KID","typ":"signet-command+jwt"}""", null)),
        ["an unknown critical header"] = new(RejectReason.Malformed, "header", b => WithHeader(b, """{"alg":"ES256","crit":["x"],"kid":"KID","typ":"signet-command+jwt","x":1}""", null)),
        ["an embedded key"] = new(RejectReason.Malformed, "header", b => WithHeader(b, """{"alg":"ES256","jwk":{},"kid":"KID","typ":"signet-command+jwt"}""", null)),
        ["a key id that is a path"] = new(RejectReason.Malformed, "header", b => WithHeader(b, """{"alg":"ES256","kid":"../../etc/passwd","typ":"signet-command+jwt"}""", null)),
        ["a stranger's key"] = new(RejectReason.UnknownKey, "no pinned key", b => SignedBy(b, "stranger")),
        ["an empty signature"] = new(RejectReason.BadSignature, "not signed by", b => Cut(b.Sign(b.Claims()), 0)),
        ["a signature cut short"] = new(RejectReason.BadSignature, "not signed by", b => Cut(b.Sign(b.Claims()), 44)),
        ["another command's signature"] = new(RejectReason.BadSignature, "not signed by", b => Join(b.Sign(b.Claims()), b.Sign(b.Claims()))),
        ["a command for another device"] = new(RejectReason.WrongAudience, "meant for door-2", b => b.Sign(b.Claims() with { Audience = "door-2", Topic = Topics.Command("door-2") })),
        ["arrived elsewhere"] = new(RejectReason.WrongTopic, "another topic", b => b.Sign(b.Claims()), Topics.Command("door-2")),
        ["too old"] = new(RejectReason.Expired, "issued at", b => b.Sign(b.Claims() with { IssuedAt = b.Time.GetUtcNow().AddSeconds(-600), ExpiresAt = b.Time.GetUtcNow().AddSeconds(60) })),
        ["past its own end"] = new(RejectReason.Expired, "issued at", b => b.Sign(b.Claims() with { IssuedAt = b.Time.GetUtcNow().AddSeconds(-10), ExpiresAt = b.Time.GetUtcNow().AddSeconds(-1) })),
        ["of 1970"] = new(RejectReason.Expired, "1970", b => b.Sign(b.Claims() with { IssuedAt = DateTimeOffset.UnixEpoch, ExpiresAt = DateTimeOffset.UnixEpoch.AddSeconds(20) })),
        ["of the future"] = new(RejectReason.IssuedInFuture, "the clock here", b => b.Sign(b.Claims() with { IssuedAt = b.Time.GetUtcNow().AddSeconds(5000), ExpiresAt = b.Time.GetUtcNow().AddSeconds(5020) })),
        ["an epoch of the future"] = new(RejectReason.IssuedInFuture, "ahead of the clock", b => b.Sign(b.Claims() with { Epoch = b.Time.GetUtcNow().ToUnixTimeSeconds() + 60 })),
        ["seen before"] = new(RejectReason.Replayed, "seen before", b => b.Sign(b.Claims() with { Sequence = 1 }), Before: 1),
        ["behind the window"] = new(RejectReason.Replayed, "behind", b => b.Sign(b.Claims() with { Sequence = 1, Id = MessageId.New(b.Time, Random) }), Before: 2000),
        ["of an epoch that is over"] = new(RejectReason.StaleEpoch, "the sender is at", b => b.Sign(b.Claims() with { Epoch = 5 }), Before: 1),
        ["the nonce of another start"] = new(RejectReason.StaleEpoch, "announces no nonce", b => b.Sign(b.Claims() with { Nonce = Bench.Nonce })),
        ["an envelope that was changed"] = new(RejectReason.CannotDecrypt, "was changed", b => Change(Bench.Seal(b.Sign(b.Claims())), part: 3)),
        ["not on its list"] = new(RejectReason.CommandNotAllowed, "does not take 'explode'", b => b.Sign(b.Claims("explode"))),
        ["arguments nobody asked for"] = new(RejectReason.BadArguments, "takes no arguments", b => b.Sign(b.Claims(arguments: new() { ["x"] = 1 }))),
        ["a huge number as argument"] = new(RejectReason.BadArguments, "takes no arguments", b => b.Sign(b.Claims(arguments: new() { ["x"] = 1e300 }))),
        ["needs approvals"] = new(RejectReason.ApprovalMissing, "2", b => b.Sign(b.Claims("unlock"))),
        ["an approval that is none"] = new(RejectReason.ApprovalInvalid, "", b => b.Sign(b.Claims("unlock") with { Proposal = MessageId.New(b.Time, Random), Approvals = ["e30.e30.AA"] })),
        ["past the center's certificate"] = new(RejectReason.CertificateExpired, "is valid from", b =>
        {
            b.Time.Advance(TimeSpan.FromSeconds(60_000_000));
            return b.Sign(b.Claims());
        }),
    };

    public static TheoryData<string> Names => [.. Flaws.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Each_flaw_reaches_its_own_layer_runs_nothing_and_uses_up_no_number(string name)
    {
        var (reason, words, message, topic, before) = Flaws[name];
        var runs = 0;
        using var bench = NewBench(() => runs++);
        if (before > 0) await bench.ReceiveAsync(bench.Sign(bench.Claims()));
        if (before > 1) await bench.ReceiveAsync(bench.Sign(bench.Claims() with { Sequence = before }));
        var ran = runs;

        await bench.ReceiveAsync(message(bench), topic);

        runs.ShouldBe(ran);
        var receipt = bench.Receipts()[^1];
        (receipt.State, receipt.Reason).ShouldBe((ReceiptState.Rejected, reason), receipt.Result.ToJsonString());
        receipt.Result["detail"]!.GetValue<string>().ShouldContain(words);
        if (reason == RejectReason.CertificateExpired) return;
        // The sender is not locked out by any of it.
        await bench.ReceiveAsync(bench.Sign(bench.Claims() with { Sequence = 3000 }));
        runs.ShouldBe(ran + 1);
    }

    [Fact]
    public void Every_reason_of_the_table_is_reached_or_cannot_come_from_a_command()
    {
        var elsewhere = new Dictionary<RejectReason, NamedTest>
        {
            [RejectReason.RateLimited] = new("Signet.Agent.Tests", "CommandReceiverSpecs", "While_the_outbox_is_full_commands_are_refused_rate_limited", "RejectReason.RateLimited"),
            // A device meets certificates in the handshake and at its start, not in a command.
            [RejectReason.CertificateUntrusted] = new("Signet.Agent.Tests", "DeviceAgentSpecs", "A_broker_with_another_name_or_of_another_house_is_not_talked_to", "certificate"),
            // It holds no revocation list and asks nobody for a code: both are the center's to refuse.
            [RejectReason.CertificateRevoked] = new("Signet.Control.Tests", "AdmissionSpecs", "A_revoked_device_is_cut_off_at_once_and_cannot_come_back", "certificate-revoked"),
            [RejectReason.TotpUsed] = new("Signet.Control.Tests", "TotpLoginSpecs", "A_code_is_good_once_whoever_brings_it_and_the_log_says_who_came", "TotpLogin.Used"),
        };
        Flaws.Values.Select(f => f.Reason).Concat(elsewhere.Keys).Distinct().Order().ShouldBe(RejectReasons.All.Select(r => r.Reason));
        foreach (var test in elsewhere.Values) test.ShouldBeThere();
    }

    private static Bench NewBench(Action ran) => new(new CommandHandlers()
        .Handle("open", ArgumentSchema.None, _ => { ran(); return CommandOutcome.Done(); })
        .Handle("unlock", ArgumentSchema.None, _ => { ran(); return CommandOutcome.Done(); }), manifest: ManifestSpecs.Manifest());

    private static byte[] WithHeader(Bench bench, string header, string? signature)
    {
        var parts = Encoding.ASCII.GetString(bench.Sign(bench.Claims())).Split('.');
        var kid = (string)JsonNode.Parse(Base64Url.DecodeFromChars(parts[0]))!["kid"]!;
        return Encoding.ASCII.GetBytes($"{Base64Url.EncodeToString(Encoding.ASCII.GetBytes(header.Replace("KID", kid, StringComparison.Ordinal)))}.{parts[1]}.{signature ?? parts[2]}");
    }

    private static byte[] SignedBy(Bench bench, string kid)
    {
        using var key = SigningKey.Es256(ECDsa.Create(ECCurve.NamedCurves.nistP256), kid);
        return CommandMessage.Sign(bench.Claims(), key);
    }

    private static byte[] Cut(byte[] message, int keep)
    {
        var text = Encoding.ASCII.GetString(message);
        var at = text.LastIndexOf('.') + 1;
        return Encoding.ASCII.GetBytes(text[..Math.Min(text.Length, at + keep)].TrimEnd('='));
    }

    private static byte[] Change(byte[] envelope, int part)
    {
        var parts = Encoding.ASCII.GetString(envelope).Split('.');
        parts[part] = (parts[part][0] == 'A' ? 'B' : 'A') + parts[part][1..];
        return Encoding.ASCII.GetBytes(string.Join('.', parts));
    }

    private static byte[] Join(byte[] payload, byte[] signature)
        => Encoding.ASCII.GetBytes(Encoding.ASCII.GetString(payload)[..^86] + Encoding.ASCII.GetString(signature)[^86..]);
}
