using System.Diagnostics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Signet.Pki.Tests;

/// <summary>Each way a certificate is refused has its own name.</summary>
[Trait("row", "S0-2")]
public sealed class JudgingSpecs : IDisposable
{
    private readonly PkiHouse _house = new();

    [Fact]
    public void A_device_certificate_speaks_for_its_device()
    {
        using var issued = _house.Issue(CertificateProfile.Device, "door-1");

        var verdict = Judge(issued, CertificatePurpose.TlsClient);

        verdict.Accepted.ShouldBeTrue(verdict.Detail);
        verdict.Identity.ShouldBe(new CertificateIdentity("door-1", CertificateProfile.Device, issued.Serial, issued.Thumbprint, verdict.Identity!.NotAfter));
    }

    [Fact]
    public void No_certificate_is_refused_as_missing()
        => _house.Authority.Judge.Judge(null, null, CertificatePurpose.TlsClient).ShouldBe(new CertificateVerdict(CertificateRefusal.Missing, "no certificate was sent", null));

    [Fact]
    public void A_certificate_of_another_authority_with_the_very_same_names_is_untrusted()
    {
        using var foreign = new PkiHouse();
        using var issued = foreign.Issue(CertificateProfile.Device, "door-1");

        var verdict = _house.Authority.Judge.Judge(issued.Certificate, foreign.Authority.Chain, CertificatePurpose.TlsClient);

        verdict.Refusal.ShouldBe(CertificateRefusal.Untrusted);
        verdict.Identity.ShouldBeNull();
    }

