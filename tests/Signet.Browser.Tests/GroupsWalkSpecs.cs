using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.RegularExpressions;
using Signet.Access;
using Signet.Audit;
using Signet.Testing;
using Signet.Web.Security;

namespace Signet.Browser;

/// <summary>
/// Every door of the console, tried by somebody who is limited to a group, with the ids of a device that is in none of theirs and with ids that nobody has: the two answers must be the same,
/// and nothing of the other device may stand in any answer. A door that somebody adds is walked without a word here.
/// </summary>
public sealed partial class GroupsWalkSpecs
{
    // Of one length, so that answers can be compared letter by letter.
    private const string Seen = "pump-seen", Hidden = "pump-hidden-7", Nobody = "pump-nobody-7";

    [Theory]
    [Trait("row", "S0-23")]
    [InlineData(Role.Viewer)]
    [InlineData(Role.Operator)]
    public async Task Nothing_of_a_device_outside_of_the_groups_is_in_any_answer(Role role)
    {
        await using var house = await TestHouse.StartAsync(new() { Demo = false, Web = true });
        var hidden = await FillAsync(house);
        var token = (await house.Center.Tokens.CreateAsync("limited", role, ["north"], TimeSpan.FromMinutes(10), TestHouse.Admin)).Value;
        using var client = NewClient(house);
        client.DefaultRequestHeaders.Authorization = new("Bearer", token.Secret);
        var routes = house.Web!.Routes.Where(route => !route.IsPublic && !(route.IsPage && route.Method == "POST") && route.Path != "/api/v1/events" && route.Acts.All(act => RoleTable.Decide(role, act).Allowed)).ToList();
        routes.Count.ShouldBeGreaterThan(30);
        routes.Count(route => route.IsWithinGroups).ShouldBeGreaterThan(25);
        var wrong = new List<string>();
        foreach (var route in routes) await CompareAsync(client, route, hidden, wrong);
        wrong.ShouldBeEmpty();

        // The same walk by somebody with the whole house finds it: else this test would prove nothing.
        var whole = (await house.Center.Tokens.CreateAsync("whole", role, TimeSpan.FromMinutes(10), TestHouse.Admin)).Value;
        client.DefaultRequestHeaders.Authorization = new("Bearer", whole.Secret);
        var tells = new List<string>();
        foreach (var route in routes.Where(route => route.Method == "GET")) await CompareAsync(client, route, hidden, tells);
        tells.Count.ShouldBeGreaterThan(role == Role.Operator ? 20 : 12);
    }

    [Fact]
    [Trait("row", "S0-23")]
    public async Task What_says_nothing_about_groups_answers_nobody_who_is_limited_to_some()
    {
        await using var house = await TestHouse.StartAsync(new() { Demo = false, Web = true });
        var token = (await house.Center.Tokens.CreateAsync("limited", Role.Operator, ["north"], TimeSpan.FromMinutes(10), TestHouse.Admin)).Value;
        using var client = NewClient(house);
        client.DefaultRequestHeaders.Authorization = new("Bearer", token.Secret);
        var shut = house.Web!.Routes.Where(route => !route.IsWithinGroups && !(route.IsPage && route.Method == "POST") && route.Acts.All(act => RoleTable.Decide(Role.Operator, act).Allowed)).ToList();
        shut.ShouldContain(route => route.Path == "/policy");
        foreach (var route in shut)
        {
            using var answer = await client.SendAsync(new(new(route.Method), Filled(route.Path, new(Nobody, Nobody, "0", Nobody, Nobody))));
            answer.StatusCode.ShouldBe(HttpStatusCode.Forbidden, route.Path);
        }

        (await house.AuditedAsync(new() { Type = AuditTypes.Authorization, Actor = "limited", Subject = "/policy" })).Reason.ShouldBe("scope");
    }

