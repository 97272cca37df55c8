using System.Security.Cryptography.X509Certificates;

namespace Signet.Pki.Tests;

/// <summary>Authorities that openssl made go on under this house.</summary>
[Trait("row", "S1-2")]
public sealed class ImportSpecs : IDisposable
{
    private readonly PkiHouse _house = new();
    private CertificateAuthority? _imported;

    public ImportSpecs()
    {
        _house.Openssl("req", "-x509", "-newkey", "rsa:4096", "-nodes", "-keyout", "ca.key", "-out", "ca.crt", "-days", "3650", "-subj", "/C=ES/ST=Madrid/L=Madrid/O=ACME/CN=ACME", "-addext", "keyUsage=critical,keyCertSign,cRLSign");
        Private("ca.key");
        // openssl made it by the machine's clock.
        _house.Clock.Now = DateTimeOffset.UtcNow;
    }

    [Fact]
    public void A_single_root_gets_an_intermediate_and_issues()
    {
        Import(new(Certificate("ca.crt"), KeyFile.Load(_house.In("ca.key"))));
        using var issued = _imported!.Issue(new(CertificateProfile.Device, "door-1"));
        _imported.Judge.Judge(issued.Certificate, null, CertificatePurpose.TlsClient).Accepted.ShouldBeTrue();
        var lists = _house.File("lists.pem", string.Concat(_imported.Lists.Select(l => l.Pem)));
        _house.Openssl("verify", "-crl_check_all", "-CRLfile", lists, "-CAfile", "ca.crt", "-untrusted", _house.File("leaf.crt", issued.ChainPem), "leaf.crt").ShouldContain("OK");
    }

    [Fact]
    public void An_intermediate_with_its_lists_goes_on_with_the_next_number_and_stays_revoked()
    {
        Foreign("int", "/O=ACME/CN=ACME Issuing", "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash");
        _house.File("ca.cnf", "[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\ncrlnumber=number\ndefault_md=sha256\ndefault_crl_days=1\ncrl_extensions=e\n[e]\nauthorityKeyIdentifier=keyid\n");
        _house.File("index.txt", "R\t360101000000Z\t261101000000Z,keyCompromise\t4ABC\tunknown\t/CN=lost\n");
        _house.File("number", "29\n");
        _house.Openssl("ca", "-config", "ca.cnf", "-gencrl", "-keyfile", "int.key", "-cert", "int.crt", "-out", "int.crl");

        Import(new(Certificate("ca.crt"), null, Certificate("int.crt"), KeyFile.Load(_house.In("int.key")), [_house.In("int.crl")]));

        _imported!.Lists.ShouldHaveSingleItem("the root's key is not here").Number.ShouldBe(0x2a);
        _house.Openssl("crl", "-noout", "-text", "-in", Path.Combine(_house.In("imported"), "intermediate.crl")).ShouldMatch(@"Serial Number: 4ABC\n[\s\S]*Key Compromise");
        using var issued = _imported.Issue(new(CertificateProfile.Device, "door-1"));
        _imported.Dispose();
        _imported = CertificateAuthority.Open(_house.In("imported"), new() { Organization = "ACME" }, _house.Clock, _house.Random);
        _imported.Revocations.All.ShouldHaveSingleItem().Serial.ShouldBe("4abc");
        _imported.Judge.Judge(issued.Certificate, null, CertificatePurpose.TlsClient).Accepted.ShouldBeTrue();
    }

    [Fact]
    public void What_cannot_be_an_authority_here_is_refused_in_words_and_nothing_is_written()
    {
        Foreign("leaf", "/CN=leaf", "basicConstraints=CA:FALSE");
        Foreign("narrow", "/CN=narrow", "basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign,cRLSign\nnameConstraints=critical,permitted;dirName:d\n[d]\nO=Elsewhere");
        Foreign("web", "/CN=web", "basicConstraints=critical,CA:TRUE\nkeyUsage=digitalSignature");
        var key = KeyFile.Load(_house.In("ca.key"));

        Refused(new(Certificate("leaf.crt"), null)).ShouldContain("not signed by itself");
        Refused(new(Certificate("ca.crt"), null)).ShouldContain("the root's key is needed");
        Refused(new(Certificate("ca.crt"), KeyFile.Load(_house.In("leaf.key")))).ShouldContain("is not its key");
        Refused(new(Certificate("ca.crt"), key, Certificate("leaf.crt"), KeyFile.Load(_house.In("leaf.key")))).ShouldContain("\"leaf\" is not an authority");
        Refused(new(Certificate("ca.crt"), key, Certificate("web.crt"), KeyFile.Load(_house.In("web.key")))).ShouldContain("may not sign both");
        Refused(new(Certificate("ca.crt"), key, Certificate("narrow.crt"), KeyFile.Load(_house.In("narrow.key")))).ShouldContain("would not be accepted");
        Refused(new(_house.Authority.Root, null, Certificate("web.crt"), KeyFile.Load(_house.In("web.key")))).ShouldContain("was not signed by");
        Directory.Exists(_house.In("imported")).ShouldBeFalse();
    }

