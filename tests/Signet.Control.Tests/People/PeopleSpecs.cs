using Signet.Access;
using Signet.Testing;

namespace Signet.Control.Tests;

public sealed class PeopleSpecs
{
    [Fact]
    [Trait("row", "S0-23"), Trait("row", "S0-24")]
    public async Task The_last_administrator_stays_and_a_changed_role_changes_the_security_stamp()
    {
        await using var house = await TestHouse.StartAsync(new() { Demo = false });
        var accounts = house.Center.Accounts;
        (await accounts.AnyAdministratorAsync()).ShouldBeFalse();
        var ada = (await accounts.CreateAsync("ada", "hash", Role.Admin, Actor.Terminal)).Value;
        (await accounts.CreateAsync("ADA", "hash", Role.Viewer, Actor.Terminal)).Refusal!.Name.ShouldBe("already-exists");
        (await accounts.CreateAsync("bo\u202eb", null, Role.Viewer, TestHouse.Admin)).Refusal!.Name.ShouldBe("bad-input");

        (await accounts.SetRoleAsync(ada.Id, Role.Viewer, TestHouse.Admin)).Refusal!.Name.ShouldBe("last-administrator");
        (await accounts.SetEnabledAsync(ada.Id, false, TestHouse.Admin)).Refusal!.Name.ShouldBe("last-administrator");
        (await accounts.RemoveAsync(ada.Id, TestHouse.Admin)).Refusal!.Name.ShouldBe("last-administrator");

        var bob = (await accounts.CreateAsync("bob", null, Role.Viewer, TestHouse.Admin)).Value;
        (await accounts.SetRoleAsync(bob.Id, Role.Admin, TestHouse.Operator)).Refusal!.Name.ShouldBe("not-allowed");
        var raised = (await accounts.SetRoleAsync(bob.Id, Role.Admin, TestHouse.Admin)).Value;
        raised.SecurityStamp.ShouldNotBe(bob.SecurityStamp);
        (await accounts.SetRoleAsync(ada.Id, Role.Viewer, TestHouse.Admin)).Refusal.ShouldBeNull();
        (await house.AuditedAsync(new() { Type = "user", Subject = "ada", Action = "user-role" })).Details["after"]!.GetValue<string>().ShouldBe("viewer");
    }

    [Fact]
    public async Task What_lists_of_people_are_made_of_says_what_the_accounts_say()
    {
        await using var house = await TestHouse.StartAsync(new() { Demo = false });
        var (accounts, factors) = (house.Center.Accounts, house.Center.SecondFactors);
        var ada = (await accounts.CreateAsync("ada", "hash", Role.Admin, Actor.Terminal)).Value;
        var bob = (await accounts.CreateAsync("Bob \u00e9", null, Role.Operator, TestHouse.Admin, ["north", "roof"])).Value;
        (await accounts.SetEnabledAsync(bob.Id, false, TestHouse.Admin)).Refusal.ShouldBeNull();
        await accounts.CreateAsync("carl", null, Role.Viewer, TestHouse.Admin);
        var secret = factors.NewSecret();
        (await factors.EnableTotpAsync(ada, secret, OneTimeCode.At(secret, OneTimeCode.StepAt(house.Center.Time.GetUtcNow())), TestHouse.Admin)).Refusal.ShouldBeNull();
        // An administrator keeps the groups of before, and is not limited by them.
        (await accounts.CreateAsync("dora", null, Role.Operator, TestHouse.Admin, ["vault"])).Refusal.ShouldBeNull();
        (await accounts.SetRoleAsync((await accounts.FindByNameAsync("DORA"))!.Id, Role.Admin, TestHouse.Admin)).Refusal.ShouldBeNull();

        var all = await accounts.ListAsync();
        all.Count.ShouldBe(4);
        (await LinesAsync(house)).ShouldBe(all.OrderBy(one => one.NormalizedName, StringComparer.Ordinal).Select(Said));
    }

