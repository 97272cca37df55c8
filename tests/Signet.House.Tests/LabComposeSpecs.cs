using System.Diagnostics;
using System.Text.Json.Nodes;
using Signet.House.Tests.Program;
using Signet.House.Tests.Rules;

namespace Signet.House.Tests;

/// <summary>The lab's compose files, as far as they can be held without a container engine: they are YAML of the members that compose knows, what they name is there, and the program runs with their very arguments.</summary>
public sealed class LabComposeSpecs : IDisposable
{
    private static readonly string[] Known =
    [
        "image", "build", "command", "environment", "network_mode", "read_only", "tmpfs", "cap_drop", "security_opt", "pids_limit", "stop_grace_period", "healthcheck", "volumes", "restart", "user", "ports",
    ];

    private readonly string _folder = Directory.CreateTempSubdirectory("signet-compose-").FullName;

    [Theory, Trait("row", "S4-3"), Trait("row", "S4-9")]
    [InlineData("insecure")]
    [InlineData("secure")]
    public async Task A_file_has_members_that_compose_knows_and_names_what_is_there(string house)
    {
        var file = await ReadAsync(house);
        file.Select(member => member.Key).Except(["services", "volumes"]).ShouldBeEmpty();
        var service = file["services"]!.AsObject().ShouldHaveSingleItem().Value!.AsObject();
        service.Select(member => member.Key).Except(Known).ShouldBeEmpty();
        // The machine's own network, and so no published ports: what listens decides.
        ((string?)service["network_mode"]).ShouldBe("host");
        service.ContainsKey("ports").ShouldBeFalse();
        var context = Path.GetFullPath(Path.Combine(Repository.PathOf("deploy", "lab"), (string)service["build"]!["context"]!));
        File.Exists(Path.Combine(context, (string)service["build"]!["dockerfile"]!)).ShouldBeTrue();
        foreach (var volume in (service["volumes"] as JsonArray ?? []).Select(v => ((string)v!).Split(':')[0])) file["volumes"]!.AsObject().ContainsKey(volume).ShouldBeTrue(volume);
    }

    [Fact, Trait("row", "S4-3")]
    public async Task The_open_house_starts_with_the_arguments_of_its_file_and_listens_on_loopback()
    {
        var arguments = Arguments(await ReadAsync("insecure"));
        arguments.ShouldContain("1883");
        await using var broker = await SignetProcess.ReadyAsync(null, [.. arguments.Select(a => a == "1883" ? "0" : a), "--json"]);
        ListenersSpecs.AddressesOf(broker.Id).ShouldHaveSingleItem().ShouldStartWith("127.0.0.1:");
        await broker.InterruptAsync();
    }

    [Fact, Trait("row", "S4-9")]
    public async Task The_secure_house_starts_with_the_arguments_and_variables_of_its_file_and_listens_on_loopback()
    {
        var file = await ReadAsync("secure");
        var arguments = Arguments(file);
        arguments[0].ShouldBe("up");
        var environment = Service(file)["environment"]!.AsObject().Where(e => e.Key != "SIGNET_DATA").ToDictionary(e => e.Key, e => (string)e.Value!);
        await using var signet = await SignetProcess.UpAsync(Path.Combine(_folder, "data"), environment, arguments[1..]);
        ListenersSpecs.AddressesOf(signet.Id).ShouldAllBe(address => address.StartsWith("127.0.0.1:", StringComparison.Ordinal) || address.StartsWith("[::1]:", StringComparison.Ordinal));
        await signet.InterruptAsync();
    }

    private static JsonObject Service(JsonObject file) => file["services"]!.AsObject().Single().Value!.AsObject();

    private static string[] Arguments(JsonObject file) => [.. Service(file)["command"]!.AsArray().Select(a => (string)a!)];

    private static async Task<JsonObject> ReadAsync(string house)
    {
        var start = new ProcessStartInfo("/usr/bin/python3") { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        foreach (var argument in new[] { "-c", "import json, sys, yaml; json.dump(yaml.safe_load(open(sys.argv[1])), sys.stdout)", Repository.PathOf("deploy", "lab", $"docker-compose.{house}.yml") }) start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var json = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        process.ExitCode.ShouldBe(0, await errors);
        return JsonNode.Parse(json)!.AsObject();
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
