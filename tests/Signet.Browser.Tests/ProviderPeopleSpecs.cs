using System.Net;
using System.Text.Json.Nodes;
using Signet.Access;
using Signet.Audit;
using Signet.Control;

namespace Signet.Browser;

/// <summary>Whom the provider's word lets in, as what, and how far its word goes.</summary>
public sealed class ProviderPeopleSpecs : IAsyncLifetime
{
    private HostileProvider provider = null!;
    private ProviderHouse house = null!;

    public async ValueTask InitializeAsync()
    {
        provider = await HostileProvider.StartAsync();
        house = await ProviderHouse.StartAsync(provider.Options);
        await house.PersonAsync("root", Role.Admin);
    }

    private void Roles(params string[] roles) => provider.Claims = it => it["realm_access"] = new JsonObject { ["roles"] = new JsonArray([.. roles.Select(role => JsonValue.Create(role))]) };

    [Fact]
    public async Task A_role_is_raised_and_lowered_at_the_next_sign_in_and_sessions_of_before_end()
    {
        using var browser = house.NewBrowser();
        using var later = house.NewBrowser();
        Roles("signet-viewer", "something else");
        (await browser.TryAsync()).Location.ShouldBe("/account");
        (await AliceAsync()).Role.ShouldBe(Role.Viewer);
        Roles("signet-operator", "signet-admin", "signet-viewer");
        (await later.TryAsync()).Location.ShouldBe("/account");
        (await AliceAsync()).Role.ShouldBe(Role.Admin, "the highest counts");
        (await browser.GetAsync("/account")).Location.ShouldStartWith("/login", customMessage: "the session of the former role is over");
        Roles("signet-viewer");
        (await browser.TryAsync()).Location.ShouldBe("/account");
        (await AliceAsync()).Role.ShouldBe(Role.Viewer);
        (await later.GetAsync("/account")).Location.ShouldStartWith("/login");
        var changes = await house.EntriesAsync(AuditTypes.User, "user-role");
        changes.Select(entry => ((string)entry.Details["before"]!, (string)entry.Details["after"]!, (string)entry.Details["issuer"]!)).ShouldBe([("admin", "viewer", provider.Issuer), ("viewer", "admin", provider.Issuer)]);
        Roles();
        (await browser.GetAsync("/login/provider")).Location.ShouldBe("/", "who is signed in already is not sent away");
        using var third = house.NewBrowser();
        (await third.TryAsync()).Reason.ShouldBe("no-role");
        (await AliceAsync()).Role.ShouldBe(Role.Viewer, "a refusal changes nothing");
    }

    [Fact]
    public async Task The_last_administrator_stays_one_and_it_is_on_record_that_the_provider_said_otherwise()
    {
        Roles("signet-admin");
        using var browser = house.NewBrowser();
        (await browser.TryAsync()).Location.ShouldBe("/account");
        var root = (await house.Center.Accounts.FindByNameAsync("ROOT"))!;
        (await house.Center.Accounts.SetEnabledAsync(root.Id, false, Actor.Terminal)).Refusal.ShouldBeNull();
        Roles("signet-viewer");
        using var again = house.NewBrowser();
        (await again.TryAsync()).Location.ShouldBe("/account");
        (await AliceAsync()).Role.ShouldBe(Role.Admin);
        var refused = (await house.EntriesAsync(AuditTypes.User, "user-role"))[0];
        (refused.Outcome, refused.Reason).ShouldBe(("refused", "last-administrator"));
    }

    [Fact]
    public async Task A_name_or_an_address_that_is_alike_links_nothing()
    {
        var alice = await house.PersonAsync("alice", Role.Admin);
        provider.Claims = it => { it["email"] = "alice@example.org"; it["email_verified"] = true; };
        using var browser = house.NewBrowser();
        (await browser.TryAsync()).Reason.ShouldBe("name-taken");
        (await house.Center.ProviderLinks.OfAsync(alice.Id)).ShouldBeEmpty();
        (await browser.GetAsync("/account")).Location.ShouldStartWith("/login");
    }

