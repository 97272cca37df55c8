namespace Signet.Pki.Tests;

/// <summary>Authorities change and no peer is lost: each path is judged by us and verified by openssl.</summary>
[Trait("row", "S0-6")]
public sealed class RotationSpecs : IDisposable
{
    private readonly PkiHouse _house = new();

    [Fact]
    public void A_new_intermediate_issues_and_the_former_ones_certificates_stay_good()
    {
        using var before = _house.Issue(CertificateProfile.Device, "door-1");
        _house.Authority.RotateIntermediate();
        using var after = _house.Issue(CertificateProfile.Device, "door-2");

        foreach (var _ in Twice())
        {
            Judge(before).Accepted.ShouldBeTrue();
            Judge(after).Accepted.ShouldBeTrue();
            Verify(0, before, _house.Authority.Root.ExportCertificatePem());
            Verify(0, after, _house.Authority.Root.ExportCertificatePem());
        }

        after.Certificate.IssuerName.Name.ShouldContain("Signet Intermediate CA 2");
    }

    [Fact]
    public void The_former_intermediate_goes_on_revoking()
    {
        using var before = _house.Issue(CertificateProfile.Device, "door-1");
        var number = _house.Authority.Lists[1].Number;
        _house.Authority.RotateIntermediate();

        var result = _house.Reopen().Revoke(before.Serial, RevocationReason.KeyCompromise);

        result.CrlNumber!.Value.ShouldBeGreaterThan(number);
        Judge(before).Refusal.ShouldBe(CertificateRefusal.Revoked);
        Verify(2, before, _house.Authority.Root.ExportCertificatePem()).ShouldContain("certificate revoked");
    }

    [Fact]
    public void While_roots_overlap_peers_of_either_root_find_a_path()
    {
        var oldRoot = _house.Authority.Root.ExportCertificatePem();
        using var before = _house.Issue(CertificateProfile.Device, "door-1");
        _house.Authority.RotateRoot();
        using var broker = _house.Issue(CertificateProfile.Broker, "mqtt_broker");

        foreach (var _ in Twice())
        {
            var newRoot = _house.Authority.Root.ExportCertificatePem();
            newRoot.ShouldNotBe(oldRoot);
            _house.Authority.TrustBundlePem.ShouldBe(newRoot + "\n" + oldRoot + "\n");
            Judge(before).Accepted.ShouldBeTrue();
            Verify(0, broker, oldRoot);
            // Somebody who knows only the new root is served when the new root's intermediate is at hand, as it is for every judge of this house.
            Verify(0, broker, newRoot, File.ReadAllText(Path.Combine(_house.Pki, "intermediate.crt")));
            var newOnly = new TrustStore([_house.Authority.Root], [_house.Authority.Intermediate]);
            new CertificateJudge(() => newOnly, () => _house.Authority.Revocations, _house.Clock).Judge(broker.Certificate, null, CertificatePurpose.TlsServer).Accepted.ShouldBeTrue();
            new CertificateJudge(() => newOnly, () => _house.Authority.Revocations, _house.Clock).Judge(before.Certificate, null, CertificatePurpose.TlsClient).Refusal.ShouldBe(CertificateRefusal.Untrusted);
        }
    }

    [Fact]
    public void A_retired_root_is_believed_no_more_and_the_new_one_carries_on()
    {
        using var before = _house.Issue(CertificateProfile.Device, "door-1");
        var oldRoot = CertificateFacts.Serial(_house.Authority.Root);
        _house.Authority.RetireRoot(oldRoot).ShouldBeFalse("the present root cannot be retired");
        _house.Authority.RotateRoot();
        using var during = _house.Issue(CertificateProfile.Device, "door-2");

        _house.Authority.RetireRoot(oldRoot).ShouldBeTrue();

        using var after = _house.Issue(CertificateProfile.Device, "door-3");
        foreach (var _ in Twice())
        {
            _house.Authority.Roots.Count.ShouldBe(1);
            Judge(before).Refusal.ShouldBe(CertificateRefusal.Untrusted);
            Judge(during).Accepted.ShouldBeTrue();
            Verify(0, after, _house.Authority.Root.ExportCertificatePem());
            _house.Authority.RetireRoot(oldRoot).ShouldBeFalse();
        }
    }

