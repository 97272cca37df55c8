using System.Security.Cryptography;
using System.Text;
using Signet.Pki;
using Signet.Testing;

namespace Signet.Control.Tests;

public sealed class OneTimeCodeSpecs
{
    /// <summary>RFC 6238, appendix B, SHA-1; its eight digits end in our six.</summary>
    [Theory]
    [InlineData(59, "94287082")]
    [InlineData(1111111109, "07081804")]
    [InlineData(1111111111, "14050471")]
    [InlineData(1234567890, "89005924")]
    [InlineData(2000000000, "69279037")]
    [InlineData(20000000000, "65353130")]
    [Trait("row", "S1-7")]
    public void The_codes_are_those_of_the_RFC(long seconds, string code)
        => OneTimeCode.At("12345678901234567890"u8, OneTimeCode.StepAt(DateTimeOffset.FromUnixTimeSeconds(seconds))).ShouldBe(code[2..]);

    [Fact]
    public async Task The_codes_are_those_of_oathtool()
    {
        var secret = RandomNumberGenerator.GetBytes(20);
        var said = await BoundedProcess.RunAsync("oathtool", ["--totp", "-b", "--now", "2031-07-04 12:00:29 UTC", Base32.Encode(secret)]);
        said.Output.Trim().ShouldBe(OneTimeCode.At(secret, OneTimeCode.StepAt(new(2031, 7, 4, 12, 0, 29, TimeSpan.Zero))));
    }

    [Fact]
    public void A_code_is_taken_one_step_early_and_one_late_and_no_more()
    {
        var secret = RandomNumberGenerator.GetBytes(20);
        var now = DateTimeOffset.FromUnixTimeSeconds(1_800_000_015);
        var step = OneTimeCode.StepAt(now);
        for (var off = -1; off <= 1; off++) OneTimeCode.Match(secret, OneTimeCode.At(secret, step + off), now).ShouldBe(step + off);
        // 2 steps away it is another code; that two codes are equal by chance is one in a million and would show as the nearer step.
        foreach (var off in new[] { -2, 2 }) OneTimeCode.Match(secret, OneTimeCode.At(secret, step + off), now).ShouldNotBe(step + off);
        foreach (var wrong in new[] { "", "12345", "1234567", "abcdef", "１２３４５６" }) OneTimeCode.Match(secret, wrong, now).ShouldBeNull();
    }

    /// <summary>RFC 4648, section 10.</summary>
    [Theory]
    [InlineData("", ""), InlineData("f", "MY"), InlineData("fo", "MZXQ"), InlineData("foo", "MZXW6"), InlineData("foob", "MZXW6YQ"), InlineData("fooba", "MZXW6YTB"), InlineData("foobar", "MZXW6YTBOI")]
    public void Base32_is_that_of_the_RFC(string plain, string text)
    {
        Base32.Encode(Encoding.ASCII.GetBytes(plain)).ShouldBe(text);
        Base32.TryDecode(text.ToLowerInvariant() + "======", out var bytes).ShouldBeTrue();
        Encoding.ASCII.GetString(bytes).ShouldBe(plain);
    }

    [Theory]
    [InlineData("MZXW1"), InlineData("M"), InlineData("MZX"), InlineData("MZ"), InlineData("MZXW6YT0")]
    public void Base32_refuses_what_no_bytes_give(string text) => Base32.TryDecode(text, out _).ShouldBeFalse();

