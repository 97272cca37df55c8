using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Signet.Access;
using Signet.Audit;
using Signet.Testing;
using Signet.Wire;

namespace Signet.Control.Tests;

public sealed class TwoPeopleSpecs
{
    private static async Task<(TestHouse House, Approvers People)> HouseAsync(params string[] doors)
    {
        var house = await TestHouse.StartAsync();
        await house.Center.Accounts.CreateAsync(TestHouse.Operator.Name, null, Role.Operator, TestHouse.Admin);
        var people = new Approvers();
        foreach (var door in doors)
        {
            if (house.Center.Fleet.Find(door) is null) await house.Center.Fleet.AddAsync(new(door, "door"), TestHouse.Admin);
            people.GivePolicyKey(house, door);
        }

        return (house, people);
    }

    private static Task<CommandView> ReachesAsync(TestHouse house, string id, string state)
        => Eventually.Some(async () => await house.Center.Commands.FindAsync(id) is { } view && view.State == state ? view : null, $"{id} is {state}");

    [Fact]
    public async Task A_manifest_travels_to_the_running_device_and_its_class_then_needs_two_people()
    {
        var (house, people) = await HouseAsync("door-1");
        await using var _ = house;
        await house.StartDeviceAsync("door-1");
        var pushed = (await house.Center.Manifests.PushAsync("door-1", people.Manifest("door-1", 1), null, TestHouse.Admin)).Value;
        pushed.Version.ShouldBe(1);
        await Eventually.True(() => house.Center.Manifests.Find("door-1")!.Announced == 1, "the device obeys it and says so");

        var asked = (await house.Center.Commands.SendAsync(new("door-1", "open"), TestHouse.Operator)).Value;
        asked.State.ShouldBe("awaiting-approval");
        var proposal = (await house.Center.Commands.ProposalsOfAsync(asked.Id)).Single();
        (proposal.Class, proposal.Needed, proposal.Requester).ShouldBe(("gates", 2, TestHouse.Operator.Name));

        (await house.Center.Commands.ApproveAsync(proposal.Id, people.Approve(proposal, "ana"), TestHouse.Operator)).Value.Approved.ShouldBe(["ana"]);
        (await house.Center.Commands.ApproveAsync(proposal.Id, people.Approve(proposal, "ana"), TestHouse.Operator)).Value.Approved.ShouldBe(["ana"]); // people count, not signatures
        (await house.Center.Commands.FindAsync(asked.Id))!.State.ShouldBe("awaiting-approval");
        (await house.Center.Commands.ApproveAsync(proposal.Id, people.Approve(proposal, "ben"), TestHouse.Operator)).Value.IsMet.ShouldBeTrue();

        (await ReachesAsync(house, asked.Id, "executed")).Proposal.ShouldBe(proposal.Id);
        var file = (await house.Center.Commands.ExportReceiptAsync(asked.Id, TestHouse.Operator)).Value;
        ReceiptVerifier.Verify(file.Json.Span, [house.Center.Authority.Root, people.Policy]).Problem.ShouldBe("");
        using var temp = new TempDirectory();
        foreach (var (name, bytes) in new[] { ("r.json", file.Json.ToArray()), ("root.crt", Encoding.ASCII.GetBytes(house.Center.Authority.Root.ExportCertificatePem())), ("policy.crt", Encoding.ASCII.GetBytes(people.Policy.ExportCertificatePem())) })
            await File.WriteAllBytesAsync(temp.File(name), bytes);
        (await PythonVerdicts.OfAsync([temp.File("r.json")], temp.File("root.crt"), temp.File("policy.crt"))).ShouldBe([true]);
        (await PythonVerdicts.OfAsync([temp.File("r.json")], temp.File("root.crt"))).ShouldBe([false]);
        ReceiptVerifier.Verify(file.Json.Span, [house.Center.Authority.Root]).Problem.ShouldContain("policy key that is not among the trusted");
        (await house.SendAsync("door-1", "close")).State.ShouldBe("executed"); // not in the class
        (await house.Center.Audit.QueryAsync(new() { Action = "command-approved" })).Entries.Select(e => e.Actor).Distinct().ShouldBe(["ana", "ben"], ignoreOrder: true);
        await house.AssertAuditIntactAsync();
    }

