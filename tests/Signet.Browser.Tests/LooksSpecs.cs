using System.Text.Json;
using Microsoft.Playwright;

namespace Signet.Browser;

/// <summary>Every page, in both themes and on a phone: no script error, no broken rule of the content security policy, no axe violation, nothing wider than the screen. The pictures are kept.</summary>
public sealed class LooksSpecs(ConsoleHouse house)
{
    private static readonly string Axe = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "axe.min.js"));

    private static readonly (string Name, string Path, bool SignedIn)[] Pages =
    [
        ("lab", "/lab", true),
        ("front", "/", false), ("login", "/login", false), ("register", "/register", false), ("account", "/account", true), ("enable-mfa", "/enable-mfa", true), ("people", "/people", true),
        ("person", "/people/ADMIN", true), ("confirm", "/confirm", true), ("settings", "/settings", true), ("home", "/", true), ("devices", "/devices", true), ("device", "/devices/thermostat-1", true), ("commands", "/commands", true),
        ("command", "/commands/LATEST", true), ("new-command", "/commands?devices=all", true), ("rollout", "/commands/rollouts/ROLLOUT", true), ("certificates", "/certificates", true), ("certificate", "/certificates/SERIAL", true), ("certificate-new", "/certificates/new", true), ("audit", "/audit", true), ("audit-entry", "/audit/1", true), ("broker", "/broker", true), ("policy", "/policy", true), ("about", "/about", true), ("nothing", "/no-such-page", true),
    ];

    private const string LeavesItsCard = """
        [...document.querySelectorAll('.card')].flatMap(card => [...card.querySelectorAll('*')]
          .filter(part => part.checkVisibility() && part.getBoundingClientRect().right > card.getBoundingClientRect().right + 1 && !part.closest('.visually-hidden'))
          .slice(0, 1).map(part => part.outerHTML.slice(0, 120)))
          .concat([...document.querySelectorAll('.btn')].filter(button => button.checkVisibility() && button.scrollWidth > button.clientWidth + 1).map(button => 'text wider than its button: ' + button.innerText))
        """;

    [Theory]
    [InlineData("light", 1280)]
    [InlineData("dark", 1280)]
    [InlineData("light", 390)]
    [InlineData("dark", 390)]
    [InlineData("light", 360)]
    [InlineData("dark", 3840)]
    [InlineData("light", 1280, "es-ES")]
    [InlineData("dark", 360, "es-ES")]
    public async Task Every_page_is_sound_and_accessible(string theme, int width, string language = "en-GB")
    {
        var sent = await house.Center.Commands.SendAsync(new("thermostat-1", "read-temperature"), Signet.Control.Actor.Terminal);
        await house.Center.Commands.WaitAsync(sent.Value.Id, Signet.Testing.Eventually.Patience);
        var rollout = await house.Center.Commands.SendManyAsync(new("all", "check-status"), Signet.Control.Actor.Terminal);
        await using var stranger = await house.VisitAsync(theme == "dark", width, 844, language: language);
        await using var person = await house.VisitAsync(theme == "dark", width, 844, language: language);
        await person.TrySignInAsync("admin", house.Password);
        var admin = (await house.Center.Accounts.FindByNameAsync("ADMIN"))!;
        Directory.CreateDirectory(ConsoleHouse.Screenshots);
        var faults = new List<string>();
        foreach (var (name, path, signedIn) in Pages)
        {
            var visitor = signedIn ? person : stranger;
            await visitor.Page.GotoAsync(path.Replace("LATEST", sent.Value.Id, StringComparison.Ordinal).Replace("ROLLOUT", rollout.Value.Id, StringComparison.Ordinal).Replace("ADMIN", admin.Id, StringComparison.Ordinal).Replace("SERIAL", house.Center.Fleet.Find("thermostat-1")!.Serial, StringComparison.Ordinal));
            await Task.Delay(signedIn ? 400 : 100); // the chart draws, the feed connects
            await visitor.Page.ScreenshotAsync(new() { Path = Path.Combine(ConsoleHouse.Screenshots, $"{name}-{theme}-{width}{(language == "en-GB" ? "" : "-" + language[..2])}.png"), FullPage = true });
            if (await visitor.Page.EvaluateAsync<bool>("document.documentElement.scrollWidth > innerWidth")) faults.Add($"{name}: wider than {width} px");
            faults.AddRange((await visitor.Page.EvaluateAsync<string[]>(LeavesItsCard)).Select(what => $"{name}: leaves its card at {width} px: {what}"));
            faults.AddRange((await AxeAsync(visitor.Page)).Select(fault => $"{name}: {fault}"));
        }
        // The page that does not exist answers 404, which the browser mentions.
        faults.AddRange(stranger.Complaints.Concat(person.Complaints).Where(complaint => !complaint.Contains("404", StringComparison.Ordinal)));
        faults.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("light", 1280, "en-GB")]
    [InlineData("dark", 360, "es-ES")]
    public async Task Where_a_provider_signs_people_in_its_pages_are_as_sound(string theme, int width, string language)
    {
        await using var provider = await HostileProvider.StartAsync();
        await using var other = await ProviderHouse.StartAsync(provider.Options);
        var alice = await other.PersonAsync("alice", Signet.Access.Role.Admin);
        (await other.Center.ProviderLinks.LinkAsync(alice, provider.Issuer, "alice-1", alice.As("local"))).Refusal.ShouldBeNull();
        await using var visitor = new Visitor(await (await house.Chromium.NewContextAsync(new()
        {
            BaseURL = other.Console.ConsoleUrl.ToString(), IgnoreHTTPSErrors = true, Locale = language, ColorScheme = theme == "dark" ? ColorScheme.Dark : ColorScheme.Light, ViewportSize = new() { Width = width, Height = 844 },
        })).NewPageAsync(), house);
        Directory.CreateDirectory(ConsoleHouse.Screenshots);
        var faults = new List<string>();
        async Task LookAsync(string name, string path)
        {
            await visitor.Page.GotoAsync(path);
            await visitor.Page.ScreenshotAsync(new() { Path = Path.Combine(ConsoleHouse.Screenshots, $"{name}-{theme}-{width}-{language[..2]}.png"), FullPage = true });
            if (await visitor.Page.EvaluateAsync<bool>("document.documentElement.scrollWidth > innerWidth")) faults.Add($"{name}: wider than {width} px");
            faults.AddRange((await visitor.Page.EvaluateAsync<string[]>(LeavesItsCard)).Select(what => $"{name}: leaves its card: {what}"));
            faults.AddRange((await AxeAsync(visitor.Page)).Select(fault => $"{name}: {fault}"));
        }

        await LookAsync("login-with-provider", "/login");
        await LookAsync("login-provider-refused", "/login/provider/done?reason=no-account");
        await visitor.TrySignInAsync("alice", ProviderHouse.Password);
        await LookAsync("account-with-provider", "/account");
        await LookAsync("person-with-provider", "/people/" + alice.Id);
        await LookAsync("confirm-with-provider", "/confirm");
        faults.AddRange(visitor.Complaints);
        faults.ShouldBeEmpty();
    }

    private static async Task<IEnumerable<string>> AxeAsync(IPage page)
    {
        await page.EvaluateAsync(Axe);
        var result = await page.EvaluateAsync<JsonElement>("axe.run({ resultTypes: ['violations'] })");
        return [.. result.GetProperty("violations").EnumerateArray().SelectMany(violation => violation.GetProperty("nodes").EnumerateArray()
            .Select(node => $"{violation.GetProperty("id").GetString()}: {node.GetProperty("html").GetString()} {node.GetProperty("failureSummary").GetString()}"))];
    }
}
