using System.Security.Cryptography.X509Certificates;

namespace Signet.Pki.Tests;

/// <summary>A device that comes back after its certificate expired finds one door, and only that one.</summary>
public sealed class RenewalSpecs : IDisposable
{
    private static readonly TimeSpan Absence = TimeSpan.FromDays(180);
    private readonly PkiHouse _house = new();

    [Fact]
    public void Ninety_days_away_over_three_rotations_a_device_can_renew_and_do_nothing_else()
    {
        using var device = _house.Issue(CertificateProfile.Device, "door-1");
        var knownRoot = new TrustStore([X509CertificateLoader.LoadCertificate(_house.Authority.Root.RawData)]);
        foreach (var rotate in (Action[])[_house.Authority.RotateIntermediate, _house.Authority.RotateRoot, _house.Authority.RotateRoot])
        {
            _house.Clock.Now += TimeSpan.FromDays(30);
            rotate();
        }

        using var server = _house.Issue(CertificateProfile.Center, "command_center");
        var judge = _house.Authority.Judge;
        judge.Judge(device.Certificate, null, CertificatePurpose.TlsClient).Refusal.ShouldBe(CertificateRefusal.Expired);
        judge.JudgeForRenewal(device.Certificate, null, Absence).Identity!.Name.ShouldBe("door-1");
        // The device still believes the server, knowing nothing but its old root and what the server sends.
        new CertificateJudge(() => knownRoot, () => RevocationState.Empty, _house.Clock).Judge(server.Certificate, _house.Authority.Chain, CertificatePurpose.TlsServer).Accepted.ShouldBeTrue();

        using var renewed = _house.Authority.IssueFor(new(CertificateProfile.Device, "door-1"), device.Certificate.PublicKey);
        judge.Judge(renewed.Certificate, null, CertificatePurpose.TlsClient).Accepted.ShouldBeTrue();
    }

    [Fact]
    public void What_was_revoked_never_comes_back_however_long_it_waits()
    {
        using var device = _house.Issue(CertificateProfile.Device, "door-1");
        _house.Authority.Revoke(device.Serial, RevocationReason.KeyCompromise);
        for (var i = 0; i < 12; i++)
        {
            _house.Clock.Now += TimeSpan.FromDays(4);
            _house.Authority.RenewCrls();
        }

        RevocationListText().ShouldContain("No Revoked Certificates");
        _house.Reopen().Judge.JudgeForRenewal(device.Certificate, null, Absence).Refusal.ShouldBe(CertificateRefusal.Revoked);
    }

    [Fact]
    public void After_the_longest_absence_the_door_is_closed()
    {
        using var device = _house.Issue(CertificateProfile.Device, "door-1");
        _house.Clock.Now += TimeSpan.FromDays(211);
        _house.Authority.Judge.JudgeForRenewal(device.Certificate, null, Absence).Refusal.ShouldBe(CertificateRefusal.Expired);
    }

    [Fact]
    public void The_door_is_for_devices_only()
    {
        using var user = _house.Issue(CertificateProfile.User, "ana");
        _house.Authority.Judge.JudgeForRenewal(user.Certificate, null, Absence).Refusal.ShouldBe(CertificateRefusal.WrongUsage);
        _house.Authority.Judge.JudgeForRenewal(null, null, Absence).Refusal.ShouldBe(CertificateRefusal.Missing);
    }

    [Fact]
    public void What_expires_soon_is_listed_until_it_has_a_successor()
    {
        using var a = _house.Issue(CertificateProfile.Device, "door-1");
        using var b = _house.Issue(CertificateProfile.Device, "door-2");
        using var c = _house.Issue(CertificateProfile.Device, "door-3");
        using var broker = _house.Issue(CertificateProfile.Broker, "mqtt_broker");
        _house.Clock.Now += TimeSpan.FromDays(25);
        _house.Authority.Revoke(b.Serial, RevocationReason.CessationOfOperation);
        using var renewed = _house.Issue(CertificateProfile.Device, "door-3");

        _house.Authority.Expiring(TimeSpan.FromDays(7)).Select(e => e.Name).ShouldBe(["door-1"]);
        _house.Authority.Expiring(TimeSpan.FromDays(1)).ShouldBeEmpty();
        _house.Clock.Now += TimeSpan.FromDays(10);
        _house.Authority.Expiring(TimeSpan.Zero).Select(e => e.Name).ShouldBe(["door-1"], "what has expired is still missing a successor");
    }

    public void Dispose() => _house.Dispose();

    private string RevocationListText() => _house.Openssl("crl", "-noout", "-text", "-in", Path.Combine(_house.Pki, "intermediate.crl"));
}
