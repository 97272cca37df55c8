using System.Buffers.Text;
using System.Text.Json.Nodes;

namespace Signet.Wire.Tests;

/// <summary>The shared vectors, made by another program (vectors/make_vectors.py): each must get exactly the reason that stands beside it.</summary>
public sealed class VectorSpecs
{
    private static readonly string[] Kinds = ["command", "receipt", "telemetry", "status", "heartbeat", "data", "sealed", "manifest", "quorum"];
    private static readonly Dictionary<string, VectorFile> Files = Kinds.ToDictionary(k => k, VectorFile.Open);

    public static TheoryData<string, string> All() => new(Kinds.SelectMany(kind => Files[kind].Vectors.Select(v => (kind, (string)v["name"]!))));

    [Theory]
    [MemberData(nameof(All))]
    public void Each_vector_gets_the_reason_that_stands_beside_it(string kind, string name)
    {
        var vector = Files[kind][name];
        var verified = Verify(vector, kind, VectorFile.MessageOf(vector), Files[kind].ExpectationOf(vector), out var rejection);
        (verified ? "accepted" : RejectReasons.Of(rejection.Reason).Name).ShouldBe((string)vector["expect"]!, rejection.ToString());
        rejection.Detail.ShouldBe(verified ? null : rejection.Detail);
        if (!verified) rejection.Detail.Length.ShouldBeInRange(1, 300);
    }

    [Theory]
    [MemberData(nameof(All))]
    public void The_payload_of_an_accepted_vector_is_what_our_writer_makes_of_it(string kind, string name)
    {
        var vector = Files[kind][name];
        if ((string)vector["expect"]! != "accepted" || kind == "sealed") return;
        var payload = Base64Url.DecodeFromChars(((string)vector["message"]!).Split('.')[1]);
        CanonicalJson.Write(JsonNode.Parse(payload)).ShouldBe(payload);
        CanonicalJson.TryParse(payload, out var parsed, out _).ShouldBeTrue();
        CanonicalJson.Write(parsed).ShouldBe(payload);
    }

    [Fact]
    public void The_vectors_reach_every_reason_of_this_layer()
    {
        var reached = Files.Values.SelectMany(f => f.Vectors).Select(v => (string)v["expect"]!).ToHashSet();
        reached.ShouldBe(["accepted", "malformed", "too-large", "unknown-key", "algorithm-not-allowed", "bad-signature", "certificate-expired", "wrong-audience", "wrong-topic", "issued-in-future", "expired", "cannot-decrypt", "approval-missing", "approval-invalid"], ignoreOrder: true);
    }

    [Fact]
    public void The_replay_window_walks_through_its_vectors()
    {
        var file = VectorFile.Load("replay.json");
        var now = DateTimeOffset.FromUnixTimeSeconds((long)file["now"]!);
        var window = new ReplayWindow();
        foreach (var step in file["steps"]!.AsArray())
        {
            var (epoch, sequence) = ((long)step!["message"]![0]!, (long)step["message"]![1]!);
            var fresh = window.Check(epoch, sequence, now, out var why);
            (fresh ? "accepted" : RejectReasons.Of(why.Reason).Name).ShouldBe((string)step["expect"]!, step.ToJsonString());
            if (fresh) window.Commit(epoch, sequence);
        }
    }

    internal static bool Verify(JsonObject vector, string kind, ReadOnlySpan<byte> message, Expectation expected, out Rejection rejection) => kind switch
    {
        "command" => CommandMessage.TryVerify(message, expected, out _, out rejection),
        "receipt" => ReceiptMessage.TryVerify(message, expected, out _, out rejection),
        "telemetry" => TelemetryMessage.TryVerify(message, expected, out _, out rejection),
        "status" => StatusMessage.TryVerify(message, expected, out _, out rejection),
        "heartbeat" => HeartbeatMessage.TryVerify(message, expected, out _, out rejection),
        "data" => DataMessage.TryVerify(message, expected, out _, out rejection),
        "manifest" => ManifestMessage.TryVerify(message, expected, out _, out rejection),
        "quorum" => CommandMessage.TryVerify(message, expected, out var command, out rejection) && Quorum.IsMet(command.Claims, Policy.Value, expected.Now, out rejection),
        "sealed" => OpenAndVerify(vector, message, expected, out rejection),
        _ => throw new ArgumentException(kind),
    };

    private static readonly Lazy<ManifestClaims> Policy = new(() => VectorFile.Open("quorum").ReadManifest());

    private static bool OpenAndVerify(JsonObject vector, ReadOnlySpan<byte> message, Expectation expected, out Rejection rejection)
    {
        using var key = VectorFile.OpeningKeyOf(vector);
        return SealedMessage.TryOpen(message, key, expected, out var signed, out rejection) && CommandMessage.TryVerify(signed, expected, out _, out rejection);
    }
}
