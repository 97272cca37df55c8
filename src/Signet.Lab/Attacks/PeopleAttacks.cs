using System.Net;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Signet.Audit;
using Signet.Control;

namespace Signet.Lab;

/// <summary>Attacks on people and on what they sign in to: the house's real console over HTTPS, by strangers, by people of the house with too little to say, and by other web pages.</summary>
internal static class PeopleAttacks
{
    private const string Device = "door-1", Markup = "\"><script>document.title='taken'</script>";

    private static readonly string[] Accounts = ["T0859"], Climb = ["T0890", "T0859"], Command = ["T1692.001", "T0890"], Steal = ["T0819", "T0859"];

    public static IEnumerable<Attack> All =>
    [
        Of("credential-stuffing", "Tries thirty leaked passwords on one account; the right one is the twentieth.", "login-throttle", "too-many-attempts", ["T0859", "T0812"], StuffAsync),
        Of("session-fixation", "Plants its own cookies in a victim's browser before the victim signs in, and waits for its session to become the victim's.", "session-renewal", "the attacker's session did not become the victim's", Steal, FixateAsync),
        Of("cookie-after-sign-out", "Uses a stolen cookie after its owner has signed out.", "session-end", "not-signed-in", Steal, AfterSignOutAsync),
        Of("session-of-a-disabled-account", "Goes on with an open session after the account was disabled.", "live-accounts", "not-signed-in", Steal, DisabledAsync),
        Of("cross-site-form", "Another page makes the operator's browser post the form that opens a door.", "antiforgery", "400", ["T1692.001", "T0819"], CrossSiteFormAsync),
        Of("cross-site-api", "Another page makes the operator's browser call the API that opens a door.", "antiforgery", "bad-antiforgery-token", ["T1692.001", "T0819"], CrossSiteApiAsync),
        Of("command-without-sign-in", "Calls the API that opens a door without saying who it is.", "sign-in", "not-signed-in", ["T1692.001", "T0819"], (b, _, ct) => ApiAsync(b.Stranger(), HttpMethod.Post, "/api/v1/commands", Open(), ct)),
        Of("users-without-sign-in", "Reads the list of people without saying who it is.", "sign-in", "not-signed-in", ["T0819", "T0882"], async (b, _, ct) =>
        {
            using var stranger = b.Stranger();
            return Judge(await stranger.GetAsync("/api/v1/users", ct));
        }),
        Climbing("viewer-sends-a-command", "A viewer calls the API that opens a door.", "send-command", Command, WholeHouse.Viewer, HttpMethod.Post, "/api/v1/commands", _ => Open()),
        Climbing("viewer-becomes-administrator", "A viewer gives itself the role of an administrator.", "manage-users", Climb, WholeHouse.Viewer, HttpMethod.Patch, $"/api/v1/users/{WholeHouse.Viewer}", _ => new() { ["role"] = "admin" }),
        Climbing("operator-makes-a-token", "An operator makes an API token with an administrator's role.", "manage-tokens", Climb, WholeHouse.Operator, HttpMethod.Post, "/api/v1/tokens", _ => new() { ["name"] = NewName(), ["role"] = "admin" }),
        Climbing("operator-issues-a-certificate", "An operator issues itself a certificate in a new device's name.", "issue-certificate", ["T0890", "T0848"], WholeHouse.Operator, HttpMethod.Post, "/api/v1/certificates", _ => new() { ["profile"] = "device", ["name"] = NewName() }),
        Of("viewer-presses-a-hidden-button", "A viewer sends the form of a button the page does not show it.", "role-table", "send-command", Command, HiddenButtonAsync),
        Of("somebody-elses-receipt", "A viewer fetches the signed receipt of another's command by its number.", "role-table", "export-receipt", ["T0882", "T0890"], ForeignReceiptAsync),
        Of("somebody-elses-request-key", "Sends a command under another's Idempotency-Key, to be handed the other's command.", "per-person-keys", "got a command of its own", ["T0882"], ForeignKeyAsync),
        Of("markup-echoed", "Sends markup as a name, for the page that shows it again.", "output-encoding", "shown as text", ["T0819"], EchoAsync),
        Of("markup-stored", "Fails to sign in under a name that is a script, for whoever reads the audit log.", "output-encoding", "shown as text", ["T0819"], StoredMarkupAsync),
        Of("framed-console", "Shows the console inside a page of its own and lets people click blindly.", "security-headers", "frame-ancestors 'none'", ["T0819"], (b, _, ct) => HeaderAsync(b, "frame-ancestors 'none'", ct)),
        Of("inline-script", "Gets a script into a page past all encoding.", "security-headers", "script-src 'self'", ["T0819"], (b, _, ct) => HeaderAsync(b, "script-src 'self'", ct)),
        Of("rebound-name", "Points a name of its own at the console, so that the browser takes it for the attacker's page.", "host-filtering", "400", ["T0830", "T0819"], async (b, _, ct) =>
        {
            using var rebound = b.Stranger("signet.attacker.example");
            return Judge(await rebound.GetAsync("/login", ct));
        }),
        Of("request-flood", "Sends 800 requests at once without saying who it is.", "request-rates", "429", ["T0814", "T0815"], FloodAsync),
        Of("oversized-request", "Sends the API two megabytes.", "body-limit", "too-large", ["T0814"], async (b, _, ct) =>
        {
            using var script = await b.ScriptAsync(WholeHouse.Operator, ct);
            var answer = await script.JsonAsync(HttpMethod.Post, "/api/v1/commands", new() { ["device"] = new string('a', 2 << 20), ["command"] = "open" }, ct);
            return answer.Status == HttpStatusCode.RequestEntityTooLarge ? Strike.Blocked(answer.Reason) : Strike.Succeeded($"the console read it all and answered {answer.Number}");
        }),
    ];

