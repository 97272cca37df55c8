using System.Text;
using Signet.Audit;
using Signet.Mqtt;
using Signet.Mqtt.Client;
using Signet.Testing;

namespace Signet.Control.Tests;

public sealed class TotpLoginSpecs
{
    private const string Password = "12qwert5";

    [Fact]
    [Trait("row", "S1-7"), Trait("row", "S1-traps")]
    public async Task A_code_is_good_once_whoever_brings_it_and_the_log_says_who_came()
    {
        await using var house = await TestHouse.StartAsync(new() { Demo = false });
        var secret = await AddAsync(house, "iot");
        var code = Now(secret);

        (await LogInAsync(house, $"iot|{code}", "wrong")).Reason.ShouldBe(TotpLogin.BadPassword);
        (await LogInAsync(house, $"iot|{code}")).Account!.Name.ShouldBe("iot");
        (await LogInAsync(house, $"iot|{code}")).Reason.ShouldBe(TotpLogin.Used);
        (await LogInAsync(house, $"iot|{code}", "wrong")).Reason.ShouldBe(TotpLogin.Used);
        (await LogInAsync(house, "iot|000000x")).Reason.ShouldBe(TotpLogin.Wrong);
        (await LogInAsync(house, "iot")).Reason.ShouldBe(TotpLogin.Missing);
        (await LogInAsync(house, $"nobody|{code}")).Reason.ShouldBe(TotpLogin.Unknown);
        (await LogInAsync(house, $"|{code}")).Reason.ShouldBe(TotpLogin.Unknown);

        (await house.AuditedAsync(new() { Type = AuditTypes.Auth, Actor = "iot" })).Action.ShouldBe("totp-login");
        (await house.AuditedAsync(new() { Type = AuditTypes.AuthFail, Actor = "iot", Reason = TotpLogin.Used })).Outcome.ShouldBe("refused");
        var everything = string.Concat((await house.Center.Audit.QueryAsync(new())).Entries.Select(e => e.ToString() + e.Details.ToJsonString()));
        everything.ShouldNotContain(Password);
        everything.ShouldNotContain(code);
    }

    [Fact]
    public async Task Whoever_guesses_on_is_refused_rate_limited_even_with_the_right_code_and_others_are_not()
    {
        await using var house = await TestHouse.StartAsync(new() { Demo = false });
        var secret = await AddAsync(house, "iot");
        var reasons = new List<string>();
        for (var guess = 0; guess < 20 && !reasons.Contains(TotpLogin.Limited); guess++) reasons.Add((await LogInAsync(house, "iot|000000x")).Reason);

        reasons[^1].ShouldBe(TotpLogin.Limited);
        reasons[..^1].ShouldAllBe(reason => reason == TotpLogin.Wrong);
        (await LogInAsync(house, $"iot|{Now(secret)}")).Reason.ShouldBe(TotpLogin.Limited);
        (await house.AuditedAsync(new() { Type = AuditTypes.AuthFail, Actor = "iot", Reason = TotpLogin.Limited })).Outcome.ShouldBe("refused");
        var other = await AddAsync(house, "iot2");
        (await LogInAsync(house, $"iot2|{Now(other)}")).Account!.Name.ShouldBe("iot2");
    }

    [Fact]
    [Trait("row", "S1-traps")]
    public async Task A_used_code_stays_used_over_a_restart()
    {
        await using var house = await TestHouse.StartAsync(new() { Demo = false });
        var secret = await AddAsync(house, "iot");
        var code = Now(secret);
        (await LogInAsync(house, $"iot|{code}")).Account.ShouldNotBeNull();

        await house.StopCenterAsync();
        await house.StartCenterAsync();

        (await LogInAsync(house, $"iot|{code}")).Reason.ShouldBe(TotpLogin.Used);
        house.Center.MqttPasswordEndPoint.ShouldNotBeNull("there is an account");
    }