    [Fact]
    public async Task The_list_of_people_is_the_same_until_one_of_them_changes_and_then_says_so()
    {
        await using var house = await TestHouse.StartAsync(new() { Demo = false });
        var (accounts, factors) = (house.Center.Accounts, house.Center.SecondFactors);
        var ada = (await accounts.CreateAsync("ada", "hash", Role.Admin, Actor.Terminal)).Value;
        var before = await LinesAsync(house);
        (await accounts.LinesAsync()).ShouldBeSameAs(await accounts.LinesAsync());

        await ChangesAsync(async () => (await accounts.CreateAsync("bob", null, Role.Operator, Actor.Terminal)).Refusal);
        var bob = (await accounts.FindByNameAsync("BOB"))!;
        await ChangesAsync(async () => (await accounts.RegisterAsync("carl", "hash", Role.Viewer, null, "127.0.0.1")).Refusal);
        await ChangesAsync(async () => (await accounts.RegisterFromProviderAsync("dora", Role.Viewer, "https://id.example", "7", "127.0.0.1")).Refusal);
        await ChangesAsync(async () => (await accounts.SetRoleByProviderAsync((await accounts.FindByNameAsync("DORA"))!.Id, Role.Operator, "https://id.example", "127.0.0.1")).Refusal);
        await ChangesAsync(async () => (await accounts.SetScopeAsync(bob.Id, ["north"], TestHouse.Admin)).Refusal);
        await ChangesAsync(async () => (await accounts.SetEnabledAsync(bob.Id, false, TestHouse.Admin)).Refusal);
        await ChangesAsync(async () => (await accounts.UpdateAsync((await accounts.FindAsync(bob.Id))! with { LastSignIn = house.Center.Time.GetUtcNow() })).Refusal);
        var secret = factors.NewSecret();
        await ChangesAsync(async () => (await factors.EnableTotpAsync(ada, secret, OneTimeCode.At(secret, OneTimeCode.StepAt(house.Center.Time.GetUtcNow())), TestHouse.Admin)).Refusal);
        await ChangesAsync(async () => (await factors.DisableTotpAsync(ada, TestHouse.Admin)).Refusal);
        var now = house.Center.Time.GetUtcNow();
        await ChangesAsync(async () => (await factors.AddPasskeyAsync(ada, new([1], ada.Id, "one", [2], 0, [], true, false, false, [3], [4], now, null), TestHouse.Admin)).Refusal);
        await ChangesAsync(async () => (await factors.AddPasskeyAsync(ada, new([5], ada.Id, "two", [6], 0, [], true, false, false, [7], [8], now, null), TestHouse.Admin)).Refusal);
        await ChangesAsync(async () => (await factors.RemovePasskeyAsync(ada, [1], TestHouse.Admin)).Refusal);
        await ChangesAsync(async () => (await factors.ResetAsync(ada.Id, TestHouse.Admin)).Refusal);
        await ChangesAsync(async () => (await accounts.RemoveAsync(bob.Id, TestHouse.Admin)).Refusal);

        async Task ChangesAsync(Func<Task<Refusal?>> change)
        {
            (await change()).ShouldBeNull();
            var after = await LinesAsync(house);
            after.ShouldNotBe(before);
            after.ShouldBe((await accounts.ListAsync()).OrderBy(one => one.NormalizedName, StringComparer.Ordinal).Select(Said));
            before = after;
        }
    }

    private static async Task<IReadOnlyList<string>> LinesAsync(TestHouse house) => [.. (await house.Center.Accounts.LinesAsync())
        .Select(line => $"{line.Id} {line.Name} {line.NormalizedName} {line.Role} {line.Enabled} {string.Join('+', line.Limits)} {line.HasTotp} {line.Passkeys} {line.HasSecondFactor} {line.Created:O} {line.LastSignIn:O}")];

