using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.WebUtilities;
using Signet.Access;
using Signet.Audit;
using Signet.Testing;
using Signet.Web;
using Signet.Web.Looks;
using Signet.Web.SignIn;

namespace Signet.Browser;

/// <summary>What a provider, or somebody between, may try: each is refused for its own reason, and the reason is on the page and on record.</summary>
public sealed class ProviderRefusalSpecs : IAsyncLifetime
{
    private HostileProvider provider = null!;
    private ProviderHouse house = null!;

    public async ValueTask InitializeAsync()
    {
        provider = await HostileProvider.StartAsync();
        house = await ProviderHouse.StartAsync(provider.Options);
        (await house.PersonAsync("root", Role.Admin)).Role.ShouldBe(Role.Admin);
    }

    [Theory]
    [InlineData("RS256"), InlineData("PS256"), InlineData("ES256")]
    public async Task A_sign_in_in_order_makes_the_account_and_leads_back_to_the_page_that_was_asked_for(string algorithm)
    {
        provider.Algorithm = algorithm;
        using var browser = house.NewBrowser();
        (await browser.TryAsync("/login/provider?next=/devices")).ShouldBe(("/devices", null));
        (await browser.GetAsync("/account")).Body.ShouldContain("Alice");
        (await house.Center.Accounts.FindByNameAsync("ALICE"))!.ShouldSatisfyAllConditions(it => it.Role.ShouldBe(Role.Operator), it => it.PasswordHash.ShouldBeNull());
        var asked = QueryHelpers.ParseQuery(provider.LastQuery);
        asked["code_challenge_method"].ToString().ShouldBe("S256");
        asked["response_type"].ToString().ShouldBe("code");
        asked["scope"].ToString().ShouldBe("openid profile");
        provider.LastQuery.ShouldNotContain("secret");
        provider.LastSecret.ShouldBe($"{HostileProvider.ClientId}:{WebUtility.UrlEncode(HostileProvider.Secret)}");
        var entry = (await house.EntriesAsync(AuditTypes.Auth, "sign-in"))[0];
        entry.Details.ToJsonString().ShouldContain("\"provider\"");
        (await house.EntriesAsync(AuditTypes.User, "provider-linked"))[0].Details.ToJsonString().ShouldNotContain("alice-1", customMessage: "what the provider calls somebody is personal data");
    }

    [Theory]
    [InlineData("https://evil.example/")]
    [InlineData("//evil.example/")]
    [InlineData("/\\evil.example")]
    public async Task No_address_of_another_site_is_gone_to_afterwards(string next)
    {
        using var browser = house.NewBrowser();
        (await browser.TryAsync("/login/provider?next=" + Uri.EscapeDataString(next))).ShouldBe(("/", null));
    }

    public static TheoryData<string, string> Tokens() => new()
    {
        { "iss", "wrong-issuer" }, { "iss-slash", "wrong-issuer" }, { "aud", "wrong-audience" }, { "aud-none", "wrong-audience" }, { "aud-two", "wrong-party" }, { "azp", "wrong-party" }, { "nonce", "wrong-nonce" },
        { "nonce-none", "wrong-nonce" }, { "expired", "expired" }, { "exp-none", "expired" }, { "future", "not-yet-valid" }, { "nbf", "not-yet-valid" }, { "old", "too-old" }, { "at_hash", "wrong-access-token-hash" },
        { "sub", "no-subject" }, { "auth_time", "not-fresh" }, { "alg-none", "algorithm-not-allowed" }, { "hs256", "algorithm-not-allowed" }, { "rs384", "algorithm-not-allowed" }, { "kid", "unknown-key" },
        { "other-key", "bad-signature" }, { "other-type", "unknown-key" }, { "crit", "malformed" }, { "logout-token", "malformed" }, { "no-token", "no-id-token" }, { "rubbish", "malformed" }, { "token-400", "token-refused" },
        { "token-500", "bad-token-answer" }, { "token-type", "bad-token-answer" }, { "token-large", "bad-token-answer" }, { "role-none", "no-role" }, { "name-none", "no-name" }, { "name-bad", "no-name" },
    };