    [Fact]
    public void Three_rotations_in_a_row_leave_every_certificate_good_and_every_root_served()
    {
        var issued = new List<IssuedCertificate> { _house.Issue(CertificateProfile.Device, "door-0") };
        var roots = new List<string> { _house.Authority.Root.ExportCertificatePem() };
        for (var i = 1; i <= 3; i++)
        {
            if (i == 2) _house.Authority.RotateIntermediate();
            else _house.Authority.RotateRoot();
            issued.Add(_house.Issue(CertificateProfile.Device, $"door-{i}"));
            roots.Add(_house.Authority.Root.ExportCertificatePem());
        }

        foreach (var _ in Twice())
        {
            issued.ShouldAllBe(c => Judge(c).Accepted);
            Verify(0, issued[^1], roots[0]);
            _house.Authority.Roots.Count.ShouldBe(3);
        }

        issued.ForEach(c => c.Dispose());
    }

    [Fact]
    public void Revoking_a_cross_signed_intermediate_revokes_it_under_every_root()
    {
        _house.Authority.RotateRoot();
        using var issued = _house.Issue(CertificateProfile.Device, "door-1");
        var result = _house.Authority.Revoke(CertificateFacts.Serial(_house.Authority.Intermediate), RevocationReason.CaCompromise);
        result.Entries.Count.ShouldBe(2);
        Judge(issued).Refusal.ShouldBe(CertificateRefusal.Revoked);
    }

    [Fact]
    public void A_rotation_that_was_prepared_but_not_committed_never_happened()
    {
        var intermediate = CertificateFacts.Serial(_house.Authority.Intermediate);
        _house.Authority.Dispose();
        Directory.CreateDirectory(At("rotating"));
        File.Copy(At("root.key"), At("rotating/intermediate.key"));
        CertificateFacts.Serial(_house.Reopen().Intermediate).ShouldBe(intermediate);
        Directory.Exists(At("rotating")).ShouldBeFalse();
    }

    [Fact]
    public void A_rotation_that_was_committed_is_finished_by_the_next_opening()
    {
        foreach (var name in (string[])["intermediate.crt", "intermediate.key"]) File.Copy(At(name), _house.In(name));
        _house.Authority.RotateIntermediate();
        var rotated = CertificateFacts.Serial(_house.Authority.Intermediate);
        _house.Authority.Dispose();
        // As if the machine had died after the first of the renames: the key is new, the certificate still old.
        Directory.CreateDirectory(At("rotating"));
        File.Move(At("intermediate.crt"), At("rotating/intermediate.crt"));
        File.Move(_house.In("intermediate.crt"), At("intermediate.crt"));
        File.WriteAllText(At("rotating/commit"), "");

        CertificateFacts.Serial(_house.Reopen().Intermediate).ShouldBe(rotated);
    }

    [Fact]
    public void Without_a_roots_key_nothing_is_rotated_and_nothing_is_changed()
    {
        File.Delete(At("root.key"));
        _house.Reopen();
        Should.Throw<PkiException>(() => _house.Authority.RotateIntermediate()).Message.ShouldContain("bring it back to rotate");
        Should.Throw<PkiException>(() => _house.Authority.RotateRoot()).Message.ShouldContain("bring it back to rotate");
        Directory.Exists(At("rotating")).ShouldBeFalse();
        _house.Issue(CertificateProfile.Device, "door-1").Dispose();
    }

    public void Dispose() => _house.Dispose();

    // What holds must hold after a restart too.
    private IEnumerable<int> Twice()
    {
        yield return 1;
        _house.Reopen();
        yield return 2;
    }

    private string At(string name) => Path.Combine(_house.Pki, name);

    private CertificateVerdict Judge(IssuedCertificate issued) => _house.Authority.Judge.Judge(issued.Certificate, null, CertificatePurpose.TlsClient);

    // With the chain the leaf was handed out with, and the lists in force.
    private string Verify(int exitCode, IssuedCertificate issued, string root, string? untrusted = null)
    {
        var lists = _house.File("lists.pem", string.Concat(_house.Authority.Lists.Select(l => l.Pem)));
        return _house.Openssl(exitCode, "verify", "-crl_check_all", "-CRLfile", lists, "-CAfile", _house.File("root.pem", root), "-untrusted", _house.File("chain.pem", untrusted ?? issued.ChainPem), _house.File("leaf.pem", issued.ChainPem));
    }
}
