using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using Signet.Access;
using Signet.Audit;
using Signet.Control;

namespace Signet.Browser;

/// <summary>What an enemy writes into the fields that others read: it stays text, on one line, under the address it came from.</summary>
public sealed partial class HostileInputSpecs(ConsoleHouse house)
{
    private const string Markup = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>";

    [Fact]
    public async Task Headers_that_name_another_sender_change_neither_the_record_nor_the_links()
    {
        var token = (await house.Center.Tokens.CreateAsync("forger", Role.Viewer, TimeSpan.FromMinutes(5), Actor.Terminal)).Value;
        using var client = NewClient();
        client.DefaultRequestHeaders.Authorization = new("Bearer", token.Secret);
        foreach (var (name, value) in new[] { ("X-Forwarded-For", "203.0.113.77"), ("X-Real-IP", "203.0.113.77"), ("Forwarded", "for=203.0.113.77;host=evil.example;proto=http"), ("X-Forwarded-Host", "evil.example"), ("X-Forwarded-Proto", "http"), ("X-Original-URL", "/api/v1/openapi.json"), ("X-HTTP-Method-Override", "GET") })
            client.DefaultRequestHeaders.Add(name, value);
        using var refused = await client.PostAsync("/api/v1/invitations", new StringContent("{}", Encoding.UTF8, "application/json"));
        refused.StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        var entry = (await house.Center.Audit.QueryAsync(new() { Type = AuditTypes.Authorization, Actor = "forger" })).Entries[0];
        entry.Personal!["from"]!.GetValue<string>().ShouldBe("127.0.0.1");
        entry.Details["method"]!.GetValue<string>().ShouldBe("POST");

        var admin = (await house.Center.Tokens.CreateAsync("forging admin", Role.Admin, TimeSpan.FromMinutes(5), Actor.Terminal)).Value;
        client.DefaultRequestHeaders.Authorization = new("Bearer", admin.Secret);
        using var made = await client.PostAsync("/api/v1/invitations", new StringContent("{}", Encoding.UTF8, "application/json"));
        var answer = await made.Content.ReadAsStringAsync();
        answer.ShouldContain(house.Console.ConsoleUrl.ToString());
        answer.ShouldNotContain("evil.example");
    }