    /// <summary>Vectors of libxcrypt's and Openwall's own test: $2a$, and $2y$ with a password of 72 bytes and more.</summary>
    [Theory]
    [InlineData("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", true)]
    [InlineData("U*V", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", false)]
    [InlineData("U*U*", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK", true)]
    [InlineData("", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy", true)]
    [Trait("row", "S1-14")]
    public void Hashes_of_others_are_checked(string password, string hash, bool right) => Bcrypt.Verify(Encoding.UTF8.GetBytes(password), hash).ShouldBe(right);

    [Theory]
    [InlineData("$1$abc$xxxxxxxxxxxxxxxxxxxxxx"), InlineData("plain"), InlineData(""), InlineData("$2b$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"), InlineData("*0"),
     InlineData("$2b$10$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW\n")]
    public void Nothing_but_bcrypt_at_a_bearable_cost_reaches_the_library(string hash)
    {
        Bcrypt.WhyNot(hash).ShouldNotBeNull();
        Bcrypt.Verify("x"u8, hash).ShouldBeFalse();
    }

    [Fact]
    public void A_new_hash_verifies_its_password_and_no_other()
    {
        using var random = RandomNumberGenerator.Create();
        var hash = Bcrypt.Hash("12qwert5"u8, random, cost: 4);
        Bcrypt.WhyNot(hash).ShouldBeNull();
        Bcrypt.Verify("12qwert5"u8, hash).ShouldBeTrue();
        Bcrypt.Verify("12qwert6"u8, hash).ShouldBeFalse();
        Bcrypt.Verify("12qwert5\0"u8, hash).ShouldBeFalse();
        Bcrypt.Hash("12qwert5"u8, random, cost: 4).ShouldNotBe(hash);
    }

    [Fact]
    public void A_remembered_password_is_good_for_ten_minutes_and_for_its_hash_alone()
    {
        var time = new ManualTimeProvider();
        using var random = RandomNumberGenerator.Create();
        var verified = new VerifiedPasswords(time, random);
        verified.Remember("a", "hash1", "pw"u8);
        verified.Knows("a", "hash1", "pw"u8).ShouldBeTrue();
        verified.Knows("a", "hash1", "pv"u8).ShouldBeFalse();
        verified.Knows("a", "hash2", "pw"u8).ShouldBeFalse();
        verified.Knows("b", "hash1", "pw"u8).ShouldBeFalse();
        time.Advance(TimeSpan.FromMinutes(10));
        verified.Knows("a", "hash1", "pw"u8).ShouldBeFalse();
        verified.Remember("a", "hash1", "pw"u8);
        verified.Forget("a");
        verified.Knows("a", "hash1", "pw"u8).ShouldBeFalse();
    }

    [Fact]
    public void A_sealed_secret_opens_for_its_account_and_its_key_alone()
    {
        using var directory = new TempDirectory();
        using var other = new TempDirectory();
        using var random = RandomNumberGenerator.Create();
        var seal = AccountSeal.Open(directory.Path, random);
        var box = seal.Seal("iot", "12345678901234567890"u8);
        AccountSeal.Open(directory.Path, random).TryOpen("iot", box).ShouldBe("12345678901234567890"u8.ToArray());
        seal.TryOpen("iot2", box).ShouldBeNull();
        AccountSeal.Open(other.Path, random).TryOpen("iot", box).ShouldBeNull();
        seal.TryOpen("iot", box[..^4] + "AAA=").ShouldBeNull();
        File.GetUnixFileMode(directory.File("accounts.key")).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    [Fact]
    public void A_lost_key_is_not_quietly_made_anew_while_secrets_wait_for_it()
    {
        using var directory = new TempDirectory();
        using var random = RandomNumberGenerator.Create();
        AccountSeal.Open(directory.Path, random);
        File.Delete(directory.File("accounts.key"));
        Should.Throw<PkiException>(() => AccountSeal.Open(directory.Path, random, isInUse: true)).Message.ShouldContain("accounts.key is missing");
        File.Exists(directory.File("accounts.key")).ShouldBeFalse();
        AccountSeal.Open(directory.Path, random);
        AccountSeal.Open(directory.Path, random, isInUse: true);
    }

    [Fact]
    public void Guessing_is_slowed_down_and_never_locks_out()
    {
        var time = new ManualTimeProvider();
        var limit = new GuessLimit(time);
        var who = ("iot", "10.0.0.1");
        for (var i = 0; i < ControlLimits.GuessesFree; i++)
        {
            limit.MayTry(who).ShouldBeTrue();
            limit.Failed(who);
        }

        limit.MayTry(who).ShouldBeFalse();
        limit.MayTry(("iot", "10.0.0.2")).ShouldBeTrue("another address is not concerned");
        for (var i = 0; i < 20; i++) limit.Failed(who);
        time.Advance(TimeSpan.FromSeconds(59));
        limit.MayTry(who).ShouldBeFalse();
        time.Advance(TimeSpan.FromSeconds(1));
        limit.MayTry(who).ShouldBeTrue();
        limit.Succeeded(who);
        limit.Failed(who);
        limit.MayTry(who).ShouldBeTrue();
    }
}