    [Theory]
    [MemberData(nameof(Tokens))]
    public async Task A_token_that_is_not_as_it_should_be_is_refused_for_its_reason(string what, string reason)
    {
        using var foreign = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        Action<JsonObject> claims = what switch
        {
            "iss" => it => it["iss"] = "https://id.example.org",
            "iss-slash" => it => it["iss"] = provider.Issuer + "/",
            "aud" => it => it["aud"] = "another-client",
            "aud-none" => it => it.Remove("aud"),
            "aud-two" => it => it["aud"] = new JsonArray(HostileProvider.ClientId, "another-client"),
            "azp" => it => it["azp"] = "another-client",
            "nonce" => it => it["nonce"] = "of another visit",
            "nonce-none" => it => it.Remove("nonce"),
            "expired" => it => it["exp"] = now - 61,
            "exp-none" => it => it.Remove("exp"),
            "future" => it => it["iat"] = now + 120,
            "nbf" => it => it["nbf"] = now + 120,
            "old" => it => it["iat"] = now - 700,
            "at_hash" => it => it["at_hash"] = "AAAAAAAAAAAAAAAAAAAAAA",
            "sub" => it => it["sub"] = "",
            "auth_time" => it => it["auth_time"] = now - 13 * 3600,
            "role-none" => it => it["realm_access"] = new JsonObject { ["roles"] = new JsonArray("guest") },
            "name-none" => it => it.Remove("preferred_username"),
            "name-bad" => it => it["preferred_username"] = "line\nbreak",
            _ => _ => { },
        };
        provider.Claims = claims;
        provider.Header = what switch
        {
            "alg-none" => it => it["alg"] = "none",
            "hs256" => it => it["alg"] = "HS256",
            "rs384" => it => it["alg"] = "RS384",
            "kid" => it => it["kid"] = "never-published",
            "other-type" => it => it["kid"] = "rsa",
            "crit" => it => it["crit"] = new JsonArray("exp"),
            "logout-token" => it => it["typ"] = "logout+jwt",
            _ => _ => { },
        };
        provider.Sign = what switch
        {
            "alg-none" => _ => [],
            // The classic: the public key, which everybody has, as the secret of an HMAC.
            "hs256" => bytes => HMACSHA256.HashData(Encoding.ASCII.GetBytes(provider.Rsa.ExportSubjectPublicKeyInfoPem()), bytes),
            "other-key" => bytes => foreign.SignData(bytes, HashAlgorithmName.SHA256),
            _ => null,
        };
        provider.TokenStatus = what switch { "token-400" => 400, "token-500" => 500, _ => 200 };
        provider.Tokens = what switch
        {
            "no-token" => it => it.Remove("id_token"),
            "rubbish" => it => it["id_token"] = "a.b",
            "token-type" => it => it["token_type"] = "DPoP",
            "token-large" => it => it["more"] = new string('x', WebLimits.ProviderAnswer),
            _ => _ => { },
        };
        using var browser = house.NewBrowser();
        (await browser.TryAsync()).Reason.ShouldBe(reason);
        (await house.RefusalAsync()).Reason.ShouldBe(reason);
        (await browser.GetAsync("/account")).Location.ShouldStartWith("/login", customMessage: "nobody is signed in");
        (await house.Center.Accounts.ListAsync()).Select(one => one.Name).ShouldBe(["root"]);
    }

    [Theory]
    [InlineData("state", "bad-state"), InlineData("state-none", "bad-state"), InlineData("code-none", "no-code"), InlineData("code", "token-refused"), InlineData("iss", "wrong-issuer-parameter")]
    [InlineData("iss-none", "wrong-issuer-parameter"), InlineData("denied", "access-denied"), InlineData("error", "provider-error")]
    public async Task An_answer_that_was_changed_on_the_way_is_refused_for_its_reason(string what, string reason)
    {
        provider.Answer = what switch
        {
            "state" => it => it["state"] = it["state"]![..^8] + "AAAAAAAA",
            "state-none" => it => it.Remove("state"),
            "code-none" => it => it.Remove("code"),
            "code" => it => it["code"] = "guessed",
            "iss" => it => it["iss"] = "https://mallory.example",
            "iss-none" => it => it.Remove("iss"),
            _ => it => { it.Remove("code"); it["error"] = what == "denied" ? "access_denied" : "server_error"; it["error_description"] = "<script>alert(1)</script>"; },
        };
        using var browser = house.NewBrowser();
        (await browser.TryAsync()).Reason.ShouldBe(reason);
        (await house.RefusalAsync()).Reason.ShouldBe(reason);
    }

