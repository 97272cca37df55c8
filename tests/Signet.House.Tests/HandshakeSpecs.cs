using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Signet.House.Tests.Program;

namespace Signet.House.Tests;

/// <summary>Who is turned away at the door of the broker, seen with <c>openssl s_client</c>, and what the log says about it.</summary>
public sealed class HandshakeSpecs(RunningHouse house) : IClassFixture<RunningHouse>
{
    [Fact]
    [Trait("row", "S0-2")]
    public async Task Without_a_client_certificate_nobody_gets_in()
    {
        (await KnockAsync()).ShouldBeFalse();
        await LoggedAsync("missing");
    }

    [Fact]
    public async Task A_certificate_of_a_foreign_authority_is_refused()
    {
        var (cert, key) = Foreign("thermostat-1", DateTimeOffset.UtcNow.AddDays(1));
        (await KnockAsync("-cert", cert, "-key", key)).ShouldBeFalse();
        await LoggedAsync("untrusted");
    }

    [Fact]
    public async Task An_expired_certificate_is_refused()
    {
        var (cert, key) = ExpiredOfThisHouse("thermostat-1");
        (await KnockAsync("-cert", cert, "-key", key)).ShouldBeFalse();
        await LoggedAsync("expired");
    }

    [Fact]
    [Trait("row", "S0-5")]
    public async Task A_revoked_certificate_is_refused_from_the_next_handshake_on()
    {
        var folder = await house.IssueAsync("lamp-1");
        string[] own = ["-cert", Path.Combine(folder, "lamp-1.crt"), "-key", Path.Combine(folder, "lamp-1.key")];
        (await KnockAsync(own)).ShouldBeTrue();
        var revoked = await house.RunAsync("cert", "revoke", "lamp-1", "--reason", "keyCompromise", "--yes", "--json");
        revoked.ExitCode.ShouldBe(0, revoked.Error);
        revoked.Json["serials"]!.AsArray().Count.ShouldBe(1);
        (await KnockAsync(own)).ShouldBeFalse();
        await LoggedAsync("revoked");
    }

    [Fact]
    [Trait("row", "S0-3")]
    public async Task TLS_1_2_is_not_spoken()
    {
        var folder = await house.IssueAsync("lamp-2");
        (await KnockAsync("-tls1_2", "-cert", Path.Combine(folder, "lamp-2.crt"), "-key", Path.Combine(folder, "lamp-2.key"))).ShouldBeFalse();
    }

    [Fact]
    public async Task No_session_ticket_is_given_out_that_could_skip_the_check_of_a_certificate()
    {
        var folder = await house.IssueAsync("lamp-3");
        string[] own = ["-cert", Path.Combine(folder, "lamp-3.crt"), "-key", Path.Combine(folder, "lamp-3.key")];
        var ticket = Path.Combine(folder, "lamp-3.ticket");
        (await KnockAsync([.. own, "-sess_out", ticket])).ShouldBeTrue();
        File.Exists(ticket).ShouldBeFalse("openssl saves what a server offers, and nothing is offered");
        (await TalkAsync([.. own, "-msg"])).ShouldSatisfyAllConditions(t => t.ShouldContain("New, TLSv1.3"), t => t.ShouldContain("Finished"), t => t.ShouldNotContain("NewSessionTicket"));
    }

    private const string Connack = "\u0020\u0002\u0000\u0000";

    /// <summary>Whether the broker answers an MQTT CONNECT. In TLS 1.3 a refused client believes its handshake done, so only an answer counts.</summary>
    private async Task<bool> KnockAsync(params string[] options) => (await TalkAsync(options)).Contains(Connack, StringComparison.Ordinal);

    private async Task<string> TalkAsync(params string[] options)
    {
        // CONNECT, MQTT 3.1.1, clean session, keep alive 10, client id "knock".
        const string connect = "\u0010\u0011\u0000\u0004MQTT\u0004\u0002\u0000\u000a\u0000\u0005knock";
        using var openssl = Peer.Begin("openssl", ["s_client", "-connect", "localhost:" + house.MqttPort.ToString(CultureInfo.InvariantCulture), "-CAfile", Path.Combine(house.Data, "pki", "root.crt"), .. options]);
        await openssl.StandardInput.WriteAsync(connect);
        await openssl.StandardInput.FlushAsync();
        // An answer, or the end of a client that was refused.
        var said = await Peer.ReadUntilAsync(openssl, Connack);
        openssl.StandardInput.Close();
        var ended = await Peer.EndAsync(openssl);
        return said + ended.Output + ended.Error;
    }

    private async Task LoggedAsync(string reason) =>
        (await house.AuditAsync("--type", "auth_fail", "--reason", "certificate-" + reason)).ShouldNotBeEmpty($"an auth_fail entry with the reason certificate-{reason}");

    private (string Cert, string Key) Foreign(string name, DateTimeOffset ends)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = new CertificateRequest("CN=" + name, key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-2), ends);
        return Write("foreign", certificate.ExportCertificatePem(), key);
    }

    private (string Cert, string Key) ExpiredOfThisHouse(string name)
    {
        using var authorityKey = ECDsa.Create();
        authorityKey.ImportFromPem(File.ReadAllText(Path.Combine(house.Data, "pki", "intermediate.key")));
        using var authority = X509CertificateLoader.LoadCertificateFromFile(Path.Combine(house.Data, "pki", "intermediate.crt"));
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        // Like a real leaf of this house, but its day has passed.
        using var real = X509CertificateLoader.LoadCertificateFromFile(Path.Combine(house.Data, "device", name, name + ".crt"));
        var request = new CertificateRequest(real.SubjectName, key, HashAlgorithmName.SHA256);
        foreach (var extension in real.Extensions.Where(extension => extension.Oid!.Value is "2.5.29.19" or "2.5.29.15" or "2.5.29.37" or "2.5.29.17" or "2.5.29.35"))
            request.CertificateExtensions.Add(extension);
        var generator = X509SignatureGenerator.CreateForECDsa(authorityKey);
        using var certificate = request.Create(authority.SubjectName, generator, authority.NotBefore.ToUniversalTime(), DateTimeOffset.UtcNow.AddSeconds(-1), [0x51, 1, 2, 3, 4, 5, 6, 7]);
        return Write("expired", certificate.ExportCertificatePem() + "\n" + authority.ExportCertificatePem(), key);
    }

    private (string Cert, string Key) Write(string name, string pem, ECDsa key)
    {
        var folder = Path.GetDirectoryName(house.Data)!;
        var (cert, keyFile) = (Path.Combine(folder, name + ".crt"), Path.Combine(folder, name + ".key"));
        File.WriteAllText(cert, pem + "\n");
        File.WriteAllText(keyFile, key.ExportPkcs8PrivateKeyPem() + "\n");
        return (cert, keyFile);
    }
}
