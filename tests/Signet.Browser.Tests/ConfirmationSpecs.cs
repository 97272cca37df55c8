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
    private static readonly string[] Shutting = ["/api/v1/users/{name}/sessions/{session}", "/api/v1/invitations/{id}", "/api/v1/tokens/{id}"];

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
        ways.Where(route => !route.IsConfirmed).Select(route => route.Path).Except(Shutting).ShouldBe(["/api/v1/certificates/release", "/api/v1/crls"], ignoreOrder: true, "what lets a hold go and signs lists anew gives nobody anything");
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
            ("POST", "/api/v1/audit/retire", """{"olderThanDays":0,"delete":true}"""), ("DELETE", "/api/v1/devices/door-1", "{}"),
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
