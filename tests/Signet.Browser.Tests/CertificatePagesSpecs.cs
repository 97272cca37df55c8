using System.Diagnostics;
using Microsoft.Playwright;
using Signet.Access;

namespace Signet.Browser;

/// <summary>A certificate for a device, for a request and for one's own browser, as people get them on the pages.</summary>
public sealed class CertificatePagesSpecs(ConsoleHouse house)
{
    [Fact]
    [Trait("row", "S0-6")]
    public async Task A_claim_is_shown_once_as_a_line_and_as_a_picture_and_a_request_gets_its_certificate()
    {
        await using var admin = await house.VisitAsync();
        await admin.SignInAsync("/certificates");
        await admin.PressAsync(admin.Page.GetByRole(AriaRole.Link, new() { Name = "New certificate" }));
        await admin.Page.Locator("form[action$='handler=Invite'] [name=name]").FillAsync("garage-lamp");
        await admin.PressAsync(admin.Page.GetByRole(AriaRole.Button, new() { Name = "Make a claim" }));
        var claim = await admin.Page.Locator("#claim").InnerTextAsync();
        claim.ShouldMatch("^signet://[^/]+/garage-lamp\\?token=[^&]+&root=[0-9a-f]{64}$");
        (await admin.Page.Locator("img.qr").EvaluateAsync<int>("picture => picture.naturalWidth")).ShouldBeGreaterThan(0);
        await admin.Page.GotoAsync("/certificates/new");
        (await admin.Page.ContentAsync()).ShouldNotContain("token=", Case.Sensitive, "shown once");

        await admin.Page.Locator("form[action$='handler=Request'] [name=name]").FillAsync("garage-door");
        await admin.Page.Locator("[name=request]").FillAsync(await RequestAsync("garage-door"));
        await admin.PressAsync(admin.Page.GetByRole(AriaRole.Button, new() { Name = "Issue" }));
        (await admin.Page.Locator("#chain").InnerTextAsync()).ShouldStartWith("-----BEGIN CERTIFICATE-----");
        house.Center.Fleet.Find("garage-door").ShouldNotBeNull("the fleet admits it");

        await admin.Page.Locator("form[action$='handler=Request'] [name=name]").FillAsync("garage-gate");
        await admin.Page.Locator("[name=request]").FillAsync(await RequestAsync("thermostat-1"));
        await admin.PressAsync(admin.Page.GetByRole(AriaRole.Button, new() { Name = "Issue" }));
        (await admin.Page.GetByRole(AriaRole.Alert).InnerTextAsync()).ShouldContain("foreign");
        house.Center.Fleet.Find("garage-gate").ShouldBeNull();
        admin.Complaints.ShouldBeEmpty();
    }

    [Fact]
    [Trait("row", "S0-2")]
    public async Task A_person_gets_a_file_for_the_browser_signs_in_with_it_and_is_out_when_it_is_revoked()
    {
        var person = await house.SomebodyAsync(Role.Operator);
        await using var admin = await house.VisitAsync();
        await admin.SignInAsync("/certificates/new");
        await admin.Page.Locator("form[action$='handler=Person'] [name=name]").FillAsync(person.Name);
        await admin.Page.Locator("form[action$='handler=Person'] [name=password]").FillAsync("a file's password");
        var download = await admin.Page.RunAndWaitForDownloadAsync(() => admin.Page.GetByRole(AriaRole.Button, new() { Name = "Download" }).ClickAsync());
        download.SuggestedFilename.ShouldBe(person.Name + ".p12");
        var file = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.p12");
        await download.SaveAsAsync(file);
        try
        {
            await using var context = await house.Chromium.NewContextAsync(new()
            {
                BaseURL = house.Console.ConsoleUrl.ToString(), IgnoreHTTPSErrors = true, Locale = "en-GB",
                ClientCertificates = [new() { Origin = house.Console.ConsoleUrl.GetLeftPart(UriPartial.Authority), PfxPath = file, Passphrase = "a file's password" }],
            });
            var page = await context.NewPageAsync();
            await page.GotoAsync("/login");
            (await page.ContentAsync()).ShouldContain($"shows the certificate of {person.Name}");
            await page.Locator("#name").FillAsync(person.Name);
            await page.Locator("#password").FillAsync(ConsoleHouse.PersonsPassword);
            await page.Locator("form:has(#password) button").ClickAsync();
            await page.ArriveAsync(at => at.AbsolutePath != "/login", "what comes after /login", isLoaded: false);
            (await page.GotoAsync("/devices"))!.Status.ShouldBe(200);
            (await house.Center.Audit.QueryAsync(new() { Action = "sign-in", Actor = person.Name })).Entries[0].Details["with"]!.ToString().ShouldBe("password+certificate");

            // On the page: only after its name was typed.
            var serial = house.Center.Authority.FindByName(person.Name)[0].Serial;
            await admin.Page.GotoAsync($"/certificates/{serial}");
            await admin.Page.Locator("[name=typed]").FillAsync("somebody");
            await admin.PressAsync(admin.Page.GetByRole(AriaRole.Button, new() { Name = "Revoke", Exact = true }));
            (await admin.Page.GetByRole(AriaRole.Alert).InnerTextAsync()).ShouldContain("Nothing was revoked");
            await admin.Page.Locator("[name=typed]").FillAsync(person.Name);
            await admin.PressAsync(admin.Page.GetByRole(AriaRole.Button, new() { Name = "Revoke", Exact = true }));
            (await admin.Page.GetByRole(AriaRole.Status).First.InnerTextAsync()).ShouldContain("Revoked");
            var refused = "";
            try
            {
                refused = (await page.GotoAsync("/devices"))!.Url;
            }
            catch (PlaywrightException e)
            {
                refused = e.Message;
            }

            refused.EndsWith("/devices", StringComparison.Ordinal).ShouldBeFalse("the door is shut: " + refused);
            admin.Complaints.ShouldBeEmpty();
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static async Task<string> RequestAsync(string name)
    {
        var start = new ProcessStartInfo("openssl", ["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "/dev/null", "-subj", "/CN=" + name]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var openssl = Process.Start(start)!;
        var request = await openssl.StandardOutput.ReadToEndAsync();
        await openssl.WaitForExitAsync();
        return request;
    }
}
