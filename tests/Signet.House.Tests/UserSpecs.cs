using Signet.House.Tests.Program;

namespace Signet.House.Tests;

/// <summary>People and tokens from the command line, as an administrator types it.</summary>
public sealed class UserSpecs(RunningHouse house) : IClassFixture<RunningHouse>
{
    [Fact]
    [Trait("row", "S0-24")]
    public async Task A_person_is_added_changed_reset_and_removed()
    {
        var added = await house.RunAsync("user", "add", "maria", "--role", "operator", "--json");
        added.ExitCode.ShouldBe(0, added.Error);
        ((string)added.Json["link"]!).ShouldContain("/register?token=");
        ((bool)added.Json["hasPassword"]!).ShouldBeFalse();
        (await house.RunAsync("user", "add", "maria")).ExitCode.ShouldBe(1);
        (await house.RunAsync("user", "add", "x", "--role", "king")).ExitCode.ShouldBe(2);
        var limited = await house.RunAsync("user", "scope", "maria", "heating", "--json");
        limited.Json["groups"]!.AsArray().Select(one => (string)one!).ShouldBe(["heating"]);
        ((string)(await house.RunAsync("user", "role", "maria", "viewer", "--json")).Json["role"]!).ShouldBe("viewer");
        (await house.RunAsync("user", "disable", "maria")).ExitCode.ShouldBe(0);
        (await house.RunAsync("user", "enable", "maria")).ExitCode.ShouldBe(0);
        (await house.RunAsync("user", "reset-mfa", "maria")).ExitCode.ShouldBe(2, "it takes --yes");
        (await house.RunAsync("user", "reset-mfa", "maria", "--yes")).ExitCode.ShouldBe(0);
        ((string)(await house.RunAsync("user", "reset-password", "maria", "--yes", "--json")).Json["link"]!).ShouldContain("token=");
        ((string)(await house.RunAsync("user", "invite", "--note", "night shift", "--json")).Json["url"]!).ShouldContain("token=");
        (await house.RunAsync("user", "links", "maria", "--json")).Json["links"]!.AsArray().Count.ShouldBe(0);
        var unlinked = await house.RunAsync("user", "unlink", "maria", "--yes");
        unlinked.ExitCode.ShouldBe(1);
        unlinked.Error.ShouldContain("nothing is linked");
        (await house.RunAsync("user", "list")).Output.ShouldContain("maria");
        (await house.RunAsync("user", "remove", "maria", "--yes")).ExitCode.ShouldBe(0);
        var last = await house.RunAsync("user", "disable", "admin");
        last.ExitCode.ShouldBe(1);
        last.Error.ShouldContain("last administrator");
        (await house.AuditAsync("--type", "security", "--subject", "maria"))[0]["action"]!.GetValue<string>().ShouldBe("second-factors-reset");
    }

    [Fact]
    [Trait("row", "S0-23")]
    public async Task Somebody_is_limited_to_groups_from_the_first_moment_whether_added_or_invited()
    {
        (await house.RunAsync("device", "label", "door-1", "--groups", "north")).ExitCode.ShouldBe(0);
        var added = await house.RunAsync("user", "add", "nora", "--role", "operator", "--groups", "south", "north", "--json");
        added.ExitCode.ShouldBe(0, added.Error);
        GroupsOf(added.Json).ShouldBe(["north", "south"]);
        foreach (var wrong in new[] { ("admin", "north", "not limited"), ("viewer", "No Group", "is no group's name") })
        {
            foreach (var verb in new[] { new[] { "user", "add", "max" }, ["user", "invite"] })
            {
                var refused = await house.RunAsync([.. verb, "--role", wrong.Item1, "--groups", wrong.Item2]);
                refused.ExitCode.ShouldBe(1);
                refused.Error.ShouldContain(wrong.Item3);
            }
        }

        // Two changes in one request: what is refused has not let the other one widen anything.
        (await house.RunAsync("user", "add", "vik", "--role", "viewer", "--groups", "north")).ExitCode.ShouldBe(0);
        var token = (string)house.Signet.Ready["token"]!;
        var half = await CurlAsync("-X", "PATCH", "-H", $"Authorization: Bearer {token}", "-H", "Content-Type: application/json", "-d", """{"role":"operator","groups":["No Group"]}""", "/api/v1/users/vik");
        half.ShouldContain("is no group's name");
        ((string)(await PersonAsync("vik"))["role"]!).ShouldBe("viewer");

        // Invited: the page, then the first look around.
        var invited = await house.RunAsync("user", "invite", "--role", "operator", "--groups", "north", "--note", "night shift", "--json");
        invited.ExitCode.ShouldBe(0, invited.Error);
        GroupsOf(invited.Json["invitation"]!).ShouldBe(["north"]);
        var (link, jar) = (new Uri((string)invited.Json["url"]!), Path.Combine(Path.GetDirectoryName(house.Data)!, "ines.jar"));
        var page = await CurlAsync("-c", jar, link.PathAndQuery);
        const string Mark = "name=\"__RequestVerificationToken\" type=\"hidden\" value=\"";
        var at = page.IndexOf(Mark, StringComparison.Ordinal) + Mark.Length;
        at.ShouldBeGreaterThan(Mark.Length, page);
        (await CurlAsync("-b", jar, "-c", jar, "-w", "%{http_code}", "--data-urlencode", $"__RequestVerificationToken={page[at..page.IndexOf('"', at)]}", "--data-urlencode", $"Token={link.Query[7..]}", "--data-urlencode", "Name=ines",
            "--data-urlencode", "Password=tractor violet noodle", "/register")).ShouldEndWith("302");
        GroupsOf(await PersonAsync("ines")).ShouldBe(["north"]);
        var devices = System.Text.Json.Nodes.JsonNode.Parse(await CurlAsync("-b", jar, "/api/v1/devices"))!["devices"]!.AsArray();
        devices.Select(device => (string)device!["name"]!).ShouldBe(["door-1"]);
        (await CurlAsync("-b", jar, "-w", "%{http_code}", "/api/v1/devices/valve-1")).ShouldEndWith("404");
    }