    [Fact]
    public async Task An_answer_counts_once_and_only_in_the_browser_that_left()
    {
        using var victim = house.NewBrowser();
        using var thief = house.NewBrowser();
        await thief.VisitAsync();
        var mine = await victim.VisitAsync();
        (await thief.ReturnAsync(mine)).Reason.ShouldBe("other-browser", "the state is another visit's");
        // A code of one's own in somebody else's browser (login CSRF): their browser has no part of this visit.
        var attackers = await thief.VisitAsync();
        (await victim.ReturnAsync(attackers)).Reason.ShouldBe("other-browser");

        var cookies = victim.Cookies.GetAllCookies().Where(cookie => cookie.Name.StartsWith("__Host-signet-visit.", StringComparison.Ordinal)).ToList();
        cookies.Count.ShouldBe(1);
        cookies[0].HttpOnly.ShouldBeTrue();
        cookies[0].Secure.ShouldBeTrue();
        (await victim.ReturnAsync(mine)).Location.ShouldBe("/account");
        foreach (var cookie in cookies) victim.Cookies.Add(new Cookie(cookie.Name, cookie.Value, "/", house.Console.ConsoleUrl.Host) { Secure = true });
        (await victim.ReturnAsync(mine)).Reason.ShouldBe("state-used", "even with the cookie put back");
    }

    [Fact]
    public async Task A_code_of_another_visit_gets_nothing_because_its_verifier_does_not_fit()
    {
        using var one = house.NewBrowser();
        using var two = house.NewBrowser();
        var (mine, theirs) = (new Uri(await one.VisitAsync()), new Uri(await two.VisitAsync()));
        var swapped = QueryHelpers.ParseQuery(mine.Query).ToDictionary(pair => pair.Key, pair => (string?)pair.Value.ToString());
        swapped["code"] = QueryHelpers.ParseQuery(theirs.Query)["code"].ToString();
        (await one.ReturnAsync(QueryHelpers.AddQueryString(mine.GetLeftPart(UriPartial.Path), swapped))).Reason.ShouldBe("token-refused");
    }

    [Fact]
    public async Task The_word_of_a_provider_waits_for_its_own_browser_and_is_taken_once()
    {
        using var browser = house.NewBrowser();
        using var other = house.NewBrowser();
        (await browser.GetAsync(await browser.VisitAsync())).Status.ShouldBe(HttpStatusCode.OK);
        (await other.GetAsync("/login/provider/done")).Body.ShouldContain("too-late");
        (await browser.GetAsync("/login/provider/done")).Location.ShouldBe("/account");
        (await browser.GetAsync("/login/provider/done")).Body.ShouldContain("too-late");
    }

    [Theory]
    [InlineData("issuer", "bad-document"), InlineData("http", "bad-document"), InlineData("keys-missing", "bad-document"), InlineData("large", "bad-document"), InlineData("down", "unreachable")]
    public async Task A_document_that_is_not_this_issuers_or_not_safe_leads_nowhere(string what, string reason)
    {
        provider.Document = what switch
        {
            "issuer" => it => it["issuer"] = "https://mallory.example",
            "http" => it => it["token_endpoint"] = "http://192.0.2.1/token",
            "keys-missing" => it => it.Remove("jwks_uri"),
            "large" => it => it["more"] = new string('x', WebLimits.ProviderAnswer),
            _ => _ => throw new InvalidOperationException("answers 500"),
        };
        using var browser = house.NewBrowser();
        var leave = await browser.GetAsync("/login/provider");
        Wanderer.RefreshOf(leave.Body).ShouldBe("/login/provider/done?reason=" + reason);
        (await house.RefusalAsync()).Reason.ShouldBe(reason);
        (await browser.GetAsync("/login")).Body.ShouldContain("Password", customMessage: "who has a password still comes in");
    }

