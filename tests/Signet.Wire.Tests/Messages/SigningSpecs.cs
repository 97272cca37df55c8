using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Signet.Wire.Tests;

public sealed class SigningSpecs
{
    [Fact]
    public void The_signed_bytes_are_the_ones_the_specification_shows()
    {
        var parts = Encoding.ASCII.GetString(CommandMessage.Sign(TestKeys.Command, TestKeys.CenterShared)).Split('.');
        Decoded(parts[0]).ShouldBe("""{"alg":"HS256","kid":"down.thermostat-1","typ":"signet-command+jwt"}""");
        Decoded(parts[1]).ShouldBe("""{"args":{"celsius":21.5},"aud":"thermostat-1","by":{"name":"alice","role":"operator"},"cmd":"set-point","epoch":1799999000,"exp":1800000020,"iat":1800000000,"iss":"command_center","jti":"01JQX4S8M0RSTVWXYZ23456789","seq":7,"suite":"signet-hs256-1","topic":"signet/thermostat-1/command"}""");
        parts[2].Length.ShouldBe(43);
    }

    [Fact]
    public void A_signer_refuses_what_no_receiver_would_accept()
    {
        Throws(TestKeys.Command with { Id = "not an id" }, "'jti'");
        Throws(TestKeys.Command with { Sequence = 0 }, "'seq'");
        Throws(TestKeys.Command with { Audience = "command_center" }, "'aud'");
        Throws(TestKeys.Command with { ExpiresAt = TestKeys.Now }, "'exp'");
        Throws(TestKeys.Command with { Topic = "signet/door-1/command" }, "the topic must be signet/thermostat-1/command");
        Throws(TestKeys.Command with { OriginatorName = "two\nlines" }, "'by'");
        Throws(TestKeys.Command with { Arguments = new() { ["text"] = new string('a', WireLimits.MessageBytes) } }, "65536");
        Throws(TestKeys.Command with { Arguments = new() { ["text"] = new string('a', WireLimits.MessageBytes - 500) } }, "the limit is 65536");
        Throws(TestKeys.Command with { Arguments = new() { ["list"] = new JsonArray([.. Enumerable.Range(0, 3000).Select(i => JsonValue.Create(i))]) } }, "more than 2048");

        static void Throws(CommandClaims claims, string word) =>
            Should.Throw<ArgumentException>(() => CommandMessage.Sign(claims, TestKeys.CenterShared)).Message.ShouldContain(word);
    }

    [Fact]
    public void The_one_who_signs_an_ES256_message_always_makes_the_lower_S()
    {
        var receipt = new ReceiptClaims
        {
            Issuer = "thermostat-1", Audience = "command_center", Id = TestKeys.Command.Id, IssuedAt = TestKeys.Now, Epoch = 1, Sequence = 1,
            Topic = "signet/thermostat-1/receipt", InReplyTo = TestKeys.Command.Id, Digest = Thumbprint.OfBytes([]), State = ReceiptState.Executed, Result = [],
        };
        var expected = new Expectation { Keys = TestKeys.Ring, Audience = "command_center", Topic = receipt.Topic, Now = TestKeys.Now };
        for (var i = 0; i < 64; i++)
            ReceiptMessage.TryVerify(ReceiptMessage.Sign(receipt, TestKeys.Device), expected, out _, out var rejection).ShouldBeTrue(rejection.ToString());
    }

    [Fact]
    public void Keys_of_the_wrong_size_or_curve_are_refused()
    {
        using var small = RSA.Create(1024);
        using var large = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        Should.Throw<ArgumentException>(() => SigningKey.Ps256(small, "k")).Message.ShouldContain("2048");
        Should.Throw<ArgumentException>(() => SigningKey.Es256(large, "k")).Message.ShouldContain("P-256");
        Should.Throw<ArgumentException>(() => SigningKey.Hs256(new byte[31], "k")).Message.ShouldContain("32");
        Should.Throw<ArgumentException>(() => SigningKey.Hs256(new byte[32], "../k"));
        using var p384 = TestKeys.MakeEcdsa("x", ECCurve.NamedCurves.nistP384);
        Should.Throw<ArgumentException>(() => PinnedKey.FromCertificate(p384, "thermostat-1", "ES256"));
        Should.Throw<ArgumentException>(() => PinnedKey.FromCertificate(p384, "thermostat-1", "PS256"));
        Should.Throw<ArgumentException>(() => PinnedKey.FromCertificate(p384, "thermostat-1", "none"));
    }

    [Fact]
    public void Keys_never_show_in_text()
    {
        var secret = Encoding.ASCII.GetBytes("0123456789abcdef0123456789abcdef");
        using var signing = SigningKey.Hs256(secret, "k1");
        using var pinned = PinnedKey.Hs256(secret, "thermostat-1", "k1");
        signing.ToString().ShouldBe("signet-hs256-1 key k1");
        pinned.ToString().ShouldBe("signet-hs256-1 key k1 of thermostat-1");
    }

    [Fact]
    public void A_key_taken_from_the_ring_is_unknown_at_once()
    {
        var message = CommandMessage.Sign(TestKeys.Command, TestKeys.Center);
        var without = TestKeys.AtDevice with { Keys = TestKeys.Ring.Without(TestKeys.Center.KeyId) };
        CommandMessage.TryVerify(message, without, out _, out var rejection).ShouldBeFalse();
        rejection.Reason.ShouldBe(RejectReason.UnknownKey);
    }

    [Fact]
    public void Asking_for_no_audience_where_the_message_has_one_is_the_callers_mistake()
    {
        var message = CommandMessage.Sign(TestKeys.Command, TestKeys.Center);
        Should.Throw<ArgumentException>(() => CommandMessage.TryVerify(message, TestKeys.AtDevice with { Audience = null }, out _, out _));
    }

    [Fact]
    public void A_refused_message_can_still_be_named_in_the_answer()
    {
        var message = CommandMessage.Sign(TestKeys.Command, TestKeys.Center);
        message[^1] ^= 1;
        MessagePeek.TryReadUnverified(message, out var id).ShouldBe(CommandMessage.TryVerify(message, TestKeys.AtDevice, out _, out var rejection) || rejection.Reason == RejectReason.BadSignature);
        MessagePeek.TryReadUnverified("e30.e30."u8, out id).ShouldBeFalse();
        id.ShouldBeEmpty();
    }

    private static string Decoded(string part) => Encoding.UTF8.GetString(System.Buffers.Text.Base64Url.DecodeFromChars(part));
}
