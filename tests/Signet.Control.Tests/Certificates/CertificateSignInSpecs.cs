using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text.RegularExpressions;
using Signet.Access;
using Signet.Mqtt.Client;
using Signet.Pki;
using Signet.Testing;
using Signet.Web;
using Signet.Web.SignIn;

namespace Signet.Control.Tests;

/// <summary>People and their certificates at the console: as the second step, alone, and what ends when one is revoked.</summary>
public sealed partial class CertificateSignInSpecs
{
    private const string Password = "tractor violet noodle";

    [Fact]
    [Trait("row", "S0-2")]
    public async Task With_the_password_a_certificate_of_that_very_person_takes_the_place_of_the_second_step()
    {
        await using var house = await TestHouse.StartAsync(new() { Web = true });
        await SomebodyAsync(house, "ada");
        await SomebodyAsync(house, "bob");
        using var ada = await CertificateAsync(house, CertificateProfile.User, "ada");
        using var bob = await CertificateAsync(house, CertificateProfile.User, "bob");

        using var without = new Browser(house, null);
        (await without.SignInAsync("ada")).ShouldStartWith("/login/second");
        using var foreign = new Browser(house, bob);
        (await foreign.SignInAsync("ada")).ShouldStartWith("/login/second", customMessage: "somebody else's certificate is worth nothing");
        using var own = new Browser(house, ada);
        (await own.Http.GetStringAsync("/login")).ShouldContain("the certificate of ada");
        (await own.PressCertificateAsync()).ShouldBe("", "alone it is not enough here");
        (await own.SignInAsync("ada")).ShouldBe("/");
        (await own.Http.GetAsync("/devices")).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await house.AuditedAsync(new() { Action = "sign-in" }, e => e.Outcome == "success")).Details["with"]!.ToString().ShouldBe("password+certificate");

