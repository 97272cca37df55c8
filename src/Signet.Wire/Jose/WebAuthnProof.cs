using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Signet.Wire;

/// <summary>Where a person's passkey may be used: the receiver takes its word only as given there.</summary>
/// <param name="RpId">The relying party, a host name: its SHA-256 stands in the authenticator's data.</param>
/// <param name="Origin">The page's origin, <c>https://HOST[:PORT]</c>, as the browser writes it.</param>
public sealed record PasskeyPlace(string RpId, string Origin);

/// <summary>
/// A passkey's signature (WebAuthn Level 3, section 7.2) in the place of a JWS signature. A passkey signs no message of ours: it signs its own data and the hash of what the browser says, and the browser says the
/// challenge, which is the SHA-256 of the JWS's signed part. The third part of the JWS is the canonical JSON <c>{"authenticator":...,"client":...,"signature":...}</c>, each base64url; the signature is R || S with the lower S.
/// </summary>
public static class WebAuthnProof
{
    private const int LeastAuthenticatorBytes = 37, MostAuthenticatorBytes = 1_024; // WebAuthn section 6.1: hash of the RP id, flags, counter; then extensions
    private const int ClientBytes = 2_048;
    private const byte UserPresent = 0x01, UserVerified = 0x04;

    /// <summary>What the browser must be asked to sign: base64url of the SHA-256 of <paramref name="signed"/>.</summary>
    public static string ChallengeOf(ReadOnlySpan<byte> signed)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(signed, digest);
        return Base64Url.EncodeToString(digest);
    }

    /// <summary>Puts an assertion into its one form; null when it has none (its signature is no DER of two numbers). Whether it holds is the verifier's to say.</summary>
    public static byte[]? Encode(ReadOnlySpan<byte> authenticatorData, ReadOnlySpan<byte> clientDataJson, ReadOnlySpan<byte> derSignature)
    {
        try
        {
            var whole = new System.Formats.Asn1.AsnReader(derSignature.ToArray(), System.Formats.Asn1.AsnEncodingRules.DER);
            var sequence = whole.ReadSequence();
            var signature = new byte[LowS.SignatureBytes];
            foreach (var half in (Memory<byte>[])[signature.AsMemory(0, 32), signature.AsMemory(32)])
            {
                var number = sequence.ReadIntegerBytes().Span.TrimStart((byte)0);
                if (number.Length > 32) return null;
                number.CopyTo(half.Span[(32 - number.Length)..]);
            }

            if (sequence.HasData || whole.HasData) return null;
            LowS.Normalise(signature);
            return CanonicalJson.Write(new JsonObject { ["authenticator"] = Base64Url.EncodeToString(authenticatorData), ["client"] = Base64Url.EncodeToString(clientDataJson), ["signature"] = Base64Url.EncodeToString(signature) });
        }
        catch (System.Formats.Asn1.AsnContentException)
        {
            return null;
        }
    }

    /// <summary>Never throws on any bytes.</summary>
    internal static bool Verify(ECDsa key, PasskeyPlace place, ReadOnlySpan<byte> signed, ReadOnlySpan<byte> proof)
    {
        if (!CanonicalJson.TryParse(proof, out var json, out _)) return false;
        var reader = new ClaimsReader(json);
        var (authenticator, client, signature) = (Bytes(reader, "authenticator", MostAuthenticatorBytes), Bytes(reader, "client", ClientBytes), Bytes(reader, "signature", LowS.SignatureBytes));
        if (reader.Problem is not null || authenticator.Length < LeastAuthenticatorBytes || signature.Length != LowS.SignatureBytes || !LowS.IsLow(signature)) return false;
        if (!authenticator.AsSpan(0, 32).SequenceEqual(SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(place.RpId)))) return false;
        if ((authenticator[32] & (UserPresent | UserVerified)) != (UserPresent | UserVerified)) return false;
        if (!SaysRight(client, place.Origin, ChallengeOf(signed))) return false;
        byte[] covered = [.. authenticator, .. SHA256.HashData(client)];
        return key.VerifyData(covered, signature, HashAlgorithmName.SHA256);
    }

    // Written by the browser, not by us: any JSON, read strictly enough that no two readers can differ.
    private static bool SaysRight(byte[] client, string origin, string challenge)
    {
        try
        {
            using var said = JsonDocument.Parse(client, new JsonDocumentOptions { MaxDepth = 8, AllowDuplicateProperties = false });
            var root = said.RootElement;
            return root.ValueKind == JsonValueKind.Object && Is(root, "type", "webauthn.get") && Is(root, "challenge", challenge) && Is(root, "origin", origin)
                && (!root.TryGetProperty("crossOrigin", out var cross) || cross.ValueKind == JsonValueKind.False) && !root.TryGetProperty("topOrigin", out _);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return false;
        }
    }

    private static bool Is(JsonElement root, string name, string value) => root.TryGetProperty(name, out var found) && found.ValueKind == JsonValueKind.String && found.ValueEquals(value);

    private static byte[] Bytes(ClaimsReader reader, string name, int most)
    {
        byte[] bytes = [];
        reader.Text(name, (most * 4 / 3) + 4, t => StrictBase64Url.TryDecode(System.Text.Encoding.UTF8.GetBytes(t!), out bytes) && bytes.Length <= most);
        return bytes;
    }
}
