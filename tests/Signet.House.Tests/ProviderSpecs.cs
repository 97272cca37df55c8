using System.Diagnostics;
using System.Net;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Signet.House.Tests.Program;
using Signet.House.Tests.Rules;
using Signet.Testing;

namespace Signet.House.Tests;

/// <summary>Signing in with a provider that others wrote, as it is set up: settings, a certificate of an authority of its own, groups of new people.</summary>
public sealed partial class ProviderSpecs : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("signet-oidc-").FullName;

    private string Data => Path.Combine(_folder, "data");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_provider_with_an_authority_of_its_own_is_believed_by_its_trust_file_alone_and_new_people_are_limited_to_the_groups_that_are_set()
    {
        const string Make = """
            openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout root.key -out root.crt -days 2 -subj /CN=example-root -addext basicConstraints=critical,CA:TRUE 2>/dev/null
            openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout other.key -out other.crt -days 2 -subj /CN=other-root -addext basicConstraints=critical,CA:TRUE 2>/dev/null
            openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout id.key -out id.csr -subj /CN=127.0.0.1 2>/dev/null
            printf 'subjectAltName=IP:127.0.0.1' > id.ext
            openssl x509 -req -in id.csr -CA root.crt -CAkey root.key -CAcreateserial -days 2 -extfile id.ext -out id.crt 2>/dev/null
            """;
        (await BoundedProcess.RunAsync("sh", ["-ec", Make], directory: _folder)).ExitCode.ShouldBe(0);
        var peers = Repository.PathOf("tests", "peers", "oidc");
        Directory.Exists(Path.Combine(peers, "node_modules")).ShouldBeTrue($"run `npm ci` in {peers}, or ./test.sh");
        var start = new ProcessStartInfo("node", "provider.mjs") { WorkingDirectory = peers, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        (start.Environment["TLS_CERTIFICATE"], start.Environment["TLS_KEY"]) = (Path.Combine(_folder, "id.crt"), Path.Combine(_folder, "id.key"));
        using var node = Process.Start(start)!;
        _ = node.StandardError.ReadToEndAsync();
        try
        {
            var issuer = (string)JsonNode.Parse((await node.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(30)))!)!["issuer"]!;
            issuer.ShouldStartWith("https://");
            var people = Path.Combine(_folder, "people.json");
            await File.WriteAllTextAsync(people, """{ "u-1": { "preferred_username": "Noor" } }""");
            Dictionary<string, string> Settings(string? trust) => new()
            {
                ["SIGNET__Oidc__Issuer"] = issuer, ["SIGNET__Oidc__ClientId"] = "signet", ["SIGNET__Oidc__NewAccounts"] = "true", ["SIGNET__Oidc__Groups"] = "north, south",
                ["SIGNET__Oidc__TrustFile"] = trust is null ? "" : Path.Combine(_folder, trust),
            };

            // The operating system's roots do not know it, and another authority has not signed it.
            foreach (var trust in new[] { null, "other.crt" })
            {
                await using var stranger = await SignetProcess.UpAsync(Data, Settings(trust), "--demo");
                (await ReasonAsync(stranger, "stranger")).ShouldBe("unreachable", trust ?? "the system's");
            }

            foreach (var (content, words) in new[] { ("no certificate", "holds no certificate"), ("", "holds no certificate") })
            {
                await File.WriteAllTextAsync(Path.Combine(_folder, "broken.crt"), content);
                var refused = await SignetProcess.RunAsync(Data, Settings("broken.crt"), "", "up", "--port-console", "0", "--port-mqtt", "0", "--port-pki", "0", "--port-mqtt-password", "0", "--port-auth", "0");
                (refused.ExitCode, refused.Error.Contains(words, StringComparison.Ordinal)).ShouldBe((1, true), refused.Error);
            }

            await using var signet = await SignetProcess.UpAsync(Data, Settings("root.crt"), "--demo");
            var console = (string)signet.Ready["console"]!;
            await node.StandardInput.WriteLineAsync(new JsonObject
            {
                ["clientId"] = "signet", ["redirects"] = new JsonArray(console + "/login/provider/callback"), ["signedOut"] = new JsonArray(console + "/login"), ["algorithm"] = "ES256", ["people"] = people,
            }.ToJsonString());
            await node.StandardInput.FlushAsync();
            await node.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(30));
            (await SignetProcess.RunAsync(Data, "device", "label", "door-1", "--groups", "north")).ExitCode.ShouldBe(0);

            // To the provider, through its two questions, and back.
            var asked = await CurlAsync("noor", "-L", "-w", "\n%{url_effective}", console + "/login/provider?next=/account");
            var consent = await CurlAsync("noor", "-L", "-w", "\n%{url_effective}", "--data", "prompt=login&login=u-1&password=x", LastLine(asked));
            var back = await CurlAsync("noor", "-L", "--data", "prompt=consent", LastLine(consent));
            var done = Refresh().Match(back);
            done.Success.ShouldBeTrue(back);
            (await CurlAsync("noor", "-w", "%{redirect_url}", console + WebUtility.HtmlDecode(done.Groups[1].Value))).ShouldEndWith("/account");

            var noor = (await SignetProcess.RunAsync(Data, "user", "list", "--json")).Json["users"]!.AsArray().Single(one => (string)one!["name"]! == "Noor")!;
            noor["groups"]!.AsArray().Select(one => (string)one!).ShouldBe(["north", "south"]);
            JsonNode.Parse(await CurlAsync("noor", console + "/api/v1/devices"))!["devices"]!.AsArray().Select(device => (string)device!["name"]!).ShouldBe(["door-1"]);
        }
        finally
        {
            node.StandardInput.Close();
            if (!node.WaitForExit(5000)) node.Kill();
        }
    }

    private async Task<string> ReasonAsync(SignetProcess signet, string who)
    {
        var console = (string)signet.Ready["console"]!;
        var leave = await CurlAsync(who, "-L", console + "/login/provider");
        return Reason().Match(Refresh().Match(leave) is { Success: true } on ? await CurlAsync(who, console + WebUtility.HtmlDecode(on.Groups[1].Value)) : leave).Groups[1].Value;
    }

    private async Task<string> CurlAsync(string who, params string[] arguments)
    {
        var jar = Path.Combine(_folder, who + ".jar");
        return (await Peer.RunAsync("curl", ["-s", "-k", "-b", jar, "-c", jar, .. arguments])).Output;
    }

    private static string LastLine(string text) => text[(text.LastIndexOf('\n') + 1)..];

    [GeneratedRegex("""content="0;url=([^"]+)""", RegexOptions.None, 1000)]
    private static partial Regex Refresh();

    [GeneratedRegex("""<code id="reason">([a-z-]+)</code>""", RegexOptions.None, 1000)]
    private static partial Regex Reason();
}