    public static IReadOnlyList<Control> Controls { get; } =
    [
        Of("login-throttle", "After a few failures each further attempt has to wait, longer every time.", ["IEC CR 1.11", "ETSI 5.1", "OWASP I1"], "a throttle whose clock leaps a day at each look"),
        Of("session-renewal", "Every sign-in begins a session with a new key.", ["IEC CR 3.8", "OWASP I3"], "a session store whose keys follow from what the browser carried before"),
        Of("session-end", "Signing out ends the session at the console, not only in the browser.", ["IEC CR 2.6", "IEC CR 3.8"], "a session store that removes nothing"),
        Of("live-accounts", "Each request asks whether the account still stands as it stood when the session began.", ["IEC CR 1.1", "IEC CR 2.6"], "sessions that are not asked again"),
        Of("antiforgery", "A change needs a token that only the console's own pages know.", ["IEC CR 3.8", "IEC CR 3.5", "OWASP I3"], "a check that believes every request"),
        Of("sign-in", "Every page and route says what it demands; what says nothing is shut.", ["IEC CR 1.1", "ETSI 5.6", "OWASP I3", "OWASP I9"], "a sign-in that takes whoever comes for the administrator"),
        Of("role-table", "One table says which role may do what; page, API and command line ask it.", ["IEC CR 2.1", "OWASP I3"], "a part that gives everybody who is signed in the highest role"),
        Of("per-person-keys", "What one person stored under a key of their own is not found by another.", ["IEC CR 2.1"], "a part that gives everybody the same name"),
        Of("output-encoding", "What comes from outside is shown as text.", ["IEC CR 3.5", "ETSI 5.13", "OWASP I3"], "an encoder that encodes nothing"),
        Of("security-headers", "The console tells browsers to run its own scripts only and to be in no other page's frame.", ["IEC CR 3.5", "ETSI 5.6"], "something in front that takes the headers away"),
        Of("host-filtering", "The console answers to its own names only.", ["ETSI 5.6", "OWASP I3"], "a filter that takes any name"),
        Of("request-rates", "One address may send so many requests a minute and no more.", ["IEC CR 7.1", "ETSI 5.9"], "a console without that limit"),
        Of("body-limit", "Requests have a greatest size.", ["IEC CR 7.1", "IEC CR 7.2", "ETSI 5.13"], "a server without that limit"),
    ];

    private static string NewName() => "lab-" + RandomNumberGenerator.GetHexString(12, lowercase: true);

    private static JsonObject Open() => new() { ["device"] = Device, ["command"] = "open" };

    private static Strike Judge(PageAnswer answer) => answer.IsDone ? Strike.Succeeded($"answered {answer.Number}") : Strike.Blocked(answer.Reason);

    private static async Task<Strike> ApiAsync(LabBrowser browser, HttpMethod method, string path, JsonObject body, CancellationToken cancellationToken)
    {
        using (browser) return Judge(await browser.JsonAsync(method, path, body, cancellationToken));
    }

    private static async Task<Strike> StuffAsync(PeopleBench bench, LabContext lab, CancellationToken cancellationToken)
    {
        const int attempts = 30, right = 20;
        using var stranger = bench.Stranger();
        for (var i = 1; i <= attempts; i++)
            if (await stranger.SignInAsync(WholeHouse.Viewer, i == right ? WholeHouse.ViewersPassword : $"leaked-password-{i}", cancellationToken)) return Strike.Succeeded($"signed in at attempt {i}", i);
        return Strike.Blocked(await bench.AuditedAsync(AuditTypes.AuthFail, lab, cancellationToken) ?? "nobody noticed", attempts);
    }