    [Fact]
    [Trait("row", "S0-23")]
    public async Task The_live_feed_tells_of_devices_in_the_groups_alone()
    {
        await using var house = await TestHouse.StartAsync(new() { Demo = false, Web = true });
        await FillAsync(house);
        var token = (await house.Center.Tokens.CreateAsync("limited", Role.Operator, ["north"], TimeSpan.FromMinutes(10), TestHouse.Admin)).Value;
        using var client = NewClient(house);
        client.DefaultRequestHeaders.Authorization = new("Bearer", token.Secret);
        using var answer = await client.GetAsync($"/api/v1/events?after={house.Center.Feed.Latest}", HttpCompletionOption.ResponseHeadersRead);
        using var lines = new StreamReader(await answer.Content.ReadAsStreamAsync());
        await house.Center.Fleet.SetEnabledAsync(Hidden, false, TestHouse.Admin);
        await house.Center.Commands.SendAsync(new(Hidden, "open", Wait: TimeSpan.FromHours(1)), TestHouse.Admin);
        await house.Center.Fleet.SetEnabledAsync(Seen, false, TestHouse.Admin);
        var heard = new StringBuilder();
        var kinds = new HashSet<string>(StringComparer.Ordinal);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (!kinds.IsSupersetOf(["event: device", "event: audit"]))
        {
            var line = (await lines.ReadLineAsync(patience.Token))!;
            heard.AppendLine(line);
            if (line.StartsWith("event: ", StringComparison.Ordinal)) kinds.Add(line);
        }

        heard.ToString().ShouldNotContain(Hidden);
    }

    [Fact]
    public async Task A_button_on_a_page_does_nothing_to_a_device_outside_of_the_groups()
    {
        await using var house = await TestHouse.StartAsync(new() { Demo = false, Web = true });
        var hidden = await FillAsync(house);
        var maria = (await house.Center.Accounts.CreateAsync("maria", Signet.Web.SignIn.Passwords.Hash(ConsoleHouse.PersonsPassword), Role.Operator, TestHouse.Admin)).Value;
        await house.Center.Accounts.SetScopeAsync(maria.Id, ["north"], TestHouse.Admin);
        using var client = NewClient(house, cookies: true);
        var form = await FormAsync(client, "/login");
        using (var signedIn = await client.PostAsync("/login", new FormUrlEncodedContent([.. form, new("Name", "maria"), new("Password", ConsoleHouse.PersonsPassword)]))) signedIn.StatusCode.ShouldBe(HttpStatusCode.Redirect);
        form = await FormAsync(client, $"/devices/{Seen}");
        var before = (await house.Center.Commands.ListAsync(new() { Device = Hidden })).Commands.Count;
        foreach (var (path, fields) in new (string, string[])[]
        {
            ($"/devices/{Hidden}?handler=Send", ["command", "open"]), ($"/commands/{hidden.Command}?handler=Cancel", []), ("/commands?handler=Start", ["devices", Hidden, "command", "open"]), ("/broker?handler=Kick", ["identity", Hidden]), ("/devices?handler=Change", ["device", Hidden, "change", "Quarantine"]),
        })
        {
            using var answer = await client.PostAsync(path, new FormUrlEncodedContent([.. form, .. fields.Chunk(2).Select(pair => new KeyValuePair<string, string>(pair[0], pair[1]))]));
            var page = await answer.Content.ReadAsStringAsync();
            hidden.Marks.Where(mark => page.Replace(Hidden, "", StringComparison.Ordinal).Contains(mark, StringComparison.Ordinal)).ShouldBeEmpty(path);
        }

        using (var mine = await client.PostAsync("/devices?handler=Change", new FormUrlEncodedContent([.. form, new("device", Seen), new("device", Hidden), new("change", "Quarantine")])))
        {
            (await mine.Content.ReadAsStringAsync()).ShouldContain("1 changed, 0 were so already, 0 refused.");
            house.Center.Fleet.Find(Seen)!.Enabled.ShouldBeFalse();
        }

        (await house.Center.Commands.FindAsync(hidden.Command))!.State.ShouldBe("queued");
        house.Center.Fleet.Find(Hidden)!.Enabled.ShouldBeTrue();
        (await house.Center.Commands.ListAsync(new() { Device = Hidden })).Commands.Count.ShouldBe(before);
    }

