using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Playwright;
using Signet.Access;
using Signet.Testing;
using Signet.Web;
using Signet.Web.SignIn;

namespace Signet.Browser;

/// <summary>How long a session lasts, and how long a password that was given lasts: on a console whose clock moves when told.</summary>
public sealed class SessionSpecs(ConsoleHouse house)
{
    [Fact]
    [Trait("row", "S0-29")]
    public async Task A_session_ends_after_half_an_hour_of_silence_and_after_half_a_day_in_any_case()
    {
        await using var desk = await DeskAsync();
        var person = await house.SomebodyAsync(Role.Viewer);
        await desk.Visitor.TrySignInAsync(person.Name, ConsoleHouse.PersonsPassword, "/account");
        (await desk.ApiAsync()).ShouldBe(200);
        desk.Time.Advance(WebLimits.SessionIdle - TimeSpan.FromMinutes(1));
        (await desk.ApiAsync()).ShouldBe(200);
        desk.Time.Advance(WebLimits.SessionIdle + TimeSpan.FromSeconds(1));
        (await desk.ApiAsync()).ShouldBe(401, "half an hour of silence");

        await desk.Visitor.TrySignInAsync(person.Name, ConsoleHouse.PersonsPassword, "/account");
        var step = WebLimits.SessionIdle - TimeSpan.FromMinutes(5);
        for (var open = TimeSpan.Zero; open + step < WebLimits.SessionLongest; open += step)
        {
            (await desk.ApiAsync()).ShouldBe(200, $"busy, after {open}");
            desk.Time.Advance(step);
        }
        desk.Time.Advance(step);
        (await desk.ApiAsync()).ShouldBe(401, "half a day, however busy");
        await desk.Visitor.Page.GoAsync("/devices");
        desk.Visitor.Page.Url.ShouldContain("/login?next=");
    }

    [Fact]
    [Trait("row", "S0-29")]
    public async Task A_dangerous_act_asks_for_the_password_again_ten_minutes_after_it_was_given()
    {
        await using var desk = await DeskAsync();
        var page = desk.Visitor.Page;
        await desk.Visitor.TrySignInAsync("admin", house.Password, "/people");
        desk.Time.Advance(WebLimits.Confirmation - TimeSpan.FromSeconds(5));
        await desk.Visitor.PressAsync(page.GetByRole(AriaRole.Button, new() { Name = "Make a link" }));
        page.Url.ShouldNotContain("/confirm");
        desk.Time.Advance(TimeSpan.FromSeconds(10));
        // Other tests make links too: these two are told by their note.
        var note = $"after ten minutes {Guid.NewGuid()}";
        await page.GotoAsync("/people");
        await page.Locator("#invite-note").FillAsync(note);
        await desk.Visitor.PressAsync(page.GetByRole(AriaRole.Button, new() { Name = "Make a link" }));
        page.Url.ShouldContain("/confirm?next=%2Fpeople");
        (await house.Center.Links.ListAsync()).ShouldNotContain(l => l.Note == note, "nothing was done yet");
        await page.Locator("#password").FillAsync("a wrong password here");
        await desk.Visitor.PressAsync(page.Locator("form:has(#password) button"));
        (await page.GetByRole(AriaRole.Alert).InnerTextAsync()).ShouldContain("The password is wrong");
        await page.Locator("#password").FillAsync(house.Password);
        await desk.Visitor.PressAsync(page.Locator("form:has(#password) button"));
        page.Url.ShouldEndWith("/people");
        await page.Locator("#invite-note").FillAsync(note);
        await desk.Visitor.PressAsync(page.GetByRole(AriaRole.Button, new() { Name = "Make a link" }));
        (await house.Center.Links.ListAsync()).Count(l => l.Note == note).ShouldBe(1);
    }

    [Fact]
    [Trait("row", "S0-14")]
    public async Task The_step_between_password_and_second_factor_waits_five_minutes()
    {
        await using var desk = await DeskAsync();
        var person = await house.SomebodyAsync(Role.Viewer);
        var secret = house.Center.SecondFactors.NewSecret();
        var now = TimeProvider.System.GetUtcNow();
        await house.Center.SecondFactors.EnableTotpAsync(person, secret, Signet.Control.OneTimeCode.At(secret, Signet.Control.OneTimeCode.StepAt(now)), Signet.Control.Actor.Terminal);
        await desk.Visitor.TrySignInAsync(person.Name, ConsoleHouse.PersonsPassword);
        desk.Time.Advance(WebLimits.SecondStep + TimeSpan.FromSeconds(1));
        await desk.Visitor.Page.Locator("#code").FillAsync("abcd-abcd-abcd-abcd");
        await desk.Visitor.PressAsync(desk.Visitor.Page.GetByRole(AriaRole.Button, new() { Name = "Continue" }));
        (await desk.Visitor.Page.GetByRole(AriaRole.Alert).InnerTextAsync()).ShouldContain("That took too long");
        (await desk.Visitor.Page.Locator("#code").CountAsync()).ShouldBe(0);
    }

    [Theory]
    [Trait("row", "S0-14")]
    [InlineData("https://localhost:8443", false, null, true)]
    [InlineData("https://localhost:9443", false, null, false)]
    [InlineData("http://localhost:8443", false, null, false)]
    [InlineData("https://localhost.evil.example:8443", false, null, false)]
    [InlineData("https://evil.example", false, null, false)]
    [InlineData("null", false, null, false)]
    [InlineData("https://localhost:8443", true, null, false)]
    [InlineData("https://localhost:8443", false, "https://evil.example", false)]
    public async Task A_passkeys_answer_counts_for_our_own_origin_only_and_in_nobodys_frame(string origin, bool crossOrigin, string? top, bool good)
    {
        var context = new DefaultHttpContext();
        context.Request.Host = new("localhost", 8443);
        (await PasskeyOrigin.IsOursAsync(new() { HttpContext = context, Origin = origin, CrossOrigin = crossOrigin, TopOrigin = top })).ShouldBe(good);
    }

    private async Task<Desk> DeskAsync()
    {
        var time = new ManualTimeProvider(TimeProvider.System.GetUtcNow());
        var console = await WebConsole.StartAsync(house.Center, new() { ConsolePort = 0, PkiPort = 0, AuthPort = 0, Time = time }, NullLoggerFactory.Instance);
        var context = await house.Chromium.NewContextAsync(new() { BaseURL = console.ConsoleUrl.ToString(), IgnoreHTTPSErrors = true, Locale = "en-GB" });
        return new(console, new(await context.NewPageAsync(), house), time);
    }

    private sealed record Desk(WebConsole Console, Visitor Visitor, ManualTimeProvider Time) : IAsyncDisposable
    {
        public async Task<int> ApiAsync() => (await Visitor.Page.APIRequest.GetAsync("/api/v1/devices")).Status;

        public async ValueTask DisposeAsync()
        {
            await Visitor.DisposeAsync();
            await Console.StopAsync();
            await Console.DisposeAsync();
        }
    }
}