        // The cookie without the key.
        using var thief = new Browser(house, null);
        thief.Cookies.Add(own.Cookies.GetAllCookies());
        (await thief.Http.GetAsync("/devices")).Headers.Location!.ToString().ShouldStartWith("/login");
        (await house.AuditedAsync(new() { Action = "session-ended" })).Reason.ShouldBe("certificate-missing");
    }

    [Fact]
    [Trait("row", "S0-2")]
    public async Task Where_it_is_enough_a_certificate_opens_pages_and_API_for_its_person_alone()
    {
        await using var house = await TestHouse.StartAsync(new() { Web = true, Console = o => o with { CertificateSignIn = CertificateSignIn.Alone } });
        var account = await SomebodyAsync(house, "ada", totp: false);
        using var early = await CertificateAsync(house, CertificateProfile.User, "eve");
        await Task.Delay(TimeSpan.FromSeconds(2.1));
        await SomebodyAsync(house, "eve", totp: false);
        using var ada = await CertificateAsync(house, CertificateProfile.User, "ada");
        using var nobody = await CertificateAsync(house, CertificateProfile.User, "nobody");
        using var lamp = await CertificateAsync(house, CertificateProfile.Device, "lamp-1");

        using var own = new Browser(house, ada);
        (await own.Http.GetStringAsync("/login")).ShouldContain("Sign in as ada");
        (await own.PressCertificateAsync()).ShouldBe("/");
        (await own.Http.GetAsync("/certificates")).StatusCode.ShouldBe(HttpStatusCode.OK);

        using var program = new Browser(house, ada);
        (await program.Http.GetAsync("/api/v1/certificates")).StatusCode.ShouldBe(HttpStatusCode.OK);
        using var crossSite = new HttpRequestMessage(HttpMethod.Post, "/api/v1/crls") { Headers = { { "Sec-Fetch-Site", "cross-site" } } };
        (await program.Http.SendAsync(crossSite)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized, "a browser sends the certificate along with whatever another site makes it ask");

        foreach (var (certificate, who) in new[] { (early, "one that was issued before the account was made"), (nobody, "one without an account"), (lamp, "a device's") })
        {
            using var stranger = new Browser(house, certificate);
            (await stranger.Http.GetAsync("/api/v1/certificates")).StatusCode.ShouldBe(HttpStatusCode.Unauthorized, who);
            (await stranger.PressCertificateAsync()).ShouldBe("", who);
        }

        (await house.Center.Accounts.SetEnabledAsync(account.Id, false, TestHouse.Admin)).Refusal.ShouldBeNull();
        (await program.Http.GetAsync("/api/v1/certificates")).StatusCode.ShouldBe(HttpStatusCode.Unauthorized, "disabled");
        (await own.Http.GetAsync("/certificates")).StatusCode.ShouldBe(HttpStatusCode.Redirect);
    }

    [Fact]
    public async Task A_live_feed_that_a_certificate_opened_goes_on_while_its_person_may_be_here()
    {
        var clock = new ManualTimeProvider(DateTimeOffset.UtcNow);
        await using var house = await TestHouse.StartAsync(new() { Web = true, Console = o => o with { CertificateSignIn = CertificateSignIn.Alone, Time = clock } });
        await SomebodyAsync(house, "root", totp: false);
        var account = await SomebodyAsync(house, "ada", totp: false);
        using var ada = await CertificateAsync(house, CertificateProfile.User, "ada");
        using var program = new Browser(house, ada);
        using var stream = await program.Http.GetAsync("/api/v1/events", HttpCompletionOption.ResponseHeadersRead);
        using var lines = new StreamReader(await stream.Content.ReadAsStreamAsync());
        (await lines.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(60))).ShouldBe(": signet");
        for (var beat = 0; beat < 4; beat++)
        {
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
            var next = lines.ReadLineAsync(patience.Token).AsTask();
            while (!next.IsCompleted)
            {
                clock.Advance(WebLimits.LiveFeedHeartbeat);
                await Task.Delay(20);
            }
            (await next).ShouldNotBeNull("it was asked again and goes on");
        }
        (await house.Center.Accounts.SetRoleAsync(account.Id, Role.Viewer, TestHouse.Admin)).Refusal.ShouldBeNull();
        var rest = lines.ReadToEndAsync();
        for (var waited = System.Diagnostics.Stopwatch.StartNew(); !rest.IsCompleted && waited.Elapsed < TimeSpan.FromSeconds(20); await Task.Delay(20)) clock.Advance(WebLimits.LiveFeedHeartbeat);
        rest.IsCompleted.ShouldBeTrue("a role that changed ends it");
    }

    [Fact]
    [Trait("row", "S0-5")]
    public async Task A_revocation_ends_the_persons_session_streams_and_WebSockets_at_once()
    {
        await using var house = await TestHouse.StartAsync(new() { Web = true });
        await SomebodyAsync(house, "ada");
        using var certificate = await CertificateAsync(house, CertificateProfile.User, "ada");
        using var own = new Browser(house, certificate);
        (await own.SignInAsync("ada")).ShouldBe("/");
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/events") { Version = HttpVersion.Version20 };
        using var stream = await own.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        stream.StatusCode.ShouldBe(HttpStatusCode.OK);
        var body = await stream.Content.ReadAsStreamAsync();
        await using var socket = await MqttClient.ConnectAsync(new()
        {
            Host = "localhost", ClientId = "ada-ws", Reconnect = null, WebSocket = new UriBuilder(house.Web!.ConsoleUrl) { Scheme = "wss", Path = "/mqtt" }.Uri, Tls = () => own.Tls(),
        });

        var report = (await house.Center.Certificates.RevokeAsync(new RevocationTarget([], User: "ada"), RevocationReason.KeyCompromise, TestHouse.Admin, confirmed: true)).Value;

        await Should.ThrowAsync<Exception>(async () =>
        {
            var buffer = new byte[4096];
            while (await body.ReadAsync(buffer) > 0) { }
            throw new IOException("the stream ended");
        });
        await Eventually.True(() => !socket.IsConnected, "the WebSocket ended");
        await Should.ThrowAsync<HttpRequestException>(() => own.Http.GetAsync("/devices"));
        // And without the certificate its cookie opens nothing either.
        using var left = new Browser(house, null);
        left.Cookies.Add(own.Cookies.GetAllCookies());
        (await left.Http.GetAsync("/devices")).Headers.Location!.ToString().ShouldStartWith("/login");
        var sessions = EvidenceVerifier.Verify(System.Text.Encoding.ASCII.GetBytes(report.Evidence), house.Center.Authority.Roots).Parts[0].Sessions;
        sessions.Count.ShouldBeGreaterThanOrEqualTo(2);
        sessions.ShouldAllBe(s => s.Closed != null);
    }

    [Theory]
    [InlineData(ClientCertificateMode.Off)]
    [InlineData(ClientCertificateMode.Require)]
    public async Task Off_asks_nobody_and_require_lets_only_a_first_enrolment_in_without_one(ClientCertificateMode mode)
    {
        await using var house = await TestHouse.StartAsync(new() { Web = true, Console = o => o with { ClientCertificate = mode, CertificateSignIn = CertificateSignIn.Alone } });
        await SomebodyAsync(house, "ada", totp: false);
        using var ada = await CertificateAsync(house, CertificateProfile.User, "ada");
        using var with = new Browser(house, ada);
        using var without = new Browser(house, null);

        (await without.Http.GetAsync("/.well-known/est/cacerts")).StatusCode.ShouldBe(HttpStatusCode.OK);
        if (mode == ClientCertificateMode.Off)
        {
            (await without.Http.GetAsync("/login")).StatusCode.ShouldBe(HttpStatusCode.OK);
            (await with.Http.GetAsync("/api/v1/certificates")).StatusCode.ShouldBe(HttpStatusCode.Unauthorized, "nobody was asked for a certificate");
            house.Center.CertificateConnections.Count.ShouldBe(0);
            (await with.Http.PostAsync("/.well-known/est/simplereenroll", new StringContent("x"))).StatusCode.ShouldBe(HttpStatusCode.Forbidden);
            return;
        }

        foreach (var path in new[] { "/", "/login", "/api/v1/certificates", "/healthz/live" })
            (await without.Http.GetAsync(path)).StatusCode.ShouldBe(HttpStatusCode.Forbidden, path);
        (await without.Http.PostAsync("/.well-known/est/simplereenroll", new StringContent("x"))).StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        (await without.Http.PostAsync("/.well-known/est/simpleenroll", new StringContent("x", null, "application/pkcs10"))).StatusCode.ShouldBe(HttpStatusCode.Unauthorized, "a token opens it");
        (await with.Http.GetAsync("/login")).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await with.PressCertificateAsync()).ShouldBe("/");
    }

    [Fact]
    [Trait("row", "S0-26")]
    public async Task Whoever_is_refused_again_and_again_is_counted_and_does_not_fill_the_log()
    {
        await using var house = await TestHouse.StartAsync(new() { Web = true, Console = o => o with { CertificateSignIn = CertificateSignIn.Alone } });
        using var stranger = new Browser(house, null);
        const int tries = 24;
        for (var i = 0; i < tries; i++) (await stranger.PressCertificateAsync()).ShouldBe("");
        var counts = await Eventually.Some(async () =>
        {
            var refused = (await house.Center.Audit.QueryAsync(new() { Action = "sign-in" })).Entries.Where(e => e.Reason == "certificate-of-nobody").ToList();
            return refused.Sum(e => e.Details["count"]?.GetValue<int>() ?? 1) == tries ? refused : null;
        }, "the last are counted", TimeSpan.FromSeconds(30));
        counts.Count.ShouldBeLessThan(tries);
        var count = counts.First(e => e.Details["count"] is not null);
        count.Details["count"]!.GetValue<int>().ShouldBeGreaterThan(1);
        count.Personal!["source"]!.GetValue<string>().ShouldBe("127.0.0.1");
    }

    private static async Task<Account> SomebodyAsync(TestHouse house, string name, bool totp = true)
    {
        var account = (await house.Center.Accounts.CreateAsync(name, Passwords.Hash(Password), Role.Admin, Actor.Terminal)).Value;
        if (!totp) return account;
        var secret = house.Center.SecondFactors.NewSecret();
        (await house.Center.SecondFactors.EnableTotpAsync(account, secret, OneTimeCode.At(secret, OneTimeCode.StepAt(house.Center.Time.GetUtcNow())), TestHouse.Admin)).Refusal.ShouldBeNull();
        return account;
    }

    private static async Task<X509Certificate2> CertificateAsync(TestHouse house, CertificateProfile profile, string name)
    {
        using var issued = (await house.Center.Certificates.IssueAsync(new(profile, name), TestHouse.Admin)).Value;
        return TestCertificates.Portable(issued.Certificate);
    }

    /// <summary>Cookies, a certificate or none, and forms with their tokens.</summary>
    private sealed partial class Browser : IDisposable
    {
        private readonly TestHouse _house;
        private readonly X509Certificate2? _certificate;

        public Browser(TestHouse house, X509Certificate2? certificate)
        {
            (_house, _certificate) = (house, certificate);
            Http = new(new SocketsHttpHandler { CookieContainer = Cookies, AllowAutoRedirect = false, SslOptions = Tls() }) { BaseAddress = house.Web!.ConsoleUrl };
        }

        public CookieContainer Cookies { get; } = new();
        public HttpClient Http { get; }

        public SslClientAuthenticationOptions Tls() => new()
        {
            TargetHost = "localhost",
            ClientCertificateContext = _certificate is null ? null : SslStreamCertificateContext.Create(_certificate, [_house.Center.Authority.Intermediate], offline: true),
            RemoteCertificateValidationCallback = (_, server, _, _) => _house.Center.Judge.Judge(server as X509Certificate2, null, CertificatePurpose.TlsServer).Accepted,
        };

        /// <summary>Where it leads; empty when the page is shown again.</summary>
        public Task<string> SignInAsync(string name) => PostAsync("/login", new() { ["Name"] = name, ["Password"] = Password });

        public Task<string> PressCertificateAsync() => PostAsync("/login?handler=Certificate", []);

        private async Task<string> PostAsync(string path, Dictionary<string, string> fields)
        {
            // Of that very form: another one on the page has its own.
            var page = await Http.GetStringAsync("/login");
            var form = page.IndexOf($"action=\"{path}\"", StringComparison.Ordinal);
            fields["__RequestVerificationToken"] = (form < 0 ? Token().Match(page) : Token().Match(page, form, page.IndexOf("</form>", form, StringComparison.Ordinal) - form)).Groups[1].Value;
            using var answer = await Http.PostAsync(path, new FormUrlEncodedContent(fields));
            return answer.Headers.Location?.ToString() ?? "";
        }

        public void Dispose() => Http.Dispose();

        [GeneratedRegex("name=\"__RequestVerificationToken\"[^>]*value=\"([^\"]+)\"", RegexOptions.None, 10_000)]
        private static partial Regex Token();
    }
}
