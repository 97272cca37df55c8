using System.Text;
using Signet.Mqtt;
using Signet.Pki;
using Signet.Testing;
using Signet.Wire;

namespace Signet.Control.Tests;

public sealed class RevocationSpecs
{
    [Fact]
    [Trait("row", "S0-5"), Trait("row", "S0-6")]
    public async Task Evidence_names_session_closing_and_first_return_and_verifies_with_nothing_but_the_root()
    {
        await using var house = await TestHouse.StartAsync();
        await house.StartDeviceAsync("door-1"); // its agent comes back by itself and is refused
        var report = (await house.Center.Certificates.RevokeAsync("door-1", RevocationReason.KeyCompromise, TestHouse.Admin)).Value;

        var first = Verified(report.Evidence, house).ShouldHaveSingleItem();
        first.Reason.ShouldBe("key-compromise");
        first.OriginatorName.ShouldBe(TestHouse.Admin.Name);
        first.CrlNumber.ShouldBe(report.CrlNumber);
        first.Certificates.ShouldHaveSingleItem().Serial.ShouldBe(report.Serials[0]);
        var session = first.Sessions.ShouldHaveSingleItem();
        session.Client.ShouldBe("door-1");
        session.Closed.ShouldNotBeNull().ShouldBeLessThan(first.Requested.AddSeconds(1));
        session.LastMessage.ShouldNotBeNull().ShouldBeLessThanOrEqualTo(session.Closed.Value);

        var grown = await Eventually.Some(async () => await house.Center.Certificates.FindRevocationAsync(report.Id) is { Version: > 1 } found ? found : null, "the return is in the evidence");
        Verified(grown.Evidence, house)[0].Refused.ShouldHaveSingleItem().Serial.ShouldBe(report.Serials[0]);
        await house.AuditedAsync(new() { Action = "revoked-return-refused" });
    }

    [Fact]
    public async Task Any_edited_bit_breaks_the_evidence_and_a_foreign_root_does_not_carry_it()
    {
        await using var house = await TestHouse.StartAsync();
        var report = (await house.Center.Certificates.RevokeAsync("door-1", RevocationReason.Superseded, TestHouse.Admin)).Value;
        var evidence = Encoding.ASCII.GetBytes(report.Evidence);
        for (var i = 0; i < evidence.Length; i += 97)
        {
            var edited = evidence.ToArray();
            edited[i] = edited[i] == (byte)'A' ? (byte)'B' : (byte)'A';
            if (edited[i] == evidence[i]) continue;
            EvidenceVerifier.Verify(edited, house.Center.Authority.Roots).IsGenuine.ShouldBeFalse($"byte {i} was changed");
        }

        using var stranger = TestCertificates.Foreign("root");
        EvidenceVerifier.Verify(evidence, [stranger]).Problem.ShouldContain("no path to an authority trusted here");
        EvidenceVerifier.Verify([], house.Center.Authority.Roots).IsGenuine.ShouldBeFalse();
        EvidenceVerifier.Verify([.. evidence, (byte)'\n', .. evidence], house.Center.Authority.Roots).Problem.ShouldContain("out of order");
    }

    [Fact]
    public async Task A_batch_too_large_for_one_message_is_told_in_parts_that_belong_together()
    {
        await using var house = await TestHouse.StartAsync(new() { Demo = false });
        for (var i = 0; i < 60; i++) (await house.Center.Certificates.IssueAsync(new(CertificateProfile.Device, $"lamp-{i}"), TestHouse.Admin)).Value.Dispose();
        var report = (await house.Center.Certificates.RevokeAsync(new RevocationTarget([.. Enumerable.Range(0, 60).Select(i => $"lamp-{i}")]), RevocationReason.CessationOfOperation, TestHouse.Admin)).Value;

        report.Serials.Count.ShouldBe(60);
        var parts = Verified(report.Evidence, house);
        parts.Select(p => p.Part).ShouldBe([1, 2]);
        parts.Sum(p => p.Certificates.Count).ShouldBe(60);
        EvidenceVerifier.Verify(Encoding.ASCII.GetBytes(report.Evidence.Split('\n')[0]), house.Center.Authority.Roots).Problem.ShouldBe("1 of 2 parts are there");
    }

