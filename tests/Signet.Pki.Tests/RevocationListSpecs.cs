using System.Diagnostics;

namespace Signet.Pki.Tests;

/// <summary>What is published about revocation, as the real openssl sees it.</summary>
[Trait("row", "S0-5")]
[Trait("row", "S0-6")]
public sealed class RevocationListSpecs : IDisposable
{
    private readonly PkiHouse _house = new();

    [Fact]
    public void Openssl_accepts_a_good_certificate_and_refuses_a_revoked_one_on_the_whole_chain()
    {
        using var good = _house.Issue(CertificateProfile.Device, "door-1");
        using var bad = _house.Issue(CertificateProfile.Device, "door-2");
        _house.Authority.Revoke(bad.Serial, RevocationReason.KeyCompromise);

        Verify(0, good).ShouldContain(": OK");
        Verify(2, bad).ShouldContain("certificate revoked");
    }

    [Fact]
    public void A_list_carries_every_field_that_RFC_5280_asks_for()
    {
        using var bad = _house.Issue(CertificateProfile.Device, "door-2");
        var result = _house.Authority.Revoke(bad.Serial, RevocationReason.KeyCompromise);

        var text = Text("intermediate.crl");

        text.ShouldContain("Version 2 (0x1)");
        text.ShouldContain("Issuer: O = Signet, CN = Signet Intermediate CA");
        text.ShouldMatch(@"Authority Key Identifier: \n\s+" + KeyIdentifier());
        text.ShouldMatch($@"X509v3 CRL Number: \n\s+{result.CrlNumber}\n");
        text.ShouldMatch(@"Issuing Distribution Point: critical\n\s+Only User Certificates");
        text.ShouldMatch($@"Serial Number: {bad.Serial.ToUpperInvariant()}\n\s+Revocation Date: .*\n\s+CRL entry extensions:\n\s+X509v3 CRL Reason Code: \n\s+Key Compromise");
        text.ShouldMatch(@"Next Update: .* GMT");
        (_house.Authority.Lists[1].NextUpdate - _house.Authority.Lists[1].ThisUpdate).ShouldBe(TimeSpan.FromDays(7));
        Text("root.crl").ShouldMatch(@"Only CA Certificates[\s\S]*No Revoked Certificates");
    }

    [Theory]
    [InlineData(RevocationReason.Unspecified, null)]
    [InlineData(RevocationReason.CaCompromise, "CA Compromise")]
    [InlineData(RevocationReason.AffiliationChanged, "Affiliation Changed")]
    [InlineData(RevocationReason.Superseded, "Superseded")]
    [InlineData(RevocationReason.CessationOfOperation, "Cessation Of Operation")]
    [InlineData(RevocationReason.CertificateHold, "Certificate Hold")]
    [InlineData(RevocationReason.PrivilegeWithdrawn, "Privilege Withdrawn")]
    [InlineData(RevocationReason.AaCompromise, "AA Compromise")]
    public void Each_reason_stands_in_the_list_and_unspecified_is_said_by_saying_nothing(RevocationReason reason, string? shown)
    {
        using var bad = _house.Issue(CertificateProfile.Device, "door-2");
        _house.Authority.Revoke(bad.Serial, reason);
        var text = Text("intermediate.crl");
        if (shown is null) text.ShouldNotContain("Reason Code");
        else text.ShouldContain(shown);
    }

    [Fact]
    public void Numbers_grow_with_every_list_and_are_never_used_twice_even_after_a_restart()
    {
        using var a = _house.Issue(CertificateProfile.Device, "door-1");
        using var b = _house.Issue(CertificateProfile.Device, "door-2");
        var first = _house.Authority.Revoke(a.Serial, RevocationReason.Superseded).CrlNumber!.Value;
        var second = _house.Reopen().Revoke(b.Serial, RevocationReason.Superseded).CrlNumber!.Value;
        second.ShouldBe(first + 1);
    }

