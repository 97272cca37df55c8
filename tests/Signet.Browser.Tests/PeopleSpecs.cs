using Microsoft.Playwright;
using Signet.Access;
using Signet.Control;
using Signet.Web;

namespace Signet.Browser;

/// <summary>Inviting, changing, resetting and ending: the people page and what it does to those it is about.</summary>
public sealed class PeopleSpecs(ConsoleHouse house)
{
    [Fact]
    [Trait("row", "S0-22"), Trait("row", "S0-24")]
    public async Task An_administrator_invites_somebody_who_becomes_what_the_link_says_and_no_more()
    {
        await using var admin = await house.VisitAsync();
        await admin.SignInAsync("/people");
        await admin.Page.Locator("#invite-note").FillAsync("=cmd|' /C calc'!A0 <i>");
        await admin.Page.Locator("#invite-role").SelectOptionAsync("Viewer");
        await admin.Page.GetByRole(AriaRole.Button, new() { Name = "Make a link" }).ClickAsync();
        var link = await admin.Page.Locator("#link").InnerTextAsync();

        await using var guest = await house.VisitAsync(script: false);
        await guest.Page.GotoAsync(link);
        await guest.Page.Locator("#name").FillAsync("maria <script>alert(1)</script>");
        await guest.Page.Locator("#password").FillAsync("password1234");
        await guest.Page.GetByRole(AriaRole.Button, new() { Name = "Continue" }).ClickAsync();
        (await guest.Page.GetByRole(AriaRole.Alert).InnerTextAsync()).ShouldContain("well-known password");
        // A role of one's own choosing in the form changes nothing.
        await guest.Page.Locator("#name").FillAsync("maria <script>alert(1)</script>");
        await guest.Page.Locator("#password").FillAsync(ConsoleHouse.PersonsPassword);
        await guest.Page.GetByRole(AriaRole.Button, new() { Name = "Continue" }).ClickAsync();
        new Uri(guest.Page.Url).AbsolutePath.ShouldBe("/");
        var maria = (await house.Center.Accounts.FindByNameAsync("MARIA <SCRIPT>ALERT(1)</SCRIPT>"))!;
        maria.Role.ShouldBe(Role.Viewer);
        (await guest.Page.GotoAsync("/people"))!.Status.ShouldBe(403);
        (await guest.Page.GotoAsync($"/people/{maria.Id}"))!.Status.ShouldBe(403);
        (await guest.Page.GotoAsync("/settings"))!.Status.ShouldBe(403);

        await using var late = await house.VisitAsync();
        await late.Page.GotoAsync(link);
        (await late.Page.GetByText("This link is not valid").IsVisibleAsync()).ShouldBeTrue();
        await admin.Page.GotoAsync("/people");
        (await admin.Page.GetByText("maria <script>alert(1)</script>").IsVisibleAsync()).ShouldBeTrue("names are text, whatever they hold");
        admin.Complaints.ShouldBeEmpty();
    }

