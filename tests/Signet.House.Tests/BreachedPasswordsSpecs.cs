using System.Net;
using System.Text.RegularExpressions;
using Signet.House.Tests.Program;

namespace Signet.House.Tests;

/// <summary>The list of passwords from breaches as an administrator sets it up: a file, a setting, a start.</summary>
public sealed partial class BreachedPasswordsSpecs : IDisposable
{
    private const string Breached = "gravel lantern omelette", Good = "tractor violet noodle", Better = "saddle copper lagoon", Said = "This password stood in a breach of some service: guessers have the list. Choose another.";
    private readonly string _folder = Directory.CreateTempSubdirectory("signet-breached-").FullName;
    private string _console = "";

    private string Data => Path.Combine(_folder, "data");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    [Trait("row", "S0-22")]
    public async Task A_password_of_the_list_is_refused_with_its_reason_wherever_one_is_chosen_and_any_other_is_taken()
    {
        var list = Path.Combine(_folder, "breached.txt");
        // As docs/operations.md says.
        (await Peer.RunAsync("sh", ["-c", "for word in \"$1\" 'something else' 'a third'; do printf %s \"$word\" | sha1sum | cut -c 1-40; done | LC_ALL=C sort > \"$2\"", "sh", Breached, list])).ExitCode.ShouldBe(0);
        var settings = new Dictionary<string, string> { ["SIGNET__People__BreachedPasswords"] = list, ["SIGNET__People__Registration"] = "open" };
        await using var signet = await SignetProcess.UpAsync(Data, settings, "--demo");
        _console = (string)signet.Ready["console"]!;
        (await SignetProcess.RunAsync(Data, settings, "", "doctor")).Output.ShouldContain($"breached passwords: {list} can be searched");

        // Made by oneself.
        var refused = await SendAsync("nora", "/register", "/register", ("Name", "nora"), ("Password", Breached));
        (refused.Status, refused.Page.Contains(Said, StringComparison.Ordinal)).ShouldBe((200, true), refused.Page);
        (await PeopleAsync()).ShouldNotContain("nora");
        (await SendAsync("nora", "/register", "/register", ("Name", "nora"), ("Password", Good))).Status.ShouldBe(302);
        (await PeopleAsync()).ShouldContain("nora");

        // Changed by oneself.
        (await SendAsync("nora", "/account", "/account?handler=Password", ("current", Good), ("fresh", Breached))).Page.ShouldContain(Said);
        (await SignsInAsync(Good)).ShouldBeTrue("the one before is still in force");
        (await SendAsync("nora", "/account", "/account?handler=Password", ("current", Good), ("fresh", Better))).Page.ShouldNotContain(Said);
        (await SignsInAsync(Better)).ShouldBeTrue();

        // Chosen anew after an administrator took it away.
        var reset = await SignetProcess.RunAsync(Data, "user", "reset-password", "nora", "--yes", "--json");
        reset.ExitCode.ShouldBe(0, reset.Error);
        var link = new Uri((string)reset.Json["link"]!);
        var token = link.Query["?token=".Length..];
        (await SendAsync("reset", link.PathAndQuery, "/register", ("Token", token), ("Password", Breached))).Page.ShouldContain(Said);
        (await SendAsync("reset", link.PathAndQuery, "/register", ("Token", token), ("Password", Good))).Status.ShouldBe(302);
        (await SignsInAsync(Good)).ShouldBeTrue();

        // Given by an administrator.
        var added = await SignetProcess.RunAsync(Data, new Dictionary<string, string>(), Breached + "\n", "user", "add", "omar", "--password-stdin");
        (added.ExitCode, added.Error.Contains(Said, StringComparison.Ordinal)).ShouldBe((1, true), added.Error);
        (await PeopleAsync()).ShouldNotContain("omar");
    }

    [Fact]
    public async Task A_list_that_is_not_there_or_is_none_is_one_clear_line_at_the_start_and_in_the_doctor()
    {
        (await SignetProcess.RunAsync(Data, "init")).ExitCode.ShouldBe(0);
        var file = Path.Combine(_folder, "list.txt");
        await File.WriteAllTextAsync(file, "password\n123456\n");
        foreach (var (path, words) in new[] { (Path.Combine(_folder, "not-there.txt"), "the list cannot be read: "), (_folder, "the list cannot be read: "), (file, "does not begin with a hash (wanted: SHA-1 in hexadecimal, one a line, in order)") })
        {
            Dictionary<string, string> settings = new() { ["SIGNET__People__BreachedPasswords"] = path };
            foreach (var port in new[] { "Console", "Mqtt", "Pki", "MqttPassword", "Auth" }) settings[$"SIGNET__Ports__{port}"] = "0";
            var up = await SignetProcess.RunAsync(Data, settings, "", "up");
            up.ExitCode.ShouldBe(1, path);
            var line = up.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries).Single(one => one.Contains("people:breachedPasswords", StringComparison.Ordinal));
            (line.Contains(path, StringComparison.Ordinal), line.Contains(words, StringComparison.Ordinal)).ShouldBe((true, true), line);
            up.Error.ShouldNotContain("   at Signet.", customMessage: "no trace of calls is shown to a person");

            var doctor = await SignetProcess.RunAsync(Data, settings, "", "doctor", "--json");
            doctor.ExitCode.ShouldBe(1);
            var found = doctor.Json["checks"]!.AsArray().Single(check => (string)check!["check"]! == "breached passwords")!;
            ((string)found["state"]!).ShouldBe("problem");
            ((string)found["says"]!).ShouldContain(words);
        }
    }

    private async Task<bool> SignsInAsync(string password) => (await SendAsync("in-" + Guid.NewGuid().ToString("N"), "/login", "/login", ("Name", "nora"), ("Password", password))).Status == 302;

    private async Task<IReadOnlyList<string>> PeopleAsync()
        => [.. (await SignetProcess.RunAsync(Data, "user", "list", "--json")).Json["users"]!.AsArray().Select(one => (string)one!["name"]!)];

    /// <summary>Fills in the form of a page, as a browser without JavaScript.</summary>
    private async Task<(int Status, string Page)> SendAsync(string who, string page, string address, params (string Name, string Value)[] fields)
    {
        var token = WebUtility.HtmlDecode(Token().Match(await CurlAsync(who, page)).Groups[1].Value);
        token.ShouldNotBeEmpty(page);
        var answer = await CurlAsync(who, address, ["-w", "\n%{http_code}", "--data-urlencode", "__RequestVerificationToken=" + token, .. fields.SelectMany(field => new[] { "--data-urlencode", $"{field.Name}={field.Value}" })]);
        var end = answer.LastIndexOf('\n');
        return (int.Parse(answer[(end + 1)..], System.Globalization.CultureInfo.InvariantCulture), WebUtility.HtmlDecode(answer[..end]));
    }

    private async Task<string> CurlAsync(string who, string address, params string[] more)
    {
        var jar = Path.Combine(_folder, who + ".jar");
        return (await Peer.RunAsync("curl", ["-s", "--cacert", Path.Combine(Data, "pki", "root.crt"), "-b", jar, "-c", jar, .. more, _console + address], seconds: 60)).Output;
    }

    [GeneratedRegex("""name="__RequestVerificationToken" type="hidden" value="([^"]+)""", RegexOptions.None, 1000)]
    private static partial Regex Token();
}
