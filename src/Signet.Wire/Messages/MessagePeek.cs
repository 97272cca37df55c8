using System.Text.Json.Nodes;

namespace Signet.Wire;

/// <summary>
/// Looks into bytes that failed verification, to word a refusal. What it returns is what a stranger wrote: use it to answer, never to decide.
/// </summary>
public static class MessagePeek
{
    /// <summary>The <c>jti</c> the bytes claim, if they are a JWS of ours in shape and the id is well formed. Never throws.</summary>
    public static bool TryReadUnverified(ReadOnlySpan<byte> message, out string id)
    {
        id = "";
        if (!CompactJws.TrySplit(message, out var jws, out _) || !CanonicalJson.TryParse(jws.Payload, out var claims, out _)) return false;
        if (claims["jti"] is not JsonValue value || !value.TryGetValue<string>(out var claimed) || !MessageId.IsValid(claimed)) return false;
        id = claimed;
        return true;
    }
}