    private static async Task<Strike> FixateAsync(PeopleBench bench, LabContext lab, CancellationToken cancellationToken)
    {
        using var attacker = await bench.SignedInAsync(WholeHouse.Viewer, cancellationToken);
        using var victim = bench.Stranger();
        // Everything the console gave before sign-in. The session's own cookie would only show the victim that somebody is signed in already.
        victim.Plant(attacker.Cookies.Where(c => c.Name != Web.SignIn.Sessions.Cookie));
        if (!await victim.SignInAsync(WholeHouse.Admin, bench.House.Passwords[WholeHouse.Admin], cancellationToken)) throw new LabException("the victim could not sign in");
        if (!(await victim.GetAsync("/api/v1/users", cancellationToken)).IsDone) return Strike.Succeeded("the victim works in the attacker's session without knowing");
        var taken = await attacker.GetAsync("/api/v1/users", cancellationToken);
        return taken.IsDone ? Strike.Succeeded("the attacker's session is the victim's now") : Strike.Blocked("the attacker's session did not become the victim's");
    }

    private static async Task<Strike> AfterSignOutAsync(PeopleBench bench, LabContext lab, CancellationToken cancellationToken)
    {
        using var owner = await bench.SignedInAsync(WholeHouse.Operator, cancellationToken);
        using var thief = bench.Stranger();
        thief.Plant(owner.Cookies);
        await owner.PostAsync("/logout", "/", cancellationToken);
        return Judge(await thief.GetAsync("/api/v1/devices", cancellationToken));
    }

    private static async Task<Strike> DisabledAsync(PeopleBench bench, LabContext lab, CancellationToken cancellationToken)
    {
        using var dismissed = await bench.SignedInAsync(WholeHouse.Operator, cancellationToken);
        var account = await bench.House.Center.Accounts.FindByNameAsync(WholeHouse.Operator.ToUpperInvariant(), cancellationToken) ?? throw new LabException("the operator has no account");
        await bench.House.Center.Accounts.SetEnabledAsync(account.Id, enabled: false, Actor.Terminal, cancellationToken: cancellationToken);
        try
        {
            return Judge(await dismissed.GetAsync("/api/v1/devices", cancellationToken));
        }
        finally
        {
            await bench.House.Center.Accounts.SetEnabledAsync(account.Id, enabled: true, Actor.Terminal, cancellationToken: CancellationToken.None);
        }
    }

    private static async Task<Strike> CrossSiteFormAsync(PeopleBench bench, LabContext lab, CancellationToken cancellationToken)
    {
        using var victim = await bench.SignedInAsync(WholeHouse.Operator, cancellationToken);
        var answer = await victim.PostAsync($"/devices/{Device}?handler=send", page: null, cancellationToken, ("command", "open"));
        return answer.Status is HttpStatusCode.Found or HttpStatusCode.OK ? Strike.Succeeded("the command was sent") : Strike.Blocked(answer.Number);
    }

    private static async Task<Strike> CrossSiteApiAsync(PeopleBench bench, LabContext lab, CancellationToken cancellationToken) =>
        await ApiAsync(await bench.SignedInAsync(WholeHouse.Operator, cancellationToken), HttpMethod.Post, "/api/v1/commands", Open(), cancellationToken);

    private static async Task<Strike> HiddenButtonAsync(PeopleBench bench, LabContext lab, CancellationToken cancellationToken)
    {
        using var viewer = await bench.SignedInAsync(WholeHouse.Viewer, cancellationToken);
        var answer = await viewer.PostAsync($"/devices/{Device}?handler=send", $"/devices/{Device}", cancellationToken, ("command", "open"));
        if (answer.Status is HttpStatusCode.Found or HttpStatusCode.OK) return Strike.Succeeded("the command was sent");
        return Strike.Blocked(await bench.AuditedAsync(AuditTypes.Authorization, lab, cancellationToken) ?? answer.Number);
    }

    private static async Task<Strike> ForeignReceiptAsync(PeopleBench bench, LabContext lab, CancellationToken cancellationToken)
    {
        using var otto = await bench.ScriptAsync(WholeHouse.Operator, cancellationToken);
        var sent = await otto.JsonAsync(HttpMethod.Post, "/api/v1/commands?wait=10", Open(), cancellationToken);
        if (!sent.IsDone) throw new LabException($"the operator's own command was refused: {sent.Reason}");
        using var vera = await bench.ScriptAsync(WholeHouse.Viewer, cancellationToken);
        var answer = await vera.GetAsync($"/api/v1/commands/{(string)JsonNode.Parse(sent.Body)!["id"]!}/receipt", cancellationToken);
        return answer.IsDone ? Strike.Succeeded("was handed the receipt") : Strike.Blocked(await bench.AuditedAsync(AuditTypes.Authorization, lab, cancellationToken) ?? answer.Reason);
    }

