using System.Text;

namespace Signet.Access.Tests;

/// <summary>A policy file is read whole or not at all.</summary>
public sealed class PolicyFileSpecs
{
    private const string Good = """
        { "format": 1, "version": 7, "rules": [
          { "name": "a", "effect": "allow", "who": { "kinds": ["device"], "groups": ["plant-a"] }, "actions": ["publish", "retain"], "topics": ["x/{device}/+"] },
          { "name": "b", "effect": "deny", "who": {}, "actions": ["subscribe"], "topics": ["#"] } ] }
        """;

    [Fact]
    public void The_default_policy_goes_through_a_file_unchanged()
    {
        var bytes = PolicyFile.Write(AccessPolicy.Default);
        PolicyFile.TryRead(bytes, out var read, out var errors).ShouldBeTrue(string.Join('\n', errors));
        PolicyFile.Write(read!).ShouldBe(bytes);
        read!.Decide(Principal.Device("door-1"), TopicAction.Publish, "signet/door-1/receipt").ShouldBe(new Decision(true, "device-speaks-in-its-branch", 1));
    }

    [Fact]
    public void A_good_file_is_read_with_its_version()
    {
        var policy = Read(Good);
        policy.Version.ShouldBe(7);
        policy.Decide(Principal.Device("d", "plant-a"), TopicAction.Retain, "x/d/y").ShouldBe(new Decision(true, "a", 7));
        policy.Decide(Principal.Device("d"), TopicAction.Retain, "x/d/y").Allowed.ShouldBeFalse();
        policy.Decide(Principal.Device("d"), TopicAction.Subscribe, "x").ShouldBe(new Decision(false, "b", 7));
    }

    [Theory]
    [InlineData("\"publish\", \"retain\"", "\"publish\", \"Publish\"", "$.rules[0].actions holds \"Publish\"; it is one of publish, subscribe, deliver, retain, will")]
    [InlineData("\"publish\", \"retain\"", "\"publish\", \"publish\"", "$.rules[0].actions holds \"publish\" twice")]
    [InlineData("\"publish\", \"retain\"", "", "$.rules[0].actions is empty")]
    [InlineData("\"publish\", \"retain\"", "1", "$.rules[0].actions holds something that is not a string")]
    [InlineData("\"allow\"", "\"allow \"", "$.rules[0].effect is \"allow \"; it is one of deny, allow")]
    [InlineData("\"allow\"", "true", "$.rules[0].effect is not a string")]
    [InlineData("\"name\": \"b\"", "\"name\": \"a\"", "two rules are named \"a\"")]
    [InlineData("\"name\": \"b\"", "\"name\": \"\"", "$.rules[1].name is empty")]
    [InlineData("\"who\": {}, ", "", "$.rules[1].who is missing")]
    [InlineData("\"who\": {}", "\"who\": {\"roles\": [\"x\"]}", "$.rules[1].who has an unknown field \"roles\"")]
    [InlineData("\"who\": {}", "\"who\": {\"groups\": []}", "$.rules[1].who.groups is empty")]
    [InlineData("\"who\": {}", "\"who\": null", "$.rules[1].who is not an object")]
    [InlineData("x/{device}/+", "x/{who}/+", "is no placeholder")]
    [InlineData("x/{device}/+", "x/a+", "is not a topic filter")]
    [InlineData("\"format\": 1", "\"format\": 2", "$.format is 2; this program reads 1")]
    [InlineData("\"version\": 7", "\"version\": 0", "$.version is less than 1")]
    [InlineData("\"version\": 7", "\"version\": 1.5", "$.version is not a whole number")]
    [InlineData("\"version\": 7", "\"version\": 7, \"defaultEffect\": \"allow\"", "$ has an unknown field \"defaultEffect\"")]
    [InlineData("\"version\": 7", "\"version\": 7, \"version\": 8", "not JSON: the field \"version\" stands twice in one object")]
    [InlineData("\"version\": 7,", "\"version\": 7, // seven\n", "not JSON: line ")]
    public void Whatever_is_wrong_is_said_with_its_place(string what, string instead, string error)
    {
        Good.ShouldContain(what);
        Refused(Good.Replace(what, instead)).ShouldContain(e => e.Contains(error, StringComparison.Ordinal));
    }

    [Fact]
    public void All_complaints_come_at_once()
        => Refused(Good.Replace("allow", "permit").Replace("subscribe", "listen").Replace("\"#\"", "7")).Count.ShouldBeGreaterThanOrEqualTo(3);

    [Theory]
    [InlineData("")]
    [InlineData(" \n")]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("{\"format\":1,\"version\":1,\"rules\":[]}")]
    [InlineData("\u0000")]
    public void An_empty_file_is_no_policy(string text) => Refused(text).ShouldNotBeEmpty();

    [Fact]
    public void A_file_that_was_cut_off_anywhere_is_no_policy()
    {
        for (var i = 0; i < Good.TrimEnd().Length; i++) Refused(Good[..i]).ShouldNotBeEmpty();
    }

    private static AccessPolicy Read(string text) => PolicyFile.TryRead(Encoding.UTF8.GetBytes(text), out var policy, out var errors) ? policy : throw new InvalidOperationException(string.Join('\n', errors));

    private static IReadOnlyList<string> Refused(string text)
    {
        PolicyFile.TryRead(Encoding.UTF8.GetBytes(text), out var policy, out var errors).ShouldBeFalse();
        policy.ShouldBeNull();
        return [.. errors.Select(error => error.ToString())];
    }
}
