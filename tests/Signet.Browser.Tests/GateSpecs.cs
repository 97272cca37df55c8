using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Signet.Access;
using Signet.Control;

namespace Signet.Browser;

/// <summary>What the console refuses, and with which words. Spoken in plain HTTP, as an attacker would.</summary>
public sealed class GateSpecs : IDisposable
{
    private readonly ConsoleHouse house;
    private static int tokens;
    private readonly HttpClient http;

    public GateSpecs(ConsoleHouse house)
    {
        this.house = house;
        http = NewClient(house.Console.ConsoleUrl);
    }

    [Theory]
    [Trait("row", "S0-30")]
    [InlineData("/")]
    [InlineData("/login")]
    [InlineData("/devices")]
    [InlineData("/api/v1/devices")]
    [InlineData("/nowhere")]
    [InlineData("/assets/css/signet.css")]
    public async Task Every_answer_carries_the_security_headers(string path)
    {
        using var answer = await http.GetAsync(path);
        Header(answer, "Content-Security-Policy").ShouldBe(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'");
        Header(answer, "X-Content-Type-Options").ShouldBe("nosniff");
        Header(answer, "X-Frame-Options").ShouldBe("DENY");
        Header(answer, "Referrer-Policy").ShouldBe("no-referrer");
        Header(answer, "Cross-Origin-Opener-Policy").ShouldBe("same-origin");
        Header(answer, "Cross-Origin-Resource-Policy").ShouldBe("same-origin");
        Header(answer, "Permissions-Policy").ShouldContain("camera=()");
        answer.Headers.Contains("Server").ShouldBeFalse();
        answer.Headers.Contains("Strict-Transport-Security").ShouldBeFalse("localhost is shared with other programs");
    }

    [Theory]
    [InlineData("/devices")]
    [InlineData("/devices/thermostat-1")]
    [InlineData("/commands")]
    [InlineData("/certificates")]
    [InlineData("/audit")]
    [InlineData("/broker")]
    [InlineData("/lab")]
    [InlineData("/about")]
    public async Task A_stranger_is_led_from_pages_to_the_sign_in_page(string path)
    {
        using var answer = await http.GetAsync(path);
        answer.StatusCode.ShouldBe(HttpStatusCode.Redirect);
        answer.Headers.Location!.ToString().ShouldBe("/login?next=" + Uri.EscapeDataString(path));
    }

    [Theory]
    [InlineData("GET", "/api/v1/devices")]
    [InlineData("GET", "/api/v1/devices/thermostat-1/readings")]
    [InlineData("POST", "/api/v1/commands")]
    [InlineData("GET", "/api/v1/audit")]
    [InlineData("POST", "/api/v1/audit/verify")]
    [InlineData("GET", "/api/v1/certificates")]
    [InlineData("POST", "/api/v1/certificates/revoke")]
    [InlineData("GET", "/api/v1/sessions")]
    [InlineData("GET", "/api/v1/users")]
    [InlineData("POST", "/api/v1/tokens")]
    [InlineData("GET", "/api/v1/status")]
    [InlineData("GET", "/api/v1/events")]
    public async Task A_stranger_gets_401_with_a_reason_from_the_api(string method, string path)
    {
        using var request = new HttpRequestMessage(new(method), path);
        using var answer = await http.SendAsync(request);
        await ShouldBeProblemAsync(answer, HttpStatusCode.Unauthorized, "not-signed-in");
    }

    [Fact]
    [Trait("row", "S0-23")]
    public async Task A_viewer_may_look_and_may_not_send()
    {
        using var viewer = await WithTokenAsync(Role.Viewer);
        (await viewer.GetAsync("/api/v1/devices")).StatusCode.ShouldBe(HttpStatusCode.OK);
        using var sent = await viewer.PostAsJsonAsync("/api/v1/commands", new { device = "door-1", command = "open" });
        await ShouldBeProblemAsync(sent, HttpStatusCode.Forbidden, "not-allowed");
        using var audit = await viewer.GetAsync("/api/v1/audit");
        await ShouldBeProblemAsync(audit, HttpStatusCode.Forbidden, "not-allowed");
        var entries = await house.Center.Audit.QueryAsync(new() { Type = "authorization", Reason = "send-command" });
        entries.Entries.ShouldNotBeEmpty();
    }

    [Fact]
    public async Task A_command_over_the_api_answers_with_its_receipt_and_only_once_for_a_key()
    {
        using var operators = await WithTokenAsync(Role.Operator);
        operators.DefaultRequestHeaders.Add("Idempotency-Key", "spec-1");
        using var first = await operators.PostAsJsonAsync("/api/v1/commands?wait=10", new { device = "thermostat-1", command = "read-temperature" });
        first.StatusCode.ShouldBe(HttpStatusCode.Created);
        var command = await first.Content.ReadFromJsonAsync<JsonElement>();
        command.GetProperty("state").GetString().ShouldBe("executed");
        command.GetProperty("result").GetProperty("temperature").GetDouble().ShouldBeInRange(-40, 80);
        using var again = await operators.PostAsJsonAsync("/api/v1/commands?wait=10", new { device = "thermostat-1", command = "read-temperature" });
        (await again.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetString().ShouldBe(command.GetProperty("id").GetString());
        using var receipt = await operators.GetAsync($"/api/v1/commands/{command.GetProperty("id").GetString()}/receipt");
        ReceiptVerifier.Verify(await receipt.Content.ReadAsByteArrayAsync(), [house.Center.Authority.Root]).Valid.ShouldBeTrue();
    }

    [Theory]
    [InlineData("{\"device\":\"door-1\",\"command\":\"self-destruct\"}", HttpStatusCode.Forbidden, "command-not-allowed")]
    [InlineData("{\"device\":\"nobody\",\"command\":\"open\"}", HttpStatusCode.NotFound, "not-found")]
    [InlineData("{\"device\":\"door-1\",\"command\":\"open\",\"arguments\":{\"x\":1}}", HttpStatusCode.UnprocessableEntity, "bad-arguments")]
    [InlineData("{\"device\":\"door-1\",\"command\":\"open\",\"by\":\"somebody else\"}", HttpStatusCode.BadRequest, "bad-input")]
    [InlineData("not json", HttpStatusCode.BadRequest, "bad-input")]
    public async Task A_bad_command_is_refused_with_its_reason(string body, HttpStatusCode status, string reason)
    {
        using var operators = await WithTokenAsync(Role.Operator);
        using var answer = await operators.PostAsync("/api/v1/commands", new StringContent(body, new MediaTypeHeaderValue("application/json")));
        await ShouldBeProblemAsync(answer, status, reason);
    }

    [Fact]
    public async Task An_unknown_token_a_huge_body_and_an_unknown_route_are_refused()
    {
        using var liar = NewClient(house.Console.ConsoleUrl);
        liar.DefaultRequestHeaders.Authorization = new("Bearer", "sgt_" + new string('A', 43));
        await ShouldBeProblemAsync(await liar.GetAsync("/api/v1/devices"), HttpStatusCode.Unauthorized, "not-signed-in");
        using var operators = await WithTokenAsync(Role.Operator);
        using var huge = await operators.PostAsync("/api/v1/commands", new StringContent("{\"device\":\"" + new string('a', 300_000) + "\"}", new MediaTypeHeaderValue("application/json")));
        await ShouldBeProblemAsync(huge, HttpStatusCode.RequestEntityTooLarge, "too-large");
        await ShouldBeProblemAsync(await operators.GetAsync("/api/v1/nothing"), HttpStatusCode.NotFound, "not-found");
    }

    [Theory]
    [InlineData("/login")]
    [InlineData("/register")]
    [InlineData("/devices")]
    public async Task A_huge_form_is_refused_as_too_large(string path)
    {
        using var stranger = NewClient(house.Console.ConsoleUrl);
        using var answer = await stranger.PostAsync(path, new FormUrlEncodedContent([new("Name", new string('a', 300_000))]));
        answer.StatusCode.ShouldBe(HttpStatusCode.RequestEntityTooLarge);
        (await answer.Content.ReadAsStringAsync()).ShouldContain("Too much at once");
    }

    [Fact]
    public async Task A_request_for_a_foreign_host_is_refused()
    {
        // TLS with the right name, then another one in the Host header.
        using var foreign = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = async (_, stop) =>
            {
                var socket = new TcpClient();
                await socket.ConnectAsync(IPAddress.Loopback, house.Console.ConsoleUrl.Port, stop);
                var tls = new SslStream(socket.GetStream());
                await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
                {
                    TargetHost = "localhost",
                    CertificateChainPolicy = new() { TrustMode = X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { house.Center.Authority.Root }, RevocationMode = X509RevocationMode.NoCheck },
                }, stop);
                return tls;
            },
        });
        (await foreign.GetAsync("http://localhost/login")).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await foreign.GetAsync("http://evil.example/login")).StatusCode.ShouldBe(HttpStatusCode.BadRequest);
    }

    [Fact]
    [Trait("row", "S0-29")]
    public async Task A_form_without_its_token_is_refused()
    {
        using var answer = await http.PostAsync("/login", new FormUrlEncodedContent([new("Name", "admin"), new("Password", house.Password)]));
        answer.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        answer.Headers.Contains("Set-Cookie").ShouldBeFalse();
    }

    [Fact]
    [Trait("row", "S0-29")]
    public async Task The_session_cookie_is_bound_to_this_host_hidden_from_script_and_never_sent_across_sites()
    {
        await using var person = await house.VisitAsync();
        await person.SignInAsync();
        var cookies = await person.Page.Context.CookiesAsync();
        cookies.Select(cookie => cookie.Name).ShouldContain("__Host-signet");
        foreach (var cookie in cookies)
        {
            cookie.Name.ShouldStartWith("__Host-");
            (cookie.Secure, cookie.HttpOnly, cookie.SameSite, cookie.Path).ShouldBe((true, true, Microsoft.Playwright.SameSiteAttribute.Strict, "/"));
        }
    }

    [Fact]
    public async Task A_signed_in_browser_needs_the_form_token_for_the_api_too()
    {
        await using var person = await house.VisitAsync();
        await person.SignInAsync();
        var answer = await person.Page.APIRequest.PostAsync("/api/v1/commands", new() { DataObject = new { device = "door-1", command = "open" } });
        answer.Status.ShouldBe(400);
        (await answer.JsonAsync())!.Value.GetProperty("reason").GetString().ShouldBe("bad-antiforgery-token");
    }

    [Fact]
    public async Task Signing_out_ends_the_session_even_for_a_kept_copy_of_the_cookie()
    {
        await using var person = await house.VisitAsync();
        await person.SignInAsync();
        var kept = (await person.Page.Context.CookiesAsync()).Single(cookie => cookie.Name == "__Host-signet");
        await person.Page.GetByRole(Microsoft.Playwright.AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();
        await person.Page.ArriveAsync("/login");
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/devices");
        request.Headers.Add("Cookie", $"{kept.Name}={kept.Value}");
        using var answer = await http.SendAsync(request);
        await ShouldBeProblemAsync(answer, HttpStatusCode.Unauthorized, "not-signed-in");
    }

    [Fact]
    public async Task Events_resume_behind_the_last_one_seen()
    {
        using var viewer = await WithTokenAsync(Role.Operator);
        var before = house.Center.Feed.Latest;
        await house.Center.Commands.SendAsync(new("door-1", "check-status"), Actor.Terminal);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/events?kinds=command");
        request.Headers.Add("Last-Event-ID", before.ToString(System.Globalization.CultureInfo.InvariantCulture));
        using var answer = await viewer.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        answer.Content.Headers.ContentType!.MediaType.ShouldBe("text/event-stream");
        using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync());
        string? line;
        do line = await reader.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(60));
        while (line is not null && !line.StartsWith("event:", StringComparison.Ordinal));
        line.ShouldBe("event: command");
    }

    [Fact]
    public async Task The_pki_endpoint_serves_lists_and_authorities_and_nothing_else()
    {
        using var plain = NewClient(house.Console.PkiUrl);
        (await plain.GetByteArrayAsync("/ca/root.crt")).ShouldBe(house.Center.Authority.Root.RawData);
        (await plain.GetByteArrayAsync("/ca/intermediate.crt")).ShouldBe(house.Center.Authority.Intermediate.RawData);
        (await plain.GetByteArrayAsync("/crl/root.crl")).ShouldBe(house.Center.Authority.RootCrl);
        using var list = await plain.GetAsync("/crl/intermediate.crl");
        list.Content.Headers.ContentType!.MediaType.ShouldBe("application/pkix-crl");
        foreach (var path in new[] { "/", "/login", "/api/v1/devices", "/healthz/live", "/assets/css/signet.css" })
            (await plain.GetAsync(path)).StatusCode.ShouldBe(HttpStatusCode.NotFound, path);
    }

    [Fact]
    public async Task The_api_describes_itself_in_openapi_3_1()
    {
        var document = await http.GetFromJsonAsync<JsonElement>("/api/v1/openapi.json");
        document.GetProperty("openapi").GetString()!.ShouldStartWith("3.1");
        document.GetProperty("paths").EnumerateObject().Select(path => path.Name).ShouldContain("/api/v1/commands");
    }

    [Fact]
    public async Task Health_is_told_to_anybody_in_one_word()
    {
        (await http.GetStringAsync("/healthz/live")).ShouldBe("{\"status\":\"alive\"}");
        (await http.GetStringAsync("/healthz/ready")).ShouldBe("{\"status\":\"ready\"}");
    }

    [Fact]
    public async Task A_taken_port_is_one_clear_error()
    {
        var taken = house.Console.ConsoleUrl.Port;
        var error = await Should.ThrowAsync<Signet.Web.WebConsoleException>(() => Signet.Web.WebConsole.StartAsync(
            house.Center, new() { ConsolePort = taken, PkiPort = 0 }, Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance));
        error.Message.ShouldBe($"port {taken} on 127.0.0.1 is taken by another program: end it, or choose another port with --port-console");
    }

    public void Dispose() => http.Dispose();

    private async Task<HttpClient> WithTokenAsync(Role role)
    {
        var token = (await house.Center.Tokens.CreateAsync($"spec {Interlocked.Increment(ref tokens)}", role, TimeSpan.FromMinutes(5), Actor.Terminal)).Value;
        var client = NewClient(house.Console.ConsoleUrl);
        client.DefaultRequestHeaders.Authorization = new("Bearer", token.Secret);
        return client;
    }

    private static async Task ShouldBeProblemAsync(HttpResponseMessage answer, HttpStatusCode status, string reason)
    {
        answer.StatusCode.ShouldBe(status);
        answer.Content.Headers.ContentType?.MediaType.ShouldBe("application/problem+json");
        (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("reason").GetString().ShouldBe(reason);
    }

    private static string Header(HttpResponseMessage answer, string name) => answer.Headers.TryGetValues(name, out var values) ? string.Join(",", values) : "(missing)";

    /// <summary>Trusts the house's root and nothing else: that the console's certificate holds is part of every test.</summary>
    private HttpClient NewClient(Uri at) => new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false, UseCookies = false,
        SslOptions = { CertificateChainPolicy = new() { TrustMode = X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { house.Center.Authority.Root }, RevocationMode = X509RevocationMode.NoCheck } },
    })
    { BaseAddress = at, DefaultRequestVersion = at.Scheme == "https" ? HttpVersion.Version20 : HttpVersion.Version11 };
}