    private static async Task<Strike> ForeignKeyAsync(PeopleBench bench, LabContext lab, CancellationToken cancellationToken)
    {
        var key = NewName();
        async Task<string> SendAsync(string person)
        {
            using var script = await bench.ScriptAsync(person, cancellationToken);
            var answer = await script.JsonAsync(HttpMethod.Post, "/api/v1/commands", Open(), cancellationToken, ("Idempotency-Key", key));
            return answer.IsDone ? (string)JsonNode.Parse(answer.Body)!["id"]! : throw new LabException($"{person}'s own command was refused: {answer.Reason}");
        }

        var first = await SendAsync(WholeHouse.Admin);
        return await SendAsync(WholeHouse.Operator) == first ? Strike.Succeeded("was handed the other's command") : Strike.Blocked("got a command of its own");
    }

    private static async Task<Strike> EchoAsync(PeopleBench bench, LabContext lab, CancellationToken cancellationToken)
    {
        using var stranger = bench.Stranger();
        return Shown(await stranger.PostAsync("/login", "/login", cancellationToken, ("Name", Markup), ("Password", "x")));
    }

    private static async Task<Strike> StoredMarkupAsync(PeopleBench bench, LabContext lab, CancellationToken cancellationToken)
    {
        using var stranger = bench.Stranger();
        await stranger.PostAsync("/login", "/login", cancellationToken, ("Name", Markup), ("Password", "x"));
        using var reader = await bench.SignedInAsync(WholeHouse.Operator, cancellationToken);
        return Shown(await reader.GetAsync("/audit?type=auth_fail", cancellationToken));
    }

    private static Strike Shown(PageAnswer page)
    {
        if (page.Body.Contains("<script>document.title", StringComparison.Ordinal)) return Strike.Succeeded("the page holds the attacker's script");
        return page.Body.Contains("&lt;script&gt;document.title", StringComparison.OrdinalIgnoreCase) ? Strike.Blocked("shown as text") : Strike.Blocked($"not shown at all ({page.Number})");
    }

    private static async Task<Strike> HeaderAsync(PeopleBench bench, string directive, CancellationToken cancellationToken)
    {
        using var stranger = bench.Stranger();
        var page = await stranger.GetAsync("/login", cancellationToken);
        return page.Headers.TryGetValue("Content-Security-Policy", out var policy) && policy.Contains(directive, StringComparison.Ordinal) ? Strike.Blocked(directive) : Strike.Succeeded("no browser would object");
    }

    private static async Task<Strike> FloodAsync(PeopleBench bench, LabContext lab, CancellationToken cancellationToken)
    {
        const int attempts = 800;
        using var stranger = bench.Stranger();
        for (var i = 1; i <= attempts; i++)
            if (await stranger.GetAsync("/login", cancellationToken) is { Status: HttpStatusCode.TooManyRequests } refused) return Strike.Blocked(refused.Number, i);
        return Strike.Succeeded($"all {attempts} were answered", attempts);
    }

    private static Attack Climbing(string name, string says, string rule, string[] techniques, string person, HttpMethod method, string path, Func<PeopleBench, JsonObject> body) =>
        Of(name, says, "role-table", rule, techniques, async (bench, lab, cancellationToken) =>
        {
            using var script = await bench.ScriptAsync(person, cancellationToken);
            var answer = await script.JsonAsync(method, path, body(bench), cancellationToken);
            // The mutant lets it through to the house; what it changed there is undone, or the next attack would meet another house.
            if (answer.IsDone && method == HttpMethod.Patch) await RestoreAsync(bench, person, cancellationToken);
            return answer.IsDone ? Strike.Succeeded($"answered {answer.Number}") : Strike.Blocked(answer.Reason == "not-allowed" ? await bench.AuditedAsync(AuditTypes.Authorization, lab, cancellationToken) ?? answer.Reason : answer.Reason);
        });

    private static async Task RestoreAsync(PeopleBench bench, string person, CancellationToken cancellationToken)
    {
        if (await bench.House.Center.Accounts.FindByNameAsync(person.ToUpperInvariant(), cancellationToken) is { } account)
            await bench.House.Center.Accounts.SetRoleAsync(account.Id, Access.Role.Viewer, Actor.Terminal, cancellationToken: cancellationToken);
    }

    internal static Attack Of(string name, string says, string control, string reason, string[] techniques, Func<PeopleBench, LabContext, CancellationToken, Task<Strike>> attack) => new()
    {
        Name = name, Layer = AttackLayer.People, Says = says, Control = control, Reason = reason, Techniques = techniques,
        WhyNotOpen = "the open house has nobody to sign in and no console",
        Secure = async (lab, without, cancellationToken) =>
        {
            await using var bench = await PeopleBench.StartAsync(lab, without, cancellationToken);
            return await attack(bench, lab, cancellationToken);
        },
    };

    private static Control Of(string name, string meaning, string[] requirements, string leftOut) => new(name, AttackLayer.People, meaning, requirements, leftOut);
}