    [Fact]
    public async Task An_account_is_linked_by_its_owner_signed_in_and_asked_again_and_unlinked_by_them()
    {
        var alice = await house.PersonAsync("alice", Role.Operator);
        using var browser = house.NewBrowser();
        await browser.SignInAsync("alice");
        var leave = await browser.PostAsync("/account?handler=LinkProvider", "/account");
        leave.Status.ShouldBe(HttpStatusCode.OK, "a form may not lead to another site; the page leads on");
        var ask = Wanderer.RefreshOf(leave.Body);
        ask.ShouldStartWith(provider.Issuer);
        ask.ShouldContain("prompt=login");
        (await browser.ReturnAsync((await browser.GetAsync(ask)).Location)).ShouldBe(("/account", null));
        (await house.Center.ProviderLinks.OfAsync(alice.Id)).Single().ShouldSatisfyAllConditions(it => it.Subject.ShouldBe("alice-1"), it => it.Issuer.ShouldBe(provider.Issuer));
        (await browser.GetAsync("/account")).Body.ShouldContain("alice-1");

        using var fresh = house.NewBrowser();
        (await fresh.TryAsync()).ShouldBe(("/account", null));
        (await fresh.GetAsync("/account")).Body.ShouldContain("alice");
        (await house.Center.Accounts.ListAsync()).Count.ShouldBe(2, "no second account");

        (await browser.PostAsync("/account?handler=UnlinkProvider", "/account")).Body.ShouldContain("no longer signs you in");
        (await fresh.GetAsync("/account")).Location.ShouldStartWith("/login", customMessage: "the identity had opened this session");
        (await browser.GetAsync("/account")).Status.ShouldBe(HttpStatusCode.OK, "who unlinks goes on");
        (await house.Center.ProviderLinks.OfAsync(alice.Id)).ShouldBeEmpty();
        using var after = house.NewBrowser();
        (await after.TryAsync()).Reason.ShouldBe("name-taken", "it is a stranger again");
        (await house.EntriesAsync(AuditTypes.User)).Select(entry => entry.Action).Take(2).ShouldBe(["provider-unlinked", "provider-linked"]);
    }

    [Fact]
    public async Task An_identity_of_somebody_else_is_not_linked_twice_and_the_answer_is_for_the_session_that_asked()
    {
        await house.PersonAsync("bob", Role.Operator);
        using var alice = house.NewBrowser();
        (await alice.TryAsync()).Location.ShouldBe("/account");
        using var bob = house.NewBrowser();
        await bob.SignInAsync("bob");
        async Task<string> AskAsync() => (await bob.GetAsync(Wanderer.RefreshOf((await bob.PostAsync("/account?handler=LinkProvider", "/account")).Body))).Location;
        (await bob.ReturnAsync(await AskAsync())).Reason.ShouldBe("linked-elsewhere");
        // Signed out, and in again, while the provider was asked: the answer belongs to the session before.
        provider.Subject = "bob-1";
        var answer = await AskAsync();
        await bob.PostAsync("/logout", "/account");
        await bob.SignInAsync("bob");
        (await bob.ReturnAsync(answer)).Reason.ShouldBe("not-signed-in");
        // Not asked again at the provider: an old session there is not enough to link.
        provider.Claims = it => it["auth_time"] = DateTimeOffset.UtcNow.AddMinutes(-10).ToUnixTimeSeconds();
        (await bob.ReturnAsync(await AskAsync())).Reason.ShouldBe("not-fresh");
        provider.Claims = it => it.Remove("auth_time");
        (await bob.ReturnAsync(await AskAsync())).Reason.ShouldBe("not-fresh");
    }

    [Fact]
    public async Task A_dangerous_act_is_confirmed_at_the_provider_by_the_same_person_shown_anew()
    {
        Roles("signet-admin");
        var first = provider.Claims;
        provider.Claims = it => { first(it); it["auth_time"] = DateTimeOffset.UtcNow.AddHours(-1).ToUnixTimeSeconds(); };
        using var browser = house.NewBrowser();
        (await browser.TryAsync()).Location.ShouldBe("/account");
        (await browser.PostAsync("/account?handler=UnlinkProvider", "/account")).Location.ShouldStartWith("/confirm", customMessage: "an old session at the provider confirms nothing");
        var page = await browser.GetAsync("/confirm?next=/people");
        page.Body.ShouldContain("Example ID");
        page.Body.ShouldNotContain("id=\"password\"", customMessage: "there is none");
        async Task<string> AskAsync() => (await browser.GetAsync(Wanderer.RefreshOf((await browser.PostAsync("/confirm?handler=Provider", "/confirm", ("Next", "/people"))).Body))).Location;
        (await browser.ReturnAsync(await AskAsync())).Reason.ShouldBe("not-fresh");
        provider.Claims = first;
        provider.Subject = "somebody-else";
        (await browser.ReturnAsync(await AskAsync())).Reason.ShouldBe("other-person");
        provider.Subject = "alice-1";
        (await browser.ReturnAsync(await AskAsync())).Location.ShouldBe("/people");
        (await browser.PostAsync("/account?handler=UnlinkProvider", "/account")).Body.ShouldContain("your only way in");
    }

