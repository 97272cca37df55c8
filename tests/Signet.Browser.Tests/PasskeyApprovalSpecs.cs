using System.Buffers.Text;
using System.Diagnostics;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Playwright;
using Signet.Access;
using Signet.Control;
using Signet.Pki;
using Signet.Wire;

namespace Signet.Browser;

/// <summary>A command of a class that needs approvals, approved in the browser with a passkey; the device checks the passkey's word itself. The authenticator is Chromium's virtual one.</summary>
public sealed class PasskeyApprovalSpecs(ConsoleHouse house)
{
    private const string Device = "gate-1";

    [Fact]
    public async Task A_person_approves_with_a_passkey_and_the_device_checks_it_itself()
    {
        var person = await house.SomebodyAsync(Role.Operator);
        await using var visitor = await house.VisitAsync();
        await WithPasskeyAsync(visitor, person);
        await visitor.Page.GotoAsync("/account");
        var link = await visitor.Page.GetByRole(AriaRole.Link, new() { Name = "public key for a manifest" }).GetAttributeAsync("href");
        var passkey = JsonNode.Parse(await visitor.Page.EvaluateAsync<string>("async url => (await fetch(url)).text()", link))!;
        ((string)passkey["person"]!).ShouldBe(person.Name);
        (await house.Center.Fleet.AddAsync(new(Device, "door"), Actor.Terminal)).Refusal.ShouldBeNull();
        house.SwitchOn(Device);
        try
        {
            (await house.Center.Manifests.PushAsync(Device, Manifest(person, passkey), null, Actor.Terminal)).Refusal.ShouldBeNull();
            await ConsoleHouse.UntilAsync(() => house.Center.Manifests.Find(Device)!.Announced == 1, "the device obeys the manifest");
            var asked = (await house.Center.Commands.SendAsync(new(Device, "open"), Actor.Terminal)).Value;
            asked.State.ShouldBe("awaiting-approval");
            var proposal = (await house.Center.Commands.ProposalsOfAsync(asked.Id)).Single();

            await visitor.Page.GotoAsync("/commands");
            await visitor.Page.Locator($"#proposal-{proposal.Id}").GetByRole(AriaRole.Link, new() { Name = "with your passkey" }).ClickAsync();
            await visitor.Page.GetByText("Your browser shows what the center sends.").WaitForAsync();
            await visitor.Page.ScreenshotAsync(new() { Path = Path.Combine(ConsoleHouse.Screenshots, "approve.png"), FullPage = true });
            await visitor.Page.GetByRole(AriaRole.Button, new() { Name = "Approve with my passkey" }).ClickAsync();
            await visitor.Page.ArriveAsync("/commands");

            await ConsoleHouse.UntilAsync(() => house.Center.Commands.FindAsync(asked.Id).GetAwaiter().GetResult()!.State == "executed", "the device executed it");
            (await house.Center.Commands.ProposalsOfAsync(proposal.Id)).Single().Approved.ShouldBe([person.Name]);
            await ProvenByBothAsync(asked.Id);
            visitor.Complaints.ShouldBeEmpty();
        }
        finally
        {
            await house.SwitchOffAsync(Device);
            await house.Center.Fleet.RemoveAsync(Device, Actor.Terminal);
        }
    }

    private string Manifest(Account person, JsonNode passkey)
    {
        using var root = (ECDsa)KeyFile.Load(Path.Combine(house.Center.Installation.PkiDirectory, "root.key"));
        using var key = SigningKey.Es256(root, Thumbprint.Of(house.Center.Authority.Root));
        return Encoding.ASCII.GetString(ManifestMessage.Sign(new()
        {
            Issuer = ManifestClaims.Policy, Id = "01JQX4S8M0RSTVWXYZ23456789", IssuedAt = DateTimeOffset.UtcNow, Audience = Device, Version = 1, Commands = ["close", "open"], Suites = [new("signet-ps256-1", null)], OnlySealed = false,
            Classes = [new("gates", ["open"], 1, [person.Name])],
            Approvers = [new(person.Name, Base64Url.DecodeFromChars((string)passkey["key"]!)) { Passkey = new((string)passkey["rp"]!, (string)passkey["origin"]!) }],
        }, key));
    }

    // The receipt file carries the approval: the program's verifier and the one in Python check the passkey's signature alike.
    private async Task ProvenByBothAsync(string id)
    {
        var file = (await house.Center.Commands.ExportReceiptAsync(id, Actor.Terminal)).Value;
        ReceiptVerifier.Verify(file.Json.Span, [house.Center.Authority.Root]).Problem.ShouldBe("");
        var folder = Directory.CreateTempSubdirectory("signet-receipt-").FullName;
        await File.WriteAllBytesAsync(Path.Combine(folder, "r.json"), file.Json.ToArray());
        await File.WriteAllTextAsync(Path.Combine(folder, "root.crt"), house.Center.Authority.Root.ExportCertificatePem());
        var repository = typeof(ConsoleHouse).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(one => one.Key == "Root").Value!;
        using var python = Process.Start(new ProcessStartInfo("/usr/bin/python3", [Path.Combine(repository, "tests", "verify_receipt.py"), Path.Combine(folder, "r.json"), "--trust", Path.Combine(folder, "root.crt")]) { RedirectStandardOutput = true })!;
        var said = await python.StandardOutput.ReadToEndAsync();
        await python.WaitForExitAsync();
        python.ExitCode.ShouldBe(0, said);
        Directory.Delete(folder, recursive: true);
    }

    private static async Task WithPasskeyAsync(Visitor visitor, Account person)
    {
        var session = await visitor.Page.Context.NewCDPSessionAsync(visitor.Page);
        await session.SendAsync("WebAuthn.enable");
        await session.SendAsync("WebAuthn.addVirtualAuthenticator", new Dictionary<string, object>
        {
            ["options"] = new Dictionary<string, object> { ["protocol"] = "ctap2", ["transport"] = "internal", ["hasResidentKey"] = true, ["hasUserVerification"] = true, ["isUserVerified"] = true },
        });
        await visitor.TrySignInAsync(person.Name, ConsoleHouse.PersonsPassword, "/enable-mfa");
        await visitor.Page.Locator("#passkey-name").FillAsync("laptop");
        await visitor.Page.GetByRole(AriaRole.Button, new() { Name = "Add a passkey" }).ClickAsync();
        await visitor.Page.Locator("ol.codes li").First.WaitForAsync();
    }
}
