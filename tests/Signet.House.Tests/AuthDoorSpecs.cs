using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Signet.House.Tests.Program;

namespace Signet.House.Tests;

/// <summary>The endpoints for other brokers beyond loopback: TLS, a secret path, named networks, and nothing remembered of somebody who was revoked.</summary>
public sealed class AuthDoorSpecs : IDisposable
{
    private const string Token = "0123456789abcdef0123456789abcdef";
    private const string Question = """{"username":"door-1","topic":"signet/door-1/receipt","clientid":"door-1","acc":2}""";

    // An address of this machine that is not loopback: who comes from it is a stranger to the endpoints.
    private static readonly string Here = NetworkInterface.GetAllNetworkInterfaces().SelectMany(n => n.GetIPProperties().UnicastAddresses).Select(a => a.Address)
        .FirstOrDefault(a => a.AddressFamily == AddressFamily.InterNetwork && !IPAddress.IsLoopback(a))?.ToString() ?? throw new InvalidOperationException("this test needs a network interface beside loopback");

    private readonly string _folder = Directory.CreateTempSubdirectory("signet-door-").FullName;

    [Fact]
    [Trait("row", "S1-8")]
    public async Task Beyond_loopback_only_named_networks_with_the_secret_path_and_over_TLS_are_answered()
    {
        var token = Path.Combine(_folder, "token");
        await File.WriteAllTextAsync(token, Token);
        File.SetUnixFileMode(token, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        var data = Path.Combine(_folder, "data");
        (await SignetProcess.RunAsync(data, "init", "--host", Here)).ExitCode.ShouldBe(0);
        await using (var refusing = await UpAsync(data, token, "203.0.113.0/24"))
        {
            (await AskAsync(refusing, data, $"/auth/{Token}/acl")).Code.ShouldBe("404", "nobody named this address");
            var noted = (await SignetProcess.RunAsync(data, "audit", "list", "--json", "--action", "question-refused")).Json["entries"]!.AsArray();
            for (var i = 0; i < 100 && noted.Count == 0; i++)
            {
                await Task.Delay(100);
                noted = (await SignetProcess.RunAsync(data, "audit", "list", "--json", "--action", "question-refused")).Json["entries"]!.AsArray();
            }

            ((string)noted[0]!["reason"]!).ShouldBe("address-not-allowed");
        }

        await using var signet = await UpAsync(data, token, Here);
        (await SignetProcess.RunAsync(data, "device", "add", "door-1", "--kind", "door")).ExitCode.ShouldBe(0);
        (await AskAsync(signet, data, $"/auth/{Token}/acl")).Body.ShouldBe("""{"Ok":true,"Error":""}""");
        (await AskAsync(signet, data, "/auth/acl")).Code.ShouldBe("404", "without the secret");
        (await AskAsync(signet, data, $"/auth/{Token[..^1]}0/acl")).Code.ShouldBe("404", "with another");
        (await AskAsync(signet, data, $"/auth/{Token}/acl", scheme: "http")).Code.ShouldBe("000", "in the clear nobody answers");

        // Nothing is remembered of a yes.
        (await SignetProcess.RunAsync(data, "cert", "revoke", "door-1", "--yes")).ExitCode.ShouldBe(0);
        (await AskAsync(signet, data, $"/auth/{Token}/acl")).Body.ShouldContain("\"Ok\":false");
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static Task<SignetProcess> UpAsync(string data, string token, string from) => SignetProcess.UpAsync(data, new Dictionary<string, string>
    {
        ["SIGNET__Auth__Open"] = "true", ["SIGNET__Auth__Listen"] = Here, ["SIGNET__Auth__From"] = from, ["SIGNET__Auth__TokenFile"] = token,
    }, "--host", Here);

    private static async Task<(string Code, string Body)> AskAsync(SignetProcess signet, string data, string path, string scheme = "https")
    {
        var port = new Uri((string)signet.Ready["auth"]!).Port;
        var answer = await Peer.RunAsync("curl", ["-s", "-w", "\n%{http_code}", "--cacert", data + "/pki/root.crt", "-H", "Content-Type: application/json", "-d", Question, FormattableString.Invariant($"{scheme}://{Here}:{port}{path}")]);
        var lines = answer.Output.Split('\n');
        return (lines[^1], string.Join('\n', lines[..^1]));
    }
}
