using System.Globalization;
using System.Text.Json.Nodes;
using Signet.House.Tests.Program;
using Signet.House.Tests.Rules;

namespace Signet.House.Tests;

/// <summary>MQTT clients that others wrote, over mutual TLS against the embedded broker, with certificates of <c>signet cert issue</c>.</summary>
public sealed class ThirdPartyClientSpecs(RunningHouse house) : IClassFixture<RunningHouse>
{
    private const int NotAuthorized = 0x87, Refused311 = 0x80;

    [Theory]
    [InlineData("mqttv311")]
    [InlineData("mqttv5")]
    [Trait("row", "S2-7")]
    public async Task Mosquitto_publishes_in_its_own_branch(string version)
    {
        var folder = await house.IssueAsync("lamp");
        var sent = await Peer.RunAsync("mosquitto_pub", [.. Tls(folder, "lamp"), "-V", version, "-q", "1", "-t", "signet/lamp/telemetry/light", "-m", "on"]);
        sent.ExitCode.ShouldBe(0, sent.Error);
    }

    [Fact]
    [Trait("row", "S2-3")]
    public async Task Mosquitto_is_told_why_it_may_not_publish_in_another_branch()
    {
        var folder = await house.IssueAsync("lamp");
        var sent = await Peer.RunAsync("mosquitto_pub", [.. Tls(folder, "lamp"), "-d", "-V", "mqttv5", "-q", "1", "-t", "signet/thermostat-1/command", "-m", "{}"]);
        (sent.Output + sent.Error).ShouldContain("Not authorized", Case.Insensitive);
        (await house.AuditAsync("--type", "authorization", "--actor", "lamp")).ShouldContain(entry => (string)entry["outcome"]! == "refused");
    }

    [Fact]
    public async Task Mosquitto_may_not_read_the_whole_house()
    {
        var folder = await house.IssueAsync("lamp");
        var read = await Peer.RunAsync("mosquitto_sub", [.. Tls(folder, "lamp"), "-V", "mqttv5", "-t", "signet/#", "-W", "3"]);
        (read.Output + read.Error).ShouldContain("All subscription requests were denied");
    }

    [Fact]
    public async Task A_device_cannot_take_the_session_of_another()
    {
        var folder = await house.IssueAsync("lamp");
        // The client id of a live session belongs to its identity: the same id under another certificate is another session.
        var sent = await Peer.RunAsync("mosquitto_pub", [.. Tls(folder, "lamp"), "-i", "thermostat-1", "-V", "mqttv5", "-q", "1", "-t", "signet/lamp/telemetry/light", "-m", "on"]);
        sent.ExitCode.ShouldBe(0, sent.Error);
        (await house.RunAsync("command", "send", "thermostat-1", "read-temperature", "--wait")).ExitCode.ShouldBe(0);
    }

    [Theory]
    [InlineData("4", Refused311, "tcp")]
    [InlineData("5", NotAuthorized, "tcp")]
    [InlineData("4", Refused311, "websockets")]
    [InlineData("5", NotAuthorized, "websockets")]
    public async Task Paho_for_Python_connects_subscribes_and_publishes(string version, int refusal, string transport)
    {
        var folder = await house.IssueAsync("lamp");
        var talked = await Peer.RunAsync("/usr/bin/python3", [Repository.PathOf("tests", "peers", "paho_roundtrip.py"), transport == "tcp" ? Port : ConsolePort, .. Files(folder, "lamp"),
            "signet/lamp/telemetry/light", "signet/lamp/command", "signet/door-1/command", version, transport]);
        talked.ExitCode.ShouldBe(0, talked.Error);
        var seen = talked.Json;
        ((int)seen["connected"]!).ShouldBe(0);
        ((int)seen["granted"]!["signet/lamp/command"]![0]!).ShouldBe(1);
        ((int)seen["granted"]!["signet/door-1/command"]![0]!).ShouldBe(refusal);
        seen["published"]!.AsArray().Count.ShouldBe(1);
    }

    [Theory]
    [InlineData("4", "mqtts")]
    [InlineData("5", "mqtts")]
    [InlineData("4", "wss")]
    [InlineData("5", "wss")]
    public async Task MQTT_js_connects_subscribes_and_publishes(string version, string protocol)
    {
        var folder = await house.IssueAsync("lamp");
        var talked = await Peer.RunAsync("node", [Repository.PathOf("tests", "peers", "mqttjs_roundtrip.mjs"), protocol == "wss" ? ConsolePort : Port, .. Files(folder, "lamp"),
            "signet/lamp/telemetry/light", "signet/lamp/command", version, protocol]);
        talked.ExitCode.ShouldBe(0, talked.Output + talked.Error);
        var seen = JsonNode.Parse(talked.Output)!;
        ((int)seen["granted"]![0]!).ShouldBe(1);
        seen["refused"].ShouldNotBeNull("the whole house is not for a lamp");
    }

    private string ConsolePort => new Uri((string)house.Signet.Ready["console"]!).Port.ToString(CultureInfo.InvariantCulture);

    private string Port => house.MqttPort.ToString(CultureInfo.InvariantCulture);

    private static string[] Files(string folder, string name) => [Path.Combine(folder, "root.crt"), Path.Combine(folder, name + ".crt"), Path.Combine(folder, name + ".key")];

    private string[] Tls(string folder, string name)
    {
        var files = Files(folder, name);
        return ["-h", "localhost", "-p", Port, "--cafile", files[0], "--cert", files[1], "--key", files[2]];
    }
}
