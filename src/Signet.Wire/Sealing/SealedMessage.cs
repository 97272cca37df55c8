using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Signet.Wire;

/// <summary>
/// A signed message in an envelope only its receiver can open: compact JWE (RFC 7516) around a compact JWS. Signed first, then sealed, so the
/// signature speaks about what the receiver reads. Receiver and topic stand in the authenticated header and again in the signed claims: nobody can
/// move the content to another envelope without one of the two showing it. Opening, in this order:
/// <code>
/// 1 shape       malformed, too-large
/// 2 key         unknown-key              sealed to this receiver's key
/// 3 algorithm   algorithm-not-allowed    alg and suite are the key's
/// 4 audience    wrong-audience
/// 5 topic       wrong-topic
/// 6 content     cannot-decrypt
/// </code>
/// then the steps of the signed message inside.
/// </summary>
public static class SealedMessage
{
    public const string Type = "signet-sealed+jwe";
    internal const string Encryption = "A256GCM";
    internal const string ContentType = "JWT";
    internal const int NonceBytes = 12, TagBytes = 16;

    /// <summary>Does this look sealed (five parts) rather than signed (three)? Decides only which reader gets it.</summary>
    public static bool IsSealed(ReadOnlySpan<byte> message) => message.Count((byte)'.') == 4;

    /// <param name="signed">The compact JWS.</param>
    /// <param name="to">The receiver; its owner must be the message's audience.</param>
    /// <param name="topic">The topic it is published on, the same as in the claims.</param>
    /// <param name="random">Makes content keys and nonces. Ephemeral key pairs come from the platform.</param>
    /// <exception cref="ArgumentException">Too large once sealed.</exception>
    public static byte[] Seal(ReadOnlySpan<byte> signed, SealingRecipient to, string topic, RandomNumberGenerator random)
    {
        Span<byte> key = stackalloc byte[ConcatKdf.KeyBytes];
        try
        {
            return Seal(signed, to, topic, random, key);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(key);
        }
    }

    /// <summary>As above, and leaves the content key (32 bytes, into <paramref name="key"/>) with the sender: together with the envelope it shows to others what was sealed in it.</summary>
    public static byte[] Seal(ReadOnlySpan<byte> signed, SealingRecipient to, string topic, RandomNumberGenerator random, Span<byte> key)
    {
        var encryptedKey = to.MakeContentKey(key, random, out var ephemeral);
        var header = new JsonObject
        {
            ["alg"] = to.Suite.Algorithm, ["aud"] = to.Owner, ["cty"] = ContentType, ["enc"] = Encryption, ["kid"] = to.KeyId, ["suite"] = to.Suite.Name, ["topic"] = topic, ["typ"] = Type,
        };
        if (ephemeral is not null) header["epk"] = ephemeral;
        var protectedHeader = Base64Url.EncodeToString(CanonicalJson.Write(header));
        var nonce = new byte[NonceBytes];
        random.GetBytes(nonce);
        var (ciphertext, tag) = (new byte[signed.Length], new byte[TagBytes]);
        using (var gcm = new AesGcm(key, TagBytes)) gcm.Encrypt(nonce, signed, ciphertext, tag, Encoding.ASCII.GetBytes(protectedHeader));
        var message = Encoding.ASCII.GetBytes(string.Join('.', protectedHeader, Base64Url.EncodeToString(encryptedKey), Base64Url.EncodeToString(nonce), Base64Url.EncodeToString(ciphertext), Base64Url.EncodeToString(tag)));
        return message.Length <= WireLimits.MessageBytes ? message : throw new ArgumentException($"sealed, the message has {message.Length} bytes; the limit is {WireLimits.MessageBytes}", nameof(signed));
    }

    /// <summary>Opens an envelope. What comes out is not verified yet: give it to the reader of its kind. Never throws on any bytes.</summary>
    public static bool TryOpen(ReadOnlySpan<byte> message, SealingKey key, Expectation expected, [NotNullWhen(true)] out byte[]? signed, out Rejection rejection)
    {
        signed = null;
        // 1
        if (!CompactJwe.TrySplit(message, out var jwe, out rejection)) return false;
        // 2
        if (jwe.KeyId != key.KeyId) return Refuse(RejectReason.UnknownKey, $"sealed to key {jwe.KeyId}, not to this one", out rejection);
        // 3
        if (jwe.Algorithm != key.Suite.Algorithm || jwe.Suite != key.Suite.Name) return Refuse(RejectReason.AlgorithmNotAllowed, $"key {key.KeyId} is pinned to {key.Suite.Name}", out rejection);
        // 4
        if (jwe.Audience != expected.Audience) return Refuse(RejectReason.WrongAudience, $"sealed for {jwe.Audience}", out rejection);
        // 5
        if (jwe.Topic != expected.Topic) return Refuse(RejectReason.WrongTopic, "sealed for another topic than it arrived on", out rejection);
        // 6
        Span<byte> contentKey = stackalloc byte[ConcatKdf.KeyBytes];
        if (jwe.EncryptedKey.Length > WireLimits.RsaBitsMost / 8 || (jwe.Ephemeral is not null && jwe.EncryptedKey.Length > 0) || !key.TryRecover(jwe.EncryptedKey, jwe.Ephemeral, contentKey))
            return Refuse(RejectReason.CannotDecrypt, "the content key does not open", out rejection);
        var opened = new byte[jwe.Ciphertext.Length];
        try
        {
            using var gcm = new AesGcm(contentKey, TagBytes);
            gcm.Decrypt(jwe.Nonce, jwe.Ciphertext, jwe.Tag, opened, message[..jwe.HeaderLength]);
        }
        catch (AuthenticationTagMismatchException)
        {
            return Refuse(RejectReason.CannotDecrypt, "the content or its header was changed", out rejection);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(contentKey);
        }
        signed = opened;
        return true;
    }

    /// <summary>
    /// Opens an envelope with the content key its sender kept, for somebody who judges what was sent: shape, then content; receiver and topic are the caller's to compare with the
    /// signed message inside. Never throws on any bytes.
    /// </summary>
    public static bool TryOpenWithContentKey(ReadOnlySpan<byte> message, ReadOnlySpan<byte> contentKey, [NotNullWhen(true)] out byte[]? signed, out Rejection rejection)
    {
        signed = null;
        if (!CompactJwe.TrySplit(message, out var jwe, out rejection)) return false;
        if (contentKey.Length != ConcatKdf.KeyBytes) return Refuse(RejectReason.CannotDecrypt, "not a content key", out rejection);
        var opened = new byte[jwe.Ciphertext.Length];
        try
        {
            using var gcm = new AesGcm(contentKey, TagBytes);
            gcm.Decrypt(jwe.Nonce, jwe.Ciphertext, jwe.Tag, opened, message[..jwe.HeaderLength]);
        }
        catch (AuthenticationTagMismatchException)
        {
            return Refuse(RejectReason.CannotDecrypt, "the content or its header was changed", out rejection);
        }

        signed = opened;
        return true;
    }

    private static bool Refuse(RejectReason reason, string detail, out Rejection rejection)
    {
        rejection = new(reason, detail);
        return false;
    }
}
