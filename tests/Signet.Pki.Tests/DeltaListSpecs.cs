namespace Signet.Pki.Tests;

/// <summary>Delta lists: only what changed, and only with a complete list that says where they are.</summary>
public sealed class DeltaListSpecs : IDisposable
{
    private readonly PkiHouse _house = new(new() { PublicUrl = new("http://pki.example.org:8080") });

    [Fact]
    public void A_revocation_is_in_the_delta_on_top_of_the_last_renewed_list()
    {
        var number = _house.Authority.Lists[1].Number;
        var before = _house.File("base.crl", File.ReadAllText(At("intermediate.crl")));
        _house.Authority.Deltas.ShouldBeEmpty();
        using var bad = _house.Issue(CertificateProfile.Device, "door-1");
        _house.Authority.Revoke(bad.Serial, RevocationReason.KeyCompromise);

        var text = _house.Openssl("crl", "-noout", "-text", "-in", At("intermediate-delta.crl"));
        text.ShouldMatch($@"X509v3 Delta CRL Indicator: critical\n\s+{number}\n");
        text.ShouldMatch($@"X509v3 CRL Number: \n\s+{number + 1}\n");
        text.ShouldContain(bad.Serial.ToUpperInvariant());
        _house.Openssl("crl", "-noout", "-text", "-in", before).ShouldMatch(@"X509v3 Freshest CRL: \n\s+Full Name:\n\s+URI:http://pki.example.org:8080/crl/[0-9a-f]{16}-delta.crl");
        Verify(2, bad, before).ShouldContain("certificate revoked");
    }

    [Fact]
    public void A_hold_that_was_undone_is_removed_by_the_delta()
    {
        using var held = _house.Issue(CertificateProfile.Device, "door-1");
        _house.Authority.Revoke(held.Serial, RevocationReason.CertificateHold);
        _house.Clock.Now += TimeSpan.FromDays(3.6);
        _house.Authority.RenewCrls();
        var before = _house.File("base.crl", File.ReadAllText(At("intermediate.crl")));
        File.Exists(At("intermediate-delta.crl")).ShouldBeFalse("a renewed list has no delta yet");
        _house.Authority.Release(held.Serial);

        _house.Openssl("crl", "-noout", "-text", "-in", At("intermediate-delta.crl")).ShouldContain("Remove From CRL");
        _house.Openssl("crl", "-noout", "-text", "-in", before).ShouldContain("Certificate Hold");
    }

    [Fact]
    public void Deltas_survive_a_restart_and_go_on_from_the_same_base()
    {
        using var a = _house.Issue(CertificateProfile.Device, "door-1");
        using var b = _house.Issue(CertificateProfile.Device, "door-2");
        _house.Authority.Revoke(a.Serial, RevocationReason.KeyCompromise);
        var first = _house.Authority.Deltas.ShouldHaveSingleItem();
        _house.Reopen().Deltas.ShouldHaveSingleItem().Der.ShouldBe(first.Der);
        _house.Authority.Revoke(b.Serial, RevocationReason.KeyCompromise);
        var text = _house.Openssl("crl", "-noout", "-text", "-in", At("intermediate-delta.crl"));
        text.ShouldContain(a.Serial.ToUpperInvariant());
        text.ShouldContain(b.Serial.ToUpperInvariant());
    }

    public void Dispose() => _house.Dispose();

    private string At(string name) => Path.Combine(_house.Pki, name);

    private string Verify(int exitCode, IssuedCertificate issued, string baseList) => _house.Openssl(exitCode, "verify", "-crl_check", "-extended_crl", "-use_deltas", "-CAfile", At("root.crt"), "-untrusted", At("intermediate.crt"),
        "-CRLfile", baseList, "-CRLfile", At("intermediate-delta.crl"), _house.File("leaf.crt", issued.ChainPem));
}