    [Fact]
    public async Task A_stolen_center_key_with_a_stolen_intermediate_executes_nothing_in_a_class()
    {
        var (house, people) = await HouseAsync("door-1");
        await using var _ = house;
        await house.StartDeviceAsync("door-1");
        await house.Center.Manifests.PushAsync("door-1", people.Manifest("door-1", 1), null, TestHouse.Admin);
        await Eventually.True(() => house.Center.Manifests.Find("door-1")!.Announced == 1, "the device obeys it");
        await using var thief = await house.ConnectAsCenterAsync();
        using var signer = StolenSigner(house);
        using var random = RandomNumberGenerator.Create();
        using var own = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var proposal = new Proposal(MessageId.New(TimeProvider.System, random), "gates", ["door-1"], "open", [], "olaf", 2, DateTimeOffset.UtcNow.AddMinutes(5), DateTimeOffset.UtcNow, []);

        await SayAsync(Command(null, []));
        (await RefusedAsync("approval-missing")).ShouldNotBeNull();
        await SayAsync(Command(proposal.Id, [people.Approve(proposal, "ana")]));
        (await RefusedAsync("approval-missing")).ShouldNotBeNull();
        // Approvals by people the thief made up, under the names of those who may.
        await SayAsync(Command(proposal.Id, [Approvers.Sign(proposal, "ana", own, "made-up-1"), Approvers.Sign(proposal, "ben", own, "made-up-2")]));
        (await RefusedAsync("approval-invalid")).ShouldNotBeNull();
        // With the intermediate's key too: certificates in the names of those who may, that lead to the root as theirs do; and a manifest that lists them, signed by the intermediate.
        using var forgedAna = house.Center.Authority.Issue(new(Pki.CertificateProfile.User, "ana"));
        using var forgedBen = house.Center.Authority.Issue(new(Pki.CertificateProfile.User, "ben"));
        var refusals = (await house.Center.Audit.QueryAsync(new() { Type = AuditTypes.Security, Actor = "door-1", Reason = "approval-invalid" })).Entries.Count;
        await SayAsync(Command(proposal.Id, [.. new[] { ("ana", forgedAna), ("ben", forgedBen) }.Select(by => Approvers.Sign(proposal, by.Item1, by.Item2.Certificate.GetECDsaPrivateKey()!, by.Item2.Thumbprint))]));
        await Eventually.Some(async () => (await house.Center.Audit.QueryAsync(new() { Type = AuditTypes.Security, Actor = "door-1", Reason = "approval-invalid" })).Entries.Count > refusals ? "" : null, "the device refuses them");
        using var intermediate = Pki.PemFile.ReadWithKey(Path.Combine(house.Center.Installation.PkiDirectory, "intermediate.crt"), Path.Combine(house.Center.Installation.PkiDirectory, "intermediate.key"));
        var lists = Approvers.SignManifest("door-1", 7, intermediate, [new("ana", forgedAna.Certificate.RawData), new("ben", forgedBen.Certificate.RawData)]);
        await thief.PublishAsync(new() { Topic = Topics.Manifest("door-1"), Payload = Encoding.ASCII.GetBytes(lists), QoS = Mqtt.QoS.AtLeastOnce });
        await house.AuditedAsync(new() { Type = AuditTypes.Security, Actor = "door-1", Action = "manifest-refused-by-device", Reason = "unknown-key" });
        house.Center.Manifests.Find("door-1")!.Announced.ShouldBe(1);
        (await house.Center.Audit.QueryAsync(new() { Outcome = "executed" })).Entries.ShouldBeEmpty();

        byte[] Command(string? proposal, string[] approvals) => CommandMessage.Sign(new()
        {
            Issuer = "command_center", Audience = "door-1", Id = MessageId.New(TimeProvider.System, random), IssuedAt = DateTimeOffset.UtcNow, ExpiresAt = DateTimeOffset.UtcNow.AddSeconds(20),
            Epoch = DateTimeOffset.UtcNow.ToUnixTimeSeconds() + 1, Sequence = Random.Shared.Next(1, int.MaxValue), Topic = Topics.Command("door-1"), Command = "open", Arguments = [], OriginatorName = "olaf", OriginatorRole = "operator",
            Proposal = proposal, Approvals = approvals,
        }, signer);
        Task SayAsync(byte[] bytes) => thief.PublishAsync(new() { Topic = Topics.Command("door-1"), Payload = bytes, QoS = Mqtt.QoS.AtLeastOnce });
        Task<AuditEntry> RefusedAsync(string reason) => house.AuditedAsync(new() { Type = AuditTypes.Security, Actor = "door-1", Reason = reason });
    }

