using System.Diagnostics.CodeAnalysis;

namespace Signet.Wire;

/// <summary>The branch of topics that belongs to one device: <c>signet/{device}/command|receipt|status|checkpoint|manifest|signer|witness|telemetry/{name}</c>.</summary>
public static class Topics
{
    private const string Root = "signet/";
    private const string TelemetryBranch = "telemetry/";

    /// <summary>The last level of a device's topic of manifests; in <c>result.refused</c> of a refusal, that it speaks about one.</summary>
    public const string ManifestBranch = "manifest";

    // Certificate names of the house itself: a device of that name could speak where only the center may.
    private static readonly string[] Reserved = ["command_center", "mqtt_broker", "center_sign"];

    public static string Command(string device) => Of(device, "command");
    public static string Receipt(string device) => Of(device, "receipt");
    public static string Status(string device) => Of(device, "status");
    public static string Checkpoint(string device) => Of(device, "checkpoint");
    public static string Manifest(string device) => Of(device, ManifestBranch);

    /// <summary>The center's new command-signing certificate, PEM (docs/spec/device-home.md, "Another command signer").</summary>
    public static string Signer(string device) => Of(device, "signer");

    /// <summary>What a device says as a witness of the audit log.</summary>
    public static string Witness(string device) => Of(device, "witness");

    /// <summary>MQTT 5 user property of a command's message: the newest signed checkpoint of the audit log.</summary>
    public const string CheckpointProperty = "checkpoint";

    /// <summary>A note as the value of <see cref="CheckpointProperty"/>: base64, because MQTT 5.0 (section 1.5.4) lets a broker refuse control characters in its strings, Mosquitto does, and a note has lines.</summary>
    public static string CheckpointValue(string note) => Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(note));

    /// <summary>The note in such a value, in base64 or as it is. What is neither comes back as it is, and is no note.</summary>
    public static byte[] CheckpointNote(string value)
    {
        var note = new byte[value.Length];
        return value.Contains('\n', StringComparison.Ordinal) || !Convert.TryFromBase64String(value, note, out var length) ? System.Text.Encoding.UTF8.GetBytes(value) : note[..length];
    }

    /// <summary>The topic of one reading; <paramref name="name"/> follows the grammar of <see cref="IsWord"/>.</summary>
    public static string Telemetry(string device, string name) =>
        IsWord(name) ? Of(device, TelemetryBranch + name) : throw new ArgumentException($"'{name}' is not a reading's name", nameof(name));

    /// <summary>Splits a topic of ours. <paramref name="branch"/> is what follows the device: <c>command</c>, <c>telemetry/temperature</c> ... False for every other topic.</summary>
    public static bool TryParse(string? topic, [NotNullWhen(true)] out string? device, [NotNullWhen(true)] out string? branch)
    {
        device = branch = null;
        if (topic is null || !topic.StartsWith(Root, StringComparison.Ordinal)) return false;
        var rest = topic[Root.Length..];
        var slash = rest.IndexOf('/', StringComparison.Ordinal);
        if (slash < 0 || !IsDeviceName(rest[..slash])) return false;
        var tail = rest[(slash + 1)..];
        var known = tail is "command" or "receipt" or "status" or "checkpoint" or "manifest" or "signer" or "witness"
            || (tail.StartsWith(TelemetryBranch, StringComparison.Ordinal) && IsWord(tail[TelemetryBranch.Length..]));
        if (!known) return false;
        (device, branch) = (rest[..slash], tail);
        return true;
    }

    /// <summary>May a device have this name? <see cref="IsPartyName"/>, and not a name of the house itself.</summary>
    public static bool IsDeviceName([NotNullWhen(true)] string? name) => IsPartyName(name) && !Reserved.Contains(name, StringComparer.Ordinal);

    /// <summary>Names of devices and services: <c>[a-z0-9][a-z0-9._-]{0,62}</c>. Always one legal topic level.</summary>
    public static bool IsPartyName([NotNullWhen(true)] string? name) => HasShape(name, WireLimits.NameCharacters, "._-");

    /// <summary>Names of commands and readings: <c>[a-z0-9][a-z0-9._-]{0,63}</c>.</summary>
    public static bool IsWord([NotNullWhen(true)] string? name) => HasShape(name, WireLimits.WordCharacters, "._-");

    private static bool HasShape([NotNullWhen(true)] string? name, int longest, string alsoInside)
    {
        if (string.IsNullOrEmpty(name) || name.Length > longest || alsoInside.Contains(name[0], StringComparison.Ordinal)) return false;
        foreach (var c in name)
            if (!char.IsAsciiLetterLower(c) && !char.IsAsciiDigit(c) && !alsoInside.Contains(c, StringComparison.Ordinal)) return false;
        return true;
    }

    private static string Of(string device, string branch) =>
        IsDeviceName(device) ? $"{Root}{device}/{branch}" : throw new ArgumentException($"'{device}' is not a device's name", nameof(device));
}
