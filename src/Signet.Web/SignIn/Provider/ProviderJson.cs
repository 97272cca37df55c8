using System.Buffers.Text;
using System.Text.Json;

namespace Signet.Web.SignIn;

/// <summary>How everything a provider says is read: one JSON object, no member twice, not deep. Null for anything else.</summary>
internal static class ProviderJson
{
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 16 };

    /// <summary>An element of its own, which needs no disposing.</summary>
    public static JsonElement? ReadObject(ReadOnlySpan<byte> utf8)
    {
        try
        {
            using var document = JsonDocument.Parse(utf8.ToArray(), Strict);
            return document.RootElement.ValueKind == JsonValueKind.Object ? document.RootElement.Clone() : null;
        }
        catch (Exception e) when (e is JsonException or ArgumentException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>The text of a member; null when it is absent, no text, or longer than that.</summary>
    public static string? Text(this JsonElement item, string name, int longest = 2048)
    {
        try
        {
            return item.ValueKind == JsonValueKind.Object && item.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String && value.GetString() is { } text && text.Length <= longest ? text : null;
        }
        catch (InvalidOperationException)
        {
            return null; // half a surrogate pair
        }
    }

    /// <summary>A text, or the texts of a list; empty for anything else.</summary>
    public static IReadOnlyList<string> Texts(this JsonElement item, int most = 256, int longest = 1024)
    {
        try
        {
            return item.ValueKind switch
            {
                JsonValueKind.String when item.GetString() is { } text && text.Length <= longest => [text],
                JsonValueKind.Array when item.GetArrayLength() <= most => [.. item.EnumerateArray().Where(one => one.ValueKind == JsonValueKind.String).Select(one => one.GetString()!).Where(text => text.Length <= longest)],
                _ => [],
            };
        }
        catch (InvalidOperationException)
        {
            return [];
        }
    }

    /// <summary>Seconds since 1970, a fraction allowed (RFC 7519 NumericDate); null when absent or no time.</summary>
    public static DateTimeOffset? Time(this JsonElement item, string name)
        => item.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var seconds) && seconds is >= 0 and <= 253_402_300_799
            ? DateTimeOffset.UnixEpoch.AddSeconds(Math.Floor(seconds)) : null;

    /// <summary>base64url without padding, blanks or anything else; null when it is not.</summary>
    public static byte[]? Bytes(string? text)
    {
        if (text is null || text.Length % 4 == 1 || !text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_')) return null;
        try
        {
            return Base64Url.DecodeFromChars(text);
        }
        catch (FormatException)
        {
            return null;
        }
    }
}
