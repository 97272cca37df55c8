using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Signet.Wire;

namespace Signet.Agent.Tests;

/// <summary>What a signed manifest allows, and commands that need several people.</summary>
public sealed class ManifestSpecs
{
    private static readonly Dictionary<string, X509Certificate2> People = new[] { "alice", "bob", "carol", "mallory" }.ToDictionary(n => n, Certificate);
    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeSeconds(1_800_000_000);
    private const string Proposal = "01JQX4S8M0RSTVWXYZ23456789";

    internal static ManifestClaims Manifest(IReadOnlyList<SuiteGrant>? suites = null, bool requesterCounts = false, params CommandRule[] rules)
    {
        var claims = new ManifestClaims
        {
            Issuer = ManifestClaims.Policy, Id = Proposal, IssuedAt = Now, Audience = Bench.Device, Version = 1, Commands = ["open", "unlock"],
            Suites = suites ?? [new("signet-ecdh-es-1", null), new("signet-es256-1", null)], OnlySealed = false,
            Classes = [new("critical", ["unlock"], 2, ["alice", "bob", "carol"], requesterCounts)],
            Approvers = [.. People.Where(p => p.Key != "mallory").Select(p => new Approver(p.Key, p.Value.RawData))],
            Rules = rules,
        };
        // As the device gets it: signed and read again.
        using var certificate = Certificate("policy");
        using var key = SigningKey.Es256(certificate.GetECDsaPrivateKey()!, Thumbprint.Of(certificate));
        using var pinned = PinnedKey.FromCertificate(certificate, ManifestClaims.Policy, "ES256");
        ManifestMessage.TryVerify(ManifestMessage.Sign(claims, key), new() { Keys = KeyRing.Empty.With(pinned), Audience = Bench.Device, Topic = "", Now = Now }, out var verified, out var rejection).ShouldBeTrue(rejection.ToString());
        return verified!.Claims;
    }

    private static Bench NewBench(ManifestClaims manifest)
    {
        var runs = 0;
        return new Bench(new CommandHandlers().Handle("open", ArgumentSchema.Any, _ => CommandOutcome.Done(new JsonObject { ["runs"] = ++runs })).Handle("unlock", ArgumentSchema.Any, _ => CommandOutcome.Done()).Handle("explode", ArgumentSchema.Any, _ => CommandOutcome.Done()), manifest: manifest);
    }

    private static string Approve(string person, Func<ApprovalClaims, ApprovalClaims>? change = null, string? signer = null)
    {
        var claims = new ApprovalClaims
        {
            Issuer = person, Id = "01JQX4S8M9RSTVWXYZ23456789", IssuedAt = Now.AddHours(-1), Proposal = Proposal, Class = "critical", Devices = [Bench.Device, "door-2"], Command = "unlock",
            Arguments = new() { ["minutes"] = 5 }, NotAfter = Now.AddHours(1), Requester = "dave",
        };
        var certificate = People[signer ?? person];
        using var key = SigningKey.Es256(certificate.GetECDsaPrivateKey()!, Thumbprint.Of(certificate));
        return Encoding.ASCII.GetString(ApprovalMessage.Sign(change?.Invoke(claims) ?? claims, key));
    }

    private static async Task<ReceiptClaims> SendAsync(Bench bench, params string[] approvals)
    {
        var claims = bench.Claims("unlock", new() { ["minutes"] = 5 });
        await bench.ReceiveAsync(bench.Sign(approvals.Length == 0 ? claims : claims with { Proposal = Proposal, Approvals = approvals }));
        return bench.Receipts()[^1];
    }

    [Fact]
    public async Task A_command_that_two_people_approved_is_carried_out_once()
    {
        using var bench = NewBench(Manifest());
        (await SendAsync(bench, Approve("alice"), Approve("bob"))).State.ShouldBe(ReceiptState.Executed);
        var again = await SendAsync(bench, Approve("alice"), Approve("bob")); // a new number, signed by the center, under the same proposal
        (again.State, again.Reason).ShouldBe((ReceiptState.Rejected, RejectReason.ApprovalInvalid));
        bench.Crash();
        bench.Start();
        (await SendAsync(bench, Approve("alice"), Approve("carol"))).Reason.ShouldBe(RejectReason.ApprovalInvalid);
    }

    [Fact]
    public async Task Too_few_people_are_too_few_whatever_the_center_signs()
    {
        using var bench = NewBench(Manifest());
        (await SendAsync(bench)).Reason.ShouldBe(RejectReason.ApprovalMissing);
        (await SendAsync(bench, Approve("alice"))).Reason.ShouldBe(RejectReason.ApprovalMissing);
        (await SendAsync(bench, Approve("alice"), Approve("alice", a => a with { Id = "01JQX4S8M8RSTVWXYZ23456789" }))).Reason.ShouldBe(RejectReason.ApprovalMissing);
    }

    public static TheoryData<string> Wrongs => [.. Wrong.Keys];

