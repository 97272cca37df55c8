using System.Buffers.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Signet.Pki;
using Signet.Wire;

namespace Signet.Agent;

/// <summary>HMAC keys that a device shares with its center, from <c>shared.json</c> (0600): one for what it hears, one for what it says (docs/spec/device-home.md).</summary>
internal sealed record SharedKeyFile(string DownId, byte[] Down, string UpId, byte[] Up)
{
    /// <summary>Null without the file.</summary>
    /// <exception cref="AgentException">Not in its form.</exception>
    /// <exception cref="PkiException">Readable by others.</exception>
    public static SharedKeyFile? Read(string directory)
    {
        var path = Path.Combine(directory, "shared.json");
        if (!File.Exists(path)) return null;
        KeyFile.RequirePrivate(path);
        if (new FileInfo(path).Length > AgentLimits.SettingsBytes) throw new AgentException($"{path} is larger than {AgentLimits.SettingsBytes} bytes");
        try
        {
            if (JsonNode.Parse(File.ReadAllBytes(path), documentOptions: new() { MaxDepth = 4, AllowDuplicateProperties = false }) is JsonObject json && (int?)json["version"] == 1
                && TryKey(json["down"], out var downId, out var down) && TryKey(json["up"], out var upId, out var up) && !down.AsSpan().SequenceEqual(up))
                return new(downId, down, upId, up);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            // Said below, without what stands in it.
        }

        throw new AgentException($"{path} does not hold two keys (\"down\" and \"up\", each with \"kid\" and \"key\" of {WireLimits.HmacKeyBytesLeast} to {WireLimits.HmacKeyBytesMost} bytes in base64url, not the same)");
    }

    private static bool TryKey(JsonNode? node, out string id, out byte[] key)
    {
        id = (string?)node?["kid"] ?? "";
        key = (string?)node?["key"] is { } text ? Base64Url.DecodeFromChars(text) : [];
        return key.Length is >= WireLimits.HmacKeyBytesLeast and <= WireLimits.HmacKeyBytesMost && id.Length is > 0 and <= WireLimits.KeyIdCharacters;
    }

    public override string ToString() => $"{DownId}, {UpId}"; // never the keys
}