    private static string Said(Account one)
        => $"{one.Id} {one.Name} {one.NormalizedName} {one.Role} {one.Enabled} {string.Join('+', one.Limits)} {one.TotpSince is not null} {one.Passkeys} {one.HasSecondFactor} {one.Created:O} {one.LastSignIn:O}";

    [Fact]
    public async Task Two_writers_of_one_account_do_not_overwrite_each_other()
    {
        await using var house = await TestHouse.StartAsync(new() { Demo = false });
        var ada = (await house.Center.Accounts.CreateAsync("ada", null, Role.Admin, Actor.Terminal)).Value;
        (await house.Center.Accounts.UpdateAsync(ada with { AccessFailedCount = 1 })).Refusal.ShouldBeNull();
        (await house.Center.Accounts.UpdateAsync(ada with { AccessFailedCount = 0 })).Refusal!.Name.ShouldBe("conflict");
        (await house.Center.Accounts.FindAsync(ada.Id))!.AccessFailedCount.ShouldBe(1);
    }

    [Fact]
    public async Task A_token_speaks_for_its_role_until_it_is_revoked_and_its_secret_is_nowhere()
    {
        await using var house = await TestHouse.StartAsync(new() { Demo = false });
        var made = (await house.Center.Tokens.CreateAsync("ci", Role.Operator, TimeSpan.FromDays(1), TestHouse.Admin)).Value;
        made.Secret.ShouldStartWith("sgt_");
        made.ToString().ShouldNotContain(made.Secret);

        (await house.Center.Tokens.FindActorAsync(made.Secret, "192.0.2.1")).ShouldBe(new Actor("ci", Role.Operator, Actor.Token, "192.0.2.1"));
        (await house.Center.Tokens.FindActorAsync(made.Secret[..^1] + (made.Secret[^1] == 'A' ? 'E' : 'A'), "192.0.2.1")).ShouldBeNull();
        (await house.Center.Tokens.FindActorAsync("", "192.0.2.1")).ShouldBeNull();
        (await house.Center.Tokens.ListAsync()).Single().LastUse.ShouldNotBeNull();
        (await house.Center.Tokens.CreateAsync("ci", Role.Admin, TimeSpan.FromDays(1), TestHouse.Operator)).Refusal!.Name.ShouldBe("not-allowed");

        (await house.Center.Tokens.RevokeAsync(made.Token.Id, TestHouse.Admin)).Refusal.ShouldBeNull();
        (await house.Center.Tokens.FindActorAsync(made.Secret, "192.0.2.1")).ShouldBeNull();
    }

