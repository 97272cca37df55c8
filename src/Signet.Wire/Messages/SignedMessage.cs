using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Nodes;

namespace Signet.Wire;

/// <summary>
/// The road all signed messages share. Verification, in this order; the first failure is the reason:
/// <code>
/// 1 shape        malformed, too-large          size, three strict base64url parts, canonical header, the kind's typ
/// 2 key          unknown-key                   the key id is pinned
/// 3 algorithm    algorithm-not-allowed         alg is the one pinned for that key
/// 4 signature    bad-signature
/// 5 claims       malformed                     canonical payload, exactly the claims of the kind, each within its bounds
/// 6 suite        algorithm-not-allowed         the suite in the signed bytes is the key's
/// 7 validity     certificate-expired           now is inside the validity of the pinned certificate
/// 8 issuer       unknown-key                   the key speaks for iss
/// 9 audience     wrong-audience
/// 10 topic       wrong-topic                   the signed topic is where it arrived, and fits sender or audience
/// 11 time        issued-in-future, expired
/// </code>
/// </summary>
internal static class SignedMessage
{
    /// <exception cref="ArgumentException">The claims are not ones a receiver could accept (the caller's bug), or the message is too large.</exception>
    public static byte[] Sign<TClaims>(string type, TClaims claims, SigningKey key, Func<ClaimsReader, TClaims> read)
        where TClaims : SignedClaims
    {
        var message = CompactJws.Sign(type, Encode(claims, key.Suite, read), key);
        return message.Length <= WireLimits.MessageBytes
            ? message
            : throw new ArgumentException($"the message has {message.Length} bytes, the limit is {WireLimits.MessageBytes}", nameof(claims));
    }

    /// <summary>The payload, checked.</summary>
    /// <exception cref="ArgumentException">As above.</exception>
    public static byte[] Encode<TClaims>(TClaims claims, Suite suite, Func<ClaimsReader, TClaims> read)
        where TClaims : SignedClaims
    {
        var json = claims.ToJson(suite);
        var payload = CanonicalJson.Write(json);
        // What was written is read as a receiver will read it; the bytes' own form is the writer's promise.
        if (!TryReadClaims(json, read, out var again, out var why)) throw new ArgumentException(why, nameof(claims));
        return again.NamedTopic == again.RightTopic ? payload : throw new ArgumentException($"the topic must be {again.RightTopic}", nameof(claims));
    }

    public static bool TryVerify<TClaims>(
        ReadOnlySpan<byte> message, string type, Expectation expected, Func<ClaimsReader, TClaims> read,
        [NotNullWhen(true)] out TClaims? claims, [NotNullWhen(true)] out PinnedKey? key, out Rejection rejection)
        where TClaims : SignedClaims
    {
        claims = null;
        key = null;

        // 1
        if (!CompactJws.TrySplit(message, out var jws, out rejection)) return false;
        if (jws.Type != type) return Refuse(RejectReason.Malformed, $"typ must be {type}", out rejection);
        // 2
        if (!expected.Keys.TryFind(jws.KeyId, out var pinned)) return Refuse(RejectReason.UnknownKey, $"no pinned key {jws.KeyId}", out rejection);
        // 3
        if (jws.Algorithm != pinned.Algorithm) return Refuse(RejectReason.AlgorithmNotAllowed, $"key {pinned.KeyId} is pinned to {pinned.Algorithm}", out rejection);
        // 4
        if (!pinned.Verify(message[..jws.SignedLength], jws.Signature)) return Refuse(RejectReason.BadSignature, $"not signed by key {pinned.KeyId}", out rejection);
        // 5
        if (!TryReadClaims(jws.Payload, read, out var found, out var why)) return Refuse(RejectReason.Malformed, why, out rejection);
        // 6
        if (found.Suite != pinned.Suite.Name) return Refuse(RejectReason.AlgorithmNotAllowed, $"the suite must be {pinned.Suite.Name}", out rejection);
        // 7
        if (expected.HasClock && (expected.Now < pinned.ValidFrom || expected.Now > pinned.ValidUntil))
            return Refuse(RejectReason.CertificateExpired, $"the certificate of {pinned.Owner} is valid from {pinned.ValidFrom:u} to {pinned.ValidUntil:u}", out rejection);
        // 8
        if (found.Issuer != pinned.Owner) return Refuse(RejectReason.UnknownKey, $"key {pinned.KeyId} speaks for {pinned.Owner}, not for {found.Issuer}", out rejection);
        // 9
        if (found.AddressedTo is { } audience && audience != (expected.Audience ?? throw new ArgumentException("this kind of message has an audience: say which is expected", nameof(expected))))
            return Refuse(RejectReason.WrongAudience, $"meant for {audience}", out rejection);
        // 10
        if (found.NamedTopic is not null && found.NamedTopic != expected.Topic) return Refuse(RejectReason.WrongTopic, "signed for another topic than it arrived on", out rejection);
        if (found.NamedTopic != found.RightTopic) return Refuse(RejectReason.WrongTopic, $"the topic must be {found.RightTopic}", out rejection);
        // 11
        if (expected.HasClock && found.IssuedAt - expected.Now > expected.MaximumSkew)
            return Refuse(RejectReason.IssuedInFuture, $"issued at {found.IssuedAt:u}, the clock here says {expected.Now:u}", out rejection);
        if (expected.HasClock && (expected.Now - found.IssuedAt > expected.MaximumAge || expected.Now > found.Expiry))
            return Refuse(RejectReason.Expired, $"issued at {found.IssuedAt:u}, the clock here says {expected.Now:u}", out rejection);

        (claims, key) = (found, pinned);
        return true;
    }

    private static bool TryReadClaims<TClaims>(ReadOnlySpan<byte> payload, Func<ClaimsReader, TClaims> read, [NotNullWhen(true)] out TClaims? claims, out string why)
        where TClaims : SignedClaims
    {
        claims = null;
        if (CanonicalJson.TryParseClaims(payload, out var json, out why)) return TryReadClaims(json, read, out claims, out why);
        why = $"claims: {why}";
        return false;
    }

    private static bool TryReadClaims<TClaims>(JsonObject json, Func<ClaimsReader, TClaims> read, [NotNullWhen(true)] out TClaims? claims, out string why)
        where TClaims : SignedClaims
    {
        (claims, why) = (null, "");
        var reader = new ClaimsReader(json);
        var found = read(reader);
        if (reader.Problem is { } problem)
        {
            why = $"claims: {problem}";
            return false;
        }
        claims = found;
        return true;
    }

    private static bool Refuse(RejectReason reason, string detail, out Rejection rejection)
    {
        rejection = new(reason, detail);
        return false;
    }
}