    [Fact]
    public async Task A_second_factor_of_ones_own_is_asked_for_unless_the_providers_counts_by_setting()
    {
        Roles("signet-operator");
        using var browser = house.NewBrowser();
        (await browser.TryAsync()).Location.ShouldBe("/account");
        var factors = house.Center.SecondFactors;
        var secret = factors.NewSecret();
        var alice = await AliceAsync();
        (await factors.EnableTotpAsync(alice, secret, OneTimeCode.At(secret, OneTimeCode.StepAt(TimeProvider.System.GetUtcNow())), alice.As("local"))).Refusal.ShouldBeNull();
        using var second = house.NewBrowser();
        (await second.TryAsync()).Location.ShouldBe("/login/second?next=%2Faccount");
        (await second.GetAsync("/account")).Location.ShouldStartWith("/login");
        provider.Claims = it => it["amr"] = new JsonArray("pwd");
        using var word = house.NewBrowser();
        (await word.TryAsync()).Location.ShouldStartWith("/login/second");
        provider.Claims = it => it["amr"] = new JsonArray("pwd", "mfa");
        using var third = house.NewBrowser();
        (await third.TryAsync()).Location.ShouldBe("/account");
        ((string)(await house.EntriesAsync(AuditTypes.Auth, "sign-in"))[0].Details["with"]!).ShouldBe("provider+factor");
    }

    [Fact]
    public async Task A_higher_role_acts_after_the_second_factor_a_lower_one_before_and_an_old_session_at_the_provider_confirms_nothing()
    {
        Roles("signet-viewer");
        using var browser = house.NewBrowser();
        (await browser.TryAsync()).Location.ShouldBe("/account");
        var factors = house.Center.SecondFactors;
        var (secret, alice) = (factors.NewSecret(), await AliceAsync());
        (await factors.EnableTotpAsync(alice, secret, OneTimeCode.At(secret, OneTimeCode.StepAt(TimeProvider.System.GetUtcNow()) - 1), alice.As("local"))).Refusal.ShouldBeNull();
        provider.Claims = it =>
        {
            it["realm_access"] = new JsonObject { ["roles"] = new JsonArray("signet-admin") };
            it["auth_time"] = DateTimeOffset.UtcNow.AddHours(-1).ToUnixTimeSeconds();
        };
        using var second = house.NewBrowser();
        (await second.TryAsync()).Location.ShouldBe("/login/second?next=%2Faccount");
        (await AliceAsync()).Role.ShouldBe(Role.Viewer, "not before the second factor");
        (await second.PostAsync("/login/second?next=/account", "/login/second", ("code", OneTimeCode.At(secret, OneTimeCode.StepAt(TimeProvider.System.GetUtcNow()))))).Location.ShouldBe("/account");
        (await AliceAsync()).Role.ShouldBe(Role.Admin);
        (await second.PostAsync("/account?handler=BackupCodes", "/account")).Location.ShouldStartWith("/confirm", customMessage: "the provider asked an hour ago");
        Roles("signet-viewer");
        using var third = house.NewBrowser();
        (await third.TryAsync()).Location.ShouldStartWith("/login/second");
        (await AliceAsync()).Role.ShouldBe(Role.Viewer, "at once");
        provider.Claims = it => it.Remove("auth_time");
        using var silent = house.NewBrowser();
        (await silent.TryAsync()).Reason.ShouldBe("not-fresh", "max_age was sent, so the provider says when");
    }

