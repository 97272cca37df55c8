using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace Signet.Control;

/// <summary>
/// bcrypt through libxcrypt's <c>crypt_r</c> (libcrypt.so.1, part of every Debian): the hashes that Python's bcrypt, PHP and htpasswd write. Only <c>$2a$ $2b$ $2y$</c>
/// are ever handed to it, so no weaker method of that library can be reached with a stored text.
/// </summary>
internal static partial class Bcrypt
{
    /// <summary>bcrypt looks at no more bytes of a password (Provos and Mazieres 1999). Longer ones are refused when an account is made.</summary>
    public const int PasswordBytes = 72;

    /// <summary>Cost of new hashes: 2^10 rounds, the least that OWASP names; the password stands beside a one-time code. Costs above <see cref="HighestCost"/> would hold a core for seconds.</summary>
    public const int Cost = 10, HighestCost = 15;

    private const string Library = "libcrypt.so.1";

    // struct crypt_data of libxcrypt: 32,768 bytes, caller's to zero.
    private const int DataBytes = 32_768;
    private const string Letters = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

    /// <summary>Null when it is a hash that can be checked here, else what is wrong with it.</summary>
    public static string? WhyNot(string hash)
    {
        if (!Shape().IsMatch(hash)) return "is no bcrypt hash ($2a$, $2b$ or $2y$, 60 characters)";
        var cost = int.Parse(hash.AsSpan(4, 2), System.Globalization.CultureInfo.InvariantCulture);
        return cost is < 4 or > HighestCost ? $"has cost {cost}; 4 to {HighestCost} are taken" : null;
    }

    /// <exception cref="ArgumentException">The password is longer than <see cref="PasswordBytes"/> bytes or holds NUL: caller's to check.</exception>
    public static string Hash(ReadOnlySpan<byte> password, RandomNumberGenerator random, int cost = Cost)
    {
        if (password.Length > PasswordBytes || password.Contains((byte)0)) throw new ArgumentException("not a password for bcrypt", nameof(password));
        Span<byte> salt = stackalloc byte[22];
        random.GetBytes(salt);
        var setting = new StringBuilder($"$2b${cost:D2}$");
        // 22 letters carry 132 bits; the last may only use its two highest.
        for (var i = 0; i < 22; i++) setting.Append(Letters[i < 21 ? salt[i] & 63 : salt[i] & 48]);
        return Crypt(password, setting.ToString()) ?? throw new CryptographicException("crypt_r made no bcrypt hash");
    }

    /// <summary>Takes as long as the hash's cost says. False for a password with NUL in it; one longer than 72 bytes is compared by its first 72, as its maker did.</summary>
    public static bool Verify(ReadOnlySpan<byte> password, string hash)
    {
        if (password.Contains((byte)0) || WhyNot(hash) is not null) return false;
        return Crypt(password, hash) is { } made && CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(made), Encoding.ASCII.GetBytes(hash));
    }

    private static string? Crypt(ReadOnlySpan<byte> password, string setting)
    {
        var phrase = new byte[password.Length + 1];
        password.CopyTo(phrase);
        var data = new byte[DataBytes];
        try
        {
            var made = Marshal.PtrToStringAnsi(crypt_r(phrase, Encoding.ASCII.GetBytes(setting + '\0'), data));
            return made is { Length: 60 } && made[0] == '$' ? made : null; // "*0" is its way to say no
        }
        catch (DllNotFoundException e)
        {
            throw new ControlException($"{Library} is missing: bcrypt passwords cannot be checked; install the Debian package libcrypt1", e);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(phrase);
            CryptographicOperations.ZeroMemory(data);
        }
    }

    [GeneratedRegex(@"\A\$2[aby]\$[0-9]{2}\$[./A-Za-z0-9]{53}\z", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Shape();

    [DllImport(Library, ExactSpelling = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint crypt_r(byte[] phrase, byte[] setting, [In, Out] byte[] data);
}
