using System.Net;
using Signet.Access;
using Signet.Control;
using Signet.Testing;
using Signet.Web;

namespace Signet.Browser;

/// <summary>What a page asks the password for again cannot be had around it.</summary>
public sealed class ConfirmationSpecs : IAsyncLifetime
{
    // These only shut doors.
    private static readonly string[] Shutting = ["/api/v1/invitations/{id}", "/api/v1/tokens/{id}"];

    // With these a device gets a certificate, or a program the password of an account.
    private static readonly string[] Admitting = ["/api/v1/enrolments", "/api/v1/enrolments/waiting/{id}/{decision}", "/api/v1/totp-accounts", "/api/v1/totp-accounts/import", "/api/v1/totp-accounts/export-passwords", "/api/v1/totp-accounts/{name}"];

    private readonly ManualTimeProvider time = new(DateTimeOffset.UtcNow);
    private ProviderHouse house = null!;

    public async ValueTask InitializeAsync() => house = await ProviderHouse.StartAsync(null, time);

    public ValueTask DisposeAsync() => house.DisposeAsync();

    [Fact]
    [Trait("row", "S0-29")]
    public void Whatever_changes_people_tokens_authorities_policy_or_the_log_or_hands_out_a_key_asks_on_every_way()
    {
        Act[] dangerous = [Act.ManageUsers, Act.ManageTokens, Act.ManageAuthorities, Act.ApplyPolicy, Act.ErasePersonalData, Act.RetireAudit, Act.IssueCertificate, Act.RevokeCertificate];
        var ways = house.Console.Routes.Where(route => !route.IsPage && route.Method != "GET" && route.Acts.Any(dangerous.Contains)).ToList();
        ways.Count.ShouldBeGreaterThan(15);
        ways.Where(route => !route.IsConfirmed).Select(route => route.Path).Except(Shutting).ShouldBe(["/api/v1/crls"], "what signs lists anew gives nobody anything");
        house.Console.Routes.Where(route => !route.IsPage && route.Method is not ("GET" or "DELETE") && Admitting.Contains(route.Path)).ShouldAllBe(route => route.IsConfirmed);
        Admitting.Except(house.Console.Routes.Select(route => route.Path)).ShouldBeEmpty();
        foreach (var (page, handler) in new[] { ("/account", "EndSession"), ("/account", "EndOthers"), ("/people/{id}", "EndSession"), ("/certificates/{serial", "Release"), ("/certificates/{serial", "Renew"), ("/certificates/new", "Invite"), ("/certificates", "Decide") })
            house.Console.Routes.Where(route => route.IsPage && route.Path.StartsWith(page, StringComparison.Ordinal) && route.Path.EndsWith($"?handler={handler}", StringComparison.Ordinal)).ShouldHaveSingleItem($"{page} {handler}").IsConfirmed.ShouldBeTrue($"{page} {handler}");
    }

    [Fact]
    [Trait("row", "S0-29")]
    public async Task A_session_that_was_left_open_gets_no_certificate_and_takes_none_through_the_API()
    {
        await house.PersonAsync("root", Role.Admin);
        await house.PersonAsync("ada", Role.Admin);
        using var thief = house.NewBrowser();
        await thief.SignInAsync("root");
        time.Advance(WebLimits.Confirmation + TimeSpan.FromSeconds(5));
        foreach (var (method, path, body) in new[]
        {
            ("POST", "/api/v1/certificates", """{"profile":"user","name":"ada"}"""), ("POST", "/api/v1/certificates/renew", """{"certificate":"command_center"}"""),
            ("POST", "/api/v1/certificates/revoke", """{"user":"ada","reason":"keyCompromise"}"""), ("POST", "/api/v1/policy/apply", """{"policy":"{}"}"""), ("POST", "/api/v1/audit/erase", """{"reason":"x","actor":"ada"}"""),
            ("POST", "/api/v1/audit/retire", """{"olderThanDays":0,"delete":true}"""), ("DELETE", "/api/v1/devices/door-1", "{}"), ("DELETE", "/api/v1/users/ada/sessions/x", "{}"),
            ("POST", "/api/v1/certificates/release", """{"serial":"00"}"""), ("POST", "/api/v1/enrolments", """{"name":"door-9"}"""), ("POST", "/api/v1/totp-accounts", """{"name":"scraper","password":"tractor violet noodle"}"""),
        })
        {
            var answer = await thief.ApiAsync(method, path, body);
            (answer.Status, answer.Body.Contains("confirm-first", StringComparison.Ordinal)).ShouldBe((HttpStatusCode.Forbidden, true), $"{path}: {answer.Body}");
        }

        house.Center.Authority.FindByName("ada").ShouldBeEmpty();
        (await thief.PostAsync("/confirm", "/confirm", ("password", ProviderHouse.Password))).Status.ShouldBe(HttpStatusCode.Redirect);
        (await thief.ApiAsync("POST", "/api/v1/certificates", """{"profile":"user","name":"ada"}""")).Status.ShouldBe(HttpStatusCode.Created, "asked again and answered");
    }