    [Theory]
    [InlineData("other-arguments", "other arguments")]
    [InlineData("other-device", "other devices")]
    [InlineData("other-command", "another command")]
    [InlineData("other-proposal", "another proposal")]
    [InlineData("no-approver", "may not approve")]
    [InlineData("requester", "does not count")]
    [InlineData("stranger", "no pinned key")]
    public async Task An_approval_that_does_not_fit_is_refused_at_the_center_for_its_own_reason(string kind, string words)
    {
        var (house, people) = await HouseAsync("door-1");
        await using var _ = house;
        await house.Center.Manifests.PushAsync("door-1", people.Manifest("door-1", 1), null, TestHouse.Admin);
        var asked = (await house.Center.Commands.SendAsync(new("door-1", "open"), TestHouse.Operator)).Value;
        var proposal = (await house.Center.Commands.ProposalsOfAsync(asked.Id)).Single();
        using var own = ECDsa.Create(ECCurve.NamedCurves.nistP256);

        var approval = kind switch
        {
            "other-arguments" => people.Approve(proposal with { Arguments = new JsonObject { ["wide"] = true } }, "ana"),
            "other-device" => people.Approve(proposal with { Devices = ["door-2"] }, "ana"),
            "other-command" => people.Approve(proposal with { Command = "restart" }, "ana"),
            "other-proposal" => people.Approve(proposal with { Id = "01JQX4S8M0RSTVWXYZ23456789" }, "ana"),
            "no-approver" => people.Approve(proposal, "eve"),
            "requester" => people.Approve(proposal with { Requester = "ana" }, "ana"),
            _ => Approvers.Sign(proposal, "ana", own, "stranger"),
        };

        var refused = await house.Center.Commands.ApproveAsync(proposal.Id, approval, TestHouse.Operator);
        refused.Refusal!.Message.ShouldContain(words);
        refused.Refusal.Name.ShouldBe("approval-invalid");
        (await house.AuditedAsync(new() { Action = "command-approved", Outcome = "refused" })).Reason.ShouldBe("approval-invalid");
        (await house.Center.Commands.ProposalsOfAsync(asked.Id)).Single().Approved.ShouldBeEmpty();
    }

    [Fact]
    public async Task An_older_manifest_and_one_by_another_key_are_refused_by_center_and_device()
    {
        var (house, people) = await HouseAsync("door-1");
        await using var _ = house;
        await house.StartDeviceAsync("door-1");
        await house.Center.Manifests.PushAsync("door-1", people.Manifest("door-1", 5), null, TestHouse.Admin);
        await Eventually.True(() => house.Center.Manifests.Find("door-1")!.Announced == 5, "the device obeys it");

        (await house.Center.Manifests.PushAsync("door-1", people.Manifest("door-1", 4), null, TestHouse.Admin)).Refusal!.Name.ShouldBe("conflict");
        (await house.Center.Manifests.PushAsync("door-1", new Approvers().Manifest("door-1", 6), null, TestHouse.Admin)).Refusal!.Message.ShouldContain("unknown-key");
        (await house.Center.Manifests.PushAsync("door-1", people.Manifest("door-2", 6), null, TestHouse.Admin)).Refusal!.Message.ShouldContain("wrong-audience");
        (await house.Center.Manifests.PushAsync("door-1", people.Manifest("door-1", 6), null, TestHouse.Operator)).Refusal!.Name.ShouldBe("not-allowed");

        // A thief at the broker puts the old one back: the device stays with what it obeys.
        await using var thief = await house.ConnectAsCenterAsync();
        await thief.PublishAsync(new() { Topic = Topics.Manifest("door-1"), Payload = Encoding.ASCII.GetBytes(people.Manifest("door-1", 4)), QoS = Mqtt.QoS.AtLeastOnce, Retain = true });
        await thief.PublishAsync(new() { Topic = Topics.Manifest("door-1"), Payload = Encoding.ASCII.GetBytes(new Approvers().Manifest("door-1", 9)), QoS = Mqtt.QoS.AtLeastOnce });
        (await house.SendAsync("door-1", "close")).State.ShouldBe("executed");
        house.Center.Manifests.Find("door-1")!.Announced.ShouldBe(5);
        // And whoever watches the fleet hears of both from the device.
        var older = await house.AuditedAsync(new() { Type = AuditTypes.Security, Action = "manifest-refused-by-device", Reason = "replayed" });
        (older.Actor, (string)older.Details["detail"]!).ShouldBe(("door-1", "version 4 is older than 5, which this device has obeyed"));
        await house.AuditedAsync(new() { Type = AuditTypes.Security, Action = "manifest-refused-by-device", Reason = "unknown-key" });
        await house.AssertAuditIntactAsync();
    }

