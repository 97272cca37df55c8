using Signet.Access;
using Signet.Audit;
using Signet.Testing;

namespace Signet.Control.Tests;

/// <summary>Identities at a sign-in provider: one account each, audited, and gone with the account.</summary>
public sealed class ProviderLinkSpecs
{
    private const string Issuer = "https://id.example.org", Other = "https://id.example.net";

    [Fact]
    public async Task An_identity_signs_in_to_one_account_and_the_same_subject_of_another_issuer_is_somebody_else()
    {
        await using var house = await TestHouse.StartAsync(new() { Demo = false });
        var (links, accounts) = (house.Center.ProviderLinks, house.Center.Accounts);
        var ada = (await accounts.CreateAsync("ada", "hash", Role.Admin, Actor.Terminal)).Value;
        var bob = (await accounts.CreateAsync("bob", null, Role.Viewer, Actor.Terminal)).Value;

        (await links.LinkAsync(ada, Issuer, "1", ada.As("local"))).Refusal.ShouldBeNull();
        (await links.LinkAsync(ada, Issuer, "1", ada.As("local"))).Refusal.ShouldBeNull("it is linked already");
        (await links.LinkAsync(bob, Issuer, "1", bob.As("local"))).Refusal!.Code.ShouldBe(RefusalCode.AlreadyExists);
        (await links.LinkAsync(ada, Issuer, "2", ada.As("local"))).Refusal!.Code.ShouldBe(RefusalCode.AlreadyExists);
        (await links.LinkAsync(bob, Other, "1", bob.As("local"))).Refusal.ShouldBeNull();
        (await links.FindAsync(Issuer, "1"))!.Account.ShouldBe(ada.Id);
        (await links.FindAsync(Other, "1"))!.Account.ShouldBe(bob.Id);
        (await links.FindAsync(Issuer, "3")).ShouldBeNull();

        (await links.UnlinkAsync(bob, bob.As("local"))).Refusal!.Code.ShouldBe(RefusalCode.BadInput, "no password: it is the only way in");
        (await links.UnlinkAsync(bob, ada.As("local"))).Value.SecurityStamp.ShouldNotBe(bob.SecurityStamp, "sessions end");
        (await links.UnlinkAsync(bob, ada.As("local"))).Refusal!.Code.ShouldBe(RefusalCode.NotFound);
        var viewer = (await accounts.CreateAsync("eve", "hash", Role.Viewer, Actor.Terminal)).Value;
        (await links.UnlinkAsync(ada, viewer.As("local"))).Refusal!.Code.ShouldBe(RefusalCode.NotAllowed);

        var written = (await house.Center.Audit.QueryAsync(new AuditFilter { Action = "provider-linked" })).Entries;
        written.Count.ShouldBe(2);
        written.ShouldAllBe(entry => !entry.Details.ToJsonString().Contains("subject", StringComparison.Ordinal));
        await house.AssertAuditIntactAsync();
    }

