using System.Net;
using Signet.Testing;
using Signet.Web;
using Signet.Web.SignIn;

namespace Signet.Browser;

/// <summary>Guessing is slow, owners are not kept out, and the first guesses of every list are no passwords here.</summary>
public sealed class SignInSpecs
{
    private static readonly IPAddress Attacker = IPAddress.Parse("203.0.113.9"), Owner = IPAddress.Parse("198.51.100.7");
    private readonly ManualTimeProvider time = new();

    [Fact]
    [Trait("row", "S0-29")]
    public void The_fifth_failure_makes_the_next_attempt_wait_and_each_further_one_longer()
    {
        var throttle = new LoginThrottle(time);
        for (var i = 0; i < WebLimits.LoginFailuresPerAccount; i++)
        {
            throttle.Wait("ada", Attacker, null).Duration.ShouldBe(TimeSpan.Zero);
            throttle.Failed("ada", Attacker, null);
        }
        throttle.Wait("ada", Attacker, null).ShouldBe((WebLimits.LoginFirstDelay, true));
        throttle.Wait("ADA", Attacker, null).ShouldBe((WebLimits.LoginFirstDelay, false));
        time.Advance(WebLimits.LoginFirstDelay);
        throttle.Wait("ada", Attacker, null).Duration.ShouldBe(TimeSpan.Zero);
        throttle.Failed("ada", Attacker, null);
        throttle.Wait("ada", Attacker, null).Duration.ShouldBe(WebLimits.LoginFirstDelay * 2);
    }

    [Fact]
    public void No_wait_is_longer_than_the_longest_and_every_wait_ends()
    {
        var throttle = new LoginThrottle(time);
        for (var i = 0; i < 1000; i++) throttle.Failed("ada", Attacker, null);
        throttle.Wait("ada", Attacker, null).Duration.ShouldBe(WebLimits.LoginLongestDelay);
        time.Advance(WebLimits.LoginLongestDelay);
        throttle.Wait("ada", Owner, null).Duration.ShouldBe(TimeSpan.Zero);
    }

    [Fact]
    public void A_browser_that_signed_in_before_is_not_slowed_by_a_stranger()
    {
        var throttle = new LoginThrottle(time);
        for (var i = 0; i < 10; i++) throttle.Failed("ada", Attacker, null);
        throttle.Wait("ada", Owner, null).Duration.ShouldBeGreaterThan(TimeSpan.Zero);
        throttle.Wait("ada", Owner, "mark").Duration.ShouldBe(TimeSpan.Zero);
    }

    [Fact]
    public void An_address_that_fails_at_many_accounts_has_to_wait()
    {
        var throttle = new LoginThrottle(time);
        for (var i = 0; i < WebLimits.LoginFailuresPerAddress; i++) throttle.Failed($"person{i}", Attacker, null);
        throttle.Wait("somebody new", Attacker, null).Duration.ShouldBe(WebLimits.LoginFirstDelay);
        throttle.Wait("somebody new", Owner, null).Duration.ShouldBe(TimeSpan.Zero);
    }

    [Theory]
    [Trait("row", "S0-22")]
    [InlineData("short", "admin")]
    [InlineData("password1234", "admin")]
    [InlineData("P@ssw0rd!!2024", "admin")]
    [InlineData("QwertyUiop12345", "admin")]
    [InlineData("letmeinletmein", "admin")]
    [InlineData("abcdefghijklmn", "admin")]
    [InlineData("111111111111", "admin")]
    [InlineData("123123123123", "admin")]
    [InlineData("secret-summer-2026", "admin")]
    [InlineData("josephine1234", "Josephine")]
    public void What_guessers_try_first_is_no_password(string password, string name) => Passwords.Fault(password, name).ShouldNotBeNull();

    [Theory]
    [InlineData("tractor violet noodle")]
    [InlineData("kv7#Lm2pQz9!w")]
    [InlineData("una casa sin tejado azul")]
    public void Unrelated_words_and_random_characters_are_good(string password) => Passwords.Fault(password, "admin").ShouldBeNull();

    [Fact]
    public void A_setup_link_works_once_and_for_a_day()
    {
        var link = new SetupLink(time, System.Security.Cryptography.RandomNumberGenerator.Create());
        link.TryUse("").ShouldBeFalse();
        var first = link.Create();
        var second = link.Create();
        link.IsValid(first).ShouldBeFalse("a newer link was made");
        link.TryUse(second).ShouldBeTrue();
        link.TryUse(second).ShouldBeFalse();
        var old = link.Create();
        time.Advance(WebLimits.SetupLink);
        link.TryUse(old).ShouldBeFalse();
    }
}