    [Fact]
    [Trait("row", "S0-29")]
    public async Task A_session_that_shows_its_password_again_goes_on_under_another_key_and_no_longer_than_before()
    {
        await house.PersonAsync("root", Role.Admin);
        using var browser = house.NewBrowser();
        await browser.SignInAsync("root");
        string Key() => browser.Cookies.GetCookies(house.Console.ConsoleUrl)["__Host-signet"]!.Value;
        for (var open = TimeSpan.Zero; open < WebLimits.SessionLongest - TimeSpan.FromMinutes(30); open += TimeSpan.FromMinutes(20))
        {
            time.Advance(TimeSpan.FromMinutes(20));
            (await browser.GetAsync("/api/v1/users")).Status.ShouldBe(HttpStatusCode.OK, $"after {open}");
        }

        var before = Key();
        var form = await browser.GetAsync("/people"); // a page that is open meanwhile
        (await browser.PostAsync("/confirm", "/confirm", ("password", "a wrong password here"))).Status.ShouldBe(HttpStatusCode.OK);
        Key().ShouldBe(before, "nothing was shown");
        (await browser.PostAsync("/confirm", "/confirm", ("password", ProviderHouse.Password))).Status.ShouldBe(HttpStatusCode.Redirect);
        Key().ShouldNotBe(before);
        using var thief = house.NewBrowser();
        thief.Cookies.Add(new Cookie("__Host-signet", before, "/", house.Console.ConsoleUrl.Host) { Secure = true });
        (await thief.GetAsync("/api/v1/users")).Status.ShouldBe(HttpStatusCode.Unauthorized, "the key of before opens nothing");
        (await browser.PostFormAsync("/people?handler=Invite", form.Body, ("note", "of the open page"), ("role", "Viewer"))).Status.ShouldBe(HttpStatusCode.OK);
        (await house.Center.Links.ListAsync()).ShouldContain(link => link.Note == "of the open page");
        time.Advance(TimeSpan.FromMinutes(29));
        (await browser.GetAsync("/api/v1/users")).Status.ShouldBe(HttpStatusCode.Unauthorized, "half a day is over, whenever the password was shown");
    }

    [Fact]
    [Trait("row", "S0-29")]
    public async Task Whoever_found_a_session_open_ends_none_of_its_owners_others()
    {
        await house.PersonAsync("root", Role.Admin);
        using var first = house.NewBrowser();
        await first.SignInAsync("root");
        using var second = house.NewBrowser();
        await second.SignInAsync("root");
        time.Advance(WebLimits.Confirmation + TimeSpan.FromSeconds(5));
        foreach (var handler in new[] { "EndOthers", "EndSession" })
            (await second.PostAsync($"/account?handler={handler}", "/account", ("session", "x"))).Location.ShouldBe("/confirm?next=%2Faccount", handler);
        (await first.GetAsync("/account")).Status.ShouldBe(HttpStatusCode.OK);
        (await second.PostAsync("/confirm", "/confirm", ("password", ProviderHouse.Password), ("Next", "/account"))).Location.ShouldBe("/account");
        (await second.PostAsync("/account?handler=EndOthers", "/account")).Body.ShouldContain("Your other sessions have ended.");
        (await first.GetAsync("/account")).Location.ShouldStartWith("/login");
    }

    [Fact]
    public async Task Who_was_asked_is_back_at_the_same_place_of_the_list()
    {
        await house.PersonAsync("root", Role.Admin);
        using var browser = house.NewBrowser();
        await browser.SignInAsync("root");
        time.Advance(WebLimits.Confirmation + TimeSpan.FromSeconds(5));
        var page = await browser.GetAsync("/people?q=ro&as=admin");
        var form = WebUtility.HtmlDecode(System.Text.RegularExpressions.Regex.Match(page.Body, "action=\"([^\"]+handler=Invite)\"", System.Text.RegularExpressions.RegexOptions.None, TimeSpan.FromSeconds(1)).Groups[1].Value);
        form.ShouldBe("/people?q=ro&as=admin&handler=Invite");
        var asked = await browser.PostAsync(form, "/people", ("role", "Viewer"));
        asked.Location.ShouldBe("/confirm?next=%2Fpeople%3Fq%3Dro%26as%3Dadmin");
        (await browser.PostAsync("/confirm", asked.Location, ("password", ProviderHouse.Password), ("Next", "/people?q=ro&as=admin"))).Location.ShouldBe("/people?q=ro&as=admin");
        (await browser.PostAsync("/confirm", "/confirm", ("password", ProviderHouse.Password), ("Next", "//evil.example/people?q=x"))).Location.ShouldBe("/");
    }

    [Fact]
    public async Task A_name_that_is_taken_costs_nobody_the_invitation()
    {
        (await house.Center.Fleet.AddAsync(new("door-1", "door"), Actor.Terminal)).Refusal.ShouldBeNull();
        var link = (await house.Center.Links.InviteAsync(Role.Viewer, "", Actor.Terminal)).Value;
        using var browser = house.NewBrowser();
        async Task<HttpStatusCode> RegisterAsync(string name) => (await browser.PostAsync("/register", $"/register?token={link.Secret}", ("Token", link.Secret), ("Name", name), ("Password", ProviderHouse.Password))).Status;
        (await RegisterAsync("door-1")).ShouldBe(HttpStatusCode.OK, "the page again");
        (await house.Center.Links.FindAsync(link.Secret)).ShouldNotBeNull();
        (await RegisterAsync("dora")).ShouldBe(HttpStatusCode.Redirect);
        (await house.Center.Links.FindAsync(link.Secret)).ShouldBeNull();
    }
}