    [Fact]
    public async Task Everything_under_an_intermediate_goes_at_once_and_what_another_signed_stays()
    {
        await using var house = await TestHouse.StartAsync();
        await house.StartDeviceAsync("door-1");
        var former = house.Center.Authorities.List().Single(a => !a.IsRoot);
        (await house.Center.Authorities.RotateAsync(root: false, TestHouse.Admin)).Value.Name.ShouldEndWith("CA 2");
        (await house.Center.Certificates.IssueAsync(new(CertificateProfile.Device, "lamp-1"), TestHouse.Admin)).Value.Dispose();

        (await house.Center.Certificates.RevokeAsync(new RevocationTarget([], Under: former.Serial), RevocationReason.CaCompromise, TestHouse.Admin)).Refusal!.Name.ShouldBe("confirmation-needed");
        var report = (await house.Center.Certificates.RevokeAsync(new RevocationTarget([], Under: former.Serial), RevocationReason.CaCompromise, TestHouse.Admin, confirmed: true)).Value;

        report.Closed.ShouldBeGreaterThanOrEqualTo(1);
        await Eventually.True(() => house.PresenceOf("door-1") == PresenceState.Offline, "door-1 is cut off", TimeSpan.FromSeconds(1));
        house.Center.Certificates.List().Single(e => e.Name == "lamp-1").IsRevoked.ShouldBeFalse();
        house.Center.Certificates.List().Where(e => e.Issuer == CertificateFacts.NameId(former.Certificate.SubjectName)).ShouldAllBe(e => e.IsRevoked);
    }

    [Fact]
    public async Task A_revoked_intermediate_takes_every_session_below_it_along()
    {
        await using var house = await TestHouse.StartAsync();
        await house.StartDeviceAsync("door-1");
        var former = house.Center.Authorities.List().Single(a => !a.IsRoot);
        (await house.Center.Authorities.RotateAsync(root: false, TestHouse.Admin)).Refusal.ShouldBeNull();

        var report = (await house.Center.Certificates.RevokeAsync(former.Serial, RevocationReason.CaCompromise, TestHouse.Admin, confirmed: true)).Value;

        Verified(report.Evidence, house)[0].Sessions.ShouldContain(s => s.Client == "door-1");
        await Eventually.True(() => house.PresenceOf("door-1") == PresenceState.Offline, "door-1 is cut off", TimeSpan.FromSeconds(1));
    }

    [Fact]
    public async Task A_hold_can_be_undone_and_the_device_comes_back_with_the_same_certificate()
    {
        await using var house = await TestHouse.StartAsync();
        await house.StartDeviceAsync("door-1");
        (await house.Center.Certificates.RevokeAsync("door-1", RevocationReason.CertificateHold, TestHouse.Admin)).Refusal.ShouldBeNull();
        await Eventually.True(() => house.PresenceOf("door-1") == PresenceState.Offline, "door-1 is cut off", TimeSpan.FromSeconds(1));

        (await house.Center.Certificates.ReleaseAsync("door-1", TestHouse.Admin)).Value.IsRevoked.ShouldBeFalse();
        await Eventually.True(() => house.PresenceOf("door-1") == PresenceState.Online, "door-1 is back", TimeSpan.FromSeconds(40));

        (await house.Center.Certificates.ReleaseAsync("door-1", TestHouse.Admin)).Refusal!.Message.ShouldContain("not on hold");
        (await house.Center.Certificates.RevokeAsync("door-1", RevocationReason.KeyCompromise, TestHouse.Admin)).Refusal.ShouldBeNull();
        (await house.Center.Certificates.ReleaseAsync("door-1", TestHouse.Admin)).Refusal!.Message.ShouldContain("revoked for good");
    }

    [Fact]
    public async Task What_waits_for_a_revoked_device_is_thrown_away()
    {
        await using var house = await TestHouse.StartAsync();
        await using (var away = await house.ConnectAsync("door-1", "door-1", o => o with { CleanStart = false, SessionExpiry = TimeSpan.FromMinutes(5) }))
            await away.SubscribeAsync([new TopicSubscription("signet/door-1/command")]);
        await Eventually.True(() => house.Center.Broker.Sessions().Any(s => s.Client == "door-1" && !s.Connected), "the session is kept");

        (await house.Center.Certificates.RevokeAsync("door-1", RevocationReason.KeyCompromise, TestHouse.Admin)).Value.Closed.ShouldBe(1);

        house.Center.Broker.Sessions().ShouldNotContain(s => s.Client == "door-1");
    }

