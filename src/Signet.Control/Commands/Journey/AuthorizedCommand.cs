using System.Text.Json.Nodes;
using Signet.Access;
using Signet.Wire;

namespace Signet.Control;

/// <summary>Step 2: a wish that this actor may have fulfilled, for a device that is there and takes it. Only <see cref="Authorize"/> makes one.</summary>
internal sealed class AuthorizedCommand
{
    private AuthorizedCommand(CommandDraft draft, JsonObject arguments, Actor actor)
        => (Device, Command, Arguments, Actor, IdempotencyKey) = (draft.Device, draft.Command, arguments, actor, draft.IdempotencyKey);

    public string Device { get; }
    public string Command { get; }
    public JsonObject Arguments { get; }
    public Actor Actor { get; }
    public string? IdempotencyKey { get; }

    /// <param name="rule">Name of the rule that decided, for the audit log.</param>
    public static Outcome<AuthorizedCommand> Authorize(CommandDraft draft, Actor actor, Fleet fleet, out string rule)
    {
        var decision = RoleTable.Decide(actor.Role, Act.SendCommand);
        rule = decision.Rule;
        if (!decision.Allowed) return new Refusal(RefusalCode.NotAllowed, $"{actor.Name} is {Words.Of(actor.Role)} and may not send commands; an administrator can change that");

        rule = "well-formed";
        if (draft.IdempotencyKey is { } key && (key.Length is 0 or > ControlLimits.IdempotencyKeyCharacters || key.Any(char.IsControl)))
            return new Refusal(RefusalCode.BadInput, $"an idempotency key has 1 to {ControlLimits.IdempotencyKeyCharacters} printable characters");

        rule = "device-known";
        if (fleet.Find(draft.Device) is not { } device) return new Refusal(RefusalCode.NotFound, $"there is no device '{Shown(draft.Device)}'");

        rule = "scope";
        if (!actor.Covers(device)) return new Refusal(RefusalCode.NotAllowed, $"{actor.Name} may act on devices of {string.Join(", ", actor.Groups)} only, and {device.Name} is in none of these groups");

        rule = "device-enabled";
        if (!device.Enabled) return new Refusal(RefusalCode.DeviceDisabled, $"{device.Name} is disabled; enable it first");

        rule = "device-allowed-commands";
        if (!device.AllowedCommands.Contains(draft.Command, StringComparer.Ordinal))
            return new Refusal(RefusalCode.CommandNotAllowed, $"{device.Name} does not take '{Shown(draft.Command)}'; it takes: {string.Join(", ", device.AllowedCommands)}");

        rule = "arguments";
        var arguments = (JsonObject?)draft.Arguments?.DeepClone() ?? [];
        if (CommandCatalogue.WhyNot(draft.Command, arguments) is { } why) return new Refusal(RefusalCode.BadArguments, why);

        rule = "device-online";
        if (device.Presence.State != PresenceState.Online) return new Refusal(RefusalCode.NoActiveConnection, Absence(device));

        return new AuthorizedCommand(draft, arguments, actor);
    }

    private static string Absence(DeviceRecord device) => device.Presence switch
    {
        { State: PresenceState.Offline, Since: { } since } => $"{device.Name} is offline since {since.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC; nothing was sent",
        { Address: not null } => $"{device.Name} is connected and has not yet signed its status; nothing was sent",
        _ => $"{device.Name} has never connected; nothing was sent",
    };

    /// <summary>What somebody typed goes back to them and into the log: short, and nothing that moves a terminal.</summary>
    public static string Shown(string text) => Topics.IsWord(text) ? text : new string([.. text.Take(64).Select(c => char.IsControl(c) ? '?' : c)]);
}
