using System.Globalization;
using System.Text;
using Signet.House.Tests.Program;

namespace Signet.House.Tests;

/// <summary>The certificate verbs as people type them, and openssl and curl against the running responder and EST server.</summary>
public sealed class CertificatesSpecs(RunningHouse house) : IClassFixture<RunningHouse>
{
    private string Pki => house.Data + "/pki/";
    private string PkiUrl => ((string)house.Signet.Ready["pki"]!).TrimEnd('/');
    private string Folder => Path.Combine(Path.GetDirectoryName(house.Data)!, "issued");

    [Fact]
    [Trait("row", "S0-5")]
    public async Task Openssl_asks_the_running_responder_and_a_stranger_is_never_good()
    {
        var folder = await house.IssueAsync("bulb");
        (await AskAsync(folder + "/bulb.crt", "-nonce")).ShouldSatisfyAllConditions(t => t.ShouldContain("Response verify OK"), t => t.ShouldContain("bulb.crt: good"), t => t.ShouldNotContain("WARNING: no nonce"));
        (await AskAsync(folder + "/bulb.crt", "-no_nonce")).ShouldContain("bulb.crt: good");
        (await house.RunAsync("cert", "revoke", "bulb", "--reason", "keyCompromise", "--yes")).ExitCode.ShouldBe(0);
        (await AskAsync(folder + "/bulb.crt", "-nonce")).ShouldSatisfyAllConditions(t => t.ShouldContain("bulb.crt: revoked"), t => t.ShouldContain("Reason: keyCompromise"));

        var stranger = await Peer.RunAsync("openssl", ["ocsp", "-issuer", Pki + "intermediate.crt", "-CAfile", Pki + "root.crt", "-serial", "0x1234567890", "-url", PkiUrl + "/ocsp"]);
        stranger.Output.ShouldContain("0x1234567890: unknown");

        // GET, as caches like it (RFC 5019): the request in the path.
        (await Peer.RunAsync("openssl", ["ocsp", "-issuer", Pki + "intermediate.crt", "-cert", Pki + "command_center.crt", "-no_nonce", "-reqout", folder + "/ocsp.req"])).ExitCode.ShouldBe(0);
        var request = Uri.EscapeDataString(Convert.ToBase64String(await File.ReadAllBytesAsync(folder + "/ocsp.req")));
        var got = await Peer.RunAsync("curl", ["-s", "-D", "-", "-o", folder + "/ocsp.answer", $"{PkiUrl}/ocsp/{request}"]);
        got.Output.ShouldContain("application/ocsp-response");
        got.Output.ShouldContain("max-age", Case.Insensitive);
        var read = await Peer.RunAsync("openssl", ["ocsp", "-respin", folder + "/ocsp.answer", "-issuer", Pki + "intermediate.crt", "-CAfile", Pki + "root.crt", "-cert", Pki + "command_center.crt", "-no_nonce"]);
        (read.Output + read.Error).ShouldSatisfyAllConditions(t => t.ShouldContain("Response verify OK"), t => t.ShouldContain("command_center.crt: good"));
    }

    [Fact]
    public async Task A_person_who_must_look_first_makes_the_device_wait_and_say_so_in_HTTP()
    {
        var invited = await house.RunAsync("device", "invite", "porch", "--approval", "--json");
        invited.ExitCode.ShouldBe(0, invited.Error);
        Directory.CreateDirectory(Folder);
        (await Peer.RunAsync("openssl", ["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", Folder + "/porch.key", "-subj", "/CN=porch", "-out", Folder + "/porch.csr"])).ExitCode.ShouldBe(0);
        string[] ask = ["-s", "-D", "-", "--cacert", Pki + "root.crt", "-u", "porch:" + (string)invited.Json["token"]!, "-H", "Content-Type: application/pkcs10", "--data-binary", "@" + Folder + "/porch.csr", "-o", Folder + "/porch.p7", house.Signet.Ready["console"] + "/.well-known/est/simpleenroll"];
        var waits = await Peer.RunAsync("curl", ask);
        waits.Output.ShouldContain(" 202");
        waits.Output.ShouldMatch("(?i)retry-after: [1-9][0-9]*");
        var id = (string)(await house.RunAsync("device", "waiting", "--json")).Json["requests"]!.AsArray().Single(r => (string)r!["name"]! == "porch")!["id"]!;
        (await house.RunAsync("device", "approve", id)).ExitCode.ShouldBe(0);
        (await Peer.RunAsync("curl", ask)).Output.ShouldContain(" 200");
    }