    private static readonly Dictionary<string, Func<string>> Wrong = new()
    {
        ["another proposal"] = () => Approve("bob", a => a with { Proposal = "01JQX4S8M7RSTVWXYZ23456789" }),
        ["another class"] = () => Approve("bob", a => a with { Class = "harmless" }),
        ["another command"] = () => Approve("bob", a => a with { Command = "open" }),
        ["other devices"] = () => Approve("bob", a => a with { Devices = ["door-2"] }),
        ["other arguments"] = () => Approve("bob", a => a with { Arguments = new() { ["minutes"] = 500 } }),
        ["past its end"] = () => Approve("bob", a => a with { NotAfter = Now.AddSeconds(-1) }),
        ["asked for it herself"] = () => Approve("bob", a => a with { Requester = "bob" }),
        ["somebody who is no approver"] = () => Approve("mallory"),
        ["signed by somebody else"] = () => Approve("bob", signer: "mallory"),
        ["signed by the other approver"] = () => Approve("bob", signer: "alice"),
        ["no approval at all"] = () => "hello",
    };

    [Theory]
    [MemberData(nameof(Wrongs))]
    public async Task One_approval_that_does_not_fit_refuses_the_command(string wrong)
    {
        using var bench = NewBench(Manifest());
        var refusal = await SendAsync(bench, Approve("alice"), Approve("carol"), Wrong[wrong]());
        (refusal.State, refusal.Reason).ShouldBe((ReceiptState.Rejected, RejectReason.ApprovalInvalid));
    }

    [Fact]
    public async Task Whoever_asked_counts_where_the_class_says_so()
    {
        using var bench = NewBench(Manifest(requesterCounts: true));
        (await SendAsync(bench, Approve("alice", a => a with { Requester = "alice" }), Approve("bob"))).State.ShouldBe(ReceiptState.Executed);
    }

    [Fact]
    public async Task Commands_in_no_class_need_nobody_and_those_not_in_the_manifest_are_refused()
    {
        using var bench = NewBench(Manifest());
        await bench.ReceiveAsync(bench.Sign(bench.Claims("open")));
        bench.Receipts()[^1].State.ShouldBe(ReceiptState.Executed);
        await bench.ReceiveAsync(bench.Sign(bench.Claims("explode"))); // device.json allows it, policy does not
        bench.Receipts()[^1].Reason.ShouldBe(RejectReason.CommandNotAllowed);
    }

    public static TheoryData<string, bool> Told => new()
    {
        { """{"rpm":0}""", true }, { """{"rpm":3000}""", true }, { """{"rpm":12.5,"mode":"slow","loud":true,"note":"hi","steps":4}""", true },
        { "{}", false }, { """{"rpm":-1}""", false }, { """{"rpm":3000.5}""", false }, { """{"rpm":"fast"}""", false }, { """{"rpm":1,"mode":"warp"}""", false }, { """{"rpm":1,"loud":1}""", false },
        { """{"rpm":1,"note":"too long"}""", false }, { """{"rpm":1,"steps":4.5}""", false }, { """{"rpm":1,"steps":[4]}""", false }, { """{"rpm":1,"other":1}""", false },
    };

    [Theory]
    [MemberData(nameof(Told))]
    public async Task Arguments_are_held_against_policy_besides_the_devices_own_schema(string arguments, bool fits)
    {
        using var bench = NewBench(Manifest(rules: new CommandRule("open",
        [
            new("loud", ArgumentType.Flag) { IsOptional = true }, new("mode", ArgumentType.Choice) { Choices = ["fast", "slow"], IsOptional = true }, new("note", ArgumentType.Text) { Longest = 2, IsOptional = true },
            new("rpm", ArgumentType.Number) { Least = 0, Most = 3000 }, new("steps", ArgumentType.Integer) { Least = 1, Most = 4, IsOptional = true },
        ])));
        await bench.ReceiveAsync(bench.Sign(bench.Claims("open", JsonNode.Parse(arguments)!.AsObject())));
        var receipt = bench.Receipts()[^1];
        (receipt.State, receipt.Reason).ShouldBe(fits ? (ReceiptState.Executed, RejectReason.None) : (ReceiptState.Rejected, RejectReason.BadArguments), receipt.Result.ToJsonString());
        if (!fits) receipt.Result["detail"]!.GetValue<string>().ShouldStartWith("policy:");
    }

    [Fact]
    public async Task A_suite_past_its_sunset_is_refused_and_one_not_named_too()
    {
        using var bench = NewBench(Manifest([new("signet-es256-1", Now.AddSeconds(10))]));
        await bench.ReceiveAsync(bench.Sign(bench.Claims("open")));
        bench.Receipts()[^1].State.ShouldBe(ReceiptState.Executed);
        bench.Time.Advance(TimeSpan.FromSeconds(11));
        await bench.ReceiveAsync(bench.Sign(bench.Claims("open")));
        bench.Receipts()[^1].Reason.ShouldBe(RejectReason.AlgorithmNotAllowed);
        await bench.ReceiveAsync(Bench.Seal(bench.Sign(bench.Claims("open"))));
        bench.Receipts()[^1].Reason.ShouldBe(RejectReason.AlgorithmNotAllowed);
    }

    private static X509Certificate2 Certificate(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.FromUnixTimeSeconds(1_700_000_000), DateTimeOffset.FromUnixTimeSeconds(1_900_000_000));
    }
}
