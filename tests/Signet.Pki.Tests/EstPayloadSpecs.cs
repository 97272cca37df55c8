using System.Text;

namespace Signet.Pki.Tests;

public sealed class EstPayloadSpecs : IDisposable
{
    private readonly PkiHouse _house = new();

    [Fact]
    public void Openssl_reads_our_certificates()
    {
        var body = EstPayloads.CertsOnly(_house.Authority.Intermediate, _house.Authority.Root);
        File.WriteAllBytes(_house.In("cacerts.p7"), Convert.FromBase64String(body));
        var text = _house.Openssl("pkcs7", "-inform", "DER", "-in", "cacerts.p7", "-print_certs", "-noout");
        text.ShouldContain("subject=O = Signet, CN = Signet Intermediate CA");
        text.ShouldContain("subject=O = Signet, CN = Signet Root CA");
        body.Split("\r\n").ShouldAllBe(line => line.Length <= 76);
    }

    [Fact]
    public void We_read_our_own_and_openssls()
    {
        var ours = EstPayloads.ReadCertsOnly(Encoding.ASCII.GetBytes(EstPayloads.CertsOnly(_house.Authority.Intermediate, _house.Authority.Root)));
        ours.Select(CertificateFacts.Thumbprint).Order().ShouldBe(new[] { _house.Authority.Intermediate, _house.Authority.Root }.Select(CertificateFacts.Thumbprint).Order());

        _house.Openssl("crl2pkcs7", "-nocrl", "-certfile", Path.Combine(_house.Pki, "root.crt"), "-outform", "DER", "-out", "theirs.p7");
        var theirs = EstPayloads.ReadCertsOnly(Encoding.ASCII.GetBytes(Convert.ToBase64String(File.ReadAllBytes(_house.In("theirs.p7")))));
        theirs.ShouldHaveSingleItem().RawData.ShouldBe(_house.Authority.Root.RawData);
    }

    [Theory]
    [InlineData("")]
    [InlineData("not base64!")]
    [InlineData("MAA=")]
    [InlineData("MIIB")]
    public void Anything_else_holds_no_certificates(string body) => EstPayloads.ReadCertsOnly(Encoding.ASCII.GetBytes(body)).ShouldBeEmpty();

    [Fact]
    public void The_attributes_ask_for_P256_with_SHA256()
    {
        File.WriteAllBytes(_house.In("attrs.der"), Convert.FromBase64String(EstPayloads.RequestAttributes()));
        var text = _house.Openssl("asn1parse", "-inform", "DER", "-in", "attrs.der");
        text.ShouldContain("id-ecPublicKey");
        text.ShouldContain("prime256v1");
        text.ShouldContain("ecdsa-with-SHA256");
    }

    public void Dispose() => _house.Dispose();
}