    [Fact]
    public async Task A_rollout_in_a_class_is_one_proposal_for_all_its_devices()
    {
        var (house, people) = await HouseAsync("door-1", "door-2");
        await using var _ = house;
        foreach (var door in new[] { "door-1", "door-2" })
        {
            await house.StartDeviceAsync(door);
            await house.Center.Manifests.PushAsync(door, people.Manifest(door, 1), null, TestHouse.Admin);
            await Eventually.True(() => house.Center.Manifests.Find(door)!.Announced == 1, "the device obeys it");
        }

        var rollout = (await house.Center.Commands.SendManyAsync(new("kind:door", "open"), TestHouse.Operator)).Value;
        var proposal = (await house.Center.Commands.ProposalsOfAsync(rollout.Id)).Single();
        proposal.Devices.ShouldBe(["door-1", "door-2"]);
        foreach (var person in new[] { "ana", "ben" }) (await house.Center.Commands.ApproveAsync(proposal.Id, people.Approve(proposal, person), TestHouse.Operator)).Refusal.ShouldBeNull();

        await Eventually.Some(async () => await house.Center.Commands.FindRolloutAsync(rollout.Id) is { Executed: 2 } done ? done : null, "both opened");
    }

    [Fact]
    public async Task A_suite_that_ended_is_refused_by_the_device()
    {
        var (house, people) = await HouseAsync("door-1");
        await using var _ = house;
        await house.StartDeviceAsync("door-1");
        await house.Center.Manifests.PushAsync("door-1", people.Manifest("door-1", 1, new SuiteGrant("signet-es256-1", null), new SuiteGrant("signet-ps256-1", DateTimeOffset.UtcNow.AddHours(-1))), null, TestHouse.Admin);
        await Eventually.True(() => house.Center.Manifests.Find("door-1")!.Announced == 1, "the device obeys it");

        var refused = await house.SendAsync("door-1", "close");

        (refused.State, refused.Reason).ShouldBe(("rejected", "algorithm-not-allowed"));
    }

    private static SigningKey StolenSigner(TestHouse house)
    {
        var pki = house.Center.Installation.PkiDirectory;
        var certificate = Pki.PemFile.ReadWithKey(Path.Combine(pki, "center_sign.crt"), Path.Combine(pki, "center_sign.key"));
        return SigningKey.Ps256(certificate.GetRSAPrivateKey()!, Thumbprint.Of(certificate));
    }

    /// <summary>A policy key, and people with keys of their own; eve is known and may approve nothing.</summary>
    private sealed class Approvers
    {
        private readonly X509Certificate2 _policy = Make("policy");
        private readonly Dictionary<string, X509Certificate2> _people = new[] { "ana", "ben", "eve" }.ToDictionary(p => p, Make, StringComparer.Ordinal);

        public X509Certificate2 Policy => _policy;

        public void GivePolicyKey(TestHouse house, string device) => File.WriteAllText(Path.Combine(house.Center.Installation.DeviceDirectory(device), "policy.crt"), _policy.ExportCertificatePem());

        public string Manifest(string device, long version, params SuiteGrant[] suites) => SignManifest(device, version, _policy, [.. _people.Select(p => new Approver(p.Key, p.Value.RawData))], suites);

        public static string SignManifest(string device, long version, X509Certificate2 policy, IReadOnlyList<Approver> approvers, params SuiteGrant[] suites)
        {
            using var random = RandomNumberGenerator.Create();
            using var key = SigningKey.Es256(policy.GetECDsaPrivateKey()!, Thumbprint.Of(policy));
            return Encoding.ASCII.GetString(ManifestMessage.Sign(new()
            {
                Issuer = ManifestClaims.Policy, Id = MessageId.New(TimeProvider.System, random), IssuedAt = DateTimeOffset.UtcNow, Audience = device, Version = version,
                Commands = ["check-status", "close", "open", "restart"], Suites = suites.Length > 0 ? suites : [new("signet-ps256-1", null)], OnlySealed = false,
                Classes = [new("gates", ["open"], 2, ["ana", "ben"])], Approvers = approvers,
            }, key));
        }

        public string Approve(Proposal proposal, string person) => Sign(proposal, person, _people[person].GetECDsaPrivateKey()!, Thumbprint.Of(_people[person]));

        public static string Sign(Proposal proposal, string person, ECDsa with, string keyId)
        {
            using var random = RandomNumberGenerator.Create();
            // Not disposed: it would take the certificate's key with it.
            var key = SigningKey.Es256(with, keyId);
            return Encoding.ASCII.GetString(ApprovalMessage.Sign(new()
            {
                Issuer = person, Id = MessageId.New(TimeProvider.System, random), IssuedAt = DateTimeOffset.UtcNow, Proposal = proposal.Id, Class = proposal.Class, Devices = proposal.Devices,
                Command = proposal.Command, Arguments = proposal.Arguments, NotAfter = proposal.NotAfter, Requester = proposal.Requester,
            }, key));
        }

        private static X509Certificate2 Make(string name)
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            return new CertificateRequest("CN=" + name, key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(30));
        }
    }
}