    private static async Task<HiddenThings> FillAsync(TestHouse house)
    {
        var fleet = house.Center.Fleet;
        (await fleet.AddAsync(new(Seen, "valve"), TestHouse.Admin)).Refusal.ShouldBeNull();
        var device = (await fleet.AddAsync(new(Hidden, "valve", Title: "the secret cellar"), TestHouse.Admin)).Value;
        await fleet.SetLabelsAsync(Seen, ["north"], ["old"], TestHouse.Admin);
        await fleet.SetLabelsAsync(Hidden, ["south-of-all"], ["kept-quiet"], TestHouse.Admin);
        var command = (await house.Center.Commands.SendAsync(new(Hidden, "open", NotBefore: TimeProvider.System.GetUtcNow().AddDays(1)), TestHouse.Admin)).Value;
        var rollout = (await house.Center.Commands.SendManyAsync(new("all", "check-status", NotBefore: TimeProvider.System.GetUtcNow().AddDays(1)), TestHouse.Operator)).Value;
        await house.Center.Commands.CancelRolloutAsync(rollout.Id, TestHouse.Operator);
        (await house.Center.Commands.SendAsync(new(Seen, "open", NotBefore: TimeProvider.System.GetUtcNow().AddDays(1)), TestHouse.Admin)).Refusal.ShouldBeNull();
        foreach (var withdrawn in (await house.Center.Commands.ListAsync(new() { Device = Hidden, Rollout = rollout.Id })).Commands) withdrawn.State.ShouldBe("cancelled");
        var entry = await house.AuditedAsync(new() { Subject = Hidden, Action = "device-labels" });
        return new(Hidden, command.Id, $"{entry.Sequence}", device.Serial, rollout.Id) { Thumbprint = device.Thumbprint };
    }

    private static async Task CompareAsync(HttpClient client, RouteDemand route, HiddenThings hidden, List<string> wrong)
    {
        var nobody = new HiddenThings(Nobody, Other(hidden.Command), Other(hidden.Entry), Other(hidden.Serial), Other(hidden.Rollout));
        foreach (var (path, body) in Questions(route, hidden).Zip(Questions(route, nobody)).Select(pair => (pair.First, pair.Second)))
        {
            var (there, theirs) = await AskAsync(client, route, path);
            var (nowhere, nobodys) = await AskAsync(client, route, body);
            (theirs, nobodys) = (Same(theirs, hidden, nobody), Same(nobodys, nobody, hidden));
            if (there != nowhere) wrong.Add($"{route.Method} {path.Path}: {(int)there}, and {(int)nowhere} for nobody's");
            else if (theirs != nobodys) wrong.Add($"{route.Method} {path.Path}: differs from nobody's near \"{Around(theirs, nobodys)}\"");
            wrong.AddRange(hidden.Marks.Where(mark => theirs.Contains(mark, StringComparison.Ordinal) || nobodys.Contains(mark, StringComparison.Ordinal)).Select(mark => $"{route.Method} {path.Path}: tells {mark}"));
        }
    }

    // The plain route, and one with the id in every field that narrows a list.
    private static IEnumerable<(string Path, string? Body)> Questions(RouteDemand route, HiddenThings of)
    {
        var path = Filled(route.Path, of);
        if (route.Method != "GET")
        {
            yield return (path, route.Path switch
            {
                "/api/v1/commands" => $$"""{"device":"{{of.Name}}","command":"open"}""",
                "/api/v1/rollouts" => $$"""{"devices":"{{of.Name}}","command":"open"}""",
                "/api/v1/sessions/kick" => $$"""{"identity":"{{of.Name}}"}""",
                "/api/v1/audit/witnesses/{device}/settle" => """{"reason":"looked at"}""",
                "/api/v1/approvals/{proposal}" => """{"approval":"a.b.c"}""",
                "/api/v1/bulk-changes" => $$"""{"devices":"{{of.Name}}","change":"quarantine"}""",
                _ => "{}",
            });
            yield break;
        }

        yield return (path, null);
        if (route.Path.Contains('{', StringComparison.Ordinal)) yield break;
        foreach (var field in new[] { "q", "search", "select", "device", "subject", "name", "text", "sent" }) yield return ($"{path}?{field}={of.Name}", null);
        yield return ($"{path}?id={of.Command}", null);
        yield return ($"{path}?id={of.Rollout}", null);
        yield return ($"{path}?q={of.Serial}", null);
    }