    [Theory]
    [InlineData("large"), InlineData("many"), InlineData("symmetric"), InlineData("weak"), InlineData("rubbish")]
    public async Task Keys_that_cannot_be_used_verify_nothing(string what)
    {
        using var weak = RSA.Create(1024);
        provider.Keys = () => what switch
        {
            "large" => HostileProvider.KeysOf(provider.Rsa, provider.Curve)[..^1] + $",\"more\":\"{new string('x', WebLimits.ProviderAnswer)}\"}}",
            "many" => $$"""{"keys":[{{string.Join(',', Enumerable.Repeat("{}", WebLimits.ProviderKeys + 1))}}]}""",
            "symmetric" => """{"keys":[{"kty":"oct","kid":"ec","k":"AAAA","alg":"HS256"}]}""",
            "weak" => HostileProvider.KeysOf(weak, provider.Curve).Replace("\"P-256\"", "\"P-999\"", StringComparison.Ordinal),
            _ => "<html>",
        };
        using var browser = house.NewBrowser();
        (await browser.TryAsync()).Reason.ShouldBe("bad-keys");
    }

    [Fact]
    public async Task New_keys_are_fetched_when_one_is_unknown_but_not_faster_than_twice_a_minute()
    {
        var time = new ManualTimeProvider(DateTimeOffset.UtcNow);
        using var client = new ProviderClient(provider.Options, time);
        var first = IdToken.Read(provider.IdTokenOf("n", "a")).Token!;
        (await client.VerifyAsync(first, default)).ShouldBeNull();
        provider.KeysAsked.ShouldBe(1);
        (await client.VerifyAsync(first, default)).ShouldBeNull();
        provider.KeysAsked.ShouldBe(1, "kept");
        provider.Header = it => it["kid"] = "made-up";
        var unknown = IdToken.Read(provider.IdTokenOf("n", "a")).Token!;
        for (var i = 0; i < 5; i++) (await client.VerifyAsync(unknown, default)).ShouldBe(ProviderRefusal.UnknownKey);
        provider.KeysAsked.ShouldBe(1, "asked a moment ago");
        time.Advance(WebLimits.ProviderAgain);
        for (var i = 0; i < 5; i++) (await client.VerifyAsync(unknown, default)).ShouldBe(ProviderRefusal.UnknownKey);
        provider.KeysAsked.ShouldBe(2);
        // The provider changes its keys: the next unknown one is looked for, and found.
        provider.Keys = () => HostileProvider.KeysOf(provider.Rsa, provider.Curve).Replace("\"ec\"", "\"made-up\"", StringComparison.Ordinal);
        time.Advance(WebLimits.ProviderAgain);
        (await client.VerifyAsync(unknown, default)).ShouldBeNull();
        (await client.VerifyAsync(first, default)).ShouldBe(ProviderRefusal.UnknownKey, "the former key is gone");
    }

