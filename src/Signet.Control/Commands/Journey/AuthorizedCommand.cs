using System.Text.Json.Nodes;
using Signet.Access;
using Signet.Wire;

namespace Signet.Control;

/// <summary>Step 2: a wish that this actor may have fulfilled, for a device that is there and takes it. Only its own methods make one.</summary>
internal sealed class AuthorizedCommand
{
    private AuthorizedCommand(string id, CommandDraft draft, JsonObject arguments, Actor actor, bool isIntent, string? proposal)
        => (Id, Device, Command, Arguments, Actor, IdempotencyKey, IsIntent, Proposal) = (id, draft.Device, draft.Command, arguments, actor, draft.IdempotencyKey, isIntent, proposal);

    /// <summary>The command's id and the <c>jti</c> of every message signed for it: a device carries out one of them at most.</summary>
    public string Id { get; }

    public string Device { get; }
    public string Command { get; }
    public JsonObject Arguments { get; }
    public Actor Actor { get; }
    public string? IdempotencyKey { get; }

    /// <summary>It is in signet.db already, as an intent.</summary>
    public bool IsIntent { get; }

    /// <summary>What its approvals are for; null: it needs none.</summary>
    public string? Proposal { get; }

    /// <param name="rule">Name of the rule that decided, for the audit log.</param>
    public static Outcome<AuthorizedCommand> Authorize(string id, CommandDraft draft, Actor actor, Fleet fleet, Manifests manifests, out string rule)
        => Authorize(id, draft, actor, fleet, manifests, isIntent: false, null, out rule);

    /// <summary>An intent whose time has come: everything is asked again, because people, devices and lists have changed since.</summary>
    /// <param name="actor">Who asked, with the role they have now.</param>
    public static Outcome<AuthorizedCommand> Reauthorize(CommandRow intent, Actor actor, Fleet fleet, Manifests manifests, out string rule)
        => Authorize(intent.Id, new(intent.Device, intent.Command, (JsonObject)JsonNode.Parse(intent.Arguments)!), actor, fleet, manifests, isIntent: true, intent.Proposal, out rule);

    private static Outcome<AuthorizedCommand> Authorize(string id, CommandDraft draft, Actor actor, Fleet fleet, Manifests manifests, bool isIntent, string? proposal, out string rule)
    {
        var decision = RoleTable.Decide(actor.Role, Act.SendCommand);
        rule = decision.Rule;
        if (!decision.Allowed) return new Refusal(RefusalCode.NotAllowed, $"{actor.Name} is {Words.Of(actor.Role)} and may not send commands; an administrator can change that");

        rule = "well-formed";
        if (draft.IdempotencyKey is { } key && (key.Length is 0 or > ControlLimits.IdempotencyKeyCharacters || key.Any(char.IsControl)))
            return new Refusal(RefusalCode.BadInput, $"an idempotency key has 1 to {ControlLimits.IdempotencyKeyCharacters} printable characters");

        rule = "device-known";
        if (fleet.Find(draft.Device) is not { } device)
        {
            if (actor.Groups.Count == 0) return new Refusal(RefusalCode.NotFound, $"there is no device '{Shown(draft.Device)}'");
            rule = "scope";
            return Scope.Refuse(actor);
        }

        rule = "scope";
        if (!actor.Covers(device)) return Scope.Refuse(actor);

        rule = "device-enabled";
        if (!device.Enabled) return new Refusal(RefusalCode.DeviceDisabled, $"{device.Name} is disabled; enable it first");

        rule = "device-allowed-commands";
        if (!device.AllowedCommands.Contains(draft.Command, StringComparer.Ordinal))
            return new Refusal(RefusalCode.CommandNotAllowed, $"{device.Name} does not take '{Shown(draft.Command)}'; it takes: {string.Join(", ", device.AllowedCommands)}");

        rule = "arguments";
        var arguments = (JsonObject?)draft.Arguments?.DeepClone() ?? [];
        if (CommandCatalogue.WhyNot(draft.Command, arguments) is { } why) return new Refusal(RefusalCode.BadArguments, why);

        rule = "manifest-arguments";
        if (manifests.Newest(device.Name)?.Claims.WhyNot(draft.Command, arguments) is { } against) return new Refusal(RefusalCode.BadArguments, against);

        rule = "device-online";
        if (!draft.IsQueued && device.Presence.State != PresenceState.Online) return new Refusal(RefusalCode.NoActiveConnection, Absence(device));

        return new AuthorizedCommand(id, draft, arguments, actor, isIntent, proposal);
    }

    private static string Absence(DeviceRecord device) => device.Presence switch
    {
        { State: PresenceState.Offline, Since: { } since } => $"{device.Name} is offline since {since.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC; nothing was sent (it can be queued until the device is there)",
        { Address: not null } => $"{device.Name} is connected and has not yet signed its status; nothing was sent",
        _ => $"{device.Name} has never connected; nothing was sent",
    };

    /// <summary>What somebody typed goes back to them and into the log: short, and nothing that moves a terminal.</summary>
    public static string Shown(string text) => Topics.IsWord(text) ? text : new string([.. text.Take(64).Select(c => char.IsControl(c) ? '?' : c)]);
}
