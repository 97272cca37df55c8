using System.Security.Cryptography;

namespace Signet.Pki.Tests;

/// <summary>One secret, one certificate.</summary>
public sealed class EnrolmentTokenSpecs
{
    private static readonly CertificateRequestSpec Door = new(CertificateProfile.Device, "door-1");
    private readonly StandingClock _clock = new(new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero));
    private readonly EnrolmentTokens _tokens;

    public EnrolmentTokenSpecs() => _tokens = new(_clock, RandomNumberGenerator.Create());

    [Fact]
    public void A_token_admits_its_bearer_once()
    {
        var (token, text) = _tokens.Create(Door, TimeSpan.FromHours(1));
        _tokens.Check(text, "a", out var found).ShouldBe(TokenRefusal.None);
        found.ShouldBe(token);
        _tokens.Use(found!).ShouldBeTrue();
        _tokens.Use(found!).ShouldBeFalse();
        _tokens.Check(text, "a", out _).ShouldBe(TokenRefusal.Used);
    }

    [Fact]
    public void Of_many_at_once_exactly_one_may_issue()
    {
        var (token, _) = _tokens.Create(Door, TimeSpan.FromHours(1));
        Enumerable.Range(0, 32).AsParallel().WithDegreeOfParallelism(8).Count(_ => _tokens.Use(token)).ShouldBe(1);
    }

    [Fact]
    public void An_expired_token_is_refused()
    {
        var (token, text) = _tokens.Create(Door, TimeSpan.FromHours(1));
        _clock.Now += TimeSpan.FromHours(1.01);
        _tokens.Check(text, "a", out _).ShouldBe(TokenRefusal.Expired);
        _tokens.Use(token).ShouldBeFalse();
    }

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("x")]
    [InlineData("x.y")]
    public void Anything_else_is_unknown(string text) => _tokens.Check(text, "a", out _).ShouldBe(TokenRefusal.Unknown);

    [Fact]
    public void Guessing_is_limited_for_the_source_and_for_the_token_and_ends_by_itself()
    {
        var (token, text) = _tokens.Create(Door, TimeSpan.FromHours(1));
        for (var i = 0; i < PkiLimits.TokenGuesses; i++) _tokens.Check($"{token.Id}.wrong{i}", "guesser", out _).ShouldBe(TokenRefusal.Unknown);

        _tokens.Check(text, "guesser", out _).ShouldBe(TokenRefusal.RateLimited);
        _tokens.Check(text, "somebody else", out _).ShouldBe(TokenRefusal.RateLimited, "the token itself is under attack");
        var (_, other) = _tokens.Create(Door with { Name = "door-2" }, TimeSpan.FromHours(1));
        _tokens.Check(other, "somebody else", out _).ShouldBe(TokenRefusal.None);

        _clock.Now += PkiLimits.TokenGuessWindow;
        _tokens.Check(text, "guesser", out _).ShouldBe(TokenRefusal.None);
    }

    [Fact]
    public void What_is_stored_holds_no_secret_and_brings_everything_back()
    {
        var stored = new Dictionary<string, EnrolmentToken>();
        _tokens.Changed += t => stored[t.Id] = t;
        var (used, usedText) = _tokens.Create(Door, TimeSpan.FromHours(1));
        var (_, text) = _tokens.Create(Door with { Name = "door-2" }, TimeSpan.FromHours(1), needsApproval: true);
        _tokens.Use(used);
        stored.Values.ShouldAllBe(t => !usedText.Contains(t.SecretHash) && !t.ToString().Contains(text.Split('.')[1]) && !t.ToString().Contains(usedText.Split('.')[1]));

        var again = new EnrolmentTokens(_clock, RandomNumberGenerator.Create());
        again.Restore(stored.Values);
        again.Check(usedText, "a", out _).ShouldBe(TokenRefusal.Used);
        again.Check(text, "a", out var found).ShouldBe(TokenRefusal.None);
        found!.NeedsApproval.ShouldBeTrue();
    }

    [Fact]
    public void A_token_that_could_not_be_stored_was_not_used()
    {
        var (token, text) = _tokens.Create(Door, TimeSpan.FromHours(1));
        _tokens.Changed += _ => throw new IOException("disk full");
        Should.Throw<IOException>(() => _tokens.Use(token));
        _tokens.Check(text, "a", out _).ShouldBe(TokenRefusal.None);
    }

    [Fact]
    public void A_token_for_an_authority_or_for_ever_is_never_made()
    {
        Should.Throw<ArgumentException>(() => _tokens.Create(new(CertificateProfile.Intermediate, "x"), TimeSpan.FromHours(1)));
        Should.Throw<ArgumentException>(() => _tokens.Create(Door, TimeSpan.FromDays(1000)));
    }
}