    [Fact]
    public void An_intermediate_is_renewed_while_the_root_stays_offline()
    {
        var rootKey = KeyFile.Load(Path.Combine(_house.Pki, "root.key"));
        using var root = PemFile.Read(Path.Combine(_house.Pki, "root.crt"))[0];
        File.Delete(Path.Combine(_house.Pki, "root.key"));
        _house.Reopen();
        using var before = _house.Issue(CertificateProfile.Device, "door-1");

        var request = _house.Authority.BeginIntermediate();
        var answer = CertificateAuthority.SignIntermediate(root, rootKey, System.Text.Encoding.ASCII.GetBytes(request), _house.Options, _house.Clock, _house.Random);
        _house.Authority.CompleteIntermediate(Collection(answer));

        using var after = _house.Issue(CertificateProfile.Device, "door-2");
        after.Certificate.IssuerName.Name.ShouldContain("Intermediate CA 2");
        _house.Reopen();
        _house.Authority.Judge.Judge(before.Certificate, null, CertificatePurpose.TlsClient).Accepted.ShouldBeTrue();
        _house.Authority.Judge.Judge(after.Certificate, null, CertificatePurpose.TlsClient).Accepted.ShouldBeTrue();
        Should.Throw<PkiException>(() => _house.Authority.CompleteIntermediate(Collection(answer))).Message.ShouldContain("no request is waiting");
    }

    [Fact]
    public void A_wrong_answer_to_the_offline_request_is_refused()
    {
        using var foreign = new PkiHouse();
        var request = System.Text.Encoding.ASCII.GetBytes(_house.Authority.BeginIntermediate());
        using var foreignKey = KeyFile.Load(Path.Combine(foreign.Pki, "root.key"));
        var wrongRoot = CertificateAuthority.SignIntermediate(foreign.Authority.Root, foreignKey, request, _house.Options, _house.Clock, _house.Random);
        Should.Throw<PkiException>(() => _house.Authority.CompleteIntermediate(Collection(wrongRoot))).Message.ShouldContain("holds no certificate signed by");
        Should.Throw<PkiException>(() => _house.Authority.CompleteIntermediate([_house.Authority.Intermediate])).Message.ShouldContain("is not the key of the certificate beside it");
        Should.Throw<PkiException>(() => CertificateAuthority.SignIntermediate(foreign.Authority.Root, foreignKey, "nonsense"u8, _house.Options, _house.Clock, _house.Random)).Message.ShouldContain("the request is refused");
    }

    public void Dispose()
    {
        _imported?.Dispose();
        _house.Dispose();
    }

    private void Foreign(string name, string subject, string extensions)
    {
        _house.Openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", name + ".key", "-out", name + ".csr", "-subj", subject);
        _house.Openssl("x509", "-req", "-in", name + ".csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "365", "-sha256", "-out", name + ".crt", "-extfile", _house.File(name + ".ext", extensions));
        Private(name + ".key");
        _house.Clock.Now = DateTimeOffset.UtcNow;
    }

    private void Private(string name)
    {
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(_house.In(name), UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    private X509Certificate2 Certificate(string name) => PemFile.Read(_house.In(name))[0];

    private static X509Certificate2Collection Collection(string pem)
    {
        var all = new X509Certificate2Collection();
        all.ImportFromPem(pem);
        return all;
    }

    private void Import(ForeignAuthority foreign) => _imported = CertificateAuthority.Import(_house.In("imported"), new() { Organization = "ACME" }, foreign, _house.Clock, _house.Random);

    private string Refused(ForeignAuthority foreign) => Should.Throw<PkiException>(() => Import(foreign)).Message;
}
