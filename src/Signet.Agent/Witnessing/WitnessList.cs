using System.Text.Json;

namespace Signet.Agent;

/// <summary>
/// <c>witnesses.json</c>: the other devices whose word counts, with their keys, and how many (this one included) must have seen the same history.
/// Without the file a device judges alone: it finds a history that was rewritten, not one that is shown to others differently.
/// </summary>
/// <param name="Quorum">At least so many, this device included.</param>
/// <param name="Keys">Name to SubjectPublicKeyInfo.</param>
public sealed record WitnessList(int Quorum, IReadOnlyDictionary<string, byte[]> Keys)
{
    public static WitnessList None { get; } = new(0, new Dictionary<string, byte[]>(StringComparer.Ordinal));

    /// <exception cref="AgentException">Names the file and what is wrong.</exception>
    public static WitnessList Read(string path)
    {
        if (!File.Exists(path)) return None;
        if (new FileInfo(path).Length > AgentLimits.SettingsBytes) throw new AgentException($"{path} is larger than {AgentLimits.SettingsBytes} bytes");
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path), new JsonDocumentOptions { MaxDepth = 4, AllowDuplicateProperties = false });
            var keys = new Dictionary<string, byte[]>(StringComparer.Ordinal);
            foreach (var witness in document.RootElement.GetProperty("witnesses").EnumerateArray())
                keys[witness.GetProperty("name").GetString() ?? ""] = witness.GetProperty("key").GetBytesFromBase64();
            var quorum = document.RootElement.GetProperty("quorum").GetInt32();
            return quorum >= 0 && quorum <= keys.Count ? new(quorum, keys) : throw new AgentException($"{path}: a quorum of {quorum} is not between 0 and the {keys.Count} witnesses");
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or FormatException or InvalidOperationException)
        {
            throw new AgentException($"{path} is no list of witnesses: {e.Message}", e);
        }
    }
}
