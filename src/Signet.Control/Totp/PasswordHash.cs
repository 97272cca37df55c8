using System.Globalization;
using System.Security.Cryptography;

namespace Signet.Control;

/// <summary>The password hashes that are checked here: bcrypt, which new accounts get, and those of an existing <c>mosquitto_passwd</c> file, told apart by how they begin.</summary>
internal static class PasswordHash
{
    /// <summary>mosquitto_passwd(1): <c>$7$ROUNDS$SALT$HASH</c>, PBKDF2 with HMAC-SHA512 (Mosquitto 2), and <c>$6$SALT$HASH</c>, SHA-512 of password and salt (before). Base64.</summary>
    private const string Pbkdf2 = "$7$", Sha512 = "$6$";

    /// <summary>Mosquitto's own default is 101. More than this would hold a core for a second.</summary>
    private const int MostRounds = 1_000_000;

    private const int HashBytes = 64, MostSaltBytes = 64;

    /// <summary>Null when it is a hash that can be checked here, else what is wrong with it.</summary>
    public static string? WhyNot(string hash)
    {
        if (!hash.StartsWith(Pbkdf2, StringComparison.Ordinal) && !hash.StartsWith(Sha512, StringComparison.Ordinal)) return Bcrypt.WhyNot(hash);
        return TryRead(hash, out _, out _, out _) ? null : "is no hash of mosquitto_passwd ($7$ROUNDS$SALT$HASH or $6$SALT$HASH)";
    }

    /// <summary>Whether Mosquitto can check it, so that it may stand in a file of <c>mosquitto_passwd</c>.</summary>
    public static bool IsMosquittos(string hash) => TryRead(hash, out _, out _, out _);

    /// <summary>What is weak about it; null when nothing is.</summary>
    public static string? WeaknessOf(string hash) => hash.StartsWith(Sha512, StringComparison.Ordinal) ? "its password is hashed once with SHA-512, which a stolen file gives away quickly: set it anew"
        : TryRead(hash, out var rounds, out _, out _) && rounds < 100_000 ? $"its password is hashed with {rounds} rounds, which a stolen file gives away quickly: set it anew" : null;

    public static bool Verify(ReadOnlySpan<byte> password, string hash)
    {
        if (!TryRead(hash, out var rounds, out var salt, out var expected)) return Bcrypt.Verify(password, hash);
        var made = rounds == 0 ? SHA512.HashData([.. password, .. salt]) : Rfc2898DeriveBytes.Pbkdf2(password, salt, rounds, HashAlgorithmName.SHA512, HashBytes);
        return CryptographicOperations.FixedTimeEquals(made, expected);
    }

    // Rounds are 0 for the older form.
    private static bool TryRead(string hash, out int rounds, out byte[] salt, out byte[] expected)
    {
        (rounds, salt, expected) = (0, [], []);
        var parts = hash.Length <= 512 ? hash.Split('$') : [];
        if (parts is not (["", "7", _, _, _] or ["", "6", _, _])) return false;
        if (parts.Length == 5 && !(int.TryParse(parts[2], NumberStyles.None, CultureInfo.InvariantCulture, out rounds) && rounds is > 0 and <= MostRounds)) return false;
        return TryDecode(parts[^2], out salt) && salt.Length is > 0 and <= MostSaltBytes && TryDecode(parts[^1], out expected) && expected.Length == HashBytes;
    }

    private static bool TryDecode(string text, out byte[] bytes)
    {
        bytes = new byte[text.Length];
        if (!Convert.TryFromBase64String(text, bytes, out var length)) return false;
        bytes = bytes[..length];
        return true;
    }
}
