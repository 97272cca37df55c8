using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging.Abstractions;
using Signet.Agent;
using Signet.Audit;
using Signet.Mqtt;
using Signet.Pki;
using Signet.Testing;

namespace Signet.Control.Tests;

/// <summary>Enrolment over the console's port, with curl and openssl alone and with the device's own program.</summary>
public sealed class EstSpecs
{
    private static readonly TestHouseOptions WithWeb = new() { Web = true };

    [Fact]
    [Trait("row", "S0-4"), Trait("row", "S0-6")]
    public async Task Curl_and_openssl_alone_enrol_a_device_with_a_token_that_is_good_once()
    {
        await using var house = await TestHouse.StartAsync(WithWeb);
        using var place = new TempDirectory();
        var invited = (await house.Center.Enrolments.InviteAsync(new("lamp-9", "door"), TestHouse.Admin)).Value;
        await OpensslAsync(place, "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "lamp.key", "-subj", "/CN=lamp-9", "-outform", "DER", "-out", "lamp.der");
        await OpensslAsync(place, "base64", "-in", "lamp.der", "-out", "lamp.b64");

        (await CurlAsync(house, place, "simpleenroll", "lamp.b64", "-u", $"lamp-9:{invited.Id}.wrong")).ShouldBe("401");
        (await CurlAsync(house, place, "simpleenroll", "lamp.b64", "-u", $"lamp-9:{invited.Token}")).ShouldBe("200");
        await OpensslAsync(place, "base64", "-d", "-in", "out", "-out", "lamp.p7");
        await OpensslAsync(place, "pkcs7", "-inform", "DER", "-in", "lamp.p7", "-print_certs", "-out", "lamp.crt");
        File.WriteAllText(place.File("intermediate.crt"), PemFile.Encode(house.Center.Authority.Intermediate));
        (await OpensslAsync(place, "verify", "-CAfile", Root(house), "-untrusted", "intermediate.crt", "-purpose", "sslclient", "lamp.crt")).ShouldContain("OK");
        house.Center.Fleet.Find("lamp-9")!.AllowedCommands.ShouldBe(["open", "close", "check-status", "restart"]);

        (await CurlAsync(house, place, "simpleenroll", "lamp.b64", "-u", $"lamp-9:{invited.Token}")).ShouldBe("401");
        File.ReadAllText(place.File("out")).ShouldContain("token-used");
        (await CurlAsync(house, place, "cacerts", null)).ShouldBe("200");
        (await CurlAsync(house, place, "csrattrs", null)).ShouldBe("200");
        (await house.AuditedAsync(new() { Type = AuditTypes.AuthFail, Reason = "token-used" })).Action.ShouldBe("enrolment-refused");
    }

    [Fact]
    public async Task At_the_door_a_request_for_another_devices_name_is_refused_with_its_reason_whoever_brings_it()
    {
        await using var house = await TestHouse.StartAsync(WithWeb);
        using var place = new TempDirectory();
        var invited = (await house.Center.Enrolments.InviteAsync(new("lamp-9", "door"), TestHouse.Admin)).Value;
        foreach (var (file, subject, more) in new[] { ("other", "/CN=door-1", ""), ("two", "/CN=lamp-9/CN=door-1", ""), ("alt", "/CN=lamp-9", "subjectAltName=DNS:door-1") })
        {
            string[] extension = more.Length > 0 ? ["-addext", more] : [];
            await OpensslAsync(place, ["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", file + ".key", "-subj", subject, .. extension, "-outform", "DER", "-out", file + ".der"]);
            await OpensslAsync(place, "base64", "-in", file + ".der", "-out", file + ".b64");
        }

        // With the invitation of another device, and with the certificate of another device.
        var home = house.Center.Installation.DeviceDirectory("valve-1");
        string[] valve = ["--cert", Path.Combine(home, "valve-1.crt"), "--key", Path.Combine(home, "valve-1.key")];
        foreach (var (request, reason) in new[] { ("other.b64", "foreign-subject"), ("two.b64", "foreign-subject"), ("alt.b64", "foreign-name") })
        {
            (await CurlAsync(house, place, "simpleenroll", request, "-u", $"lamp-9:{invited.Token}")).ShouldBe("400", request);
            File.ReadAllText(place.File("out")).ShouldStartWith(reason, customMessage: request);
        }

        (await CurlAsync(house, place, "simplereenroll", "other.b64", valve)).ShouldBe("400");
        File.ReadAllText(place.File("out")).ShouldStartWith("foreign-subject");
        house.Center.Authority.FindByName("door-1").Count.ShouldBe(1, "nothing was issued to its name");
        var entry = await house.AuditedAsync(new() { Type = AuditTypes.AuthFail, Action = "enrolment-refused", Actor = "valve-1" });
        (entry.Reason, entry.Outcome).ShouldBe(("foreign-subject", "refused"));
    }

    [Fact]
    public async Task A_request_for_another_name_costs_nobody_the_token()
    {
        await using var house = await TestHouse.StartAsync(WithWeb);
        using var place = new TempDirectory();
        var invited = (await house.Center.Enrolments.InviteAsync(new("lamp-9"), TestHouse.Admin)).Value;
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var foreign = new CertificateRequest("CN=door-1", key, HashAlgorithmName.SHA256).CreateSigningRequest();

        (await house.Center.Enrolments.EnrolAsync(foreign, invited.Token, "test")).Reason.ShouldBe("foreign-subject");
        (await house.Center.Enrolments.EnrolAsync("nonsense"u8.ToArray(), invited.Token, "test")).Reason.ShouldBe("malformed");
        var right = new CertificateRequest("CN=lamp-9", key, HashAlgorithmName.SHA256).CreateSigningRequest();
        (await house.Center.Enrolments.EnrolAsync(right, invited.Token, "test")).Status.ShouldBe(200);
        for (var i = 0; i < 10; i++) await house.Center.Enrolments.EnrolAsync(right, "guess.guess", "guesser");
        (await house.Center.Enrolments.EnrolAsync(right, "guess.guess", "guesser")).Status.ShouldBe(429);
    }

    [Fact]
    public async Task A_device_waits_for_a_person_and_enrols_with_the_key_that_was_approved()
    {
        await using var house = await TestHouse.StartAsync(WithWeb);
        using var place = new TempDirectory();
        var invited = (await house.Center.Enrolments.InviteAsync(new("lamp-9", NeedsApproval: true), TestHouse.Admin)).Value;
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=lamp-9", key, HashAlgorithmName.SHA256).CreateSigningRequest();

        var waiting = await house.Center.Enrolments.EnrolAsync(request, invited.Token, "test");
        (waiting.Status, waiting.RetryAfter).ShouldBe((202, ControlLimits.EnrolmentRetry));
        var asked = house.Center.Enrolments.Waiting().ShouldHaveSingleItem();
        asked.Key.ShouldBe(CertificateFacts.KeyThumbprint(new PublicKey(key)));
        (await house.Center.Enrolments.DecideAsync(asked.Id, approve: true, TestHouse.Operator)).Refusal!.Name.ShouldBe("not-allowed");
        (await house.Center.Enrolments.DecideAsync(asked.Id, approve: true, TestHouse.Admin)).Refusal.ShouldBeNull();

        using var another = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        (await house.Center.Enrolments.EnrolAsync(new CertificateRequest("CN=lamp-9", another, HashAlgorithmName.SHA256).CreateSigningRequest(), invited.Token, "test")).Status.ShouldBe(202);
        (await house.Center.Enrolments.EnrolAsync(request, invited.Token, "test")).Status.ShouldBe(200);
    }

    [Fact]
    [Trait("row", "S0-20")]
    public async Task A_device_enrols_itself_runs_renews_and_the_old_certificate_ends_with_the_first_use_of_the_new()
    {
        await using var house = await TestHouse.StartAsync(WithWeb);
        using var place = new TempDirectory();
        var invited = (await house.Center.Enrolments.InviteAsync(new("lamp-9", "thermostat"), TestHouse.Admin)).Value;
        var home = place.File("lamp-9");
        var print = Convert.ToHexStringLower(house.Center.Authority.Root.GetCertHash(HashAlgorithmName.SHA256));
        await DeviceEnrolment.EnrolAsync(new(house.Web!.ConsoleUrl, "lamp-9", home, invited.Token, null, print), _ => { }, TimeProvider.System, CancellationToken.None);
        (File.GetUnixFileMode(Path.Combine(home, "lamp-9.key")) & (UnixFileMode.GroupRead | UnixFileMode.OtherRead)).ShouldBe(UnixFileMode.None);
        await using (await house.StartDeviceInAsync("lamp-9", home)) (await house.SendAsync("lamp-9", "read-temperature")).State.ShouldBe("executed");
        using var before = Portable(home, "lamp-9");

        (await Renewal(home).RenewAsync(CancellationToken.None)).ShouldBeNull();

        using var after = Portable(home, "lamp-9");
        after.Thumbprint.ShouldNotBe(before.Thumbprint);
        await using (await house.ConnectAsync(before, "old")) { } // nobody has used the new one yet
        await using (await house.StartDeviceInAsync("lamp-9", home)) (await house.SendAsync("lamp-9", "read-temperature")).State.ShouldBe("executed");
        await house.AuditedAsync(new() { Action = "certificate-superseded" });
        (await Should.ThrowAsync<MqttException>(() => house.ConnectAsync(before, "old"))).Message.ShouldContain("certificate-not-enrolled");
    }

    [Fact]
    public async Task A_wrong_root_fingerprint_stops_the_enrolment_before_the_token_is_sent()
    {
        await using var house = await TestHouse.StartAsync(WithWeb);
        using var place = new TempDirectory();
        var invited = (await house.Center.Enrolments.InviteAsync(new("lamp-9"), TestHouse.Admin)).Value;
        (await Should.ThrowAsync<AgentException>(() => DeviceEnrolment.EnrolAsync(new(house.Web!.ConsoleUrl, "lamp-9", place.File("h"), invited.Token, null, new string('0', 64)), _ => { }, TimeProvider.System, CancellationToken.None)))
            .Message.ShouldContain("somebody in between");
        house.Center.Enrolments.Tokens().Single(t => t.Id == invited.Id).UsedAt.ShouldBeNull();
    }

    [Fact]
    public async Task A_device_that_was_away_over_three_rotations_of_the_root_may_renew_and_do_nothing_else()
    {
        await using var house = await TestHouse.StartAsync(WithWeb);
        using var place = new TempDirectory();
        var home = house.Center.Installation.DeviceDirectory("door-1");
        await ExpireAsync(house, home);
        var away = place.File("door-1"); // its own copy: nobody tells it anything while it is away
        Copy(home, away);
        for (var i = 0; i < 3; i++) (await house.Center.Authorities.RotateAsync(root: true, TestHouse.Admin)).Refusal.ShouldBeNull();
        using var expired = Portable(away, "door-1");

        await Should.ThrowAsync<MqttException>(() => house.ConnectAsync(expired));
        (await house.AuditedAsync(new() { Type = AuditTypes.AuthFail, Reason = "certificate-expired" })).Action.ShouldBe("handshake-refused");
        foreach (var (method, path) in new[] { ("GET", "/"), ("GET", "/api/v1/enrolments/home"), ("GET", "/.well-known/est/cacerts"), ("POST", "/.well-known/est/simpleenroll"), ("GET", "/.well-known/est/simplereenroll"), ("POST", "/api/v1/devices") })
            (await AskAsync(house, expired, method, path)).ShouldBe(HttpStatusCode.Forbidden, $"{method} {path}");

        (await Renewal(away).RenewAsync(CancellationToken.None)).ShouldBeNull();
        PemFile.Read(Path.Combine(away, "root.crt")).Count.ShouldBe(4);
        await using var back = await house.StartDeviceInAsync("door-1", away);
        (await house.SendAsync("door-1", "open")).State.ShouldBe("executed");
    }

    [Fact]
    public async Task What_was_once_revoked_never_enters_the_lane_for_expired_devices()
    {
        await using var house = await TestHouse.StartAsync(WithWeb);
        var home = house.Center.Installation.DeviceDirectory("door-1");
        await ExpireAsync(house, home);
        (await house.Center.Certificates.RevokeAsync("door-1", RevocationReason.KeyCompromise, TestHouse.Admin)).Refusal.ShouldBeNull();
        await Should.ThrowAsync<AgentException>(() => Renewal(home).RenewAsync(CancellationToken.None)); // not even the handshake
        using var expired = Portable(home, "door-1");
        (await house.Center.Enrolments.RenewAsync("x"u8.ToArray(), expired, "test")).Reason.ShouldBe("certificate-revoked");
    }

    [Fact]
    [Trait("row", "S0-2")]
    public async Task A_revocation_ends_an_open_stream_of_the_console_and_stands_in_the_evidence()
    {
        await using var house = await TestHouse.StartAsync(WithWeb);
        using var issued = (await house.Center.Certificates.IssueAsync(new(CertificateProfile.User, "ada"), TestHouse.Admin)).Value;
        using var own = TestCertificates.Portable(issued.Certificate);
        var token = (await house.Center.Tokens.CreateAsync("t", Access.Role.Admin, TimeSpan.FromHours(1), TestHouse.Admin)).Value.Secret;
        using var http = Client(house, own);
        http.DefaultRequestHeaders.Authorization = new("Bearer", token);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/events") { Version = HttpVersion.Version20 };
        using var stream = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        stream.StatusCode.ShouldBe(HttpStatusCode.OK);
        house.Center.CertificateConnections.Count.ShouldBe(1);
        var body = await stream.Content.ReadAsStreamAsync();

        var report = (await house.Center.Certificates.RevokeAsync("ada", RevocationReason.KeyCompromise, TestHouse.Admin)).Value;

        report.Closed.ShouldBe(1);
        EvidenceVerifier.Verify(System.Text.Encoding.ASCII.GetBytes(report.Evidence), house.Center.Authority.Roots).Parts[0].Sessions.ShouldHaveSingleItem().Listener.ShouldBe("https");
        await Should.ThrowAsync<Exception>(async () =>
        {
            var buffer = new byte[4096];
            while (await body.ReadAsync(buffer) > 0) { }
            throw new IOException("the stream ended");
        });
        await Should.ThrowAsync<HttpRequestException>(() => http.GetAsync("/healthz/live"));
    }

    [Fact]
    public async Task A_makers_certificate_admits_a_device_once_and_opens_nothing_else()
    {
        await using var house = await TestHouse.StartAsync(WithWeb);
        using var place = new TempDirectory();
        using var random = RandomNumberGenerator.Create();
        using var factory = CertificateAuthority.Create(place.File("factory"), new() { Organization = "Factory" }, TimeProvider.System, random);
        using var born = factory.Issue(new(CertificateProfile.Device, "sn-0815"));
        using var made = TestCertificates.Portable(born.Certificate);
        (await house.Center.Enrolments.AddManufacturerAsync(new("factory", PemFile.Encode(factory.Root) + PemFile.Encode(factory.Intermediate), "valve"), TestHouse.Admin)).Refusal.ShouldBeNull();

        (await AskAsync(house, made, "GET", "/")).ShouldBe(HttpStatusCode.Forbidden);
        await Should.ThrowAsync<MqttException>(() => house.ConnectAsync(made));
        var home = place.File("home");
        X509Certificate2Collection roots = [house.Center.Authority.Root];
        await DeviceEnrolment.EnrolAsync(new(house.Web!.ConsoleUrl, "sn-0815", home, null, roots, Made: made), _ => { }, TimeProvider.System, CancellationToken.None);
        await using (await house.StartDeviceInAsync("sn-0815", home)) house.Center.Fleet.Find("sn-0815")!.Kind.ShouldBe("valve");
        (await Should.ThrowAsync<AgentException>(() => DeviceEnrolment.EnrolAsync(new(house.Web!.ConsoleUrl, "sn-0815", place.File("twice"), null, roots, Made: made), _ => { }, TimeProvider.System, CancellationToken.None)))
            .Message.ShouldContain("already-enrolled");
    }

    private static string Root(TestHouse house) => Path.Combine(house.Center.Installation.PkiDirectory, "root.crt");

    private static DeviceRenewal Renewal(string home) => new(home, TimeProvider.System, RandomNumberGenerator.Create(), NullLogger.Instance);

    private static X509Certificate2 Portable(string home, string name)
    {
        using var read = PemFile.ReadWithKey(Path.Combine(home, name + ".crt"), Path.Combine(home, name + ".key"));
        return TestCertificates.Portable(read);
    }

    // Its present certificate ends within two seconds, and is waited for.
    private static async Task ExpireAsync(TestHouse house, string home)
    {
        using var brief = (await house.Center.Certificates.IssueAsync(new(CertificateProfile.Device, "door-1", null, TimeSpan.FromSeconds(1)), TestHouse.Admin)).Value;
        brief.Save(home);
        await Eventually.True(() => TimeProvider.System.GetUtcNow() > new DateTimeOffset(brief.Certificate.NotAfter.ToUniversalTime()).AddSeconds(0.2), "the certificate has ended");
    }

    private static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        foreach (var file in Directory.EnumerateFiles(from)) File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
        Directory.CreateDirectory(Path.Combine(to, "state"));
    }

