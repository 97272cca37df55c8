using static Signet.Access.TopicAction;

namespace Signet.Access.Tests;

/// <summary>The product's own topics, from every side.</summary>
[Trait("row", "S0-8")]
public sealed class DefaultPolicySpecs
{
    private static readonly Principal Door = Principal.Device("door-1");
    private static readonly Principal Center = Principal.Service("command_center");
    private static readonly Principal Metrics = Principal.Device("iotclient01", Principal.Metrics);

    public static TheoryData<string, TopicAction, string, string> Allowed => new()
    {
        { "door", Publish, "signet/door-1/receipt", "device-speaks-in-its-branch" },
        { "door", Publish, "signet/door-1/telemetry/temperature", "device-speaks-in-its-branch" },
        { "door", Publish, "signet/door-1/status", "device-speaks-in-its-branch" },
        { "door", Retain, "signet/door-1/status", "device-keeps-its-status" },
        { "door", Will, "signet/door-1/status", "device-keeps-its-status" },
        { "door", Subscribe, "signet/door-1/command", "device-listens-in-its-branch" },
        { "door", Subscribe, "$share/g/signet/door-1/command", "device-listens-in-its-branch" },
        { "door", Deliver, "signet/door-1/checkpoint", "device-listens-in-its-branch" },
        { "center", Publish, "signet/door-1/command", "center-commands" },
        { "center", Retain, "signet/door-1/checkpoint", "center-keeps-checkpoints" },
        { "center", Subscribe, "signet/+/receipt", "center-listens" },
        { "center", Subscribe, "signet/+/telemetry/+", "center-listens" },
        { "center", Deliver, "signet/door-1/status", "center-listens" },
        { "operator", Subscribe, "$SYS/#", "broker-status-for-operators" },
        { "operator", Deliver, "$SYS/broker/uptime", "broker-status-for-operators" },
        { "operator", Subscribe, "signet/+/telemetry/+", "operators-watch-the-fleet" },
        { "metrics", Publish, "metrics/iotclient01/Temperatura", "metrics-are-pushed" },
        { "metrics", Will, "metrics/iotclient01/Estado", "metrics-last-will" },
        { "metrics", Subscribe, "metrics/iotclient01/#", "metrics-are-read-by-their-owner" },
    };

    public static TheoryData<string, TopicAction, string, string> Denied => new()
    {
        { "door", Publish, "signet/door-2/receipt", Decision.NoRule },
        { "door", Publish, "signet/door-1/command", Decision.NoRule },
        { "door", Publish, "signet/door-1/telemetry/a/b", Decision.NoRule },
        { "door", Retain, "signet/door-1/receipt", Decision.NoRule },
        { "door", Will, "signet/door-1/telemetry/x", Decision.NoRule },
        { "door", Subscribe, "signet/+/command", Decision.NoRule },
        { "door", Subscribe, "signet/door-1/#", Decision.NoRule },
        { "door", Subscribe, "#", Decision.NoRule },
        { "door", Subscribe, "$share/g/#", Decision.NoRule },
        { "door", Subscribe, "$share/g/$SYS/#", "broker-status-for-nobody-else" },
        { "door", Subscribe, "$SYS/#", "broker-status-for-nobody-else" },
        { "door", Publish, "$SYS/broker/load", "broker-status-for-nobody-else" },
        { "door", Deliver, "signet/door-2/command", Decision.NoRule },
        { "door", Publish, "signet/+/receipt", Decision.Malformed },
        { "door", Subscribe, "signet/door-1/#/x", Decision.Malformed },
        { "door", Publish, "", Decision.Malformed },
        { "door", Publish, "a\0", Decision.Malformed },
        { "center", Publish, "signet/door-1/receipt", Decision.NoRule },
        { "center", Subscribe, "signet/#", Decision.NoRule },
        { "impostor", Publish, "signet/door-1/command", Decision.NoRule },
        { "viewer", Subscribe, "$SYS/#", "broker-status-for-nobody-else" },
        { "viewer", Subscribe, "signet/+/telemetry/+", Decision.NoRule },
        { "operator", Publish, "signet/door-1/command", Decision.NoRule },
        { "operator", Publish, "$SYS/x", "broker-status-for-nobody-else" },
        { "metrics", Publish, "metrics/iotclient02/Temperatura", Decision.NoRule },
        { "metrics", Publish, "metrics/iotclient01/Otra", Decision.NoRule },
        { "metrics", Subscribe, "metrics/#", Decision.NoRule },
        { "door", Publish, "metrics/door-1/Temperatura", Decision.NoRule },
    };

    [Theory]
    [MemberData(nameof(Allowed))]
    public void What_the_product_needs_is_allowed_by_a_named_rule(string who, TopicAction action, string topic, string rule)
        => AccessPolicy.Default.Decide(Who(who), action, topic).ShouldBe(new Decision(true, rule, 1));

    [Theory]
    [MemberData(nameof(Denied))]
    public void Everything_else_is_denied_and_says_why(string who, TopicAction action, string topic, string rule)
        => AccessPolicy.Default.Decide(Who(who), action, topic).ShouldBe(new Decision(false, rule, 1));

    [Fact]
    public void An_action_that_does_not_exist_is_denied()
        => AccessPolicy.Default.Decide(Door, (TopicAction)99, "a").Allowed.ShouldBeFalse();

    [Fact]
    public void Two_rules_of_one_name_make_no_policy()
        => Should.Throw<ArgumentException>(() => new AccessPolicy(1, [AccessPolicy.Default.Rules[0], AccessPolicy.Default.Rules[0]])).Message.ShouldContain("two rules are named");

    private static Principal Who(string who) => who switch
    {
        "door" => Door,
        "center" => Center,
        "impostor" => Principal.Device("command_center"),
        "metrics" => Metrics,
        "viewer" => Principal.Person("vera", Role.Viewer),
        "operator" => Principal.Person("omar", Role.Operator),
        _ => throw new ArgumentOutOfRangeException(nameof(who)),
    };
}
