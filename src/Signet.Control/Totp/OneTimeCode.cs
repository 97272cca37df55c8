using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Signet.Control;

/// <summary>
/// Time-based one-time codes: RFC 6238 with its defaults (HMAC-SHA-1, 6 digits, 30 s steps), which are the only ones that every authenticator and pyotp share.
/// A code alone is no proof: the caller must see to it that a step is accepted once (RFC 6238, section 5.2).
/// </summary>
public static class OneTimeCode
{
    /// <summary>Characters of a code.</summary>
    public const int Digits = 6;

    /// <summary>Seconds of one step (RFC 6238, section 4.1: X).</summary>
    public const int StepSeconds = 30;

    /// <summary>Steps before and after the present one that are taken too: clocks that are up to 30 s apart.</summary>
    public const int Window = 1;

    /// <summary>Bytes of a new secret: the 160 bits that RFC 4226, section 4, R6 recommends.</summary>
    public const int SecretBytes = 20;

    /// <summary>Least bytes of a secret made elsewhere: the 128 bits that RFC 4226 asks for; pyotp's old default of 16 characters has 80 and is taken on import with a warning.</summary>
    public const int RecommendedSecretBytes = 16, ShortestSecretBytes = 10;

    /// <summary>The step a moment lies in.</summary>
    public static long StepAt(DateTimeOffset time) => time.ToUnixTimeSeconds() / StepSeconds;

    /// <summary>The six digits of one step.</summary>
    public static string At(ReadOnlySpan<byte> secret, long step)
    {
        Span<byte> counter = stackalloc byte[8];
        BinaryPrimitives.WriteInt64BigEndian(counter, step);
        Span<byte> mac = stackalloc byte[HMACSHA1.HashSizeInBytes];
        // RFC 4226 is defined over SHA-1; HMAC does not rest on its collision resistance.
#pragma warning disable CA5350
        HMACSHA1.HashData(secret, counter, mac);
#pragma warning restore CA5350
        var offset = mac[^1] & 0x0f;
        var number = BinaryPrimitives.ReadInt32BigEndian(mac[offset..]) & 0x7fff_ffff;
        return (number % 1_000_000).ToString("D6", CultureInfo.InvariantCulture);
    }

    /// <summary>The newest step within the window whose code this is; null when it is none. Takes the same time for every text of six characters.</summary>
    public static long? Match(ReadOnlySpan<byte> secret, ReadOnlySpan<char> code, DateTimeOffset now)
    {
        if (code.Length != Digits) return null;
        Span<byte> given = stackalloc byte[Digits];
        for (var i = 0; i < Digits; i++) given[i] = code[i] is >= '0' and <= '9' ? (byte)code[i] : (byte)0;
        long? found = null;
        var present = StepAt(now);
        for (var step = present - Window; step <= present + Window; step++)
        {
            if (CryptographicOperations.FixedTimeEquals(given, Encoding.ASCII.GetBytes(At(secret, step)))) found = step;
        }

        return found;
    }

    /// <summary>For QR codes and authenticator programs: the key URI format.</summary>
    /// <param name="issuer">Shown above the code; the installation's name.</param>
    /// <param name="account">Shown beside it.</param>
    public static string Uri(string issuer, string account, ReadOnlySpan<byte> secret)
        => $"otpauth://totp/{System.Uri.EscapeDataString(issuer)}:{System.Uri.EscapeDataString(account)}?secret={Base32.Encode(secret)}&issuer={System.Uri.EscapeDataString(issuer)}&algorithm=SHA1&digits={Digits}&period={StepSeconds}";
}
