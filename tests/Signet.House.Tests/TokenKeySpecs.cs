using Signet.House.Tests.Program;
using Signet.Testing;

namespace Signet.House.Tests;

/// <summary>Keys inside a PKCS#11 token (SoftHSM), through the command line as people use it: an approval, and a signed message.</summary>
public sealed class TokenKeySpecs : IDisposable
{
    private const string Module = "/usr/lib/softhsm/libsofthsm2.so", Pin = "246813";
    private readonly string _folder = Directory.CreateTempSubdirectory("signet-token-").FullName;
    private readonly Dictionary<string, string> _environment;

    public TokenKeySpecs()
    {
        Directory.CreateDirectory(In("tokens"));
        File.WriteAllText(In("softhsm2.conf"), $"directories.tokendir = {In("tokens")}\nobjectstore.backend = file\nlog.level = ERROR\n");
        File.WriteAllText(In("pin"), Pin);
        _environment = new() { ["SOFTHSM2_CONF"] = In("softhsm2.conf"), ["PKCS11_MODULE_PATH"] = Module };
    }

    private string Data => In("data");

    private string KeyUri => $"pkcs11:token=signet;object=carol;type=private?pin-source=file:{In("pin")}";

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task An_approval_signed_in_a_token_lets_the_command_go_and_the_key_never_leaves_it()
    {
        await MakeTokenAsync();
        await using var center = await SignetProcess.UpAsync(Data);
        await DoneAsync("device", "add", "lamp-1", "--kind", "lamp", "--allow", "blink");
        await using var device = await SignetProcess.RunningAsync(Data, "device", "run", "lamp-1", "--json");
        File.WriteAllText(In("manifest.json"), """
            {"device":"lamp-1","version":1,"commands":["blink"],"suites":["signet-ps256-1"],
             "classes":[{"name":"critical","commands":["blink"],"needed":1,"approvers":["carol"]}],"approvers":[{"person":"carol","certificate":"carol.crt"}]}
            """);
        await DoneAsync("manifest", "sign", In("manifest.json"), "--cert", Path.Combine(Data, "pki", "root.crt"), "--key", Path.Combine(Data, "pki", "root.key"), "--out", In("manifest.jws"));
        await DoneAsync("manifest", "push", "lamp-1", In("manifest.jws"));
        var id = (string)(await DoneAsync("command", "send", "lamp-1", "blink", "--queue", "1h", "--json")).Json["id"]!;

        var approved = await DoneAsync("command", "approve", id, "--cert", In("carol.crt"), "--key", KeyUri, "--yes");

        approved.Output.ShouldContain("approved by carol");
        string? state = null;
        for (var look = 0; look < 120 && state != "executed"; look++)
        {
            state = (string?)(await DoneAsync("command", "show", id, "--json")).Json["state"];
            await Task.Delay(250);
        }

        state.ShouldBe("executed");
        Directory.GetFiles(_folder, "*.key").ShouldBeEmpty();
        device.KillTree();
    }

    [Fact]
    public async Task A_message_signed_in_a_token_is_read_by_whoever_holds_the_certificate()
    {
        await MakeTokenAsync();
        await using var broker = await SignetProcess.ReadyAsync(null, "broker", "run", "--json", "--plain", "0", "--allow-anonymous");
        var port = (int)broker.Ready["plain"]!;
        string[] to = ["--broker", $"localhost:{port}", "--no-tls", "-t", "plant/hall-2/temperature"];
        var reading = SignetProcess.RunAsync(null, ["sub", .. to, "-C", "1", "-W", "25s", "--signed-by", In("carol.crt"), "--json"]);
        Outcome sent;
        do
        {
            // Until the reader is there; each is signed anew.
            sent = await DoneAsync(["pub", .. to, "-m", "21.5", "--sign", "--cert", In("carol.crt"), "--key", KeyUri]);
        }
        while (!reading.IsCompleted);

        var read = await reading;
        read.ExitCode.ShouldBe(0, read.Error);
        var line = System.Text.Json.Nodes.JsonNode.Parse(read.Output.Trim().Split('\n')[^1])!;
        ((string)line["payload"]!, (string)line["from"]!, (bool)line["verified"]!).ShouldBe(("21.5", "carol", true));
        var wrong = await SignetProcess.RunAsync(null, _environment, "", ["pub", .. to, "-m", "x", "--sign", "--cert", In("carol.crt"), "--key", KeyUri.Replace("object=carol", "object=dave", StringComparison.Ordinal)]);
        wrong.ExitCode.ShouldBe(1, wrong.Error);
        wrong.Error.ShouldContain("no private key behind pkcs11:token=signet;object=dave");
        wrong.Error.ShouldNotContain(Pin);
    }

    private async Task MakeTokenAsync()
    {
        await ToolAsync("softhsm2-util", "--init-token", "--free", "--label", "signet", "--pin", Pin, "--so-pin", "135724");
        await ToolAsync("pkcs11-tool", "--module", Module, "--login", "--pin", Pin, "--token-label", "signet", "--keypairgen", "--key-type", "EC:prime256v1", "--label", "carol", "--id", "01");
        await ToolAsync("openssl", "req", "-new", "-x509", "-days", "30", "-subj", "/CN=carol", "-engine", "pkcs11", "-keyform", "engine", "-key", KeyUri, "-out", In("carol.crt"));
    }

    private async Task ToolAsync(string program, params string[] arguments)
    {
        var run = await BoundedProcess.RunAsync("env", [.. _environment.Select(one => $"{one.Key}={one.Value}"), program, .. arguments]);
        run.ExitCode.ShouldBe(0, $"{program}: {run.Output}{run.Errors}");
    }

    private async Task<Outcome> DoneAsync(params string[] arguments)
    {
        var run = await SignetProcess.RunAsync(Data, _environment, "", arguments);
        run.ExitCode.ShouldBe(0, $"signet {string.Join(' ', arguments)}: {run.Output}{run.Error}");
        return run;
    }

    private string In(string name) => Path.Combine(_folder, name);
}
