namespace Signet.Access;

/// <summary>Existing ACL files of Mosquitto as rules: who could do what can do it, who could not cannot, and what cannot be said is named.</summary>
public sealed class MosquittoAclFileSpecs
{
    private const string Text = """
        # a comment
        user ana
        topic read house/#
        topic write house/ana
        topic deny house/safe
        user ben smith
        topic a/+/c

        pattern write devices/%u/state
        pattern read devices/%u/#
        """;

    [Theory]
    [InlineData("ana", TopicAction.Subscribe, "house/ana", true)]
    [InlineData("ana", TopicAction.Deliver, "house/safe", false)]
    [InlineData("ana", TopicAction.Subscribe, "house/#", false)] // it could match what is denied
    [InlineData("ana", TopicAction.Publish, "house/ana", true)]
    [InlineData("ana", TopicAction.Publish, "house/ben", false)]
    [InlineData("ben smith", TopicAction.Publish, "a/b/c", true)]
    [InlineData("ben smith", TopicAction.Retain, "a/b/c", true)]
    [InlineData("ana", TopicAction.Publish, "a/b/c", false)]
    [InlineData("sensor", TopicAction.Publish, "devices/sensor/state", true)]
    [InlineData("sensor", TopicAction.Publish, "devices/other/state", false)]
    [InlineData("sensor", TopicAction.Subscribe, "devices/sensor/#", true)]
    [InlineData("+", TopicAction.Subscribe, "devices/+/#", false)]
    [Trait("row", "S2-3")]
    public void An_acl_file_says_here_what_it_said_there(string who, TopicAction action, string topic, bool allowed)
    {
        MosquittoAclFile.TryRead(Text, out var rules, out var problems).ShouldBeTrue(string.Join('\n', problems));
        new AccessPolicy(1, rules!).Decide(Principal.Account(who), action, topic).Allowed.ShouldBe(allowed);
    }

    [Theory]
    [InlineData("topic a", "before the first user")]
    [InlineData("user a\ntopic read a/#/b", "not a topic filter")]
    [InlineData("pattern write a/%c", "%c")]
    [InlineData("pattern write a/x%u", "whole level")]
    [InlineData("user a\ntopic {device}/x", "not a topic filter")]
    [InlineData("acl a", "none of user, topic and pattern")]
    [InlineData("user", "none of user")]
    public void What_cannot_be_said_here_is_a_problem_with_its_line(string text, string why)
    {
        MosquittoAclFile.TryRead(text, out var rules, out var problems).ShouldBeFalse();
        rules.ShouldBeNull();
        problems.ShouldHaveSingleItem().ShouldContain(why);
    }

    [Fact]
    public void What_is_written_for_mosquitto_is_read_again()
    {
        var file = MosquittoAcl.Write(AccessPolicy.Default, [Principal.Service("command_center"), Principal.Device("door-1")]);
        MosquittoAclFile.TryRead(file, out var rules, out var problems).ShouldBeTrue(string.Join('\n', problems));
        var again = new AccessPolicy(1, rules!);
        foreach (var (action, topic) in new[] { (TopicAction.Publish, "signet/door-1/receipt"), (TopicAction.Publish, "signet/door-2/receipt"), (TopicAction.Subscribe, "signet/door-1/command"), (TopicAction.Subscribe, "signet/+/command") })
            again.Decide(Principal.Device("door-1"), action, topic).Allowed.ShouldBe(AccessPolicy.Default.Decide(Principal.Device("door-1"), action, topic).Allowed, topic);
    }
}