    [Fact]
    [Trait("row", "S1-traps")]
    public async Task Of_many_at_once_with_one_code_exactly_one_comes_in()
    {
        await using var house = await TestHouse.StartAsync(new() { Demo = false });
        var code = Now(await AddAsync(house, "iot"));
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => LogInAsync(house, $"iot|{code}").AsTask()));
        answers.Count(a => a.Account is not null).ShouldBe(1);
        answers.Where(a => a.Account is null).ShouldAllBe(a => a.Reason == TotpLogin.Used);
    }

    [Fact]
    [Trait("row", "S1-traps")]
    public async Task An_account_that_allows_it_may_come_back_within_the_step_three_times_in_all_from_the_same_place_only()
    {
        await using var house = await TestHouse.StartAsync(new() { Demo = false });
        var code = Now(await AddAsync(house, "iot", reconnects: true));

        (await LogInAsync(house, $"iot|{code}", from: "10.0.0.1")).Account.ShouldNotBeNull();
        (await LogInAsync(house, $"iot|{code}", from: "10.0.0.2")).Reason.ShouldBe(TotpLogin.Used);
        (await LogInAsync(house, $"iot|{code}", from: "10.0.0.1", client: "other")).Reason.ShouldBe(TotpLogin.Used);
        (await LogInAsync(house, $"iot|{code}", from: "10.0.0.1", isPeer: false)).Reason.ShouldBe(TotpLogin.Used);
        (await LogInAsync(house, $"iot|{code}", "wrong", from: "10.0.0.1")).Reason.ShouldBe(TotpLogin.BadPassword);
        (await LogInAsync(house, $"iot|{code}", from: "10.0.0.1")).Account.ShouldNotBeNull();
        (await LogInAsync(house, $"iot|{code}", from: "10.0.0.1")).Account.ShouldNotBeNull();
        (await LogInAsync(house, $"iot|{code}", from: "10.0.0.1")).Reason.ShouldBe(TotpLogin.Used);
    }

    [Fact]
    [Trait("row", "S1-20")]
    public async Task A_hundred_accounts_log_in_in_the_same_second_and_cost_their_bcrypt_once()
    {
        await using var house = await TestHouse.StartAsync(new() { Demo = false });
        // The hash is that of "U*U" at the least cost: a hundred new ones would only make the test slow.
        var secrets = Enumerable.Range(0, 100).Select(i => Base32.Encode(Encoding.ASCII.GetBytes($"{i:D4}5678901234567890"))).ToList();
        var imported = (await house.Center.TotpAccounts.ImportAsync([.. secrets.Select((s, i) => new NewTotpAccount($"iot{i:D3}", null, "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", s))], TestHouse.Admin)).Value;
        imported.Imported.Count.ShouldBe(100);

        var answers = await Task.WhenAll(secrets.Select((s, i) => LogInAsync(house, $"iot{i:D3}|{Now(s)}", "U*U").AsTask()));

        answers.ShouldAllBe(a => a.Account != null);
        house.Center.TotpLogin.Hashed.ShouldBe(100);
        // The next codes: the passwords are remembered.
        answers = await Task.WhenAll(secrets.Select((s, i) => LogInAsync(house, $"iot{i:D3}|{Now(s, +1)}", "U*U").AsTask()));
        answers.ShouldAllBe(a => a.Account != null);
        house.Center.TotpLogin.Hashed.ShouldBe(100);
    }

    [Fact]
    [Trait("row", "S1-4"), Trait("row", "S1-10"), Trait("row", "S1-17")]
    public async Task On_the_password_listener_an_account_speaks_and_reads_in_its_own_branch_only()
    {
        await using var house = await TestHouse.StartAsync(new() { Demo = false });
        house.Center.MqttPasswordEndPoint.ShouldBeNull("nobody needs it yet");
        var secret = await AddAsync(house, "iot");
        await using var client = await ConnectAsync(house, $"iot|{Now(secret)}", Password);

        (await client.SubscribeAsync("metrics/iot/#", "metrics/+/Temperatura", "$SYS/#", "metrics/iot2/#", "#")).Select(r => r.IsAccepted).ShouldBe([true, false, false, false, false]);
        (await client.PublishAsync(new() { Topic = "metrics/iot/Temperatura", QoS = QoS.AtLeastOnce })).IsAccepted.ShouldBeTrue();
        foreach (var topic in new[] { "metrics/iot/Otro", "metrics/iot/Temperatura/x", "metrics/iot2/Temperatura", "signet/iot/status" })
            (await client.PublishAsync(new() { Topic = topic, QoS = QoS.AtLeastOnce })).ReasonString.ShouldBe("no-rule-allows", topic);

        var again = await Should.ThrowAsync<MqttException>(() => ConnectAsync(house, $"iot|{Now(secret)}", Password));
        again.Message.ShouldContain("totp-used");
        (await Should.ThrowAsync<MqttException>(() => ConnectAsync(house, "iot|123456", Password))).Message.ShouldContain("not-authorized");
        (await Should.ThrowAsync<MqttException>(() => ConnectAsync(house, null, null))).Reason.ShouldBe(ReasonCode.BadUserNameOrPassword);
    }

    [Theory]
    [InlineData("disable"), InlineData("password"), InlineData("remove")]
    [Trait("row", "S1-20"), Trait("row", "S1-traps")]
    public async Task Disabling_removing_or_a_new_password_cuts_the_session_and_what_was_remembered_is_void(string change)
    {
        await using var house = await TestHouse.StartAsync(new() { Demo = false });
        var secret = await AddAsync(house, "iot");
        await using var client = await ConnectAsync(house, $"iot|{Now(secret)}", Password);
        var closed = new TaskCompletionSource<MqttException?>();
        client.StateChanged += c => { if (c.State == MqttClientState.Closed) closed.TrySetResult(c.Cause); };

        var accounts = house.Center.TotpAccounts;
        (change switch
        {
            "disable" => await accounts.SetEnabledAsync("iot", false, TestHouse.Operator),
            "password" => await accounts.SetPasswordAsync("iot", "another one", TestHouse.Admin),
            _ => await accounts.RemoveAsync("iot", TestHouse.Admin),
        }).Refusal.ShouldBeNull();

        (await closed.Task.WaitAsync(Eventually.Patience))!.Reason.ShouldBe(ReasonCode.AdministrativeAction);
        (await LogInAsync(house, $"iot|{Now(secret, +1)}")).Reason.ShouldBe(change switch { "disable" => TotpLogin.Disabled, "password" => TotpLogin.BadPassword, _ => TotpLogin.Unknown });
        house.Center.ForeignBrokers.Decide("iot|123456", Access.TopicAction.Publish, "metrics/iot/Temperatura").Allowed.ShouldBe(change == "password");
        house.Center.Broker.Sessions().ShouldNotContain(s => s.Identity == "account:iot");
    }

    [Fact]
    [Trait("row", "S1-traps")]
    public async Task A_name_that_could_mean_something_else_is_no_account()
    {
        await using var house = await TestHouse.StartAsync(new() { Demo = false });
        foreach (var name in new[] { "iot|x", "iot/x", "iot+", "#", "%u", "a\0b", "", "person:ada", "\u0456ot", "$SYS", new string('a', 65) })
            (await house.Center.TotpAccounts.AddAsync(new(name, Password), TestHouse.Admin)).Refusal!.Name.ShouldBe("bad-input", name);
        house.Center.MqttPasswordEndPoint.ShouldBeNull();
    }

    [Fact]
    [Trait("row", "S1-traps")]
    public async Task A_code_is_good_for_its_own_account_and_of_two_that_share_a_secret_each_takes_it_once_with_its_own_password()
    {
        await using var house = await TestHouse.StartAsync(new() { Demo = false });
        var (one, two) = (await AddAsync(house, "one"), await AddAsync(house, "two"));
        var code = Now(one);
        if (code == Now(two) || code == Now(two, -1) || code == Now(two, +1)) code = Now(one, +1); // one in 300,000
        (await LogInAsync(house, $"two|{code}")).Reason.ShouldBe(TotpLogin.Wrong, "another's code");
        (await LogInAsync(house, $"one|{code}")).Account.ShouldNotBeNull("it was not used up by the attempt on another account");
        (await LogInAsync(house, $"two|{code}")).Reason.ShouldBe(TotpLogin.Wrong, "a used one, replayed on another account");

        const string Hash = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"; // "U*U"
        var shared = Base32.Encode("12345678901234567890"u8);
        var imported = (await house.Center.TotpAccounts.ImportAsync([new("twin-1", null, Hash, shared), new("twin-2", null, Hash, shared)], TestHouse.Admin)).Value;
        imported.Warnings.ShouldHaveSingleItem().ShouldBe("twin-2: its one-time secret is twin-1's too, so a code that was overheard from one is good for the other: give it a new one");
        (await LogInAsync(house, $"twin-1|{Now(shared)}", "U*U")).Account.ShouldNotBeNull();
        (await LogInAsync(house, $"twin-1|{Now(shared)}", "U*U")).Reason.ShouldBe(TotpLogin.Used);
        (await LogInAsync(house, $"twin-2|{Now(shared)}", "guess")).Reason.ShouldBe(TotpLogin.BadPassword);
        (await LogInAsync(house, $"twin-2|{Now(shared)}", "U*U")).Account.ShouldNotBeNull();
        (await LogInAsync(house, $"twin-2|{Now(shared)}", "U*U")).Reason.ShouldBe(TotpLogin.Used);
    }

    [Fact]
    [Trait("row", "S1-traps")]
    public async Task While_the_database_takes_no_codes_log_ins_are_refused_soon_then_at_once_and_it_is_said()
    {
        await using var house = await TestHouse.StartAsync(new() { Demo = false });
        var secrets = new List<string>();
        for (var i = 0; i < 6; i++) secrets.Add(await AddAsync(house, $"iot{i}"));
        var first = Now(secrets[0]);   // that of the next step would be another one, and good
        using var again = new ManualResetEventSlim();
        var slow = house.Center.Rows.WriteAsync(_ => again.Wait(TimeSpan.FromSeconds(60)), TestContext.Current.CancellationToken);
        try
        {
            for (var i = 0; i < ControlLimits.BackendFailures; i++)
            {
                var began = System.Diagnostics.Stopwatch.StartNew();
                (await LogInAsync(house, $"iot{i}|{(i == 0 ? first : Now(secrets[i]))}")).Reason.ShouldBe(TotpLogin.Unavailable);
                began.Elapsed.ShouldBeInRange(ControlLimits.CodeWritten, TimeSpan.FromSeconds(4.5), "go-auth waits 5 s");
            }

            var (hashed, at) = (house.Center.TotpLogin.Hashed, System.Diagnostics.Stopwatch.StartNew());
            (await LogInAsync(house, $"iot4|{Now(secrets[4])}")).Reason.ShouldBe(TotpLogin.Unavailable);
            at.Elapsed.ShouldBeLessThan(ControlLimits.CodeWritten, "nobody waits for what does not answer");
            house.Center.TotpLogin.Hashed.ShouldBe(hashed, "and no password is hashed for it");
            house.Center.TotpLogin.Unanswered.ShouldBe((0, 4));
            (await house.AuditedAsync(new() { Type = AuditTypes.Security, Action = "logins-suspended" })).Reason.ShouldBe(TotpLogin.Unavailable);
        }
        finally
        {
            again.Set(); // else a failure above would wait for the writer
        }

        await slow;
        await Eventually.True(() => LogInAsync(house, $"iot5|{Now(secrets[5], +1)}").AsTask().GetAwaiter().GetResult().Account is not null, "log-ins do not work again");
        (await house.AuditedAsync(new() { Type = AuditTypes.System, Action = "logins-resumed" })).Outcome.ShouldBe("success");
        // A code that got no yes is used all the same: it may have been written.
        (await LogInAsync(house, $"iot0|{first}")).Account.ShouldBeNull();
    }

    [Fact]
    public async Task Accounts_are_an_administrators_business_and_no_name_is_given_twice()
    {
        await using var house = await TestHouse.StartAsync();
        (await house.Center.TotpAccounts.AddAsync(new("iot", Password), TestHouse.Operator)).Refusal!.Name.ShouldBe("not-allowed");
        (await house.Center.TotpAccounts.AddAsync(new("door-1", Password), TestHouse.Admin)).Refusal!.Name.ShouldBe("already-exists");
        await AddAsync(house, "iot");
        (await house.Center.TotpAccounts.AddAsync(new("iot", Password), TestHouse.Admin)).Refusal!.Name.ShouldBe("already-exists");
        (await house.Center.TotpAccounts.AddAsync(new("iot2", new string('x', 73)), TestHouse.Admin)).Refusal!.Name.ShouldBe("bad-input");
        var import = (await house.Center.TotpAccounts.ImportAsync(
        [
            new("good", null, "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "WS4CXP7MUNHEHQK2"), new("iot", null, "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "WS4CXP7MUNHEHQK2CZYMR65Z5KWTCM3G"),
            new("plain", null, "12qwert5", "WS4CXP7MUNHEHQK2CZYMR65Z5KWTCM3G"), new("short", null, "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "WS4C"),
        ], TestHouse.Admin)).Value;
        import.Imported.ShouldBe(["good"]);
        import.Warnings.ShouldHaveSingleItem().ShouldContain("80 bits");
        import.Refused.Count.ShouldBe(3);
        import.Refused[0].ShouldStartWith("row 2: there is a device or TOTP account 'iot' already");
        await house.AssertAuditIntactAsync();
    }

    [Fact]
    [Trait("row", "S1-traps")]
    public async Task An_account_named_like_the_center_or_a_role_gets_none_of_their_rights()
    {
        await using var house = await TestHouse.StartAsync();
        await AddAsync(house, "command_center");
        house.Center.ForeignBrokers.Decide("command_center|1", Access.TopicAction.Publish, "signet/door-1/command").Allowed.ShouldBeFalse();
        // Known by nothing but its name it could be either: denied.
        house.Center.ForeignBrokers.Decide("command_center", Access.TopicAction.Publish, "signet/door-1/command").Rule.ShouldBe(ForeignBrokers.Ambiguous);
        house.Center.ForeignBrokers.Decide("door-1", Access.TopicAction.Publish, "signet/door-1/receipt").Allowed.ShouldBeTrue();
        house.Center.ForeignBrokers.Decide("door-1|123456", Access.TopicAction.Publish, "signet/door-1/receipt").Rule.ShouldBe(ForeignBrokers.Unknown);
        (await house.Center.Certificates.RevokeAsync("door-1", Pki.RevocationReason.KeyCompromise, TestHouse.Admin)).Refusal.ShouldBeNull();
        house.Center.ForeignBrokers.Decide("door-1", Access.TopicAction.Publish, "signet/door-1/receipt").Rule.ShouldBe(ForeignBrokers.Unknown);
    }

    private static async Task<string> AddAsync(TestHouse house, string name, bool reconnects = false)
        => (await house.Center.TotpAccounts.AddAsync(new(name, Password, Reconnects: reconnects), TestHouse.Admin)).Value.TotpSecret;

    private static ValueTask<TotpAnswer> LogInAsync(TestHouse house, string user, string password = Password, string from = "127.0.0.1", string client = "c", bool isPeer = true)
        => house.Center.TotpLogin.LogInAsync(new(user, Encoding.UTF8.GetBytes(password), client, from, "test", isPeer));

    private static string Now(string secret, int steps = 0)
    {
        Base32.TryDecode(secret, out var bytes).ShouldBeTrue();
        return OneTimeCode.At(bytes, OneTimeCode.StepAt(TimeProvider.System.GetUtcNow()) + steps);
    }

    private static Task<MqttClient> ConnectAsync(TestHouse house, string? user, string? password) => house.ConnectAsync((System.Security.Cryptography.X509Certificates.X509Certificate2?)null, "iot-metric", o => o with
    {
        Port = house.Center.MqttPasswordEndPoint!.Port, UserName = user, Password = password is null ? null : Encoding.UTF8.GetBytes(password),
        Will = user is null ? null : new(new() { Topic = "metrics/iot/Estado", Payload = "unsafe_disconnection"u8.ToArray() }),
    });
}
