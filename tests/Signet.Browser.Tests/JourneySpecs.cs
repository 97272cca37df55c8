using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.Playwright;
using Signet.Mqtt;
using Signet.Mqtt.Client;
using Signet.Pki;
using static Microsoft.Playwright.Assertions;

namespace Signet.Browser;

/// <summary>What people come for, done as they do it.</summary>
public sealed class JourneySpecs(ConsoleHouse house)
{
    [Fact]
    [Trait("row", "S0-16")]
    [Trait("row", "S0-17")]
    public async Task Pressing_read_temperature_shows_the_signed_answer_without_a_reload()
    {
        await using var person = await house.VisitAsync();
        await person.SignInAsync("/devices");
        await person.Page.GetByRole(AriaRole.Link, new() { Name = "thermostat-1" }).ClickAsync();
        await person.Page.EvaluateAsync("window.samePage = true");
        await person.Page.GetByRole(AriaRole.Button, new() { Name = "read temperature" }).ClickAsync();
        await Expect(person.Page.Locator("#sent-notice")).ToContainTextAsync("executed");
        await Expect(person.Page.Locator("#sent-notice")).ToContainTextAsync("temperature");
        await Expect(person.Page.Locator("#history tbody tr").First).ToContainTextAsync("executed");
        (await person.Page.EvaluateAsync<bool>("window.samePage === true")).ShouldBeTrue("the page was loaded anew");
        person.Complaints.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_reading_arrives_on_the_open_page()
    {
        await using var person = await house.VisitAsync();
        await person.SignInAsync("/devices/thermostat-1");
        var first = await person.Page.Locator("#readings time").First.GetAttributeAsync("datetime");
        // When the device measures is its own affair; that the page follows is what is shown here.
        var before = DateTimeOffset.Parse(first!, System.Globalization.CultureInfo.InvariantCulture);
        await ConsoleHouse.UntilAsync(() => house.Center.Fleet.LatestReadingsAsync("thermostat-1").Result.Any(reading => reading.At > before.AddSeconds(1)), "a reading after the first", seconds: 60);
        await Expect(person.Page.Locator("#readings time").First).Not.ToHaveAttributeAsync("datetime", first!, new() { Timeout = 20_000 });
        await Expect(person.Page.Locator("#chart canvas")).ToBeVisibleAsync();
    }

    [Fact]
    [Trait("row", "S0-21")]
    public async Task A_device_that_is_switched_off_shows_offline_and_takes_no_commands()
    {
        await using var person = await house.VisitAsync();
        await person.SignInAsync("/devices/valve-1");
        await Expect(person.Page.GetByRole(AriaRole.Button, new() { Name = "open" })).ToBeEnabledAsync();
        await house.SwitchOffAsync("valve-1");
        try
        {
            await Expect(person.Page.Locator("#presence")).ToContainTextAsync("offline", new() { Timeout = 2_000 });
            await Expect(person.Page.GetByRole(AriaRole.Button, new() { Name = "open" })).ToBeDisabledAsync();
        }
        finally
        {
            house.SwitchOn("valve-1");
        }
        await Expect(person.Page.Locator("#presence")).ToContainTextAsync("online", new() { Timeout = 15_000 });
        await Expect(person.Page.GetByRole(AriaRole.Button, new() { Name = "open" })).ToBeEnabledAsync();
    }

    [Fact]
    public async Task One_command_goes_to_many_devices_and_a_planned_one_can_be_taken_back()
    {
        await using var person = await house.VisitAsync();
        await person.SignInAsync("/commands");
        await person.Page.GetByText("To one device or many").ClickAsync();
        await person.Page.GetByLabel("Devices", new() { Exact = true }).FillAsync("kind:nothing");
        await person.Page.Locator("#new-command").FillAsync("check-status");
        await person.Page.GetByRole(AriaRole.Button, new() { Name = "Send", Exact = true }).ClickAsync();
        await Expect(person.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("no device fits");
        await person.Page.GetByLabel("Devices", new() { Exact = true }).FillAsync("all");
        await person.Page.GetByRole(AriaRole.Button, new() { Name = "Send", Exact = true }).ClickAsync();
        await Expect(person.Page.Locator("#progress")).ToContainTextAsync("done");
        await Expect(person.Page.Locator("#rows")).ToContainTextAsync("executed");

        await person.Page.GotoAsync("/commands?devices=door-1");
        await person.Page.Locator("#new-command").FillAsync("open");
        await person.Page.Locator("#new-at").FillAsync(DateTimeOffset.UtcNow.AddDays(1).ToString("yyyy-MM-dd'T'HH:mm", System.Globalization.CultureInfo.InvariantCulture));
        await person.Page.GetByRole(AriaRole.Button, new() { Name = "Send", Exact = true }).ClickAsync();
        await Expect(person.Page.Locator("#command")).ToContainTextAsync("queued");
        await person.Page.GetByRole(AriaRole.Button, new() { Name = "Take it back" }).ClickAsync();
        await Expect(person.Page.Locator("#command")).ToContainTextAsync("cancelled");
        person.Complaints.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_rollout_moves_on_on_the_open_page_and_what_is_left_of_it_can_be_stopped()
    {
        const string away = "away-1";
        (await house.Center.Fleet.AddAsync(new(away, "door"), Signet.Control.Actor.Terminal)).Refusal.ShouldBeNull();
        await using var person = await house.VisitAsync();
        await person.SignInAsync("/commands?devices=door-1,thermostat-1," + away);
        await person.Page.Locator("#new-command").FillAsync("check-status");
        await person.Page.Locator("#new-wait").SelectOptionAsync(new SelectOptionValue { Index = 1 });
        await person.Page.Locator("#new-rate").FillAsync("20"); // one every three seconds
        await person.Page.GetByRole(AriaRole.Button, new() { Name = "Send", Exact = true }).ClickAsync();
        await Expect(person.Page.Locator("#progress")).ToContainTextAsync("of 3 settled", new() { Timeout = 60_000 });
        await person.Page.EvaluateAsync("() => { window.sameDocument = true; }");

        await Expect(person.Page.Locator("#progress")).ToContainTextAsync("2 of 3 settled, 2 executed, 0 errors", new() { Timeout = 60_000 });
        (await person.Page.EvaluateAsync<bool>("() => window.sameDocument === true")).ShouldBeTrue("without a reload");
        await person.Page.GetByRole(AriaRole.Button, new() { Name = "Stop it" }).ClickAsync();
        await Expect(person.Page.Locator("#progress")).ToContainTextAsync("3 of 3 settled, 2 executed, 0 errors", new() { Timeout = 60_000 });
        await Expect(person.Page.Locator("#rows")).ToContainTextAsync("cancelled", new() { Timeout = 60_000 });
        person.Complaints.ShouldBeEmpty();
        (await house.Center.Fleet.RemoveAsync(away, Signet.Control.Actor.Terminal)).Refusal.ShouldBeNull();
    }

    [Fact]
    public async Task An_unsupported_command_is_refused_with_its_reason()
    {
        await using var person = await house.VisitAsync();
        await person.SignInAsync("/devices/door-1");
        await person.Page.GetByText("Custom command").ClickAsync();
        await person.Page.GetByLabel("Command", new() { Exact = true }).FillAsync("self-destruct");
        await person.Page.GetByRole(AriaRole.Button, new() { Name = "Send" }).ClickAsync();
        await Expect(person.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("command-not-allowed");
        (await person.Page.GetByLabel("Command", new() { Exact = true }).InputValueAsync()).ShouldBe("self-destruct");
    }

    [Fact]
    [Trait("row", "S0-28")]
    public async Task A_replayed_command_stands_in_the_audit_log_with_its_reason()
    {
        var sent = (await house.Center.Commands.SendAsync(new("door-1", "check-status"), Signet.Control.Actor.Terminal)).Value;
        var answered = await house.Center.Commands.WaitAsync(sent.Id, Signet.Testing.Eventually.Patience);
        answered!.State.ShouldBe("executed");
        await using var person = await house.VisitAsync();
        await person.SignInAsync("/audit?type=replay");
        await PublishAsCenterAsync("signet/door-1/command", answered.Message);
        // The page is open: the refusal of the device walks in by itself.
        await Expect(person.Page.Locator("#entries tbody tr").Filter(new() { HasText = "replayed" }).Filter(new() { HasText = "door-1" }).First).ToBeVisibleAsync();
    }

    [Fact]
    [Trait("row", "S0-26")]
    public async Task Verifying_the_log_gives_a_plain_verdict_in_place()
    {
        await using var person = await house.VisitAsync();
        await person.SignInAsync("/audit");
        await person.Page.GetByRole(AriaRole.Button, new() { Name = "Verify log integrity" }).ClickAsync();
        await Expect(person.Page.Locator("#verdict")).ToContainTextAsync("The log is intact.");
    }

    [Fact]
    [Trait("row", "S0-26")]
    public async Task An_entry_is_shown_with_the_hashes_that_lead_to_the_signed_root()
    {
        await house.Center.Audit.CheckpointAsync(TestContext.Current.CancellationToken);
        await using var person = await house.VisitAsync();
        await person.SignInAsync("/audit/1");
        var proof = person.Page.GetByRole(AriaRole.Region, new() { Name = "Proof" });
        await Expect(proof.GetByRole(AriaRole.Status)).ToContainTextAsync("hashes lead from this entry to the root of checkpoint");
        await proof.GetByText("Every byte of it").ClickAsync();
        await Expect(proof).ToContainTextAsync("\"action\":\"log-created\"");
        await Expect(proof).ToContainTextAsync(house.Center.Audit.Origin);
        person.Complaints.ShouldBeEmpty();
    }

    [Fact]
    public async Task Signing_in_and_sending_a_command_work_without_script()
    {
        await using var person = await house.VisitAsync(script: false);
        await person.SignInAsync("/devices/thermostat-1");
        await person.Page.GetByRole(AriaRole.Button, new() { Name = "read temperature" }).ClickAsync();
        await Expect(person.Page.Locator("#sent-notice")).ToContainTextAsync("executed");
        await person.Page.GotoAsync("/audit?type=command");
        await Expect(person.Page.Locator("#entries")).ToContainTextAsync("admin");
        await person.Page.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();
        await Expect(person.Page.GetByRole(AriaRole.Heading, new() { Name = "Sign in" })).ToBeVisibleAsync();
    }

    [Fact]
    public async Task What_strangers_and_operators_type_is_shown_as_text()
    {
        const string markup = "<img src=x onerror=alert(1)>";
        await using var stranger = await house.VisitAsync();
        await stranger.Page.GotoAsync("/login");
        await stranger.Page.GetByLabel("Name").FillAsync(markup);
        await stranger.Page.GetByLabel("Password").FillAsync("not the password");
        await stranger.Page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        await Expect(stranger.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("wrong");
        (await stranger.Page.Locator("img[src=x]").CountAsync()).ShouldBe(0);

        await using var person = await house.VisitAsync();
        await person.SignInAsync("/audit?type=auth_fail");
        await Expect(person.Page.Locator("#entries")).ToContainTextAsync(markup);
        (await person.Page.Locator("img[src=x]").CountAsync()).ShouldBe(0);
        person.Complaints.ShouldBeEmpty();
    }

    [Fact]
    public async Task The_theme_follows_the_system_until_somebody_chooses()
    {
        await using var person = await house.VisitAsync(dark: true);
        await person.SignInAsync();
        (await ThemeAsync()).ShouldBe("dark");
        await person.Page.Locator("[data-theme-switch]").ClickAsync(); // system -> light
        (await ThemeAsync()).ShouldBe("light");
        await person.Page.ReloadAsync();
        (await ThemeAsync()).ShouldBe("light");

        Task<string> ThemeAsync() => person.Page.EvaluateAsync<string>("document.documentElement.dataset.bsTheme");
    }

    [Fact]
    public async Task The_menu_opens_on_a_phone_by_keyboard()
    {
        await using var person = await house.VisitAsync(width: 360);
        await person.SignInAsync();
        var devices = person.Page.GetByRole(AriaRole.Navigation).GetByRole(AriaRole.Link, new() { Name = "Devices" });
        await Expect(devices).ToBeHiddenAsync();
        await person.Page.GetByRole(AriaRole.Button, new() { Name = "Menu" }).FocusAsync();
        await person.Page.Keyboard.PressAsync("Enter");
        await Expect(devices).ToBeVisibleAsync();
    }

    private async Task PublishAsCenterAsync(string topic, string message)
    {
        var name = Path.Combine(house.Center.Installation.PkiDirectory, "command_center");
        using var certificate = PemFile.ReadWithKey(name + ".crt", name + ".key");
        await using var client = await MqttClient.ConnectAsync(new()
        {
            Host = "localhost", Port = house.Center.MqttEndPoint.Port, ClientId = "replayer",
            Tls = () => new SslClientAuthenticationOptions
            {
                TargetHost = "localhost",
                ClientCertificateContext = SslStreamCertificateContext.Create(certificate, new X509Certificate2Collection(house.Center.Authority.Intermediate), offline: true),
                CertificateChainPolicy = new() { TrustMode = X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { house.Center.Authority.Root }, RevocationMode = X509RevocationMode.NoCheck },
            },
        });
        await client.PublishAsync(new() { Topic = topic, Payload = Encoding.ASCII.GetBytes(message), QoS = QoS.AtLeastOnce });
    }
}
