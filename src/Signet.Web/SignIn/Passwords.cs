using System.Security.Cryptography;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;

namespace Signet.Web.SignIn;

/// <summary>How passwords are judged, made and stored: PBKDF2-HMAC-SHA-512 with a random 128-bit salt, in ASP.NET Core Identity's format.</summary>
public static class Passwords
{
    // No 0, O, 1, l, I: the demo's password is read from a terminal.
    private const string Alphabet = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";

    internal static PasswordHasher<Person> Hasher { get; } = new(Options.Create(new PasswordHasherOptions { IterationCount = WebLimits.PasswordIterations }));

    // Checked against when there is no such account, so that both answers take equally long.
    internal static Lazy<string> NobodysHash { get; } = new(() => Hash("nobody has this password"));

    /// <summary>For <c>Account.PasswordHash</c>. Takes a third of a second of one core.</summary>
    public static string Hash(string password) => Hasher.HashPassword(null!, password);

    /// <summary>What is wrong with a password somebody wants to use, in one line; null when it is good.</summary>
    /// <param name="breaches">The console's list of passwords from breaches; null: none is asked.</param>
    public static string? Fault(string password, string userName, BreachedPasswords? breaches = null) => CommonPasswords.Fault(password, userName) ?? breaches?.Fault(password);

    /// <summary>20 random characters: 116 bits.</summary>
    public static string Generate(RandomNumberGenerator random)
    {
        Span<char> password = stackalloc char[20];
        Span<byte> one = stackalloc byte[1];
        for (var i = 0; i < password.Length;)
        {
            random.GetBytes(one);
            if (one[0] < 256 / Alphabet.Length * Alphabet.Length) password[i++] = Alphabet[one[0] % Alphabet.Length];
        }
        return new(password);
    }
}