    [Fact]
    [Trait("row", "S0-23")]
    public async Task An_operator_for_some_groups_acts_on_their_devices_and_on_no_others()
    {
        await using var house = await TestHouse.StartAsync();
        await house.StartDeviceAsync("thermostat-1");
        await house.Center.Fleet.SetLabelsAsync("thermostat-1", ["heating"], null, TestHouse.Admin);
        var accounts = house.Center.Accounts;
        var olaf = (await accounts.CreateAsync("olaf-of-heating", "hash", Role.Operator, TestHouse.Admin)).Value;
        (await accounts.SetScopeAsync(olaf.Id, ["heating"], TestHouse.Operator)).Refusal!.Name.ShouldBe("not-allowed");
        (await accounts.SetScopeAsync(olaf.Id, ["Heating!"], TestHouse.Admin)).Refusal!.Name.ShouldBe("bad-input");
        var limited = (await accounts.SetScopeAsync(olaf.Id, ["heating"], TestHouse.Admin)).Value;
        limited.SecurityStamp.ShouldNotBe(olaf.SecurityStamp);

        (await house.Center.Commands.SendAsync(new("thermostat-1", "read-temperature"), limited.As("local"))).Refusal.ShouldBeNull();
        var outside = (await house.Center.Commands.SendAsync(new("door-1", "open"), limited.As("local"))).Refusal!;
        outside.Name.ShouldBe("not-allowed");
        (await house.AuditedAsync(new() { Type = "authorization", Subject = "door-1", Action = "command-sent" })).Details["rule"]!.GetValue<string>().ShouldBe("scope");

        // The same line for whatever else an operator may do to a device.
        (await house.Center.Fleet.SetEnabledAsync("door-1", false, limited.As("local"))).Refusal!.Name.ShouldBe("not-allowed");
        house.Center.Fleet.Find("door-1")!.Enabled.ShouldBeTrue();
        (await house.AuditedAsync(new() { Type = "authorization", Subject = "door-1", Action = "device-disabled" })).Details["rule"]!.GetValue<string>().ShouldBe("scope");
        var planned = (await house.Center.Commands.SendAsync(new("door-1", "open", NotBefore: TimeProvider.System.GetUtcNow().AddDays(1)), TestHouse.Operator)).Value;
        (await house.Center.Commands.CancelAsync(planned.Id, limited.As("local"))).Refusal!.Name.ShouldBe("not-allowed");
        (await house.Center.Commands.FindAsync(planned.Id))!.State.ShouldBe("queued");
        (await house.Center.Commands.CancelAsync(planned.Id, TestHouse.Operator)).Refusal.ShouldBeNull();
        var wide = (await house.Center.Commands.SendManyAsync(new("all", "check-status", NotBefore: TimeProvider.System.GetUtcNow().AddDays(1)), TestHouse.Operator)).Value;
        (await house.Center.Commands.CancelRolloutAsync(wide.Id, limited.As("local"))).Refusal!.Name.ShouldBe("not-allowed");
        (await house.Center.Broker.KickAsync("command_center", null, limited.As("local"))).Refusal!.Name.ShouldBe("not-allowed");
        (await house.Center.Broker.KickAsync("thermostat-1", null, limited.As("local"))).Refusal.ShouldBeNull();
        (await house.Center.Fleet.SetEnabledAsync("thermostat-1", false, limited.As("local"))).Refusal.ShouldBeNull();

        var token = (await house.Center.Tokens.CreateAsync("ci", Role.Operator, ["doors"], TimeSpan.FromDays(1), TestHouse.Admin)).Value;
        var actor = (await house.Center.Tokens.FindActorAsync(token.Secret, "local"))!;
        (await house.Center.Commands.SendAsync(new("thermostat-1", "read-temperature"), actor)).Refusal!.Name.ShouldBe("not-allowed");
        (await house.Center.Tokens.CreateAsync("ci", Role.Admin, ["doors"], TimeSpan.FromDays(1), TestHouse.Admin)).Refusal!.Name.ShouldBe("bad-input");
        (await accounts.SetRoleAsync(olaf.Id, Role.Admin, TestHouse.Admin)).Value.ShouldSatisfyAllConditions(it => it.As("local").Groups.ShouldBeEmpty(), it => it.Groups.ShouldBe(["heating"], "kept for the day the role is lowered"));
        (await accounts.SetScopeAsync(olaf.Id, ["heating"], TestHouse.Admin)).Refusal!.Name.ShouldBe("bad-input");
    }

    [Fact]
    public async Task The_terminals_token_replaces_the_one_before()
    {
        await using var house = await TestHouse.StartAsync(new() { Demo = false });
        var first = (await house.Center.Tokens.CreateLocalOperatorAsync()).Value;
        var second = (await house.Center.Tokens.CreateLocalOperatorAsync()).Value;
        (await house.Center.Tokens.FindActorAsync(first.Secret, "local")).ShouldBeNull();
        (await house.Center.Tokens.FindActorAsync(second.Secret, "local"))!.Kind.ShouldBe("local-operator");
        (await house.AuditedAsync(new() { Actor = "local-operator", Action = "token-created" })).Type.ShouldBe("user");
    }
}
