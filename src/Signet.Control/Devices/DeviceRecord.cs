using System.Text.Json.Nodes;

namespace Signet.Control;

/// <summary>A device to add.</summary>
/// <param name="Name"><c>[a-z0-9][a-z0-9._-]{0,62}</c>.</param>
/// <param name="Kind">A kind of <see cref="DeviceKinds"/>, or any word for a device of one's own.</param>
/// <param name="AllowedCommands">Null: those of the kind.</param>
/// <param name="Title">For people; may be empty.</param>
public sealed record NewDevice(string Name, string Kind, IReadOnlyList<string>? AllowedCommands = null, string Title = "")
{
    /// <summary>It gets HMAC keys that it shares with the center (suite <c>signet-hs256-1</c>) instead of signing with its certificate's key.</summary>
    public bool SharedKey { get; init; }

    /// <summary>It gets a key that commands are sealed to, so that only it can read them.</summary>
    public bool Sealing { get; init; }
}

/// <summary>A device of the fleet at one moment.</summary>
/// <param name="AllowedCommands">What the center will send and the device will take.</param>
/// <param name="Enabled">False: refused at the broker even with a valid certificate, and gets no command.</param>
/// <param name="Thumbprint">Of the certificate its messages are verified with; base64url SHA-256.</param>
/// <param name="Serial">Of the same; lower-case hexadecimal.</param>
/// <param name="Groups">What people and policies are given rights over, sorted: <c>heating</c>, <c>building-2</c>.</param>
/// <param name="Tags">What is noted about it, sorted: <c>spare</c>, <c>firmware-3</c>. Nobody's rights hang on a tag.</param>
public sealed record DeviceRecord(
    string Name, string Kind, string Title, IReadOnlyList<string> AllowedCommands, bool Enabled, DateTimeOffset Created,
    string Thumbprint, string Serial, DateTimeOffset CertificateEnds, Presence Presence, IReadOnlyList<string> Groups, IReadOnlyList<string> Tags)
{
    /// <summary>What its heartbeats tell while it is online: <c>silent</c>, <c>messages missing</c>; null: all is well.</summary>
    public string? Trouble { get; init; }

    /// <summary>It shares HMAC keys with the center.</summary>
    public bool SharesKey { get; init; }

    private RememberedText _searchText;

    /// <summary>Name, kind, title, groups and tags in upper case, with spaces between.</summary>
    internal string SearchText => _searchText.Of(this);

    /// <summary>The record before this one of the same device: what was made of its texts need not be made anew.</summary>
    internal DeviceRecord Following(DeviceRecord? before)
    {
        if (before is not null) _searchText = before._searchText;
        return this;
    }

    /// <summary>A command would be taken now: the device is enabled and there.</summary>
    public bool CanReceive => Enabled && Presence.State == PresenceState.Online;
}

/// <summary>What a change of one device came to.</summary>
/// <param name="Device">As it is now.</param>
/// <param name="IsChanged">False: it was so already, and written down so; nothing was done.</param>
internal sealed record DeviceChange(DeviceRecord Device, bool IsChanged);

/// <summary>Is the device there? On the wire and in the API in lower case.</summary>
public enum PresenceState
{
    /// <summary>Never seen, or connected without having said a verified word yet.</summary>
    Unknown = 0,

    /// <summary>Has a live session, and has signed <c>online</c> since that session began.</summary>
    Online = 1,
    Offline = 2,
}

/// <param name="Since">When the state began; null for a device never seen.</param>
/// <param name="LastSeen">Last verified message or live session; null for a device never seen.</param>
/// <param name="Address">Of the live session.</param>
/// <param name="Details">What the device last said about itself (kind, versions ...), verified; compact JSON.</param>
public sealed record Presence(PresenceState State, DateTimeOffset? Since, DateTimeOffset? LastSeen, string? Address, string Details)
{
    /// <summary>A text the device announced in its signed status; null when it did not.</summary>
    internal string? Announced(string name) => JsonNode.Parse(Details) is JsonObject details && details[name] is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;

    /// <summary>As <see cref="Announced"/>, for whole numbers.</summary>
    internal long? AnnouncedNumber(string name) => JsonNode.Parse(Details) is JsonObject details && details[name] is JsonValue value && value.TryGetValue<long>(out var number) ? number : null;

    public static Presence Never { get; } = new(PresenceState.Unknown, null, null, null, "{}");
}

/// <summary>One reading, signed by its device and verified.</summary>
/// <param name="Name">Of the quantity: <c>temperature</c>.</param>
/// <param name="At">By the device's clock, whole seconds.</param>
/// <param name="Value">JSON: a number, a string, <c>true</c> or <c>false</c>.</param>
/// <param name="Number">The value, if it is a number; 1 and 0 for true and false.</param>
public sealed record Reading(string Device, string Name, DateTimeOffset At, string Value, double? Number, string? Unit);

/// <summary>What a device needs besides its key and certificate (docs/spec/device-home.md).</summary>
/// <param name="Broker"><c>HOST:PORT</c>.</param>
/// <param name="Roots">PEM of every root to rely on.</param>
/// <param name="Signer">PEM of the command-signing certificate and the one above it.</param>
public sealed record DeviceHomeFacts(string Name, string Kind, string Broker, string Center, IReadOnlyList<string> Commands, string Roots, string Signer)
{
    /// <summary>The version of MQTT that the broker speaks, when it is not 5.</summary>
    public string? Mqtt { get; init; }

    /// <summary>Not beside the center: its host is to be taken as it stands.</summary>
    public bool BrokerIsElsewhere { get; init; }
}
