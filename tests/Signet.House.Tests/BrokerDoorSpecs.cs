using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Signet.House.Tests.Program;

namespace Signet.House.Tests;

/// <summary>The embedded broker's doors under <c>signet up</c>: who is let in how fast, and how an open session is closed by hand.</summary>
public sealed class BrokerDoorSpecs(RunningHouse house) : IClassFixture<RunningHouse>
{
    [Fact]
    public async Task Kick_closes_the_sessions_of_one_identity_and_the_device_comes_back()
    {
        var before = await SessionAsync("thermostat-1");
        ((bool)before["connected"]!).ShouldBeTrue();
        var other = (string)(await SessionAsync("door-1"))["remote"]!;
        var nobody = await house.RunAsync("broker", "kick", "thermostat-1", "--client", "nobody-of-this-name");
        nobody.ExitCode.ShouldNotBe(0);
        nobody.Error.ShouldContain("session");
        var kicked = await house.RunAsync("broker", "kick", "thermostat-1");
        kicked.ExitCode.ShouldBe(0, kicked.Error);
        kicked.Output.ShouldContain("closed 1 session");
        await UntilAsync(async () => await SessionAsync("thermostat-1") is { } now && (bool)now["connected"]! && (string)now["remote"]! != (string)before["remote"]!);
        ((string)(await SessionAsync("door-1"))["remote"]!).ShouldBe(other);
        (await house.AuditAsync("--subject", "thermostat-1")).ShouldNotBeEmpty();
        (await house.RunAsync("command", "send", "thermostat-1", "read-temperature", "--wait")).ExitCode.ShouldBe(0);
    }

    [Fact]
    public async Task A_page_of_another_site_may_not_open_mqtt_over_websocket()
    {
        var console = new Uri((string)house.Signet.Ready["console"]!);
        (await UpgradeAsync(console, "https://evil.example")).ShouldBe(HttpStatusCode.Forbidden);
        (await UpgradeAsync(console, "null")).ShouldBe(HttpStatusCode.Forbidden);
        (await UpgradeAsync(console, "http://" + console.Authority)).ShouldBe(HttpStatusCode.Forbidden);
        (await UpgradeAsync(console, "https://" + console.Authority)).ShouldBe(HttpStatusCode.SwitchingProtocols);
        (await UpgradeAsync(console, null)).ShouldBe(HttpStatusCode.SwitchingProtocols);
    }

    [Theory]
    [InlineData("SIGNET__Mqtt__HalfOpenPerAddress", "12", "handshakes from this address are under way")]
    [InlineData("SIGNET__Mqtt__HalfOpen", "13", "handshakes are under way")]
    [InlineData("SIGNET__Mqtt__ConnectionsPerSecond", "9", "new connections a second")]
    public async Task A_flood_of_connections_is_cut_at_the_limit_and_the_trail_says_which(string setting, string value, string words)
    {
        var data = Directory.CreateTempSubdirectory("signet-doors-").FullName;
        var flood = new List<Socket>();
        try
        {
            await using var signet = await SignetProcess.UpAsync(Path.Combine(data, "data"), new Dictionary<string, string> { [setting] = value });
            var port = new Uri(((string)signet.Ready["mqtt"]!).Replace("mqtts:", "https:", StringComparison.Ordinal)).Port;
            for (var i = 0; i < 60; i++)
            {
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                flood.Add(socket);
                await socket.ConnectAsync(IPAddress.Loopback, port, TestContext.Current.CancellationToken);
            }

            await UntilAsync(() => Task.FromResult(flood.Count(IsClosed) >= 60 - (3 * int.Parse(value, CultureInfo.InvariantCulture))));
            flood.Count(socket => !IsClosed(socket)).ShouldBeGreaterThan(0, "those below the limit are served");
            await UntilAsync(async () =>
            {
                var list = await SignetProcess.RunAsync(Path.Combine(data, "data"), "audit", "list", "--json", "--type", "auth_fail");
                return list.ExitCode == 0 && list.Json["entries"]!.AsArray().Any(entry => entry!.ToJsonString().Contains(words, StringComparison.Ordinal));
            });
        }
        finally
        {
            foreach (var socket in flood) socket.Dispose();
            Directory.Delete(data, recursive: true);
        }
    }

    /// <summary>The peer has closed: there is something to read, and it is the end.</summary>
    private static bool IsClosed(Socket socket)
    {
        try
        {
            return socket.Poll(0, SelectMode.SelectRead) && socket.Available == 0;
        }
        catch (SocketException)
        {
            return true;
        }
    }

    private static async Task<HttpStatusCode> UpgradeAsync(Uri console, string? origin)
    {
        using var handler = new SocketsHttpHandler();
        handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null; // what is asked is what the console says to a browser that trusts it
        using var http = new HttpClient(handler) { Timeout = TimeSpan.FromSeconds(30) };
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(console, "/mqtt")) { Version = HttpVersion.Version11, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        request.Headers.Connection.Add("Upgrade");
        request.Headers.Upgrade.Add(new("websocket"));
        request.Headers.Add("Sec-WebSocket-Version", "13");
        request.Headers.Add("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
        request.Headers.Add("Sec-WebSocket-Protocol", "mqtt");
        if (origin is not null) request.Headers.Add("Origin", origin);
        using var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        return answer.StatusCode;
    }

    private async Task<JsonNode> SessionAsync(string identity)
    {
        JsonNode? found = null;
        await UntilAsync(async () => (found = (await house.RunAsync("broker", "sessions", "--json")).Json["sessions"]!.AsArray().FirstOrDefault(s => (string)s!["identity"]! == identity)) is not null);
        return found!;
    }

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        var waited = System.Diagnostics.Stopwatch.StartNew();
        while (!await condition())
        {
            if (waited.Elapsed > TimeSpan.FromSeconds(30)) throw new TimeoutException("it did not happen within 30 s");
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }
    }
}
