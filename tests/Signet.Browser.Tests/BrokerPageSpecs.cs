using System.Diagnostics;
using System.Reflection;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Playwright;
using Signet.Agent;
using Signet.Control;
using Signet.Web;

namespace Signet.Browser;

/// <summary>The console of a center whose messages a real Mosquitto carries: the page of the broker says so, and readings arrive on the open page of a device.</summary>
public sealed class BrokerPageSpecs(ConsoleHouse house)
{
    [Fact]
    [Trait("row", "S3-6"), Trait("row", "S0-7")]
    public async Task With_another_broker_its_page_says_who_carries_the_messages_and_readings_arrive_live()
    {
        var folder = Directory.CreateTempSubdirectory("signet-broker-page-").FullName;
        var plugin = await PluginAsync(folder);
        using var random = RandomNumberGenerator.Create();
        using var stop = new CancellationTokenSource();
        var device = Task.CompletedTask;
        try
        {
            var directory = Path.Combine(folder, "house");
            await Installation.CreateAsync(directory, new() { Demo = true }, TimeProvider.System, random);
            await using var center = await CommandCenter.OpenAsync(new() { DataDirectory = directory, MqttPort = 0, MqttPasswordPort = 0, OtherBroker = new() { Kind = BrokerKind.Mosquitto, Plugin = plugin } }, TimeProvider.System, random, NullLoggerFactory.Instance);
            await center.StartAsync();
            await using var console = await WebConsole.StartAsync(center, new() { ConsolePort = 0, PkiPort = 0, AuthPort = 0 }, NullLoggerFactory.Instance);
            var password = (await console.CreateDemoAdministratorAsync("admin"))!;
            device = Task.Run(() => AgentProgram.RunAsync(new(center.Installation.DeviceDirectory("thermostat-1")), TextWriter.Null, TextWriter.Null, TimeProvider.System, RandomNumberGenerator.Create(), stop.Token));
            await ConsoleHouse.UntilAsync(() => center.Fleet.LatestReadingsAsync("thermostat-1").Result.Count > 0, "a reading over Mosquitto", seconds: 40);

            await using var visitor = new Visitor(await (await house.Chromium.NewContextAsync(new() { BaseURL = console.ConsoleUrl.ToString(), IgnoreHTTPSErrors = true, Locale = "en-GB", TimezoneId = "UTC" })).NewPageAsync(), house);
            await visitor.TrySignInAsync("admin", password, "/broker");
            (await visitor.Page.GetByRole(AriaRole.Note).First.InnerTextAsync()).ShouldBe("Mosquitto carries the messages: who is connected there and what it refused stands in its own log.");
            (await visitor.Page.GetByText("Nobody is connected").CountAsync()).ShouldBe(0, "the center does not know who is connected there, and does not say that nobody is");
            Directory.CreateDirectory(ConsoleHouse.Screenshots);
            await visitor.Page.ScreenshotAsync(new() { Path = Path.Combine(ConsoleHouse.Screenshots, "broker-mosquitto.png"), FullPage = true });

            // Its sessions are closed from here too, and the number is Mosquitto's.
            visitor.Page.Dialog += (_, dialog) => _ = dialog.AcceptAsync();
            await visitor.Page.GetByLabel("Name").FillAsync("thermostat-1");
            await visitor.PressAsync(visitor.Page.GetByRole(AriaRole.Button, new() { Name = "Close its sessions" }));
            (await visitor.Page.GetByRole(AriaRole.Status).First.InnerTextAsync()).ShouldContain("Sessions closed: 1.");

            await visitor.Page.GotoAsync("/devices/thermostat-1");
            var first = await visitor.Page.Locator("#readings time").First.GetAttributeAsync("datetime");
            await Assertions.Expect(visitor.Page.Locator("#readings time").First).Not.ToHaveAttributeAsync("datetime", first!, new() { Timeout = 60_000 });
            visitor.Complaints.ShouldBeEmpty();
            await stop.CancelAsync();
            await device;
            await console.StopAsync();
        }
        finally
        {
            await stop.CancelAsync();
            await device.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<string> PluginAsync(string folder)
    {
        var root = typeof(ConsoleHouse).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(one => one.Key == "Root").Value!;
        using var build = Process.Start(new ProcessStartInfo("bash", [Path.Combine(root, "deploy", "mosquitto", "build.sh"), folder]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var words = build.StandardError.ReadToEndAsync();
        _ = build.StandardOutput.ReadToEndAsync();
        await build.WaitForExitAsync();
        build.ExitCode.ShouldBe(0, await words);
        return Path.Combine(folder, "signet_mosquitto.so");
    }
}