    private static async Task<(HttpStatusCode Status, string Body)> AskAsync(HttpClient client, RouteDemand route, (string Path, string? Body) asked)
    {
        using var request = new HttpRequestMessage(new(route.Method), asked.Path);
        if (asked.Body is not null) request.Content = new StringContent(asked.Body, new MediaTypeHeaderValue("application/json"));
        using var answer = await client.SendAsync(request);
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }

    // What was asked for comes back in fields and links, and what changes with every question (counters, times, numbers of the log) says nothing about a device.
    // The rollout's id may stand beside a command of one's own device: it opens nothing.
    private static string Same(string text, HiddenThings of, HiddenThings other) => Changing().Replace(of.Ids.Append(other.Rollout).Aggregate(text, (rest, id) => rest.Replace(id, "ID", StringComparison.Ordinal)), "N");

    private static string Around(string one, string other)
    {
        var at = one.Zip(other).TakeWhile(pair => pair.First == pair.Second).Count();
        return one.Substring(Math.Max(0, at - 60), Math.Min(140, one.Length - Math.Max(0, at - 60)));
    }

    private static string Other(string id) => new([.. id.Select((c, at) => at < id.Length - 3 ? c : c is '0' ? '1' : '0')]);

    private static string Filled(string path, HiddenThings of) => Parameter().Replace(path, match => match.Groups[1].Value switch
    {
        _ when match.Value.Contains(":long", StringComparison.Ordinal) => of.Entry,
        "serial" => of.Serial,
        "name" or "device" => of.Name,
        _ when path.Contains("rollouts", StringComparison.Ordinal) => of.Rollout,
        _ => of.Command,
    });

    private static async Task<List<KeyValuePair<string, string>>> FormAsync(HttpClient client, string path)
        => [new("__RequestVerificationToken", WebUtility.HtmlDecode(Token().Match(await client.GetStringAsync(path)).Groups[1].Value))];

    private static HttpClient NewClient(TestHouse house, bool cookies = false) => new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false, UseCookies = cookies, SslOptions = { CertificateChainPolicy = new() { TrustMode = X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { house.Center.Authority.Root }, RevocationMode = X509RevocationMode.NoCheck } },
    })
    { BaseAddress = house.Web!.ConsoleUrl, DefaultRequestVersion = HttpVersion.Version20, Timeout = TimeSpan.FromSeconds(20) };

    /// <summary>Ids of a device and of what belongs to it.</summary>
    private sealed record HiddenThings(string Name, string Command, string Entry, string Serial, string Rollout)
    {
        public string Thumbprint { get; init; } = "(none)";

        public IEnumerable<string> Ids => [Name, Command, Serial, Rollout];

        /// <summary>What must stand nowhere, after the ids that were asked for were taken out.</summary>
        public IEnumerable<string> Marks => [Thumbprint, "secret cellar", "south-of-all", "kept-quiet", Hidden];
    }

    [GeneratedRegex(@"""traceId"":""[^""]*""|[0-9]+([.:,][0-9]+)*|name=""__RequestVerificationToken"" type=""hidden"" value=""[^""]+""|[0-9a-fA-F]{32,}|[A-Za-z0-9_-]{43}", RegexOptions.None, 1000)]
    private static partial Regex Changing();

    [GeneratedRegex("""name="__RequestVerificationToken" type="hidden" value="([^"]+)""", RegexOptions.None, 1000)]
    private static partial Regex Token();

    // A constraint may hold doubled braces: {serial:regex(^[0-9]{{2,40}}$)}.
    [GeneratedRegex(@"\{\**([a-zA-Z]+)(?:[^{}]|\{\{|\}\})*\}", RegexOptions.None, 1000)]
    private static partial Regex Parameter();
}
