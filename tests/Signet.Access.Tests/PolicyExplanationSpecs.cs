using static Signet.Access.TopicAction;

namespace Signet.Access.Tests;

/// <summary>A decision can be taken apart, and the change it proposes really turns it round.</summary>
public sealed class PolicyExplanationSpecs
{
    private static readonly Principal Door = Principal.Device("door-1");

    [Fact]
    public void Every_rule_is_shown_in_order_with_its_part()
    {
        var explained = PolicyExplanation.Of(AccessPolicy.Default, Door, Publish, "signet/door-1/receipt");

        explained.Decision.Allowed.ShouldBeTrue();
        explained.Steps.Select(s => s.Rule).ShouldBe(AccessPolicy.Default.Rules);
        explained.Steps.Take(3).Select(s => (s.Outcome, s.Why)).ShouldBe(
        [
            (RuleOutcome.OtherAction, "speaks of subscribe, deliver"),
            (RuleOutcome.OtherTopic, "none of its topics matches"),
            (RuleOutcome.Decided, "allows it"),
        ]);
        explained.Steps.Skip(3).ShouldAllBe(s => s.Outcome == RuleOutcome.NotReached);
    }

    [Theory]
    [InlineData(Publish, "signet/door-1/receipt")]
    [InlineData(Publish, "signet/door-2/receipt")]
    [InlineData(Publish, "$SYS/x")]
    [InlineData(Subscribe, "#")]
    [InlineData(Subscribe, "$share/g/$SYS/#")]
    [InlineData(Subscribe, "signet/door-1/command")]
    [InlineData(Deliver, "signet/door-1/command")]
    [InlineData(Will, "x")]
    public void The_smallest_change_turns_the_decision_round_and_changes_nothing_beside_it(TopicAction action, string topic)
    {
        var explained = PolicyExplanation.Of(AccessPolicy.Default, Door, action, topic);
        var flip = explained.Flip.ShouldNotBeNull();

        flip.Result.Decide(Door, action, topic).ShouldBe(new Decision(!explained.Decision.Allowed, flip.Rule.Name, 2));

        flip.Result.Decide(Principal.Device("door-2"), action, topic).Allowed.ShouldBe(AccessPolicy.Default.Decide(Principal.Device("door-2"), action, topic).Allowed);
        flip.Result.Decide(Door, action == Publish ? Retain : Publish, topic.Replace("$share/g/", "").Replace("#", "z")).Allowed
            .ShouldBe(AccessPolicy.Default.Decide(Door, action == Publish ? Retain : Publish, topic.Replace("$share/g/", "").Replace("#", "z")).Allowed);
    }

    [Fact]
    public void A_group_that_would_help_is_named()
    {
        var viewer = PolicyExplanation.Of(AccessPolicy.Default, Principal.Person("vera", Role.Viewer), Subscribe, "$SYS/#");
        viewer.Decision.Rule.ShouldBe("broker-status-for-nobody-else");
        viewer.Flip!.Group.ShouldBe("operators");
        viewer.Flip.Text.ShouldBe("insert before broker-status-for-nobody-else: allow person vera to subscribe $SYS/#");
    }

    [Theory]
    [InlineData(Publish, "a/+")]
    [InlineData(Publish, "")]
    [InlineData(Subscribe, "a/#/b")]
    public void No_rule_can_allow_what_is_no_topic(TopicAction action, string topic)
    {
        var explained = PolicyExplanation.Of(AccessPolicy.Default, Door, action, topic);
        explained.Decision.Rule.ShouldBe(Decision.Malformed);
        explained.Flip.ShouldBeNull();
    }

    [Fact]
    public void Who_can_lists_those_who_may_with_the_rule_that_lets_them()
    {
        Principal[] all = [Door, Principal.Device("door-2"), Principal.Person("omar", Role.Operator), Principal.Service("command_center")];
        WhoCan.Find(AccessPolicy.Default, all, Subscribe, "signet/door-1/telemetry/+").Select(w => (w.Principal.Name, w.Decision.Rule))
            .ShouldBe([("omar", "operators-watch-the-fleet"), ("command_center", "center-listens")]);
    }
}