    private static HttpClient Client(TestHouse house, X509Certificate2 own) => new(new SocketsHttpHandler
    {
        SslOptions = new()
        {
            ClientCertificateContext = System.Net.Security.SslStreamCertificateContext.Create(own, [], offline: true),
            RemoteCertificateValidationCallback = (_, certificate, _, _) => house.Center.Judge.Judge((X509Certificate2)certificate!, null, CertificatePurpose.TlsServer).Accepted,
        },
    }) { BaseAddress = house.Web!.ConsoleUrl };

    private static async Task<HttpStatusCode> AskAsync(TestHouse house, X509Certificate2 own, string method, string path)
    {
        using var http = Client(house, own);
        using var request = new HttpRequestMessage(new(method), path);
        using var response = await http.SendAsync(request);
        return response.StatusCode;
    }

    private static async Task<string> OpensslAsync(TempDirectory place, params string[] arguments)
    {
        var ran = await BoundedProcess.RunAsync("openssl", arguments, directory: place.Path);
        ran.ExitCode.ShouldBe(0, ran.Errors);
        return ran.Output;
    }

    /// <returns>The HTTP status; the body is in the file <c>out</c>.</returns>
    private static async Task<string> CurlAsync(TestHouse house, TempDirectory place, string operation, string? body, params string[] more)
    {
        string[] post = body is null ? [] : ["-H", "Content-Type: application/pkcs10", "--data-binary", "@" + body];
        var ran = await BoundedProcess.RunAsync("curl", ["-s", "--cacert", Root(house), "-o", "out", "-w", "%{http_code}", .. more, .. post, $"{house.Web!.ConsoleUrl}.well-known/est/{operation}"], directory: place.Path);
        ran.ExitCode.ShouldBe(0, ran.Errors);
        return ran.Output;
    }
}
