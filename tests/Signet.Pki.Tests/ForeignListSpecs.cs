namespace Signet.Pki.Tests;

/// <summary>Chains and lists that openssl made, read by us.</summary>
[Trait("row", "S1-2")]
[Trait("row", "S1-3")]
[Trait("row", "S3-1")]
public sealed class ForeignListSpecs : IDisposable
{
    private readonly PkiHouse _house = new();
    private readonly TrustStore _trust;
    private RevocationState _state = RevocationState.Empty;

    public ForeignListSpecs()
    {
        _house.File("ca.cnf", """
            [ca]
            default_ca = d
            [d]
            database = index.txt
            crlnumber = number
            default_md = sha256
            default_crl_days = 1
            """);
        _house.File("index.txt", "");
        _house.File("number", "01\n");
        _house.Openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.crt", "-days", "3650", "-subj", "/C=ES/ST=Madrid/L=Madrid/O=ACME/CN=ACME");
        _trust = new(PemFile.Read(_house.In("ca.crt")));
        Leaf("broker.mosquitto", "subjectAltName=DNS:broker.mosquitto,IP:127.0.0.1\nkeyUsage=digitalSignature,nonRepudiation,keyEncipherment,dataEncipherment\nbasicConstraints=CA:FALSE");
        Leaf("client1", "basicConstraints=CA:FALSE");
    }

    [Fact]
    public void Certificates_of_an_openssl_authority_are_judged_and_their_list_revokes()
    {
        Judge("broker.mosquitto", CertificatePurpose.TlsServer).Accepted.ShouldBeTrue();
        var client = Judge("client1", CertificatePurpose.TlsClient);
        client.Accepted.ShouldBeTrue(client.Detail);
        client.Identity!.Name.ShouldBe("client1");
        client.Identity.Profile.ShouldBeNull();
        Judge("client1", CertificatePurpose.CommandSigning).Refusal.ShouldBe(CertificateRefusal.WrongUsage);

        _house.Openssl("ca", "-config", "ca.cnf", "-revoke", "client1.crt", "-keyfile", "ca.key", "-cert", "ca.crt", "-crl_reason", "keyCompromise");
        GenerateList();
        _state = ForeignLists.Load(_house.In("ca.crl"), _trust, out var nextUpdate);

        Judge("client1", CertificatePurpose.TlsClient).Refusal.ShouldBe(CertificateRefusal.Revoked);
        Judge("broker.mosquitto", CertificatePurpose.TlsServer).Accepted.ShouldBeTrue();
        nextUpdate.ShouldBeInRange(_house.Clock.Now.AddHours(23), _house.Clock.Now.AddHours(25));
    }

    [Fact]
    public void Lists_that_say_nothing_or_come_from_a_stranger_are_refused_and_never_mean_nothing_revoked()
    {
        GenerateList();
        Refused(_house.File("empty.crl", "")).ShouldContain("an empty file is not");
        Refused(_house.File("garbage.crl", "hello")).ShouldContain("holds no certificate revocation list");
        Refused(_house.In("missing.crl")).ShouldContain("cannot read");
        Refused(Path.Combine(_house.Pki, "intermediate.crl")).ShouldContain("not signed by an authority trusted here");

        _house.Openssl("crl", "-in", "ca.crl", "-outform", "DER", "-out", "der.crl");
        var der = File.ReadAllBytes(_house.In("der.crl"));
        ForeignLists.Load(_house.In("der.crl"), _trust, out _).Count.ShouldBe(0);
        der[^1] ^= 1;
        File.WriteAllBytes(_house.In("broken.crl"), der);
        Refused(_house.In("broken.crl")).ShouldContain("not signed by an authority trusted here");
        File.WriteAllBytes(_house.In("cut.crl"), der[..50]);
        Refused(_house.In("cut.crl")).ShouldContain("not a certificate revocation list");
    }

    [Fact]
    public void Our_own_lists_are_read_like_any_other()
    {
        using var bad = _house.Issue(CertificateProfile.Device, "door-1");
        _house.Authority.Revoke(bad.Serial, RevocationReason.Superseded);
        var both = _house.File("both.crl", File.ReadAllText(Path.Combine(_house.Pki, "root.crl")) + File.ReadAllText(Path.Combine(_house.Pki, "intermediate.crl")));
        ForeignLists.Load(both, _house.Authority.Trust, out _).All.ShouldHaveSingleItem().ShouldSatisfyAllConditions(
            r => r.Serial.ShouldBe(bad.Serial), r => r.Reason.ShouldBe(RevocationReason.Superseded));
    }

    public void Dispose() => _house.Dispose();

    private void Leaf(string name, string extensions)
    {
        _house.Openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", name + ".key", "-out", name + ".csr", "-subj", $"/CN={name}");
        _house.Openssl("x509", "-req", "-in", name + ".csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "365", "-sha256", "-out", name + ".crt", "-extfile", _house.File(name + ".ext", extensions));
    }

    private void GenerateList() => _house.Openssl("ca", "-config", "ca.cnf", "-gencrl", "-keyfile", "ca.key", "-cert", "ca.crt", "-out", "ca.crl");

    private CertificateVerdict Judge(string name, CertificatePurpose purpose)
    {
        using var certificate = PemFile.Read(_house.In(name + ".crt"))[0];
        // openssl uses the machine's clock to make them.
        _house.Clock.Now = DateTimeOffset.UtcNow.AddSeconds(2);
        return new CertificateJudge(() => _trust, () => _state, _house.Clock).Judge(certificate, null, purpose);
    }

    private string Refused(string path) => Should.Throw<PkiException>(() => ForeignLists.Load(path, _trust, out _)).Message;
}
