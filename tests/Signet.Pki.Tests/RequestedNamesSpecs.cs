namespace Signet.Pki.Tests;

/// <summary>What an authority will not put into a certificate.</summary>
public sealed class RequestedNamesSpecs : IDisposable
{
    private readonly PkiHouse _house = new();

    [Theory]
    [InlineData(CertificateProfile.Device, "")]
    [InlineData(CertificateProfile.Device, "Door")]
    [InlineData(CertificateProfile.Device, "a/b")]
    [InlineData(CertificateProfile.Device, "+")]
    [InlineData(CertificateProfile.Device, "#")]
    [InlineData(CertificateProfile.Device, "-door")]
    [InlineData(CertificateProfile.Device, "door\0")]
    [InlineData(CertificateProfile.Device, "dооr")]
    [InlineData(CertificateProfile.Device, "a234567890123456789012345678901234567890123456789012345678901234")]
    [InlineData(CertificateProfile.User, "a,CN=b")]
    [InlineData(CertificateProfile.User, "%u")]
    [InlineData(CertificateProfile.Broker, "two words")]
    public void A_name_that_could_mean_something_else_is_refused(CertificateProfile profile, string name)
        => Should.Throw<ArgumentException>(() => _house.Issue(profile, name)).Message.ShouldContain($"\"{name}\"");

    [Theory]
    [InlineData("*.example.org", "is a wildcard")]
    [InlineData("*", "is a wildcard")]
    [InlineData("", "is not")]
    [InlineData("a..b", "is n")]
    [InlineData("-a.example", "is n")]
    [InlineData("a b", "is n")]
    [InlineData("a\0b", "is n")]
    [InlineData("http://a", "is n")]
    public void A_host_that_is_none_is_refused(string host, string why)
        => Should.Throw<ArgumentException>(() => _house.Issue(CertificateProfile.Broker, "mqtt_broker", host)).Message.ShouldContain(why);

    [Fact]
    public void Only_servers_name_hosts()
        => Should.Throw<ArgumentException>(() => _house.Issue(CertificateProfile.Device, "door-1", "localhost")).Message.ShouldContain("a device certificate names no hosts");

    [Fact]
    public void Commands_cannot_be_signed_with_an_elliptic_curve()
        => Should.Throw<ArgumentException>(() => _house.Authority.Issue(new(CertificateProfile.CenterSign, "center_sign", Key: KeyKind.P256))).Message.ShouldContain("must be RSA");

    [Theory]
    [InlineData(CertificateProfile.Root)]
    [InlineData(CertificateProfile.Intermediate)]
    public void An_authority_is_not_issued_like_a_leaf(CertificateProfile profile)
        => Should.Throw<ArgumentException>(() => _house.Issue(profile, "evil")).Message.ShouldContain("is not a leaf profile");

    [Fact]
    public void A_lifetime_never_reaches_beyond_the_issuer()
    {
        using var issued = _house.Authority.Issue(new(CertificateProfile.Broker, "b", Lifetime: TimeSpan.FromDays(100_000)));
        issued.Certificate.NotAfter.ShouldBe(_house.Authority.Intermediate.NotAfter);
    }

    [Fact]
    public void An_expired_intermediate_issues_nothing()
    {
        _house.Clock.Now += PkiLimits.IntermediateLifetime + TimeSpan.FromDays(1);
        Should.Throw<PkiException>(() => _house.Issue(CertificateProfile.Device, "door-1")).Message.ShouldContain("rotate it");
    }

    [Fact]
    public void Constrained_hosts_are_held_against_the_constraint_before_and_after_signing()
    {
        using var house = new PkiHouse(new() { Constraints = new(true, ["example.org"], ["10.0.0.0/8"]) });
        using var good = house.Issue(CertificateProfile.Broker, "mqtt_broker", "broker.example.org", "10.1.2.3");
        using var device = house.Issue(CertificateProfile.Device, "door-1");

        foreach (var pem in (string[])[good.ChainPem, device.ChainPem])
        {
            house.Openssl("verify", "-x509_strict", "-CAfile", Path.Combine(house.Pki, "root.crt"), "-untrusted", Path.Combine(house.Pki, "intermediate.crt"), house.File("x.crt", pem)).ShouldContain("OK");
        }

        Should.Throw<ArgumentException>(() => house.Issue(CertificateProfile.Broker, "b", "broker.example.com")).Message.ShouldContain("\"broker.example.com\" lies outside");
        Should.Throw<ArgumentException>(() => house.Issue(CertificateProfile.Broker, "b", "192.168.0.1")).Message.ShouldContain("lies outside");
        Should.Throw<ArgumentException>(() => house.Issue(CertificateProfile.Device, "door.hall")).Message.ShouldContain("lies outside");
    }

    public void Dispose() => _house.Dispose();
}