    [Fact]
    [Trait("row", "S0-22"), Trait("row", "S0-24")]
    public async Task Groups_that_are_typed_on_the_page_limit_whom_a_link_invites_and_what_a_token_reaches()
    {
        var note = $"limited {Guid.NewGuid()}";
        await using var admin = await house.VisitAsync();
        await admin.SignInAsync("/people");
        var page = admin.Page;
        await page.Locator("#invite-note").FillAsync(note);
        await page.Locator("#invite-role").SelectOptionAsync("Operator");
        await page.GetByLabel("Only devices of the groups").First.FillAsync("  roof, north ");
        await admin.PressAsync(page.GetByRole(AriaRole.Button, new() { Name = "Make a link" }));
        var link = await page.Locator("#link").InnerTextAsync();
        (await house.Center.Links.ListAsync()).Single(one => one.Note == note).Groups.ShouldBe(["north", "roof"]);
        await Microsoft.Playwright.Assertions.Expect(page.Locator($"tr:has-text('{note}')")).ToContainTextAsync("roof");
        await using (var guest = await house.VisitAsync(script: false))
        {
            var name = $"roofer-{Guid.NewGuid():N}"[..16];
            await guest.Page.GotoAsync(link);
            await guest.Page.Locator("#name").FillAsync(name);
            await guest.Page.Locator("#password").FillAsync(ConsoleHouse.PersonsPassword);
            await guest.Page.GetByRole(AriaRole.Button, new() { Name = "Continue" }).ClickAsync();
            var made = (await house.Center.Accounts.FindByNameAsync(name.ToUpperInvariant()))!;
            (made.Role, string.Join(' ', made.Limits)).ShouldBe((Role.Operator, "north roof"));
        }

        var token = $"roof-{Guid.NewGuid():N}"[..16];
        await page.Locator("#token-name").FillAsync(token);
        await page.Locator("#token-role").SelectOptionAsync("Admin");
        await page.Locator("#token-groups").FillAsync("roof");
        await admin.PressAsync(page.GetByRole(AriaRole.Button, new() { Name = "Make a token" }));
        (await page.GetByRole(AriaRole.Alert).InnerTextAsync()).ShouldContain("an administrator's token is not limited to groups");
        await page.Locator("#token-name").FillAsync(token);
        await page.Locator("#token-role").SelectOptionAsync("Operator");
        await page.Locator("#token-groups").FillAsync("roof");
        await admin.PressAsync(page.GetByRole(AriaRole.Button, new() { Name = "Make a token" }));
        var secret = await page.Locator("#secret").InnerTextAsync();
        (await house.Center.Tokens.FindActorAsync(secret, "192.0.2.1"))!.Groups.ShouldBe(["roof"]);
        await Microsoft.Playwright.Assertions.Expect(page.Locator($"tr:has-text('{token}')")).ToContainTextAsync("roof");
        (await house.Center.Tokens.RevokeAsync((await house.Center.Tokens.ListAsync()).Single(one => one.Name == token).Id, Actor.Terminal)).Refusal.ShouldBeNull();
        admin.Complaints.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_form_cannot_name_a_role_an_id_or_whether_somebody_is_enabled()
    {
        var link = (await house.Center.Links.InviteAsync(Role.Viewer, "", Actor.Terminal)).Value;
        await using var guest = await house.VisitAsync();
        await guest.Page.GotoAsync("/register?token=" + link.Secret);
        await guest.Page.EvaluateAsync("""
            for (const [name, value] of [['Role', 'Admin'], ['role', '3'], ['Reset', 'admin'], ['Id', 'x'], ['MayRegister', 'true']]) {
              const field = document.createElement('input'); field.name = name; field.value = value; document.querySelector('form[action="/register"]').append(field);
            }
            """);
        await guest.Page.Locator("#name").FillAsync("greedy");
        await guest.Page.Locator("#password").FillAsync(ConsoleHouse.PersonsPassword);
        await guest.Page.GetByRole(AriaRole.Button, new() { Name = "Continue" }).ClickAsync();
        await guest.Page.ArriveAsync(at => at.AbsolutePath != "/register", "what comes after /register");
        (await house.Center.Accounts.FindByNameAsync("GREEDY"))!.Role.ShouldBe(Role.Viewer);
    }

    [Fact]
    [Trait("row", "S0-23")]
    public async Task A_role_that_was_lowered_stops_acts_at_once_and_a_disabled_person_is_out()
    {
        var person = await house.SomebodyAsync(Role.Operator);
        await using var visitor = await house.VisitAsync();
        await visitor.TrySignInAsync(person.Name, ConsoleHouse.PersonsPassword, "/devices/door-1");
        await visitor.Page.GetByRole(AriaRole.Button, new() { Name = "check status" }).WaitForAsync();
        await house.Center.Accounts.SetRoleAsync(person.Id, Role.Viewer, Actor.Terminal);
        var before = (await house.Center.Commands.ListAsync(new() { Device = "door-1", By = person.Name })).Commands.Count;
        try
        {
            await visitor.Page.GetByRole(AriaRole.Button, new() { Name = "check status" }).ClickAsync(new() { Timeout = 10_000 });
        }
        catch (Exception e) when (e is TimeoutException or PlaywrightException)
        {
            // A reading came in between, and the page has left, or is leaving, for the sign-in by itself.
        }

        await visitor.Page.ArriveAsync("/login");
        (await house.Center.Commands.ListAsync(new() { Device = "door-1", By = person.Name })).Commands.Count.ShouldBe(before);

        await visitor.TrySignInAsync(person.Name, ConsoleHouse.PersonsPassword, "/devices");
        await house.Center.Accounts.RemoveAsync(person.Id, Actor.Terminal);
        await visitor.Page.GoAsync("/devices");
        visitor.Page.Url.ShouldContain("/login");
        await visitor.TrySignInAsync(person.Name, ConsoleHouse.PersonsPassword);
        (await visitor.Page.GetByRole(AriaRole.Alert).InnerTextAsync()).ShouldBe("Name or password is wrong.");
    }

    [Fact]
    [Trait("row", "S0-29")]
    public async Task Sessions_are_listed_and_ended_by_their_owner_and_by_nobody_else()
    {
        var (ada, bob) = (await house.SomebodyAsync(Role.Viewer), await house.SomebodyAsync(Role.Viewer));
        await using var one = await house.VisitAsync();
        await one.TrySignInAsync(ada.Name, ConsoleHouse.PersonsPassword, "/account");
        await using var two = await house.VisitAsync();
        await two.TrySignInAsync(ada.Name, ConsoleHouse.PersonsPassword, "/account");
        await using var stranger = await house.VisitAsync();
        await stranger.TrySignInAsync(bob.Name, ConsoleHouse.PersonsPassword, "/account");
        var mark = await two.Page.Locator("input[name=session]").First.InputValueAsync(); // of the session in `one`

        await stranger.Page.EvaluateAsync("mark => { const form = document.querySelector('form[action=\"/language\"]').cloneNode(true); form.action = '/account?handler=EndSession'; form.insertAdjacentHTML('beforeend', '<input name=session>'); form.elements.session.value = mark; document.body.append(form); form.submit(); }", mark);
        await stranger.Page.GetByText("There is no such session.").WaitForAsync();
        (await one.Page.ReloadAsync())!.Url.ShouldEndWith("/account");

        await two.Page.Locator($"form:has(input[value='{mark}']) button").ClickAsync();
        await two.Page.GetByText("The session has ended.").WaitForAsync();
        await one.Page.AgainAsync();
        one.Page.Url.ShouldContain("/login");
    }

    [Fact]
    [Trait("row", "S0-29")]
    public async Task A_changed_password_ends_the_other_sessions_and_the_present_one_goes_on()
    {
        var person = await house.SomebodyAsync(Role.Viewer);
        await using var one = await house.VisitAsync();
        await one.TrySignInAsync(person.Name, ConsoleHouse.PersonsPassword, "/account");
        await using var two = await house.VisitAsync();
        await two.TrySignInAsync(person.Name, ConsoleHouse.PersonsPassword, "/account");
        await two.Page.Locator("#current").FillAsync(ConsoleHouse.PersonsPassword);
        await two.Page.Locator("#fresh").FillAsync("gravel lantern omelette");
        await two.Page.GetByRole(AriaRole.Button, new() { Name = "Change the password" }).ClickAsync();
        await two.Page.GetByText("The password is changed.").WaitForAsync();
        (await two.Page.GotoAsync("/account"))!.Url.ShouldNotContain("/login");
        await one.Page.AgainAsync();
        one.Page.Url.ShouldContain("/login");
        await one.TrySignInAsync(person.Name, "gravel lantern omelette", "/account");
        one.Page.Url.ShouldEndWith("/account");
    }

    [Fact]
    [Trait("row", "S0-24")]
    public async Task The_last_administrator_cannot_be_lowered_or_removed_from_the_page()
    {
        var last = (await house.Center.Accounts.FindByNameAsync("ADMIN"))!;
        await using var admin = await house.VisitAsync();
        await admin.SignInAsync("/people/" + last.Id);
        admin.Page.Dialog += (_, dialog) => _ = dialog.AcceptAsync();
        await admin.Page.GetByRole(AriaRole.Button, new() { Name = "Remove", Exact = true }).ClickAsync();
        await admin.Page.GetByText("is the last administrator").WaitForAsync();
        await admin.Page.Locator("#role").SelectOptionAsync("Viewer");
        await admin.Page.GetByRole(AriaRole.Button, new() { Name = "Change the role" }).ClickAsync();
        await admin.Page.GetByText("is the last administrator").WaitForAsync();
    }

    [Fact]
    [Trait("row", "S0-24")]
    public async Task Who_decides_on_an_old_page_is_told_of_what_somebody_else_did_and_overwrites_nothing()
    {
        var person = await house.SomebodyAsync(Role.Viewer);
        await using var admin = await house.VisitAsync();
        admin.Page.Dialog += (_, dialog) => _ = dialog.AcceptAsync();
        await admin.SignInAsync("/people/" + person.Id);
        (await house.Center.Accounts.SetRoleAsync(person.Id, Role.Operator, Actor.Terminal)).Refusal.ShouldBeNull();
        (await house.Center.Accounts.SetScopeAsync(person.Id, ["north"], Actor.Terminal)).Refusal.ShouldBeNull();
        async Task<string> PressAsync(string button)
        {
            await admin.PressAsync(admin.Page.GetByRole(AriaRole.Button, new() { Name = button, Exact = true }));
            return await admin.Page.Locator("main .notice").First.InnerTextAsync();
        }

        (await PressAsync("Change the role")).ShouldContain("changed-meanwhile");
        var kept = (await house.Center.Accounts.FindAsync(person.Id))!;
        (kept.Role, string.Join(' ', kept.Groups)).ShouldBe((Role.Operator, "north"));
        // The page shows what is there now, and a second press is about that.
        (await admin.Page.Locator("#role").InputValueAsync()).ShouldBe("Operator");
        (await admin.Page.Locator("#groups").InputValueAsync()).ShouldBe("north");
        await admin.Page.Locator("#groups").FillAsync("north south");
        (await PressAsync("Set")).ShouldContain("The groups are changed");
        (await house.Center.Accounts.FindAsync(person.Id))!.Groups.ShouldBe(["north", "south"]);

        foreach (var button in new[] { "Disable", "Remove" })
        {
            (await house.Center.Accounts.SetScopeAsync(person.Id, ["for-" + button.ToLowerInvariant()], Actor.Terminal)).Refusal.ShouldBeNull();
            (await PressAsync(button)).ShouldContain("changed-meanwhile", customMessage: button);
        }
        (await house.Center.Accounts.FindAsync(person.Id))!.Enabled.ShouldBeTrue();
        (await PressAsync("Disable")).ShouldContain("The account is disabled.");
        admin.Complaints.ShouldBeEmpty();
    }

    [Fact]
    [Trait("row", "S0-16")]
    public async Task An_administrator_cuts_the_link_with_a_provider_on_the_page_of_a_person()
    {
        var person = await house.SomebodyAsync(Role.Viewer);
        (await house.Center.ProviderLinks.LinkAsync(person, "https://id.example.org", "there-<i>7</i>", person.As("local"))).Refusal.ShouldBeNull();
        await using var theirs = await house.VisitAsync();
        await theirs.TrySignInAsync(person.Name, ConsoleHouse.PersonsPassword, "/account");
        await using var admin = await house.VisitAsync();
        await admin.SignInAsync("/people/" + person.Id);
        (await admin.Page.Locator("section[aria-labelledby=identities-title]").InnerTextAsync()).ShouldSatisfyAllConditions(it => it.ShouldContain("https://id.example.org"), it => it.ShouldContain("there-<i>7</i>"));
        var asked = "";
        admin.Page.Dialog += (_, dialog) => { asked = dialog.Message; _ = dialog.AcceptAsync(); };
        await admin.PressAsync(admin.Page.GetByRole(AriaRole.Button, new() { Name = "Unlink" }));
        asked.ShouldContain(person.Name);
        await admin.Page.GetByText("The provider no longer signs them in.").WaitForAsync();
        (await admin.Page.Locator("section[aria-labelledby=identities-title]").CountAsync()).ShouldBe(0);
        (await house.Center.ProviderLinks.OfAsync(person.Id)).ShouldBeEmpty();
        await theirs.Page.AgainAsync();
        theirs.Page.Url.ShouldContain("/login", customMessage: "the identity may have opened the session");
        var entry = (await house.Center.Audit.QueryAsync(new() { Action = "provider-unlinked", Subject = person.Name })).Entries.Single();
        (entry.Actor, entry.Outcome).ShouldBe(("admin", "success"));
        admin.Complaints.ShouldBeEmpty();
    }

    [Theory]
    [Trait("row", "S0-12")]
    [InlineData("https://evil.example/")]
    [InlineData("//evil.example/")]
    [InlineData("/\\evil.example/")]
    [InlineData("javascript:alert(1)")]
    public async Task After_signing_in_nobody_is_led_to_another_place(string next)
    {
        var person = await house.SomebodyAsync(Role.Viewer);
        await using var visitor = await house.VisitAsync(script: false);
        await visitor.TrySignInAsync(person.Name, ConsoleHouse.PersonsPassword, next);
        visitor.Page.Url.ShouldBe(new Uri(house.Console.ConsoleUrl, "/").ToString());
    }

    [Fact]
    [Trait("row", "S0-29")]
    public async Task A_session_key_that_was_fixed_beforehand_is_worth_nothing()
    {
        var person = await house.SomebodyAsync(Role.Viewer);
        await using var visitor = await house.VisitAsync();
        await visitor.Page.Context.AddCookiesAsync([new() { Name = "__Host-signet", Value = "chosen-by-an-attacker", Url = house.Console.ConsoleUrl.ToString(), Secure = true }]);
        await visitor.TrySignInAsync(person.Name, ConsoleHouse.PersonsPassword, "/account");
        (await visitor.Page.Context.CookiesAsync()).Single(cookie => cookie.Name == "__Host-signet").Value.ShouldNotBe("chosen-by-an-attacker");
        var before = (await visitor.Page.Context.CookiesAsync()).Single(cookie => cookie.Name == "__Host-signet").Value;
        await visitor.Page.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();
        await visitor.Page.ArriveAsync("/login");
        await visitor.TrySignInAsync(person.Name, ConsoleHouse.PersonsPassword, "/account");
        (await visitor.Page.Context.CookiesAsync()).Single(cookie => cookie.Name == "__Host-signet").Value.ShouldNotBe(before);
    }

    [Fact]
    [Trait("row", "S0-22")]
    public async Task Registration_is_by_invitation_unless_it_was_opened()
    {
        await using var stranger = await house.VisitAsync();
        await stranger.Page.GotoAsync("/register");
        (await stranger.Page.GetByText("Accounts are made by invitation here").IsVisibleAsync()).ShouldBeTrue();
        await using var open = await WebConsole.StartAsync(house.Center, new() { ConsolePort = 0, PkiPort = 0, Registration = Registration.Open }, Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance);
        await using var context = new Visitor(await (await house.Chromium.NewContextAsync(new() { BaseURL = open.ConsoleUrl.ToString(), IgnoreHTTPSErrors = true })).NewPageAsync(), house);
        await context.Page.GotoAsync("/login");
        await context.Page.GetByRole(AriaRole.Link, new() { Name = "Make an account" }).ClickAsync();
        await context.Page.Locator("#name").FillAsync("newcomer");
        await context.Page.Locator("#password").FillAsync(ConsoleHouse.PersonsPassword);
        await context.Page.GetByRole(AriaRole.Button, new() { Name = "Continue" }).ClickAsync();
        await context.Page.ArriveAsync(at => at.AbsolutePath != "/register", "what comes after /register");
        (await house.Center.Accounts.FindByNameAsync("NEWCOMER"))!.Role.ShouldBe(Role.Viewer);
        await open.StopAsync();
    }

    [Fact]
    [Trait("row", "S0-31")]
    public async Task The_console_speaks_spanish_to_who_asks_for_it_and_remembers_a_choice()
    {
        await using var context = new Visitor(await (await house.Chromium.NewContextAsync(new() { BaseURL = house.Console.ConsoleUrl.ToString(), IgnoreHTTPSErrors = true, Locale = "es-ES" })).NewPageAsync(), house);
        await context.Page.GotoAsync("/login");
        (await context.Page.Locator("html").GetAttributeAsync("lang")).ShouldBe("es");
        (await context.Page.GetByRole(AriaRole.Heading, new() { Name = "Iniciar sesión" }).IsVisibleAsync()).ShouldBeTrue();
        await context.Page.GetByRole(AriaRole.Button, new() { Name = "English" }).ClickAsync();
        await context.Page.GetByRole(AriaRole.Heading, new() { Name = "Sign in" }).WaitForAsync();
        await context.Page.ReloadAsync();
        (await context.Page.Locator("html").GetAttributeAsync("lang")).ShouldBe("en");
    }

    [Fact]
    [Trait("row", "S0-31")]
    public async Task Every_page_of_the_navigation_answers_in_spanish()
    {
        await using var context = new Visitor(await (await house.Chromium.NewContextAsync(new() { BaseURL = house.Console.ConsoleUrl.ToString(), IgnoreHTTPSErrors = true, Locale = "es-ES" })).NewPageAsync(), house);
        await context.Page.GotoAsync("/login");
        await context.Page.Locator("#name").FillAsync("admin");
        await context.Page.Locator("#password").FillAsync(house.Password);
        await context.PressAsync(context.Page.Locator("form:has(#password) button"));
        foreach (var (path, heading) in new[] { ("/devices", "Dispositivos"), ("/audit", "Auditoría"), ("/broker", "Bróker"), ("/lab", "Laboratorio de ataques"), ("/about", "Acerca de"), ("/settings", "Ajustes"), ("/people", "Personas"), ("/no-such-page", "Aquí no hay nada") })
        {
            await context.Page.GotoAsync(path);
            (await context.Page.Locator("html").GetAttributeAsync("lang")).ShouldBe("es", path);
            (await context.Page.Locator("h1").InnerTextAsync()).ShouldBe(heading);
        }
        await context.Page.GotoAsync("/devices/thermostat-1");
        await Microsoft.Playwright.Assertions.Expect(context.Page.Locator("#readings time").First).ToBeVisibleAsync();
        (await context.Page.Locator("main").InnerTextAsync()).ShouldContain("Sobre este dispositivo");
        await house.Center.Commands.SendAsync(new("door-1", "check-status"), Actor.Terminal);
        await context.Page.GotoAsync("/commands");
        await Microsoft.Playwright.Assertions.Expect(context.Page.Locator("#rows [data-state=executed]").First).ToHaveTextAsync("ejecutado");
        await Microsoft.Playwright.Assertions.Expect(context.Page.Locator("option[value='awaiting-approval']")).ToHaveTextAsync("a la espera de aprobación");
        await context.Page.GotoAsync("/account");
        (await context.Page.Locator("td[data-label='Acceso con']").First.InnerTextAsync()).ShouldBe("contraseña");
        context.Complaints.Where(complaint => !complaint.Contains("404", StringComparison.Ordinal)).ShouldBeEmpty();
    }
}
