using System.Text.Json.Nodes;
using Signet.House.Tests.Program;

namespace Signet.House.Tests;

/// <summary>Old segments leave a running log by the command line: what is left, what went and what auditors kept of it stays provable.</summary>
public sealed class AuditRetentionSpecs : IDisposable
{
    private const int SegmentEntries = 1_000;   // the least that can be set
    private readonly string _folder = Directory.CreateTempSubdirectory("signet-retention-").FullName;

    private string Data => At("data");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    [Trait("row", "S0-27")]
    public async Task A_sealed_segment_goes_to_the_archive_and_proofs_notes_and_files_from_before_and_after_still_verify()
    {
        string archived;
        await using (var up = await SignetProcess.UpAsync(Data, new Dictionary<string, string> { ["SIGNET__Audit__SegmentEntries"] = $"{SegmentEntries}" }))
        {
            await SealAsync(up, segments: 1);
            await GetAsync(up, "audit/export?seq=5", At("before.ndjson"));
            await SealAsync(up, segments: 2);

            var retired = await Run("audit", "retire", "--older-than-days", "0", "--yes", "--json");
            var segment = retired.Json["segments"]!.AsArray().ShouldHaveSingleItem(retired.Error)!;
            ((long)segment["first"]!).ShouldBe(1);
            var last = (long)segment["last"]!;
            last.ShouldBeGreaterThanOrEqualTo(SegmentEntries);
            archived = (string)segment["file"]!;
            archived.ShouldStartWith(Path.Combine(Data, "audit", "archive"));

            (await GetAsync(up, "audit/5")).ShouldBe(404);
            (await GetAsync(up, $"audit/{last}")).ShouldBe(404);
            (await GetAsync(up, $"audit/{last + 1}/proof")).ShouldBe(200);
            var live = await Run("audit", "verify");
            live.ExitCode.ShouldBe(0, live.Error);
            live.Output.ShouldContain($"entries 1 to {last} are archived; their signed root was checked, not they themselves");
            (await Run("audit", "export", "--out", At("after.ndjson"), "--trust-out", At("trust.pem"))).ExitCode.ShouldBe(0);
            var said = (await Run("audit", "list", "--action", "segments-retired", "--json")).Json["entries"]!.AsArray().ShouldHaveSingleItem()!;
            ((string)said["actor"]!, (long)said["details"]!["last"]!, (string)said["details"]!["how"]!).ShouldBe(("local-operator", last, "archived"));
        }

        foreach (var file in new[] { archived, At("before.ndjson"), At("after.ndjson") })
        {
            var verified = await Run("audit", "verify", "--file", file, "--trust", At("trust.pem"));
            verified.ExitCode.ShouldBe(0, $"{file}: {verified.Error}");
        }
        // A note from when the segment was still there, held against what is left.
        var known = await Run("audit", "verify", "--offline", "--known", At("note-1"));
        known.ExitCode.ShouldBe(0, known.Error);

        var lines = await File.ReadAllLinesAsync(archived, TestContext.Current.CancellationToken);
        var cut = Array.FindIndex(lines, line => line.Contains("\"seq\":500,", StringComparison.Ordinal));
        await File.WriteAllLinesAsync(At("cut.ndjson"), [.. lines[..cut], .. lines[(cut + 1)..]], TestContext.Current.CancellationToken);
        var forged = await Run("audit", "verify", "--file", At("cut.ndjson"), "--trust", At("trust.pem"), "--json");
        (forged.ExitCode, (string)forged.Json["kind"]!, (long)forged.Json["firstBad"]!).ShouldBe((4, "Deleted", 500));
    }

    // Refused commands are entries like others, and the cheapest to make.
    private async Task SealAsync(SignetProcess up, int segments)
    {
        var made = await Peer.RunAsync("curl", ["-sk", "-Z", "--parallel-max", "16", "-X", "POST", "-H", $"Authorization: Bearer {(string)up.Ready["token"]!}", "-H", "Content-Type: application/json", "-d", """{"device":"nobody","command":"open"}""",
            "-o", "/dev/null", "-w", "%{http_code}\n", $"{(string)up.Ready["console"]!}/api/v1/commands?n=[1-{SegmentEntries}]"], seconds: 60);
        made.Output.Split('\n').Count(code => code == "404").ShouldBe(SegmentEntries, made.Error);
        (await Run("audit", "checkpoint", "--out", At($"note-{segments}"))).ExitCode.ShouldBe(0);
        var watch = System.Diagnostics.Stopwatch.StartNew();
        while (JsonNode.Parse(await BodyAsync(up, "audit/segments"))!["segments"]!.AsArray().Count < segments) watch.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(60));
    }

    private static async Task<int> GetAsync(SignetProcess up, string path, string into = "/dev/null") => int.Parse(await CurlAsync(up, path, "-o", into, "-w", "%{http_code}"), System.Globalization.CultureInfo.InvariantCulture);

    private static Task<string> BodyAsync(SignetProcess up, string path) => CurlAsync(up, path);

    private static async Task<string> CurlAsync(SignetProcess up, string path, params string[] more) =>
        (await Peer.RunAsync("curl", ["-sk", "--max-time", "20", "-H", $"Authorization: Bearer {(string)up.Ready["token"]!}", .. more, $"{(string)up.Ready["console"]!}/api/v1/{path}"])).Output;

    private string At(string name) => Path.Combine(_folder, name);

    private Task<Outcome> Run(params string[] arguments) => SignetProcess.RunAsync(Data, arguments);
}