    [Fact]
    public async Task A_claim_is_drawn_for_a_camera_and_written_for_its_owner_alone()
    {
        var drawn = await house.RunAsync("device", "invite", "attic", "--qr", "--qr-out", Folder + "-attic.svg");
        drawn.ExitCode.ShouldBe(0, drawn.Error);
        drawn.Output.ShouldContain("▄");
        drawn.Output.Split('\n').Count(line => line.Contains('█', StringComparison.Ordinal)).ShouldBeGreaterThan(15);
        (await File.ReadAllTextAsync(Folder + "-attic.svg")).ShouldStartWith("<svg");
        File.GetUnixFileMode(Folder + "-attic.svg").ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    [Fact]
    [Trait("row", "S0-5")]
    public async Task Everything_of_a_device_or_a_person_goes_with_one_word_and_a_request_keeps_its_key()
    {
        await house.IssueAsync("shed");
        await house.IssueAsync("shed");
        (await house.RunAsync("cert", "issue", "--profile", "user", "--name", "carla", "--p12", Folder + "/carla.p12")).ExitCode.ShouldBe(0);
        var device = await house.RunAsync("cert", "revoke", "--device", "shed", "--reason", "superseded", "--yes", "--json");
        device.ExitCode.ShouldBe(0, device.Error);
        device.Json["serials"]!.AsArray().Count.ShouldBe(2);
        var user = await house.RunAsync("cert", "revoke", "--user", "carla", "--yes", "--json");
        user.Json["serials"]!.AsArray().Count.ShouldBe(1, user.Error);
        (await house.RunAsync("cert", "revoke", "--user", "nobody", "--yes")).ExitCode.ShouldBe(1);

        (await Peer.RunAsync("openssl", ["req", "-new", "-newkey", "rsa:3072", "-nodes", "-keyout", Folder + "/barn.key", "-subj", "/CN=barn", "-out", Folder + "/barn.csr"])).ExitCode.ShouldBe(0);
        var issued = await house.RunAsync("cert", "issue", "--profile", "device", "--name", "barn", "--request", Folder + "/barn.csr", "--out", Folder);
        issued.ExitCode.ShouldBe(0, issued.Error);
        (await Peer.RunAsync("mosquitto_pub", ["-h", "localhost", "-p", house.MqttPort.ToString(CultureInfo.InvariantCulture), "--cafile", Folder + "/root.crt", "--cert", Folder + "/barn.crt", "--key", Folder + "/barn.key", "-q", "1", "-t", "signet/barn/telemetry/x", "-m", "1"])).ExitCode.ShouldBe(0);
    }

    [Fact]
    [Trait("row", "S0-6")]
    public async Task Another_key_signs_commands_and_the_running_devices_obey_it()
    {
        (await house.RunAsync("ca", "rotate", "--signer")).ExitCode.ShouldBe(2, "only with --yes");
        var rotated = await house.RunAsync("ca", "rotate", "--signer", "--yes", "--json");
        rotated.ExitCode.ShouldBe(0, rotated.Error);
        rotated.Json["signers"]!.AsArray().Count.ShouldBe(2);
        var end = DateTime.UtcNow.AddSeconds(30);
        while ((int)(await house.RunAsync("ca", "show", "--json")).Json["signers"]![0]!["devices"]! < 3) (DateTime.UtcNow < end).ShouldBeTrue("the three devices took it");
        foreach (var name in new[] { "thermostat-1", "door-1", "valve-1" })
            (await house.RunAsync("command", "send", name, "check-status", "--wait")).ExitCode.ShouldBe(0, name);
    }

    [Fact]
    [Trait("row", "S0-6")]
    public async Task Kinds_of_keys_and_what_may_be_named_are_chosen_when_the_house_is_made()
    {
        var place = Directory.CreateTempSubdirectory("signet-kinds-").FullName;
        try
        {
            (await SignetProcess.RunAsync(place + "/data", "init", "--permit-network", "nowhere")).ExitCode.ShouldBe(2);
            var made = await SignetProcess.RunAsync(place + "/data", "init", "--authority-key", "rsa3072", "--permit-domain", "example.org", "--permit-network", "192.0.2.0/24", "--organization", "ACME");
            made.ExitCode.ShouldBe(0, made.Error);
            var text = (await Peer.RunAsync("openssl", ["x509", "-noout", "-text", "-in", place + "/data/pki/intermediate.crt"])).Output;
            text.ShouldContain("Public-Key: (3072 bit)");
            text.ShouldContain("DNS:example.org");
            await using var signet = await SignetProcess.UpAsync(place + "/data");
            var outside = await SignetProcess.RunAsync(place + "/data", "cert", "issue", "--profile", "broker", "--name", "other", "--host", "broker.elsewhere.net", "--out", place);
            outside.ExitCode.ShouldBe(1);
            outside.Error.ShouldContain("lies outside");
            var inside = await SignetProcess.RunAsync(place + "/data", "cert", "issue", "--profile", "broker", "--name", "broker.example.org", "--host", "broker.example.org", "--key", "rsa4096", "--out", place);
            inside.ExitCode.ShouldBe(0, inside.Error);
            (await Peer.RunAsync("openssl", ["x509", "-noout", "-text", "-in", place + "/broker.example.org.crt"])).Output.ShouldContain("Public-Key: (4096 bit)");
            (await SignetProcess.RunAsync(place + "/data", "ca", "rotate", "--yes")).ExitCode.ShouldBe(0);
            (await Peer.RunAsync("openssl", ["x509", "-noout", "-text", "-in", place + "/data/pki/intermediate.crt"])).Output.ShouldSatisfyAllConditions(t => t.ShouldContain("Public-Key: (3072 bit)"), t => t.ShouldContain("DNS:example.org"), t => t.ShouldContain("CA 2"));
        }
        finally
        {
            Directory.Delete(place, recursive: true);
        }
    }

    [Fact]
    [Trait("row", "S1-2")]
    public async Task An_authority_of_openssl_is_taken_over_by_the_command_line()
    {
        var place = Directory.CreateTempSubdirectory("signet-import-").FullName;
        try
        {
            (await Peer.RunAsync("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", place + "/ca.key", "-out", place + "/ca.crt", "-days", "3650", "-subj", "/C=ES/O=ACME/CN=ACME Root", "-addext", "keyUsage=critical,keyCertSign,cRLSign"])).ExitCode.ShouldBe(0);
            (await Peer.RunAsync("openssl", ["pkcs12", "-export", "-inkey", place + "/ca.key", "-in", place + "/ca.crt", "-passout", "pass:a long password", "-out", place + "/ca.p12"])).ExitCode.ShouldBe(0);
            var refused = await SignetProcess.RunAsync(place + "/data", [], "another\n", "init", "--ca-p12", place + "/ca.p12", "--ca-password-stdin");
            refused.ExitCode.ShouldBe(1);
            refused.Error.ShouldContain("another password");
            (await SignetProcess.RunAsync(place + "/data", "init", "--ca-intermediate", place + "/ca.crt")).ExitCode.ShouldBe(2);
            Directory.Exists(place + "/data").ShouldBeFalse();

            var made = await SignetProcess.RunAsync(place + "/data", [], "a long password\n", "init", "--ca-p12", place + "/ca.p12", "--ca-password-stdin");
            made.ExitCode.ShouldBe(0, made.Error);
            (await Peer.RunAsync("openssl", ["verify", "-CAfile", place + "/ca.crt", "-untrusted", place + "/data/pki/intermediate.crt", place + "/data/pki/command_center.crt"])).Output.ShouldContain("OK");
            await using var signet = await SignetProcess.UpAsync(place + "/data");
            (await SignetProcess.RunAsync(place + "/data", "status")).ExitCode.ShouldBe(0);
        }
        finally
        {
            Directory.Delete(place, recursive: true);
        }
    }

