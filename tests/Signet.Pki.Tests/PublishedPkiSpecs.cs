using System.Text.RegularExpressions;

namespace Signet.Pki.Tests;

/// <summary>Every address that stands in a certificate or a list leads to something.</summary>
public sealed partial class PublishedPkiSpecs : IDisposable
{
    private const string Base = "http://pki.example.org:8080";
    private readonly PkiHouse _house = new(new() { PublicUrl = new(Base) });

    [Fact]
    public void The_addresses_inside_certificates_are_served_before_and_after_rotations()
    {
        using var before = _house.Issue(CertificateProfile.Device, "door-1");
        _house.Authority.RotateRoot();
        using var after = _house.Issue(CertificateProfile.Device, "door-2");
        _house.Authority.Revoke(before.Serial, RevocationReason.KeyCompromise);
        var published = new PublishedPki(_house.Authority);

        foreach (var pem in (string[])[before.ChainPem, after.ChainPem, _house.Authority.Intermediate.ExportCertificatePem()])
        {
            var text = _house.Openssl("x509", "-noout", "-text", "-in", _house.File("leaf.crt", pem));
            var issuer = text.Split("Issuer: ")[1].Split('\n')[0].Trim();
            var paths = Address().Matches(text).Select(m => m.Value[Base.Length..]).ToList();
            paths.Count.ShouldBe(2);
            foreach (var path in paths)
            {
                var (type, der) = published.Find(path).ShouldNotBeNull(path);
                File.WriteAllBytes(_house.In("served"), der);
                if (type == PublishedPki.CrlType) _house.Openssl("crl", "-noout", "-issuer", "-in", "served").ShouldContain(issuer);
                else _house.Openssl("x509", "-noout", "-subject", "-in", "served").ShouldContain(issuer);
            }
        }
    }

    [Fact]
    public void The_delta_that_a_complete_list_names_is_served_once_there_is_one()
    {
        using var bad = _house.Issue(CertificateProfile.Device, "door-1");
        var published = new PublishedPki(_house.Authority);
        var path = $"/crl/{PublicAddresses.FileNameOf(_house.Authority.Intermediate)}-delta.crl";
        published.Find(path).ShouldBeNull();
        _house.Authority.Revoke(bad.Serial, RevocationReason.KeyCompromise);
        published.Find(path)!.Value.Der.ShouldBe(_house.Authority.Deltas[0].Der);
    }

    [Theory]
    [InlineData("/crl/root.crl")]
    [InlineData("/crl/intermediate.crl")]
    [InlineData("/ca/root.crt")]
    [InlineData("/ca/intermediate.crt")]
    public void The_present_ones_have_plain_names(string path) => new PublishedPki(_house.Authority).Find(path).ShouldNotBeNull();

    [Theory]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("/crl/")]
    [InlineData("/crl/.crl")]
    [InlineData("/crl/root.key")]
    [InlineData("/ca/root.key")]
    [InlineData("/crl/../root.key")]
    [InlineData("/crl/root.crl/x")]
    [InlineData("/ca/-delta.crt")]
    public void Nothing_else_is_there(string path) => new PublishedPki(_house.Authority).Find(path).ShouldBeNull();

    public void Dispose() => _house.Dispose();

    [GeneratedRegex(@"http://pki\.example\.org:8080/(crl|ca)/[0-9a-f]+\.cr[lt]", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Address();
}