    [Fact]
    public async Task A_dead_provider_is_asked_twice_a_minute_and_everybody_else_is_answered_at_once()
    {
        var time = new ManualTimeProvider(DateTimeOffset.UtcNow);
        using var client = new ProviderClient(provider.Options, time);
        var (asked, dead) = (0, true);
        provider.Document = _ => { asked++; if (dead) throw new InvalidOperationException("answers 500"); };
        (await client.MetadataAsync(default)).Why.ShouldBe(ProviderRefusal.Unreachable);
        for (var i = 0; i < 5; i++) (await client.MetadataAsync(default)).Why.ShouldBe(ProviderRefusal.Unreachable);
        asked.ShouldBe(1);
        time.Advance(WebLimits.ProviderAgain);
        dead = false;
        (await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => client.MetadataAsync(default)))).ShouldAllBe(answer => answer.Metadata != null);
        asked.ShouldBe(2, "one fetch for all who wait");
        dead = true;
        time.Advance(WebLimits.ProviderFresh + TimeSpan.FromMinutes(1));
        for (var i = 0; i < 5; i++) (await client.MetadataAsync(default)).Metadata.ShouldNotBeNull("the old document serves");
        asked.ShouldBe(3);
        time.Advance(WebLimits.ProviderStale);
        (await client.MetadataAsync(default)).Why.ShouldBe(ProviderRefusal.Unreachable);
    }

    [Fact]
    public async Task Keys_that_are_too_old_or_were_withdrawn_verify_nothing_not_even_for_a_moment()
    {
        var time = new ManualTimeProvider(DateTimeOffset.UtcNow);
        using var client = new ProviderClient(provider.Options, time);
        var token = IdToken.Read(provider.IdTokenOf("n", "a")).Token!;
        (await client.VerifyAsync(token, default)).ShouldBeNull();
        provider.Keys = () => """{"keys":[]}""";
        time.Advance(WebLimits.ProviderFresh + TimeSpan.FromMinutes(1));
        for (var i = 0; i < 3; i++) (await client.VerifyAsync(token, default)).ShouldNotBeNull("withdrawn");
        provider.Keys = null;
        time.Advance(WebLimits.ProviderAgain);
        (await client.VerifyAsync(token, default)).ShouldBeNull();
        provider.Keys = () => throw new InvalidOperationException("answers 500");
        time.Advance(WebLimits.ProviderStale - WebLimits.ProviderFresh);
        (await client.VerifyAsync(token, default)).ShouldBeNull("cannot be reached: the old keys serve for a day");
        time.Advance(WebLimits.ProviderFresh + WebLimits.ProviderAgain);
        for (var i = 0; i < 3; i++) (await client.VerifyAsync(token, default)).ShouldBe(ProviderRefusal.Unreachable, "expired");
    }

    [Fact]
    public async Task Answers_that_nobody_asked_for_fill_neither_the_console_nor_the_log()
    {
        using var browser = house.NewBrowser();
        var answers = await Task.WhenAll(Enumerable.Range(0, WebLimits.AnonymousRequestsPerMinute + 150).Select(_ => browser.GetAsync("/login/provider/callback?state=made-up&code=1")));
        answers.ShouldContain(answer => answer.Status == HttpStatusCode.TooManyRequests);
        answers.ShouldContain(answer => answer.Status == HttpStatusCode.OK);
        (await house.RefusalAsync()).Reason.ShouldBe("bad-state");
        (await house.EntriesAsync(AuditTypes.AuthFail)).Count.ShouldBe(1, "equal ones are counted");
    }

    [Fact]
    public async Task A_key_that_was_swapped_under_the_same_name_verifies_nothing_signed_before()
    {
        using var client = new ProviderClient(provider.Options, new ManualTimeProvider(DateTimeOffset.UtcNow));
        var token = IdToken.Read(provider.IdTokenOf("n", "a")).Token!;
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        provider.Keys = () => HostileProvider.KeysOf(provider.Rsa, other);
        (await client.VerifyAsync(token, default)).ShouldBe(ProviderRefusal.BadSignature);
    }

    [Fact]
    public async Task User_information_of_somebody_else_is_not_taken()
    {
        provider.Document = it => it["userinfo_endpoint"] = provider.Issuer + "/userinfo";
        provider.Claims = it => it.Remove("preferred_username");
        provider.UserInfo = () => new() { ["sub"] = "mallory", ["preferred_username"] = "Alice" };
        using var browser = house.NewBrowser();
        (await browser.TryAsync()).Reason.ShouldBe("user-info-other-subject");
        provider.UserInfo = () => new() { ["sub"] = provider.Subject, ["preferred_username"] = "Alice" };
        (await browser.TryAsync()).Location.ShouldBe("/account");
    }

    [Fact]
    public void Every_reason_says_what_to_do_next_in_both_languages()
    {
        var spanish = Phrases.Load("es");
        foreach (var refusal in Enum.GetValues<ProviderRefusal>())
        {
            spanish.ShouldContainKey(refusal.Next(), refusal.Name());
            ProviderRefusals.Find(refusal.Name()).ShouldBe(refusal);
        }
        ProviderRefusals.Find("<script>").ShouldBeNull();
    }

    public async ValueTask DisposeAsync()
    {
        await house.DisposeAsync();
        await provider.DisposeAsync();
    }
}