    [Fact]
    public async Task An_account_that_goes_takes_its_identities_along_and_they_make_no_new_one_by_themselves()
    {
        await using var house = await TestHouse.StartAsync(new() { Demo = false });
        var accounts = house.Center.Accounts;
        var made = (await accounts.RegisterFromProviderAsync("noor", Role.Operator, Issuer, "7", "192.0.2.1")).Value;
        made.PasswordHash.ShouldBeNull();
        (await accounts.RegisterFromProviderAsync("Noor", Role.Operator, Issuer, "8", "192.0.2.1")).Refusal!.Code.ShouldBe(RefusalCode.AlreadyExists);
        (await accounts.RegisterFromProviderAsync("noor-2", Role.Operator, Issuer, "7", "192.0.2.1")).Refusal!.Code.ShouldBe(RefusalCode.AlreadyExists);
        (await accounts.RegisterFromProviderAsync("line\nbreak", Role.Operator, Issuer, "9", "192.0.2.1")).Refusal!.Code.ShouldBe(RefusalCode.BadInput);
        (await accounts.RemoveAsync(made.Id, Actor.Terminal)).Refusal.ShouldBeNull();
        (await house.Center.ProviderLinks.FindAsync(Issuer, "7")).ShouldBeNull();
        (await accounts.RegisterFromProviderAsync("noor", Role.Viewer, Issuer, "7", "192.0.2.1")).Refusal!.Code.ShouldBe(RefusalCode.NotAllowed);
        (await house.Center.ProviderLinks.BarredAsync("NOOR")).Single().Subject.ShouldBe("7");
        (await house.Center.ProviderLinks.AdmitAgainAsync("Noor", TestHouse.Operator)).Refusal!.Code.ShouldBe(RefusalCode.NotAllowed);
        (await house.Center.ProviderLinks.AdmitAgainAsync("Noor", Actor.Terminal)).Value.Count.ShouldBe(1);
        var again = (await accounts.RegisterFromProviderAsync("noor", Role.Viewer, Issuer, "7", "192.0.2.1")).Value;
        again.Id.ShouldNotBe(made.Id);
        // Removed again, and given an account by an administrator: who links it is no stranger.
        (await accounts.RemoveAsync(again.Id, Actor.Terminal)).Refusal.ShouldBeNull();
        var third = (await accounts.CreateAsync("noor", "hash", Role.Viewer, Actor.Terminal)).Value;
        (await house.Center.ProviderLinks.LinkAsync(third, Issuer, "7", third.As("local"))).Refusal.ShouldBeNull();
        (await house.Center.ProviderLinks.BarredAsync("noor")).ShouldBeEmpty();
        // A new password from an administrator takes every way in, the provider's too.
        (await house.Center.Links.ResetAsync(third.Id, Actor.Terminal)).Refusal.ShouldBeNull();
        (await house.Center.ProviderLinks.OfAsync(third.Id)).ShouldBeEmpty();
        (await house.AuditedAsync(new() { Type = "user", Subject = "noor", Action = "provider-admitted-again" })).Details.ToJsonString().ShouldNotContain("\"7\"");
    }

    [Fact]
    public async Task A_way_through_administrator_does_not_widen_what_somebody_is_limited_to()
    {
        await using var house = await TestHouse.StartAsync(new() { Demo = false });
        var accounts = house.Center.Accounts;
        (await accounts.CreateAsync("root", "hash", Role.Admin, Actor.Terminal)).Refusal.ShouldBeNull();
        var noor = (await accounts.RegisterFromProviderAsync("noor", Role.Operator, Issuer, "7", "192.0.2.1")).Value;
        (await accounts.SetScopeAsync(noor.Id, ["heating"], Actor.Terminal)).Refusal.ShouldBeNull();
        (await accounts.SetRoleByProviderAsync(noor.Id, Role.Admin, Issuer, "192.0.2.1")).Value.As("local").Groups.ShouldBeEmpty();
        (await accounts.SetRoleByProviderAsync(noor.Id, Role.Operator, Issuer, "192.0.2.1")).Value.As("local").Groups.ShouldBe(["heating"]);
        (await accounts.SetRoleAsync(noor.Id, Role.Admin, Actor.Terminal)).Value.Limits.ShouldBeEmpty();
        (await accounts.SetScopeAsync(noor.Id, ["lighting"], Actor.Terminal)).Refusal!.Code.ShouldBe(RefusalCode.BadInput);
        (await accounts.SetRoleAsync(noor.Id, Role.Viewer, Actor.Terminal)).Value.As("local").Groups.ShouldBe(["heating"]);
    }

    [Fact]
    public async Task Groups_come_with_the_invitation_the_account_and_the_provider()
    {
        await using var house = await TestHouse.StartAsync(new() { Demo = false });
        var (accounts, links) = (house.Center.Accounts, house.Center.Links);
        var made = (await links.InviteAsync(Role.Operator, "maria", TestHouse.Admin, ["heating", "doors"])).Value;
        (await links.FindAsync(made.Secret))!.Groups.ShouldBe(["doors", "heating"]);
        (await links.InviteAsync(Role.Admin, "", TestHouse.Admin, ["heating"])).Refusal!.Code.ShouldBe(RefusalCode.BadInput);
        (await links.InviteAsync(Role.Viewer, "", TestHouse.Admin, ["no group"])).Refusal!.Code.ShouldBe(RefusalCode.BadInput);
        (await accounts.RegisterAsync("maria", "hash", Role.Operator, "admin", "192.0.2.1", made.Link.Groups)).Value.As("local").Groups.ShouldBe(["doors", "heating"]);
        (await accounts.CreateAsync("olaf", "hash", Role.Operator, Actor.Terminal, ["doors"])).Value.As("local").Groups.ShouldBe(["doors"]);
        (await accounts.CreateAsync("root", "hash", Role.Admin, Actor.Terminal, ["doors"])).Refusal!.Code.ShouldBe(RefusalCode.BadInput);
        (await accounts.RegisterFromProviderAsync("noor", Role.Viewer, Issuer, "7", "192.0.2.1", ["lighting"])).Value.As("local").Groups.ShouldBe(["lighting"]);
        (await accounts.FindByNameAsync("OLAF"))!.Groups.ShouldBe(["doors"]);
        (await house.AuditedAsync(new() { Type = "user", Subject = "olaf", Action = "user-added" })).Details["groups"]!.GetValue<string>().ShouldBe("doors");
    }

