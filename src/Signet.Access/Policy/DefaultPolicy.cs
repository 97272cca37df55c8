using System.Collections.Frozen;
using static Signet.Access.TopicAction;

namespace Signet.Access;

/// <summary>Who may do what on the product's own topics. docs/spec/policy.md explains each line.</summary>
internal static class DefaultPolicy
{
    private const string Center = "command_center";

    public static AccessPolicy Make() => new(1,
    [
        Rule("broker-status-for-operators", Effect.Allow, Subjects.InGroup(Principal.Operators), [Subscribe, Deliver], "$SYS/#"),
        Rule("broker-status-for-nobody-else", Effect.Deny, Subjects.Everybody, [Publish, Subscribe, Deliver, Retain, Will], "$SYS/#"),

        Rule("device-speaks-in-its-branch", Effect.Allow, Subjects.Devices, [Publish], "signet/{device}/receipt", "signet/{device}/telemetry/+", "signet/{device}/status", "signet/{device}/witness"),
        Rule("device-keeps-its-status", Effect.Allow, Subjects.Devices, [Retain, Will], "signet/{device}/status"),
        Rule("device-listens-in-its-branch", Effect.Allow, Subjects.Devices, [Subscribe, Deliver], "signet/{device}/command", "signet/{device}/checkpoint", "signet/{device}/manifest", "signet/{device}/signer"),

        Rule("center-commands", Effect.Allow, Subjects.Named(PrincipalKind.Service, Center), [Publish], "signet/+/command", "signet/+/checkpoint", "signet/+/manifest", "signet/+/signer"),
        Rule("center-keeps-checkpoints", Effect.Allow, Subjects.Named(PrincipalKind.Service, Center), [Retain], "signet/+/checkpoint", "signet/+/manifest", "signet/+/signer"),
        Rule("center-listens", Effect.Allow, Subjects.Named(PrincipalKind.Service, Center), [Subscribe, Deliver], "signet/+/receipt", "signet/+/telemetry/+", "signet/+/status", "signet/+/witness"),

        Rule("operators-watch-the-fleet", Effect.Allow, Subjects.InGroup(Principal.Operators), [Subscribe, Deliver], "signet/+/telemetry/+", "signet/+/status"),

        Rule("metrics-are-pushed", Effect.Allow, Subjects.InGroup(Principal.Metrics), [Publish, Retain], "metrics/{name}/Temperatura", "metrics/{name}/Humedad", "metrics/{name}/Estado"),
        Rule("metrics-last-will", Effect.Allow, Subjects.InGroup(Principal.Metrics), [Will], "metrics/{name}/Estado"),
        Rule("metrics-are-read-by-their-owner", Effect.Allow, Subjects.InGroup(Principal.Metrics), [Subscribe, Deliver], "metrics/{name}/#"),
    ]);

    private static PolicyRule Rule(string name, Effect effect, Subjects who, TopicAction[] actions, params string[] topics)
        => new(name, effect, who, actions.ToFrozenSet(), [.. topics.Select(t => TopicPattern.TryParse(t, out var pattern, out var why) ? pattern : throw new ArgumentException(why, nameof(topics)))]);
}