    [Fact]
    public async Task A_read_only_directory_of_keys_is_told_in_one_line()
    {
        var place = Directory.CreateTempSubdirectory("signet-read-only-").FullName;
        try
        {
            (await SignetProcess.RunAsync(place + "/data", "init")).ExitCode.ShouldBe(0);
            // A mount of its own, so that it holds for root too.
            var up = await Peer.RunAsync("unshare", ["-rm", "sh", "-c", "mount --bind \"$1\" \"$1\" && mount -o remount,ro,bind \"$1\" && exec dotnet \"$2\" up --data \"$3\" --port-console 0 --port-mqtt 0 --port-pki 0", "sh", place + "/data/pki", SignetProcess.Dll, place + "/data"], seconds: 40);
            up.ExitCode.ShouldBe(1, up.Output);
            up.Error.ShouldContain("Read-only file system");
            up.Error.ShouldNotContain("   at ");
        }
        finally
        {
            Directory.Delete(place, recursive: true);
        }
    }

    private async Task<string> AskAsync(string certificate, string nonce)
    {
        var asked = await Peer.RunAsync("openssl", ["ocsp", "-issuer", Pki + "intermediate.crt", "-CAfile", Pki + "root.crt", "-cert", certificate, nonce, "-url", PkiUrl + "/ocsp"]);
        return new StringBuilder(asked.Output).Append(asked.Error).ToString();
    }
}