    [Fact]
    public void A_self_signed_certificate_is_untrusted()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var self = new CertificateRequest("CN=door-1", key, HashAlgorithmName.SHA256).CreateSelfSigned(_house.Clock.Now.AddDays(-1), _house.Clock.Now.AddDays(1));
        _house.Authority.Judge.Judge(self, [self], CertificatePurpose.TlsClient).Refusal.ShouldBe(CertificateRefusal.Untrusted);
    }

    [Fact]
    public void An_expired_certificate_is_refused_even_when_it_was_judged_before()
    {
        using var issued = _house.Issue(CertificateProfile.Device, "door-1");
        Judge(issued, CertificatePurpose.TlsClient).Accepted.ShouldBeTrue();
        _house.Clock.Now += TimeSpan.FromDays(30.001);

        var verdict = Judge(issued, CertificatePurpose.TlsClient);

        verdict.Refusal.ShouldBe(CertificateRefusal.Expired);
        verdict.Identity!.Name.ShouldBe("door-1");
        verdict.Detail.ShouldStartWith("the certificate expired on ");
    }

    [Fact]
    public void A_certificate_that_begins_later_is_not_yet_valid()
    {
        using var issued = _house.Issue(CertificateProfile.Device, "door-1");
        _house.Clock.Now -= TimeSpan.FromMinutes(6);
        Judge(issued, CertificatePurpose.TlsClient).Refusal.ShouldBe(CertificateRefusal.NotYetValid);
    }

    [Fact]
    public void Revoking_acts_on_the_next_judgement_and_survives_a_restart()
    {
        using var issued = _house.Issue(CertificateProfile.Device, "door-1");
        Judge(issued, CertificatePurpose.TlsClient).Accepted.ShouldBeTrue();

        _house.Authority.Revoke(issued.Serial, RevocationReason.KeyCompromise).Outcome.ShouldBe(RevocationOutcome.Done);

        Judge(issued, CertificatePurpose.TlsClient).Refusal.ShouldBe(CertificateRefusal.Revoked);
        _house.Reopen();
        Judge(issued, CertificatePurpose.TlsClient).Refusal.ShouldBe(CertificateRefusal.Revoked);
    }

    [Fact]
    public void Everything_under_a_revoked_intermediate_is_revoked()
    {
        using var issued = _house.Issue(CertificateProfile.Device, "door-1");
        _house.Authority.Revoke(CertificateFacts.Serial(_house.Authority.Intermediate), RevocationReason.CaCompromise).Outcome.ShouldBe(RevocationOutcome.Done);
        var verdict = Judge(issued, CertificatePurpose.TlsClient);
        verdict.Refusal.ShouldBe(CertificateRefusal.Revoked);
        verdict.Detail.ShouldStartWith("an authority on its path was revoked");
    }

    [Theory]
    [InlineData(CertificateProfile.Broker, CertificatePurpose.TlsClient)]
    [InlineData(CertificateProfile.Device, CertificatePurpose.TlsServer)]
    [InlineData(CertificateProfile.Device, CertificatePurpose.CommandSigning)]
    [InlineData(CertificateProfile.Center, CertificatePurpose.CommandSigning)]
    [InlineData(CertificateProfile.CenterSign, CertificatePurpose.TlsServer)]
    [InlineData(CertificateProfile.CenterSign, CertificatePurpose.TlsClient)]
    [InlineData(CertificateProfile.DeviceSealing, CertificatePurpose.TlsClient)]
    [InlineData(CertificateProfile.CheckpointSigner, CertificatePurpose.CommandSigning)]
    [InlineData(CertificateProfile.User, CertificatePurpose.OcspSigning)]
    public void A_certificate_used_for_what_it_was_not_made_for_is_refused_as_wrong_usage(CertificateProfile profile, CertificatePurpose purpose)
    {
        using var issued = _house.Issue(profile, "somebody");
        Judge(issued, purpose).Refusal.ShouldBe(CertificateRefusal.WrongUsage);
    }

    [Theory]
    [InlineData(CertificateProfile.Broker, CertificatePurpose.TlsServer)]
    [InlineData(CertificateProfile.Center, CertificatePurpose.TlsServer)]
    [InlineData(CertificateProfile.Center, CertificatePurpose.TlsClient)]
    [InlineData(CertificateProfile.CenterSign, CertificatePurpose.CommandSigning)]
    [InlineData(CertificateProfile.DeviceSealing, CertificatePurpose.Sealing)]
    [InlineData(CertificateProfile.User, CertificatePurpose.TlsClient)]
    [InlineData(CertificateProfile.CheckpointSigner, CertificatePurpose.CheckpointSigning)]
    [InlineData(CertificateProfile.Proxy, CertificatePurpose.TlsServer)]
    [InlineData(CertificateProfile.Proxy, CertificatePurpose.TlsClient)]
    [InlineData(CertificateProfile.OcspSigner, CertificatePurpose.OcspSigning)]
    public void Each_profile_is_good_for_its_purpose(CertificateProfile profile, CertificatePurpose purpose)
    {
        using var issued = _house.Issue(profile, "somebody");
        var verdict = Judge(issued, purpose);
        verdict.Accepted.ShouldBeTrue(verdict.Detail);
        verdict.Identity!.Profile.ShouldBe(profile);
    }

    [Fact]
    public void The_intermediate_itself_is_not_a_client()
        => _house.Authority.Judge.Judge(_house.Authority.Intermediate, null, CertificatePurpose.TlsClient).Refusal.ShouldBe(CertificateRefusal.WrongUsage);

    [Theory]
    [InlineData("door-1", "urn:signet:device:door-2")]
    [InlineData("door-1", "urn:signet:device:door-1", "urn:signet:device:door-2")]
    [InlineData("door-1", "urn:signet:overlord:door-1")]
    [InlineData("door-1", "urn:signet:device:door%2d1")]
    [InlineData("+/#")]
    public void Names_that_contradict_each_other_are_refused(string commonName, params string[] uris)
    {
        using var leaf = SignedByHouse("Signet", commonName, new AlternativeNames([], [], uris));
        _house.Authority.Judge.Judge(leaf, null, CertificatePurpose.TlsClient).Refusal.ShouldBe(CertificateRefusal.WrongName);
    }

    [Fact]
    public void A_subject_outside_the_organisation_breaks_the_name_constraint()
    {
        using var leaf = SignedByHouse("Somebody else", "door-1", new([], [], ["urn:signet:device:door-1"]));
        _house.Authority.Judge.Judge(leaf, null, CertificatePurpose.TlsClient).Refusal.ShouldBe(CertificateRefusal.Untrusted);
    }

    [Fact]
    public void An_intermediate_that_the_peer_sends_is_used_but_not_believed()
    {
        using var issued = _house.Issue(CertificateProfile.Device, "door-1");
        var rootOnly = new TrustStore([_house.Authority.Root]);
        var judge = new CertificateJudge(() => rootOnly, () => RevocationState.Empty, _house.Clock);

        judge.Judge(issued.Certificate, null, CertificatePurpose.TlsClient).Refusal.ShouldBe(CertificateRefusal.Untrusted);
        judge.Judge(issued.Certificate, [_house.Authority.Intermediate], CertificatePurpose.TlsClient).Accepted.ShouldBeTrue();
    }

    [Fact]
    public void Another_trust_store_forgets_what_the_old_one_accepted()
    {
        using var foreign = new PkiHouse();
        using var issued = _house.Issue(CertificateProfile.Device, "door-1");
        var store = _house.Authority.Trust;
        var judge = new CertificateJudge(() => store, () => RevocationState.Empty, _house.Clock);
        judge.Judge(issued.Certificate, null, CertificatePurpose.TlsClient).Accepted.ShouldBeTrue();
        store = foreign.Authority.Trust;
        judge.Judge(issued.Certificate, null, CertificatePurpose.TlsClient).Refusal.ShouldBe(CertificateRefusal.Untrusted);
    }

    [Fact]
    public void Judging_a_known_certificate_takes_microseconds()
    {
        using var issued = _house.Issue(CertificateProfile.Device, "door-1");
        for (var i = 0; i < 2_000; i++) Judge(issued, CertificatePurpose.TlsClient);
        var watch = Stopwatch.StartNew();
        for (var i = 0; i < 20_000; i++) Judge(issued, CertificatePurpose.TlsClient);
        (watch.Elapsed / 20_000).ShouldBeLessThan(TimeSpan.FromMicroseconds(50), "a few microseconds on an idle machine; this one may be busy");
        TestContext.Current.SendDiagnosticMessage($"{watch.Elapsed.TotalMicroseconds / 20_000:F2} us a judgement");
    }

    public void Dispose() => _house.Dispose();

    private CertificateVerdict Judge(IssuedCertificate issued, CertificatePurpose purpose) => _house.Authority.Judge.Judge(issued.Certificate, null, purpose);

    // What an authority gone astray could sign: the judge looks at names again, whoever signed them.
    private X509Certificate2 SignedByHouse(string organization, string commonName, AlternativeNames names)
    {
        using var issuerKey = (ECDsa)KeyFile.Load(Path.Combine(_house.Pki, "intermediate.key"));
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var issuer = _house.Authority.Intermediate.CopyWithPrivateKey(issuerKey);
        var request = new CertificateRequest(DistinguishedNames.Subject(organization, commonName), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.2")], false));
        if (!names.IsEmpty) request.CertificateExtensions.Add(names.Encode());
        return request.Create(issuer, _house.Clock.Now.AddMinutes(-5), _house.Clock.Now.AddDays(1), [0x41, .. RandomNumberGenerator.GetBytes(8)]);
    }
}
