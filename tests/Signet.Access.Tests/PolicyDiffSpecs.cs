using System.Text;

namespace Signet.Access.Tests;

/// <summary>What a proposed policy would change, before it is applied.</summary>
public sealed class PolicyDiffSpecs
{
    private static readonly Principal[] Everybody = [Principal.Device("door-1"), Principal.Device("door-2", "plant-a"), Principal.Person("omar", Role.Operator), Principal.Service("command_center")];

    [Fact]
    public void The_same_policy_changes_nothing() => PolicyDiff.Between(AccessPolicy.Default, AccessPolicy.Default, Everybody).ShouldBeEmpty();

    [Fact]
    public void A_new_rule_names_who_gains_which_topics()
    {
        var after = With("""{ "name": "plant-a-alarms", "effect": "allow", "who": { "groups": ["plant-a"] }, "actions": ["publish"], "topics": ["alarm/{name}/+"] }""");
        var change = PolicyDiff.Between(AccessPolicy.Default, after, Everybody).ShouldHaveSingleItem();
        change.Gained.ShouldBeTrue();
        change.Action.ShouldBe(TopicAction.Publish);
        change.Who.ShouldBe(["door-2"]);
        change.Example.ShouldBe("alarm/door-2/any");
        change.After.ShouldBe("plant-a-alarms");
    }

    [Fact]
    public void A_removed_rule_names_who_loses_which_topics()
    {
        var after = new AccessPolicy(2, AccessPolicy.Default.Rules.Where(r => r.Name != "device-keeps-its-status"));
        var changes = PolicyDiff.Between(AccessPolicy.Default, after, Everybody);
        changes.ShouldAllBe(c => !c.Gained && c.Before == "device-keeps-its-status" && c.Count == 2);
        changes.Select(c => c.Action).Distinct().ShouldBe([TopicAction.Retain, TopicAction.Will], ignoreOrder: true);
        changes[0].Example.ShouldBe("signet/door-1/status");
    }

    [Fact]
    public void An_exception_inside_a_wider_rule_is_met()
    {
        var after = With("""{ "name": "no-door-1", "effect": "deny", "who": { "names": ["command_center"] }, "actions": ["publish"], "topics": ["signet/door-1/command"] }""", atStart: true);
        var changes = PolicyDiff.Between(AccessPolicy.Default, after, Everybody);
        changes.ShouldContain(c => !c.Gained && c.Example == "signet/door-1/command" && c.After == "no-door-1");
        changes.ShouldAllBe(c => c.Example == "signet/door-1/command");
    }

    [Fact]
    public void What_two_patterns_find_alike_is_told_once()
    {
        var after = With("""{ "name": "alarms", "effect": "allow", "who": { "names": ["door-1"] }, "actions": ["publish"], "topics": ["alarm/+", "alarm/any", "alarm/{name}"] }""");
        var changes = PolicyDiff.Between(AccessPolicy.Default, after, Everybody);
        changes.Select(c => (c.Pattern, c.Example)).ShouldBe([("alarm/any", "alarm/any"), ("alarm/{name}", "alarm/door-1")], "alarm/+ finds nothing that the two do not");
    }

    [Fact]
    public void Real_traffic_is_replayed_against_a_proposal()
    {
        var after = new AccessPolicy(2, AccessPolicy.Default.Rules.Where(r => r.Name != "center-listens"));
        AccessQuestion[] traffic =
        [
            new(Everybody[3], TopicAction.Subscribe, "signet/+/receipt"), new(Everybody[3], TopicAction.Deliver, "signet/door-1/receipt"), new(Everybody[0], TopicAction.Publish, "signet/door-1/receipt"),
        ];
        PolicyDiff.Replay(AccessPolicy.Default, after, traffic).Select(c => (c.Gained, c.Example)).ShouldBe([(false, "signet/+/receipt"), (false, "signet/door-1/receipt")]);
    }

    [Fact]
    public void Assertions_run_against_a_policy_and_say_what_is_wrong()
    {
        Read("""
            { "tests": [
              { "name": "ok", "who": "device:door-1", "action": "publish", "topic": "signet/door-1/receipt", "expect": "allow", "rule": "device-speaks-in-its-branch" },
              { "name": "spy", "who": "door-1", "action": "subscribe", "topic": "#", "expect": "deny" },
              { "name": "group", "who": "person:omar", "groups": ["operators"], "action": "subscribe", "topic": "$SYS/#", "expect": "allow" },
              { "name": "wrong", "who": "door-1", "action": "publish", "topic": "signet/door-2/receipt", "expect": "allow" },
              { "name": "rule", "who": "door-1", "action": "publish", "topic": "$SYS/x", "expect": "deny", "rule": "other" } ] }
            """, out var assertions).ShouldBeEmpty();
        PolicyAssertions.Run(AccessPolicy.Default, assertions!).Select(r => (r.Assertion.Name, r.Why)).ShouldBe(
            [("ok", ""), ("spy", ""), ("group", ""), ("wrong", "it is denied by no-rule-allows"), ("rule", "broker-status-for-nobody-else decides, not other")]);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{\"tests\":[]}")]
    [InlineData("{\"tests\":[{}]}")]
    [InlineData("{\"tests\":[{\"name\":\"a\",\"who\":\"d\",\"action\":\"fly\",\"topic\":\"t\",\"expect\":\"allow\"}]}")]
    [InlineData("{\"tests\":[{\"name\":\"a\",\"who\":\"d\",\"action\":\"publish\",\"topic\":\"t\",\"expect\":\"maybe\"}]}")]
    [InlineData("{\"tests\":[{\"name\":\"a\",\"who\":\"d\",\"action\":\"publish\",\"topic\":\"t\",\"expect\":\"allow\",\"x\":1}]}")]
    public void A_broken_file_of_assertions_is_refused(string text) => Read(text, out _).ShouldNotBeEmpty();

    private static IReadOnlyList<string> Read(string text, out IReadOnlyList<PolicyAssertion>? assertions)
    {
        PolicyAssertions.TryRead(Encoding.UTF8.GetBytes(text), out assertions, out var errors);
        return [.. errors.Select(error => error.ToString())];
    }

    private static AccessPolicy With(string rule, bool atStart = false)
    {
        var file = Encoding.UTF8.GetString(PolicyFile.Write(AccessPolicy.Default)).Replace("\"version\": 1", "\"version\": 2");
        file = atStart ? file.Replace("\"rules\": [", $"\"rules\": [ {rule},") : file.Replace("\n  ]\n}", $",\n {rule} ] }}");
        return PolicyFile.TryRead(Encoding.UTF8.GetBytes(file), out var policy, out var errors) ? policy : throw new InvalidOperationException(string.Join('\n', errors));
    }
}