    [Fact]
    public void A_batch_is_one_list()
    {
        var serials = Enumerable.Range(1, 100).Select(i => _house.Issue(CertificateProfile.Device, $"door-{i}")).Select(c => { using (c) return c.Serial; }).ToList();
        var before = _house.Authority.Lists[1].Number;

        var result = _house.Authority.Revoke([.. serials, "00ff"], RevocationReason.CessationOfOperation);

        result.Outcome.ShouldBe(RevocationOutcome.Done);
        result.Entries.Count.ShouldBe(100);
        result.CrlNumber.ShouldBe(before + 1);
        Text("intermediate.crl").Split("Serial Number:").Length.ShouldBe(101);
    }

    [Fact]
    public void Lists_are_renewed_at_half_their_life_and_not_before()
    {
        var number = _house.Authority.Lists[1].Number;
        _house.Clock.Now += TimeSpan.FromDays(3.4);
        _house.Authority.RenewCrls().ShouldBeFalse();
        _house.Clock.Now += TimeSpan.FromDays(0.2);
        _house.Authority.RenewCrls().ShouldBeTrue();
        _house.Authority.Lists[1].Number.ShouldBe(number + 1);
        _house.Authority.Lists[0].Number.ShouldBe(1, "the root's list lives a year");
    }

    [Fact]
    public void An_expired_certificate_leaves_the_list_after_one_more_list_but_stays_revoked_here()
    {
        using var bad = _house.Issue(CertificateProfile.Device, "door-2");
        _house.Authority.Revoke(bad.Serial, RevocationReason.KeyCompromise);
        _house.Clock.Now += TimeSpan.FromDays(31);
        _house.Authority.RenewCrls();
        Text("intermediate.crl").ShouldContain(bad.Serial.ToUpperInvariant());
        _house.Clock.Now += TimeSpan.FromDays(4);
        _house.Authority.RenewCrls();

        Text("intermediate.crl").ShouldContain("No Revoked Certificates");
        _house.Authority.Judge.Judge(bad.Certificate, null, CertificatePurpose.TlsClient).Refusal.ShouldBe(CertificateRefusal.Revoked);
        _house.Reopen().Judge.Judge(bad.Certificate, null, CertificatePurpose.TlsClient).Refusal.ShouldBe(CertificateRefusal.Revoked);
    }

    [Fact]
    public void A_lost_list_is_written_again_when_the_authority_opens()
    {
        using var bad = _house.Issue(CertificateProfile.Device, "door-2");
        _house.Authority.Revoke(bad.Serial, RevocationReason.KeyCompromise);
        File.Delete(Path.Combine(_house.Pki, "intermediate.crl"));
        _house.Reopen();
        Text("intermediate.crl").ShouldContain(bad.Serial.ToUpperInvariant());
    }

    [Fact]
    public void A_hundred_thousand_entries_are_signed_in_well_under_a_second()
    {
        using var key = KeyKinds.Create(KeyKind.P256);
        using var issuer = new SigningAuthority(_house.Authority.Intermediate, key);
        var revoked = Enumerable.Range(0, 100_000).Select(i => new RevokedCertificate(issuer.Id, $"4f{i:x32}", _house.Clock.Now, RevocationReason.Superseded)).ToList();
        var watch = Stopwatch.StartNew();
        var list = new RevocationListDraft(7, _house.Clock.Now, TimeSpan.FromDays(7), OfAuthorities: false).Sign(issuer, revoked);
        watch.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(1));
        RevocationList.TryRead(list.Der)!.Number.ShouldBe(7);
    }

    public void Dispose() => _house.Dispose();

    private string Verify(int exitCode, IssuedCertificate issued) => _house.Openssl(exitCode, "verify", "-crl_check_all", "-CAfile", At("root.crt"), "-untrusted", At("intermediate.crt"),
        "-CRLfile", At("root.crl"), "-CRLfile", At("intermediate.crl"), _house.File("leaf.crt", issued.ChainPem));

    private string Text(string crl) => _house.Openssl("crl", "-noout", "-text", "-in", At(crl));

    private string At(string name) => Path.Combine(_house.Pki, name);

    private string KeyIdentifier() => _house.Openssl("x509", "-noout", "-ext", "subjectKeyIdentifier", "-in", At("intermediate.crt")).Split('\n')[1].Trim();
}
