using System.Security.Cryptography;
using System.Text;
using Signet.Pki;

namespace Signet.Control;

/// <summary>
/// One-time secrets at rest: AES-256-GCM under a key in a file of its own (<c>pki/accounts.key</c>, mode 0600), bound to the account's name, so that a copy of signet.db alone
/// gives no secret and a row moved to another account opens nothing.
/// </summary>
internal sealed partial class AccountSeal
{
    private const int NonceBytes = 12, TagBytes = 16, KeyBytes = 32;
    private readonly byte[] _key;
    private readonly RandomNumberGenerator _random;

    private AccountSeal(byte[] key, RandomNumberGenerator random) => (_key, _random) = (key, random);

    /// <exception cref="PkiException">Readable by others, or damaged: the one-time secrets cannot be read without it.</exception>
    /// <param name="isInUse">Something was sealed with it already: then it is not made anew, because nothing of that could be opened any more.</param>
    public static AccountSeal Open(string directory, RandomNumberGenerator random, bool isInUse = false)
    {
        var path = Path.Combine(directory, "accounts.key");
        if (!File.Exists(path))
        {
            if (isInUse)
                throw new PkiException($"{path} is missing, and one-time secrets and backup codes were sealed with it: restore it from a backup that was made --with-keys. If it is lost for good, put a new one there (openssl rand -base64 32 > accounts.key; chmod 600 accounts.key); then people set up their second factor anew (signet user reset-mfa NAME), and TOTP accounts are added anew");
            var fresh = new byte[KeyBytes];
            random.GetBytes(fresh);
            KeyFile.WritePrivate(path, Encoding.ASCII.GetBytes(Convert.ToBase64String(fresh) + "\n"));
            return new(fresh, random);
        }

        KeyFile.RequirePrivate(path);
        var key = new byte[KeyBytes];
        if (!Convert.TryFromBase64String(File.ReadAllText(path).Trim(), key, out var length) || length != KeyBytes)
            throw new PkiException($"{path} is damaged: without it the one-time secrets of TOTP accounts cannot be read; restore it from a backup");
        return new(key, random);
    }

    /// <summary>Base64 of nonce, ciphertext and tag.</summary>
    public string Seal(string account, ReadOnlySpan<byte> secret)
    {
        var box = new byte[NonceBytes + secret.Length + TagBytes];
        _random.GetBytes(box.AsSpan(0, NonceBytes));
        using var aes = new AesGcm(_key, TagBytes);
        aes.Encrypt(box.AsSpan(0, NonceBytes), secret, box.AsSpan(NonceBytes, secret.Length), box.AsSpan(NonceBytes + secret.Length), Encoding.UTF8.GetBytes(account));
        return Convert.ToBase64String(box);
    }

    /// <summary>Null when it was sealed with another key or for another account, or is damaged.</summary>
    public byte[]? TryOpen(string account, string sealedSecret)
    {
        try
        {
            var box = Convert.FromBase64String(sealedSecret);
            if (box.Length <= NonceBytes + TagBytes) return null;
            var secret = new byte[box.Length - NonceBytes - TagBytes];
            using var aes = new AesGcm(_key, TagBytes);
            aes.Decrypt(box.AsSpan(0, NonceBytes), box.AsSpan(NonceBytes, secret.Length), box.AsSpan(NonceBytes + secret.Length), secret, Encoding.UTF8.GetBytes(account));
            return secret;
        }
        catch (Exception e) when (e is FormatException or CryptographicException)
        {
            return null;
        }
    }
}