    [Fact]
    public async Task People_devices_and_accounts_share_one_space_of_names()
    {
        await using var house = await TestHouse.StartAsync(new() { Demo = false });
        var center = house.Center;
        (await center.Fleet.AddAsync(new("lamp-9", "door"), Actor.Terminal)).Refusal.ShouldBeNull();
        (await center.TotpAccounts.AddAsync(new("Scraper", "a password of its own"), Actor.Terminal)).Refusal.ShouldBeNull();
        foreach (var name in new[] { "command_center", "Command_Center", "LAMP-9", "scraper" })
        {
            (await center.Accounts.RegisterFromProviderAsync(name, Role.Viewer, Issuer, "1", "192.0.2.1")).Refusal!.Code.ShouldBe(RefusalCode.AlreadyExists, name);
            (await center.Accounts.RegisterAsync(name, "hash", Role.Viewer, null, "192.0.2.1")).Refusal!.Code.ShouldBe(RefusalCode.AlreadyExists, name);
            (await center.Accounts.CreateAsync(name, "hash", Role.Viewer, Actor.Terminal)).Refusal!.Code.ShouldBe(RefusalCode.AlreadyExists, name);
        }
        center.ForeignBrokers.IsKnown("Maria", out var why).ShouldBeFalse();
        why.ShouldBe(ForeignBrokers.Unknown);
        (await center.Accounts.CreateAsync("Maria", "hash", Role.Viewer, Actor.Terminal)).Refusal.ShouldBeNull();
        center.ForeignBrokers.IsKnown("Maria", out _).ShouldBeTrue("that there was no such person is forgotten");
        (await center.Fleet.AddAsync(new("maria", "door"), Actor.Terminal)).Refusal!.Code.ShouldBe(RefusalCode.AlreadyExists);
        (await center.TotpAccounts.AddAsync(new("mariA", "a password of its own"), Actor.Terminal)).Refusal!.Code.ShouldBe(RefusalCode.AlreadyExists);
    }

    [Fact]
    public async Task A_provider_changes_roles_but_never_takes_the_last_administrator()
    {
        await using var house = await TestHouse.StartAsync(new() { Demo = false });
        var accounts = house.Center.Accounts;
        var ada = (await accounts.RegisterFromProviderAsync("ada", Role.Admin, Issuer, "1", "192.0.2.1")).Value;
        (await accounts.SetRoleByProviderAsync(ada.Id, Role.Viewer, Issuer, "192.0.2.1")).Refusal!.Code.ShouldBe(RefusalCode.LastAdministrator);
        (await accounts.FindAsync(ada.Id))!.ShouldSatisfyAllConditions(it => it.Role.ShouldBe(Role.Admin), it => it.SecurityStamp.ShouldBe(ada.SecurityStamp));
        var bob = (await accounts.CreateAsync("bob", "hash", Role.Admin, Actor.Terminal)).Value;
        (await accounts.SetRoleByProviderAsync(ada.Id, Role.Operator, Issuer, "192.0.2.1")).Value.ShouldSatisfyAllConditions(it => it.Role.ShouldBe(Role.Operator), it => it.SecurityStamp.ShouldNotBe(ada.SecurityStamp));
        (await accounts.SetRoleByProviderAsync(bob.Id, Role.Viewer, Issuer, "192.0.2.1")).Refusal!.Name.ShouldBe("last-administrator");
        var entries = (await house.Center.Audit.QueryAsync(new AuditFilter { Action = "user-role" })).Entries;
        entries.Select(entry => (entry.Outcome, entry.Reason)).ShouldBe([("refused", "last-administrator"), ("success", ""), ("refused", "last-administrator")]);
    }
}