    [Fact]
    public async Task A_link_that_leads_through_the_provider_does_not_replace_the_session_that_is_open()
    {
        await house.PersonAsync("bob", Role.Operator);
        using var browser = house.NewBrowser();
        var answer = await browser.VisitAsync();
        await browser.SignInAsync("bob");
        (await browser.ReturnAsync(answer)).Reason.ShouldBe("other-person");
        (await browser.GetAsync("/account")).Body.ShouldContain("bob");
        (await house.Center.Accounts.FindByNameAsync("ALICE")).ShouldBeNull("nothing was made");
        using var alice = house.NewBrowser();
        var again = await alice.VisitAsync("/login/provider?next=/devices");
        (await alice.TryAsync()).Location.ShouldBe("/account");
        (await alice.ReturnAsync(again)).ShouldBe(("/devices", null), "the same person goes on");
    }

    [Fact]
    public async Task Somebody_who_was_removed_does_not_come_back_by_a_click_until_an_administrator_lets_them()
    {
        using var browser = house.NewBrowser();
        (await browser.TryAsync()).Location.ShouldBe("/account");
        (await house.Center.Accounts.RemoveAsync((await AliceAsync()).Id, Actor.Terminal)).Refusal.ShouldBeNull();
        (await browser.TryAsync()).Reason.ShouldBe("disabled");
        (await house.Center.ProviderLinks.AdmitAgainAsync("alice", Actor.Terminal)).Value.Single().Subject.ShouldBe("alice-1");
        (await browser.TryAsync()).Location.ShouldBe("/account");
    }

    [Theory]
    [InlineData("command_center"), InlineData("Command_Center"), InlineData("Lamp-1")]
    public async Task A_provider_names_nobody_like_the_center_or_a_device(string name)
    {
        (await house.Center.Fleet.AddAsync(new("lamp-1", "door"), Actor.Terminal)).Refusal.ShouldBeNull();
        provider.Claims = it => it["preferred_username"] = name;
        using var browser = house.NewBrowser();
        (await browser.TryAsync()).Reason.ShouldBe("name-taken");
    }

    [Fact]
    public async Task Who_owes_a_second_factor_sees_nothing_of_the_house_not_even_on_the_first_page()
    {
        await using var strict = await ProviderHouse.StartAsync(provider.Options, grace: TimeSpan.Zero);
        await strict.PersonAsync("olaf", Role.Operator);
        using var browser = strict.NewBrowser();
        await browser.SignInAsync("olaf");
        (await browser.GetAsync("/")).Location.ShouldBe("/enable-mfa");
    }

    [Fact]
    public async Task Who_is_disabled_here_stays_outside_whatever_the_provider_says()
    {
        using var browser = house.NewBrowser();
        (await browser.TryAsync()).Location.ShouldBe("/account");
        (await house.Center.Accounts.SetEnabledAsync((await AliceAsync()).Id, false, Actor.Terminal)).Refusal.ShouldBeNull();
        (await browser.GetAsync("/account")).Location.ShouldStartWith("/login");
        (await browser.TryAsync()).Reason.ShouldBe("disabled");
    }

    [Fact]
    public async Task Where_no_new_accounts_are_made_strangers_are_told_what_to_do()
    {
        await using var closed = await ProviderHouse.StartAsync(provider.Options with { NewAccounts = false });
        using var browser = closed.NewBrowser();
        (await browser.TryAsync()).Reason.ShouldBe("no-account");
        (await closed.Center.Accounts.ListAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task Signing_out_leads_to_the_providers_own_sign_out_where_that_is_set()
    {
        provider.Document = it => it["end_session_endpoint"] = provider.Issuer + "/end";
        await using var leaving = await ProviderHouse.StartAsync(provider.Options with { SignOut = true });
        using var browser = leaving.NewBrowser();
        (await browser.TryAsync()).Location.ShouldBe("/account");
        var left = Wanderer.RefreshOf((await browser.PostAsync("/logout", "/account")).Body);
        left.ShouldStartWith($"{provider.Issuer}/end?client_id={HostileProvider.ClientId}&post_logout_redirect_uri=");
        left.ShouldNotContain("id_token_hint", customMessage: "personal data stay out of addresses");
        (await browser.GetAsync("/account")).Location.ShouldStartWith("/login");
    }

    private async Task<Account> AliceAsync() => (await house.Center.Accounts.FindByNameAsync("ALICE"))!;

    public async ValueTask DisposeAsync()
    {
        await house.DisposeAsync();
        await provider.DisposeAsync();
    }
}