    private static IEnumerable<string> GroupsOf(System.Text.Json.Nodes.JsonNode person) => person["groups"]!.AsArray().Select(one => (string)one!);

    private async Task<System.Text.Json.Nodes.JsonNode> PersonAsync(string name)
        => (await house.RunAsync("user", "list", "--json")).Json["users"]!.AsArray().Single(one => (string)one!["name"]! == name)!;

    private async Task<string> CurlAsync(params string[] arguments)
        => (await Peer.RunAsync("curl", ["-s", "--cacert", (string)house.Signet.Ready["rootCertificate"]!, .. arguments[..^1], (string)house.Signet.Ready["console"]! + arguments[^1]])).Output;

    [Fact]
    public async Task A_token_is_created_used_listed_and_revoked()
    {
        var secret = (await house.RunAsync("token", "create", "ci", "--role", "viewer", "--days", "1")).Output.Trim();
        secret.ShouldStartWith("sgt_");
        (await house.RunAsync("device", "list", "--token", secret)).ExitCode.ShouldBe(0);
        (await house.RunAsync("command", "send", "door-1", "open", "--token", secret)).ExitCode.ShouldBe(1);
        var row = (await house.RunAsync("token", "list", "--json")).Json["tokens"]!.AsArray().Single(one => (string)one!["name"]! == "ci")!;
        row["lastUse"].ShouldNotBeNull();
        row.ToJsonString().ShouldNotContain(secret);
        (await house.RunAsync("token", "revoke", (string)row["id"]!, "--yes")).ExitCode.ShouldBe(0);
        (await house.RunAsync("device", "list", "--token", secret)).ExitCode.ShouldBe(1);
    }

    [Theory]
    [InlineData("bash", "complete -o default -F _signet signet")]
    [InlineData("zsh", "compdef _signet signet")]
    [InlineData("fish", "complete -c signet")]
    public async Task A_shell_learns_to_complete(string shell, string word) => (await SignetProcess.RunAsync(null, "completion", shell)).Output.ShouldContain(word);

    [Fact]
    public async Task The_words_to_complete_come_from_the_program()
        => (await SignetProcess.RunAsync(null, "[suggest:12]", "signet user ")).Output.ShouldContain("reset-mfa");

    [Fact]
    public async Task Every_command_has_an_example_that_its_own_parser_takes()
    {
        var tried = await SignetProcess.RunAsync(null, "help", "--check");
        tried.Output.ShouldBe("");
        tried.ExitCode.ShouldBe(0);
        (await SignetProcess.RunAsync(null, "help", "--json")).Json["commands"]!.AsArray().Count.ShouldBeGreaterThan(100);
    }

    [Fact]
    public async Task Help_ends_with_examples()
        => (await SignetProcess.RunAsync(null, "user", "add", "--help")).Output.ShouldContain("signet user add maria --role operator");
}
