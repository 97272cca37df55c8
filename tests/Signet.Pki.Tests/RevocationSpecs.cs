namespace Signet.Pki.Tests;

/// <summary>What can be revoked, and what cannot.</summary>
[Trait("row", "S0-5")]
public sealed class RevocationSpecs : IDisposable
{
    private readonly PkiHouse _house = new();

    [Fact]
    public void Revoking_twice_keeps_the_first_date_and_reason()
    {
        using var issued = _house.Issue(CertificateProfile.Device, "door-1");
        _house.Authority.Revoke(issued.Serial, RevocationReason.KeyCompromise);
        var first = _house.Authority.Find(issued.Serial);
        _house.Clock.Now += TimeSpan.FromHours(1);

        var again = _house.Authority.Revoke(issued.Serial, RevocationReason.Superseded);

        again.Outcome.ShouldBe(RevocationOutcome.AlreadyRevoked);
        again.Detail.ShouldContain("(KeyCompromise)");
        again.CrlNumber.ShouldBeNull();
        _house.Authority.Find(issued.Serial).ShouldBe(first);
    }

    [Fact]
    public void An_unknown_serial_is_said_to_be_unknown()
        => _house.Authority.Revoke("4abc", RevocationReason.KeyCompromise).Outcome.ShouldBe(RevocationOutcome.UnknownSerial);

    [Fact]
    public void A_hold_can_be_undone_and_nothing_else_can()
    {
        using var held = _house.Issue(CertificateProfile.Device, "door-1");
        using var gone = _house.Issue(CertificateProfile.Device, "door-2");
        _house.Authority.Revoke(held.Serial, RevocationReason.CertificateHold);
        _house.Authority.Revoke(gone.Serial, RevocationReason.KeyCompromise);
        _house.Authority.Judge.Judge(held.Certificate, null, CertificatePurpose.TlsClient).Refusal.ShouldBe(CertificateRefusal.Revoked);

        _house.Authority.Release(held.Serial).Outcome.ShouldBe(RevocationOutcome.Done);
        _house.Authority.Release(gone.Serial).Outcome.ShouldBe(RevocationOutcome.NotOnHold);
        _house.Authority.Release(held.Serial).Outcome.ShouldBe(RevocationOutcome.NotOnHold);
        _house.Authority.Release("4abc").Outcome.ShouldBe(RevocationOutcome.UnknownSerial);

        _house.Authority.Judge.Judge(held.Certificate, null, CertificatePurpose.TlsClient).Accepted.ShouldBeTrue();
    }

    [Fact]
    public void A_hold_can_become_final_and_keeps_the_moment_it_took_effect()
    {
        using var held = _house.Issue(CertificateProfile.Device, "door-1");
        _house.Authority.Revoke(held.Serial, RevocationReason.CertificateHold);
        var at = _house.Authority.Find(held.Serial)!.RevokedAt;
        _house.Clock.Now += TimeSpan.FromHours(1);

        _house.Authority.Revoke(held.Serial, RevocationReason.KeyCompromise).Outcome.ShouldBe(RevocationOutcome.Done);

        _house.Authority.Find(held.Serial).ShouldSatisfyAllConditions(e => e!.Reason.ShouldBe(RevocationReason.KeyCompromise), e => e!.RevokedAt.ShouldBe(at));
        _house.Authority.Release(held.Serial).Outcome.ShouldBe(RevocationOutcome.NotOnHold);
    }

    [Fact]
    public void Whoever_listens_hears_of_a_revocation_when_it_is_already_in_force()
    {
        using var issued = _house.Issue(CertificateProfile.Device, "door-1");
        CertificateVerdict? seen = null;
        _house.Authority.Revoked += _ => seen = _house.Authority.Judge.Judge(issued.Certificate, null, CertificatePurpose.TlsClient);
        _house.Authority.Revoke(issued.Serial, RevocationReason.KeyCompromise);
        seen!.Value.Refusal.ShouldBe(CertificateRefusal.Revoked);
    }

    public void Dispose() => _house.Dispose();
}
