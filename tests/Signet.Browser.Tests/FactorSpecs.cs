using Microsoft.Playwright;
using Signet.Access;
using Signet.Control;

namespace Signet.Browser;

/// <summary>Second factors as people meet them: set up, sign in, lose, recover. The authenticator is Chromium's virtual one.</summary>
public sealed class FactorSpecs(ConsoleHouse house)
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Trait("row", "S0-14"), Trait("row", "S0-15")]
    public async Task A_person_scans_a_code_and_signs_in_with_it_or_with_a_backup_code(bool script)
    {
        var person = await house.SomebodyAsync(Role.Operator);
        await using var visitor = await house.VisitAsync(script: script);
        await visitor.TrySignInAsync(person.Name, ConsoleHouse.PersonsPassword, "/enable-mfa");
        var secret = await SecretAsync(visitor);
        (await visitor.Page.Locator("img.qr").GetAttributeAsync("src"))!.ShouldStartWith("data:image/svg+xml;base64,");
        await visitor.Page.Locator("#code").FillAsync("000000" == Code(secret, 0) ? "000001" : "000000");
        await visitor.PressAsync(visitor.Page.GetByRole(AriaRole.Button, new() { Name = "Confirm" }));
        (await visitor.Page.GetByRole(AriaRole.Alert).InnerTextAsync()).ShouldContain("not right");
        (await SecretAsync(visitor)).ShouldBe(secret, "a slip must not void what was scanned");
        var spent = Code(secret, 0);
        await visitor.Page.Locator("#code").FillAsync(spent);
        await visitor.PressAsync(visitor.Page.GetByRole(AriaRole.Button, new() { Name = "Confirm" }));
        var codes = await visitor.Page.Locator("ol.codes li").AllInnerTextsAsync();
        codes.Count.ShouldBe(10);
        await visitor.Page.GotoAsync("/account");
        (await visitor.Page.ContentAsync()).ShouldNotContain(codes[0]);

        await using var second = await house.VisitAsync(script: script);
        await second.TrySignInAsync(person.Name, ConsoleHouse.PersonsPassword, "/devices");
        second.Page.Url.ShouldContain("/login/second");
        await second.Page.GotoAsync("/devices");
        second.Page.Url.ShouldContain("/login?", Case.Sensitive, "a password alone opens nothing");
        await second.Page.GotoAsync("/login/second?next=/devices");
        await AnswerAsync(second, spent);
        // On a slow machine the step may be over, too.
        (await second.Page.GetByRole(AriaRole.Alert).InnerTextAsync()).ShouldMatch("used already|not right");
        await AnswerAsync(second, Code(secret, 1));
        second.Page.Url.ShouldEndWith("/devices");

        await using var third = await house.VisitAsync(script: script);
        await third.TrySignInAsync(person.Name, ConsoleHouse.PersonsPassword);
        await AnswerAsync(third, codes[3]);
        new Uri(third.Page.Url).AbsolutePath.ShouldBe("/");
        await using var fourth = await house.VisitAsync(script: script);
        await fourth.TrySignInAsync(person.Name, ConsoleHouse.PersonsPassword);
        await AnswerAsync(fourth, codes[3]);
        (await fourth.Page.GetByRole(AriaRole.Alert).InnerTextAsync()).ShouldContain("not right");
        visitor.Complaints.Concat(second.Complaints).ShouldBeEmpty();
        (await house.Center.Audit.QueryAsync(new() { Type = "auth_fail", Actor = person.Name })).Entries.ShouldAllBe(entry => entry.Reason == "totp-used" || entry.Reason == "bad-code");
    }

    [Fact]
    [Trait("row", "S0-14")]
    public async Task Guessing_at_codes_is_slowed_and_the_right_password_does_not_settle_it()
    {
        var person = await house.SomebodyAsync(Role.Viewer);
        var secret = house.Center.SecondFactors.NewSecret();
        await house.Center.SecondFactors.EnableTotpAsync(person, secret, Code(secret, 0), Actor.Terminal);
        await using var guesser = await house.VisitAsync();
        for (var i = 0; i < Signet.Web.WebLimits.LoginFailuresPerAccount; i++)
        {
            await guesser.TrySignInAsync(person.Name, ConsoleHouse.PersonsPassword);
            await AnswerAsync(guesser, "abcd-abcd-abcd-abcd");
        }
        await guesser.TrySignInAsync(person.Name, ConsoleHouse.PersonsPassword);
        await AnswerAsync(guesser, Code(secret, 1));
        (await guesser.Page.GetByRole(AriaRole.Alert).InnerTextAsync()).ShouldContain("Too many failed attempts");
    }

    [Fact]
    [Trait("row", "S0-14")]
    public async Task A_passkey_is_registered_and_signs_in()
    {
        var person = await house.SomebodyAsync(Role.Operator);
        await using var visitor = await house.VisitAsync();
        var authenticator = await AuthenticatorAsync(visitor.Page);
        await visitor.TrySignInAsync(person.Name, ConsoleHouse.PersonsPassword, "/enable-mfa");
        await visitor.Page.Locator("#passkey-name").FillAsync("laptop <b>");
        await visitor.Page.GetByRole(AriaRole.Button, new() { Name = "Add a passkey" }).ClickAsync();
        await visitor.Page.Locator("ol.codes li").First.WaitForAsync();
        (await house.Center.Accounts.FindAsync(person.Id))!.Passkeys.ShouldBe(1);
        await visitor.Page.GotoAsync("/account");
        (await visitor.Page.GetByText("laptop <b>").First.IsVisibleAsync()).ShouldBeTrue("names are text, whatever they hold");

        await visitor.Page.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();
        await visitor.Page.ArriveAsync("/login");
        await visitor.TrySignInAsync(person.Name, ConsoleHouse.PersonsPassword, "/broker");
        visitor.Page.Url.ShouldContain("/login/second");
        await visitor.Page.GetByRole(AriaRole.Button, new() { Name = "Use a passkey" }).ClickAsync();
        await visitor.Page.ArriveAsync("/broker");
        (await house.Center.SecondFactors.PasskeysAsync(person.Id)).Single().LastUse.ShouldNotBeNull();
        (await house.Center.Audit.QueryAsync(new() { Type = "auth", Actor = person.Name, Limit = 1 })).Entries[0].Details["with"]!.GetValue<string>().ShouldBe("password+passkey");

        // Without the person's gesture there is no user verification, and no way in.
        await visitor.Page.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();
        await visitor.Page.ArriveAsync("/login");
        await authenticator.Session.SendAsync("WebAuthn.setUserVerified", new Dictionary<string, object> { ["authenticatorId"] = authenticator.Id, ["isUserVerified"] = false });
        await visitor.TrySignInAsync(person.Name, ConsoleHouse.PersonsPassword);
        await visitor.Page.GetByRole(AriaRole.Button, new() { Name = "Use a passkey" }).ClickAsync();
        await visitor.Page.GetByText("The browser gave no passkey").WaitForAsync();
        visitor.Complaints.ShouldBeEmpty();
    }

    [Fact]
    [Trait("row", "S0-14")]
    public async Task After_the_grace_period_the_role_waits_for_its_second_factor()
    {
        var person = await house.SomebodyAsync(Role.Operator);
        // What an administrator's reset leaves behind: due at once.
        await house.Center.SecondFactors.ResetAsync(person.Id, Actor.Terminal);
        await using var visitor = await house.VisitAsync();
        await visitor.TrySignInAsync(person.Name, ConsoleHouse.PersonsPassword, "/devices");
        visitor.Page.Url.ShouldContain("/enable-mfa");
        (await visitor.Page.APIRequest.GetAsync("/api/v1/devices")).Status.ShouldBe(403);
        var secret = await SecretAsync(visitor);
        await visitor.Page.Locator("#code").FillAsync(Code(secret, 0));
        await visitor.Page.GetByRole(AriaRole.Button, new() { Name = "Confirm" }).ClickAsync();
        await visitor.Page.Locator("ol.codes li").First.WaitForAsync();
        await visitor.Page.GotoAsync("/devices");
        visitor.Page.Url.ShouldEndWith("/devices");
        // The last factor of a role that needs one stays.
        await visitor.Page.GotoAsync("/account");
        visitor.Page.Dialog += (_, dialog) => _ = dialog.AcceptAsync();
        await visitor.Page.GetByRole(AriaRole.Button, new() { Name = "Remove" }).ClickAsync();
        await visitor.Page.GetByText("add another before you remove this one").WaitForAsync();
    }

    private static string Code(byte[] secret, int steps) => OneTimeCode.At(secret, OneTimeCode.StepAt(TimeProvider.System.GetUtcNow()) + steps);

    private static async Task<byte[]> SecretAsync(Visitor visitor)
    {
        Base32.TryDecode(await visitor.Page.Locator("#key").InnerTextAsync(), out var secret).ShouldBeTrue();
        return secret;
    }

    private static async Task AnswerAsync(Visitor visitor, string code)
    {
        await visitor.Page.Locator("#code").FillAsync(code);
        await visitor.PressAsync(visitor.Page.GetByRole(AriaRole.Button, new() { Name = "Continue" }));
    }

    private static async Task<(ICDPSession Session, string Id)> AuthenticatorAsync(IPage page)
    {
        var session = await page.Context.NewCDPSessionAsync(page);
        await session.SendAsync("WebAuthn.enable");
        var made = await session.SendAsync("WebAuthn.addVirtualAuthenticator", new Dictionary<string, object>
        {
            ["options"] = new Dictionary<string, object> { ["protocol"] = "ctap2", ["transport"] = "internal", ["hasResidentKey"] = true, ["hasUserVerification"] = true, ["isUserVerified"] = true },
        });
        return (session, made!.Value.GetProperty("authenticatorId").GetString()!);
    }
}
