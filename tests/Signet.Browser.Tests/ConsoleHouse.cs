using System.Reflection;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Playwright;
using Signet.Agent;
using Signet.Control;
using Signet.Web;

[assembly: AssemblyFixture(typeof(Signet.Browser.ConsoleHouse))]

namespace Signet.Browser;

/// <summary>A whole demo house on free ports, three simulated devices, and a real Chromium to look at it with. Started once for all tests.</summary>
public sealed class ConsoleHouse : IAsyncLifetime
{
    private const string ChromiumPath = "/usr/bin/chromium";
    private readonly string data = Directory.CreateTempSubdirectory("signet-browser-").FullName;
    private readonly Dictionary<string, (CancellationTokenSource Stop, Task Run)> devices = [];
    private IPlaywright playwright = null!;

    public CommandCenter Center { get; private set; } = null!;
    public WebConsole Console { get; private set; } = null!;
    public IBrowser Chromium { get; private set; } = null!;
    public string Password { get; private set; } = "";

    /// <summary>Where pictures of the pages are left to be looked at.</summary>
    public static string Screenshots { get; } = Path.GetFullPath(Path.Combine(
        typeof(ConsoleHouse).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(one => one.Key == "Root").Value!, "artifacts", "screenshots"));

    public async ValueTask InitializeAsync()
    {
        File.Exists(ChromiumPath).ShouldBeTrue($"{ChromiumPath} is missing: install the Debian package chromium");
        var random = RandomNumberGenerator.Create();
        var directory = Path.Combine(data, "house");
        await Installation.CreateAsync(directory, new() { Demo = true }, TimeProvider.System, random);
        Center = await CommandCenter.OpenAsync(new() { DataDirectory = directory, MqttPort = 0, MqttPasswordPort = 0 }, TimeProvider.System, random, NullLoggerFactory.Instance);
        await Center.StartAsync();
        Console = await WebConsole.StartAsync(Center, new() { ConsolePort = 0, PkiPort = 0, AuthPort = 0 }, NullLoggerFactory.Instance);
        Password = (await Console.CreateDemoAdministratorAsync("admin"))!;
        LabSample.Write(Center.Installation.Directory);
        foreach (var device in Center.Fleet.List()) SwitchOn(device.Name);
        // Only what never comes takes that long: a machine that does much else at once must not make a test red.
        Assertions.SetDefaultExpectTimeout(30_000);
        playwright = await Playwright.CreateAsync();
        Chromium = await playwright.Chromium.LaunchAsync(new()
        {
            ExecutablePath = ChromiumPath,
            Args = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
        });
        foreach (var device in Center.Fleet.List()) await UntilAsync(() => Center.Fleet.Find(device.Name)!.CanReceive, $"{device.Name} online");
    }

    public const string PersonsPassword = "tractor violet noodle";
    private static readonly Lazy<string> PersonsHash = new(() => Signet.Web.SignIn.Passwords.Hash(PersonsPassword));
    private int people;

    /// <summary>Somebody new whose password is <see cref="PersonsPassword"/>. No second administrator: the house is shared, and one test needs the last one.</summary>
    public async Task<Account> SomebodyAsync(Signet.Access.Role role)
        => role == Signet.Access.Role.Admin
            ? throw new ArgumentException("the house has one administrator, admin", nameof(role))
            : (await Center.Accounts.CreateAsync($"person-{Interlocked.Increment(ref people)}", PersonsHash.Value, role, Actor.Terminal)).Value;

    public void SwitchOn(string device)
    {
        var stop = new CancellationTokenSource();
        devices[device] = (stop, Task.Run(() => AgentProgram.RunAsync(
            new(Center.Installation.DeviceDirectory(device)), TextWriter.Null, TextWriter.Null, TimeProvider.System, RandomNumberGenerator.Create(), stop.Token)));
    }

    public async Task SwitchOffAsync(string device)
    {
        await devices[device].Stop.CancelAsync();
        await devices[device].Run;
    }

    /// <summary>A fresh browser profile that reports everything a console should never say.</summary>
    public async Task<Visitor> VisitAsync(bool dark = false, int width = 1280, int height = 900, bool script = true, string language = "en-GB")
    {
        var context = await Chromium.NewContextAsync(new()
        {
            BaseURL = Console.ConsoleUrl.ToString(), IgnoreHTTPSErrors = true, JavaScriptEnabled = script, ColorScheme = dark ? ColorScheme.Dark : ColorScheme.Light,
            ViewportSize = new() { Width = width, Height = height }, Locale = language, TimezoneId = "UTC",
        });
        context.SetDefaultTimeout(60_000);
        return new(await context.NewPageAsync(), this);
    }

    public static async Task UntilAsync(Func<bool> condition, string what, int seconds = 60)
    {
        var end = DateTime.UtcNow.AddSeconds(seconds);
        while (!condition())
        {
            (DateTime.UtcNow < end).ShouldBeTrue($"waited {seconds} s for: {what}");
            await Task.Delay(50);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Chromium is not null) await Chromium.DisposeAsync();
        playwright?.Dispose();
        foreach (var device in devices.Keys) await SwitchOffAsync(device);
        if (Console is not null)
        {
            await Console.StopAsync();
            await Console.DisposeAsync();
        }
        if (Center is not null) await Center.DisposeAsync();
        Directory.Delete(data, recursive: true);
    }
}