    [Fact]
    public async Task A_name_with_line_breaks_writes_no_line_of_its_own_into_any_log()
    {
        using var client = NewClient();
        var form = await client.GetAsync("/login");
        var field = Field().Match(await form.Content.ReadAsStringAsync()).Groups[1].Value;
        var cookie = form.Headers.GetValues("Set-Cookie").Select(one => one.Split(';')[0]);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/login")
        {
            Content = new FormUrlEncodedContent([new("__RequestVerificationToken", WebUtility.HtmlDecode(field)), new("Name", "x\r\n<134>1 2026-01-01T00:00:00Z host signet - - - FORGED\u2028\u001b[31m=cmd|' /C calc'!A0"), new("Password", "tractor violet noodle")]),
        };
        request.Headers.Add("Cookie", string.Join("; ", cookie));
        (await client.SendAsync(request)).StatusCode.ShouldBe(HttpStatusCode.OK);
        var entry = (await house.Center.Audit.QueryAsync(new() { Type = AuditTypes.AuthFail, Text = "FORGED" })).Entries[0];
        entry.Actor.ShouldNotContain('\n');
        entry.Actor.Any(char.IsControl).ShouldBeFalse();
        foreach (var form2 in new[] { ExportForm.Syslog, ExportForm.Csv, ExportForm.Ndjson })
        {
            using var target = new MemoryStream();
            await house.Center.AuditDesk.ExportAsync(target, form2, new() { Sequence = entry.Sequence }, "host", CancellationToken.None);
            var lines = Encoding.UTF8.GetString(target.ToArray()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
            lines.ShouldAllBe(line => !line.StartsWith("<134>1 2026-01-01", StringComparison.Ordinal), form2.ToString());
            lines.Count(line => line.Contains("FORGED", StringComparison.Ordinal)).ShouldBe(1, form2.ToString());
        }
    }

    [Fact]
    public async Task Markup_in_titles_arguments_names_and_topics_is_shown_as_it_was_written()
    {
        (await house.Center.Fleet.AddAsync(new("inert-1", "device", ["note"], Markup), Actor.Terminal)).Refusal.ShouldBeNull();
        await house.Center.Commands.SendAsync(new("inert-1", "note", new() { ["text"] = Markup }, Wait: TimeSpan.FromHours(1)), Actor.Terminal);
        var odd = (await house.Center.Tokens.CreateAsync(Markup[..60], Role.Viewer, TimeSpan.FromMinutes(5), Actor.Terminal)).Value;
        await house.Center.Accounts.CreateAsync("<i>inert</i>", null, Role.Viewer, Actor.Terminal);
        using (var client = NewClient())
        {
            client.DefaultRequestHeaders.Authorization = new("Bearer", odd.Secret);
            (await client.GetAsync("/api/v1/audit/" + Uri.EscapeDataString("1"))).StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        }
        await using var visitor = await house.VisitAsync();
        await visitor.SignInAsync();
        foreach (var path in new[] { "/", "/devices?q=inert", "/devices/inert-1", "/commands?device=inert-1", "/people", "/audit", "/audit?q=%3Cscript%3Edocument.title%3D'owned'%3C%2Fscript%3E", "/broker", "/devices?q=%22%3E%3Cscript%3Edocument.title%3D'owned'%3C/script%3E" })
        {
            await visitor.Page.GotoAsync(path);
            (await visitor.Page.TitleAsync()).ShouldNotContain("owned", Case.Sensitive, path);
            (await visitor.Page.Locator("img[src=x], i").CountAsync()).ShouldBe(0, path);
        }
        await visitor.Page.GotoAsync("/devices/inert-1");
        (await visitor.Page.GetByText("<img src=x").First.IsVisibleAsync()).ShouldBeTrue();
        visitor.Complaints.ShouldBeEmpty();
        await house.Center.Fleet.RemoveAsync("inert-1", Actor.Terminal);
    }

    [Fact]
    public async Task Markup_in_a_topic_is_shown_as_it_was_written_and_cannot_be_a_name_in_a_certificate()
    {
        const string topic = "<img src=x onerror=alert(1)>/\"><script>alert(2)</script>";
        await using var own = await Signet.Testing.TestHouse.StartAsync(new() { Demo = false, Web = true });
        (await own.Center.Fleet.AddAsync(new("inert-2", "valve"), Actor.Terminal)).Refusal.ShouldBeNull();
        await using (var device = await Signet.Testing.HandDevice.StartAsync(own, "inert-2"))
        {
            try
            {
                await device.SayAsync(topic, [1]);
            }
            catch (Signet.Mqtt.MqttException)
            {
                // Denied, or cut for it: either is on the page.
            }
        }

        var named = await own.Center.Certificates.IssueAsync(new(Signet.Pki.CertificateProfile.User, "<i>inert</i>"), Actor.Terminal);
        named.Refusal.ShouldNotBeNull().Message.ShouldContain("cannot stand in a certificate");
        var token = (await own.Center.Tokens.CreateAsync("reader", Role.Admin, TimeSpan.FromMinutes(5), Actor.Terminal)).Value;
        using var client = new HttpClient(new SocketsHttpHandler { SslOptions = { CertificateChainPolicy = new() { TrustMode = System.Security.Cryptography.X509Certificates.X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { own.Center.Authority.Root }, RevocationMode = System.Security.Cryptography.X509Certificates.X509RevocationMode.NoCheck } } })
        { BaseAddress = own.Web!.ConsoleUrl };
        client.DefaultRequestHeaders.Authorization = new("Bearer", token.Secret);
        own.Center.Broker.Denials().ShouldContain(denial => denial.Topic == topic);
        foreach (var (path, shown) in new[] { ("/broker", "&lt;img src=x onerror=alert(1)&gt;"), ("/audit", "inert-2"), ("/certificates?q=" + Uri.EscapeDataString("<i>inert</i>"), "&lt;i&gt;inert&lt;/i&gt;") })
        {
            var page = await client.GetStringAsync(path);
            page.ShouldContain(shown, Case.Sensitive, path);
            foreach (var markup in new[] { "<img src=x", "<script>alert", "<i>inert" }) page.ShouldNotContain(markup, Case.Sensitive, path);
        }
    }

    private HttpClient NewClient() => new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false, UseCookies = false,
        SslOptions = { CertificateChainPolicy = new() { TrustMode = System.Security.Cryptography.X509Certificates.X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { house.Center.Authority.Root }, RevocationMode = System.Security.Cryptography.X509Certificates.X509RevocationMode.NoCheck } },
    })
    { BaseAddress = house.Console.ConsoleUrl, Timeout = TimeSpan.FromSeconds(20) };

    [GeneratedRegex("""name="__RequestVerificationToken" type="hidden" value="([^"]+)""", RegexOptions.None, 1000)]
    private static partial Regex Field();
}