    [Fact]
    public async Task The_last_administrators_certificate_needs_a_confirmation()
    {
        await using var house = await TestHouse.StartAsync();
        (await house.Center.Accounts.CreateAsync("root", "x", Access.Role.Admin, TestHouse.Admin)).Refusal.ShouldBeNull();
        (await house.Center.Certificates.IssueAsync(new(CertificateProfile.User, "root"), TestHouse.Admin)).Value.Dispose();

        (await house.Center.Certificates.RevokeAsync("root", RevocationReason.Superseded, TestHouse.Admin)).Refusal!.Message.ShouldContain("last administrator");
        (await house.Center.Certificates.RevokeAsync("root", RevocationReason.Superseded, TestHouse.Operator, confirmed: true)).Refusal!.Name.ShouldBe("not-allowed");
        (await house.Center.Certificates.RevokeAsync("root", RevocationReason.Superseded, TestHouse.Admin, confirmed: true)).Refusal.ShouldBeNull();
    }

    [Theory]
    [InlineData("command_center")]
    [InlineData("mqtt_broker")]
    [InlineData("center_sign")]
    public async Task The_centers_own_certificates_need_a_confirmation(string name)
    {
        await using var house = await TestHouse.StartAsync(new() { Demo = false });
        var refusal = (await house.Center.Certificates.RevokeAsync(name, RevocationReason.Superseded, TestHouse.Admin)).Refusal!;
        refusal.Code.ShouldBe(RefusalCode.ConfirmationNeeded);
        house.Center.Authority.FindByName(name).ShouldAllBe(e => !e.IsRevoked);
        (await house.Center.Certificates.RevokeAsync(name, RevocationReason.Superseded, TestHouse.Admin, confirmed: true)).Value.Serials.Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_rotation_of_root_and_intermediate_drops_nobody_and_servers_show_their_new_leaf_at_once()
    {
        await using var house = await TestHouse.StartAsync();
        await house.StartDeviceAsync("thermostat-1");
        var before = house.Center.ServerCertificates.Broker.TargetCertificate.Thumbprint;

        (await house.Center.Authorities.RotateAsync(root: true, TestHouse.Admin)).Value.IsRoot.ShouldBeTrue();

        house.Center.ServerCertificates.Broker.TargetCertificate.Thumbprint.ShouldNotBe(before);
        house.PresenceOf("thermostat-1").ShouldBe(PresenceState.Online);
        await house.StartDeviceAsync("door-1"); // knows only the first root's bundle from its home, or both
        (await house.SendAsync("thermostat-1", "read-temperature")).State.ShouldBe("executed");
        var former = house.Center.Authorities.List().Single(a => a is { IsRoot: true, State: AuthorityState.Former });
        (await house.Center.Authorities.RetireAsync(former.Serial, confirmed: false, TestHouse.Admin)).Refusal!.Name.ShouldBe("confirmation-needed");
        (await house.Center.Authorities.RetireAsync(former.Serial, confirmed: true, TestHouse.Admin)).Refusal!.Message.ShouldContain("command-signing");
    }

    [Fact]
    public async Task A_servers_certificate_that_was_replaced_on_the_disk_is_taken_without_dropping_anybody()
    {
        await using var house = await TestHouse.StartAsync();
        await house.StartDeviceAsync("thermostat-1");
        using var next = house.Center.Authority.Issue(new(CertificateProfile.Broker, "mqtt_broker", ["localhost", "127.0.0.1"]));
        next.Save(house.Center.Installation.PkiDirectory);

        await Eventually.True(() => house.Center.ServerCertificates.Broker.TargetCertificate.Thumbprint == next.Certificate.Thumbprint, "the new file is taken");
        house.PresenceOf("thermostat-1").ShouldBe(PresenceState.Online);
        await house.AuditedAsync(new() { Action = "certificate-reloaded" });
        await house.StartDeviceAsync("door-1");
    }

    private static IReadOnlyList<RevocationClaims> Verified(string evidence, TestHouse house)
    {
        var verdict = EvidenceVerifier.Verify(Encoding.ASCII.GetBytes(evidence), house.Center.Authority.Roots);
        verdict.Problem.ShouldBe("");
        return verdict.Parts;
    }
}
