namespace Signet.Access.Tests;

public sealed class MosquittoAclSpecs
{
    [Fact]
    [Trait("row", "S0-8"), Trait("row", "S2-3")]
    public void The_file_says_for_each_asker_what_the_policy_says()
    {
        var file = MosquittoAcl.Write(AccessPolicy.Default, [Principal.Device("door-1"), Principal.Person("olaf", Role.Operator), Principal.Person("vera", Role.Viewer), Principal.Service("command_center")]);
        foreach (var line in new[] { "topic write signet/door-1/receipt", "topic write signet/door-1/telemetry/+", "topic write signet/door-1/status", "topic read signet/door-1/command" })
            Block(file, "door-1").ShouldContain(line);
        Block(file, "door-1").ShouldAllBe(line => line.Contains(" signet/door-1/", StringComparison.Ordinal), "nothing outside its own branch");
        Block(file, "olaf").ShouldContain("topic read $SYS/#");
        file.ShouldNotContain("user vera");
        Block(file, "command_center").ShouldContain("topic write signet/+/command");
        Block(file, "command_center").ShouldNotContain("topic read signet/+/command");
    }

    [Fact]
    public void A_denial_is_written_only_where_a_later_rule_would_open_what_it_closes()
    {
        var policy = Policy("""
            { "name": "own", "effect": "allow", "who": {}, "actions": ["publish"], "topics": ["a/{name}"] },
            { "name": "no", "effect": "deny", "who": {}, "actions": ["publish"], "topics": ["a/#"] },
            { "name": "closed", "effect": "deny", "who": {}, "actions": ["publish"], "topics": ["b/secret"] },
            { "name": "wide", "effect": "allow", "who": {}, "actions": ["publish"], "topics": ["b/+", "a/x"] }
            """);
        Block(MosquittoAcl.Write(policy, [Principal.Device("d")]), "d").ShouldBe(["topic write a/d", "topic deny a/#", "topic deny b/secret", "topic write b/+"]);
    }

    [Theory]
    [InlineData("a\nuser b\ntopic write #"), InlineData("#"), InlineData("+"), InlineData("a/b"), InlineData(" a"), InlineData("")]
    public void A_name_that_would_write_a_line_of_its_own_or_widen_one_is_left_out(string name)
        => MosquittoAcl.Write(AccessPolicy.Default, [Principal.Device(name)]).ShouldNotContain("topic");

    [Fact]
    public void A_name_that_two_go_by_is_left_out()
        => MosquittoAcl.Write(AccessPolicy.Default, [Principal.Device("olaf"), Principal.Person("olaf", Role.Admin)]).ShouldNotContain("user olaf");

    private static string[] Block(string file, string user) => [.. file.Split('\n').SkipWhile(line => line != $"user {user}").Skip(1).TakeWhile(line => line.Length > 0)];

    private static AccessPolicy Policy(string rules)
    {
        PolicyFile.TryRead(System.Text.Encoding.UTF8.GetBytes($$"""{ "format": 1, "version": 1, "rules": [ {{rules}} ] }"""), out var policy, out var errors).ShouldBeTrue(string.Join("; ", errors));
        return policy!;
    }
}
