using System.Security.Cryptography;
using System.Text;

namespace Signet.Lab;

/// <summary>An AES-GCM result as the paper's messages carry it: base64 of the nonce, base64 of ciphertext and tag together.</summary>
public sealed record SealedText(string Nonce, string Ciphertext);

/// <summary>
/// The paper's primitives under its own names, in the spelling of .NET.
/// <list type="table">
/// <item><term>session key</term><description>32 random bytes, fresh for each message.</description></item>
/// <item><term>AES-256-GCM</term><description>SP 800-38D: nonce 12 bytes random, tag 16 bytes behind the ciphertext (as Python's AESGCM class has it).</description></item>
/// <item><term>RSA-2048</term><description>key transport, RSAES-OAEP with SHA-256 and MGF1-SHA-256 (RFC 8017 section 7.1).</description></item>
/// <item><term>DSA-2048</term><description>FIPS 186-4 with SHA-256, signature as DER (Rfc 3279); withdrawn for signing by FIPS 186-5: studied here, used nowhere else.</description></item>
/// </list>
/// The paper does not print its helper module; padding, hash and encodings are the defaults of the Python package it names.
/// </summary>
public static class PaperCrypto
{
    public const int NonceBytes = 12, TagBytes = 16, SessionKeyBytes = 32;

    public static byte[] GenerateSessionKey(RandomNumberGenerator random, int bytes = SessionKeyBytes)
    {
        var key = new byte[bytes];
        random.GetBytes(key);
        return key;
    }

    /// <summary>A random (version 4) UUID in its usual spelling.</summary>
    public static string MessageId(RandomNumberGenerator random)
    {
        var bytes = GenerateSessionKey(random, 16);
        bytes[6] = (byte)((bytes[6] & 0x0f) | 0x40);
        bytes[8] = (byte)((bytes[8] & 0x3f) | 0x80);
        return new Guid(bytes, bigEndian: true).ToString("D");
    }

    public static SealedText AesGcmEncrypt(byte[] key, ReadOnlySpan<byte> data, ReadOnlySpan<byte> associated, RandomNumberGenerator random)
    {
        var nonce = GenerateSessionKey(random, NonceBytes);
        var sealedBytes = new byte[data.Length + TagBytes];
        using var aes = new AesGcm(key, TagBytes);
        aes.Encrypt(nonce, data, sealedBytes.AsSpan(0, data.Length), sealedBytes.AsSpan(data.Length), associated);
        return new(PythonBase64.Encode(nonce), PythonBase64.Encode(sealedBytes));
    }

    /// <summary>Null for anything that was not sealed with this key, nonce and associated data.</summary>
    public static byte[]? AesGcmDecrypt(byte[] key, SealedText text, ReadOnlySpan<byte> associated)
    {
        if (key.Length is not (16 or 24 or 32)) return null;
        if (!PythonBase64.TryDecode(text.Nonce, out var nonce) || nonce.Length != NonceBytes) return null;
        if (!PythonBase64.TryDecode(text.Ciphertext, out var sealedBytes) || sealedBytes.Length < TagBytes) return null;
        var data = new byte[sealedBytes.Length - TagBytes];
        using var aes = new AesGcm(key, TagBytes);
        try
        {
            aes.Decrypt(nonce, sealedBytes.AsSpan(0, data.Length), sealedBytes.AsSpan(data.Length), data, associated);
            return data;
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }
    }

    public static string RsaEncryptForPublic(RSA publicKey, byte[] sessionKey) => PythonBase64.Encode(publicKey.Encrypt(sessionKey, RSAEncryptionPadding.OaepSHA256));

    /// <summary>Null when the blob was not made for this key.</summary>
    public static byte[]? RsaDecryptWithPrivate(RSA privateKey, string blob)
    {
        if (!PythonBase64.TryDecode(blob, out var bytes) || bytes.Length != privateKey.KeySize / 8) return null;
        try
        {
            return privateKey.Decrypt(bytes, RSAEncryptionPadding.OaepSHA256);
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    public static string DsaSign(DSA privateKey, ReadOnlySpan<byte> data) =>
        PythonBase64.Encode(privateKey.SignData(data.ToArray(), HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence));

    public static bool DsaVerify(DSA publicKey, ReadOnlySpan<byte> data, string signature)
    {
        if (!PythonBase64.TryDecode(signature, out var bytes) || bytes.Length == 0) return false;
        try
        {
            return publicKey.VerifyData(data.ToArray(), bytes, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
        }
        catch (CryptographicException)
        {
            return false; // not a DER signature at all
        }
    }

    /// <summary>Compares two texts in a time that depends on their lengths alone.</summary>
    public static bool ConstantTimeCompare(string left, string right) => CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(left), Encoding.UTF8.GetBytes(right));
}
