using System.Net;
using Signet.Access;
using Signet.Audit;
using Signet.Control;
using Signet.Testing;
using Signet.Web;

namespace Signet.Browser;

/// <summary>Many guesses that are sent at once, to a console whose clock stands: on no machine are they so slow that the wait is over before the last.</summary>
public sealed class GuessingSpecs : IAsyncLifetime
{
    private ProviderHouse house = null!;

    public async ValueTask InitializeAsync() => house = await ProviderHouse.StartAsync(null, new ManualTimeProvider(TimeProvider.System.GetUtcNow()));

    public ValueTask DisposeAsync() => house.DisposeAsync();

    [Fact]
    [Trait("row", "S0-14")]
    public async Task Of_thirty_passwords_sent_at_once_five_are_looked_at()
    {
        await house.PersonAsync("ada", Role.Viewer);
        using var guesser = house.NewBrowser();
        await guesser.GetAsync("/login"); // the cookie that goes with the forms: of thirty pages without one, each would bring its own, and a form goes with the last alone
        var pages = await AtOnceAsync(guesser, "/login", "/login", 30, guess => [("Name", "ada"), ("Password", $"tractor violet noodle {guess}")]);
        pages.Where(page => !IsRefused(page) && !IsHeldBack(page)).ShouldBeEmpty();
        (pages.Count(IsRefused), pages.Count(IsHeldBack)).ShouldBe((WebLimits.LoginFailuresPerAccount, 30 - WebLimits.LoginFailuresPerAccount));
    }

    [Fact]
    [Trait("row", "S0-14")]
    public async Task A_name_that_is_written_with_another_sign_for_the_same_letter_gives_no_more_guesses()
    {
        await house.PersonAsync("kim", Role.Viewer);
        using var guesser = house.NewBrowser();
        async Task<string> GuessAsync(string name, string password) => WebUtility.HtmlDecode((await guesser.PostAsync("/login", "/login", ("Name", name), ("Password", password))).Body);
        for (var guess = 0; guess < WebLimits.LoginFailuresPerAccount; guess++) (await GuessAsync("kim", $"tractor violet noodle {guess}")).ShouldContain("Name or password is wrong.");
        // The Kelvin sign is the letter K to whoever compares names (NFC).
        (await GuessAsync("\u212Aim", ProviderHouse.Password)).ShouldContain("Too many failed attempts.");
    }

    [Fact]
    [Trait("row", "S0-14")]
    public async Task Of_thirty_codes_sent_at_once_five_are_looked_at()
    {
        var ada = await house.PersonAsync("ada", Role.Viewer);
        var secret = house.Center.SecondFactors.NewSecret();
        (await house.Center.SecondFactors.EnableTotpAsync(ada, secret, OneTimeCode.At(secret, OneTimeCode.StepAt(house.Center.Time.GetUtcNow())), Actor.Terminal)).Refusal.ShouldBeNull();
        using var guesser = house.NewBrowser();
        await guesser.SignInAsync("ada");
        var pages = await AtOnceAsync(guesser, "/login/second", "/login/second", 30, guess => [("Code", $"aaaa-bbbb-cccc-dd{guess:00}")]);
        pages.Count(page => page.Contains("The code is not right.", StringComparison.Ordinal)).ShouldBe(WebLimits.LoginFailuresPerAccount);
        (await house.EntriesAsync(AuditTypes.AuthFail, "sign-in")).Count(entry => entry.Reason == "bad-code").ShouldBe(WebLimits.LoginFailuresPerAccount);
    }

    private static bool IsRefused(string page) => page.Contains("Name or password is wrong.", StringComparison.Ordinal);

    private static bool IsHeldBack(string page) => page.Contains("Too many failed attempts.", StringComparison.Ordinal);

    private static async Task<List<string>> AtOnceAsync(Wanderer browser, string address, string page, int count, Func<int, (string, string)[]> fields)
        => [.. (await Task.WhenAll(Enumerable.Range(0, count).Select(i => browser.PostAsync(address, page, fields(i))))).Select(answer => WebUtility.HtmlDecode(answer.Body))];
}
