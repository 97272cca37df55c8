using System.Runtime.CompilerServices;
using System.Security.Cryptography;

namespace Signet.Lab;

/// <summary>The comparisons under the clock. The first two are the paper's, by its names; the others are the platform's.</summary>
public static class Comparisons
{
    /// <summary>Ends at the first difference: its time tells how much of the guess is right.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static bool VulnerableCompare(byte[] secret, byte[] guess)
    {
        if (secret.Length != guess.Length) return false;
        for (var i = 0; i < secret.Length; i++)
            if (secret[i] != guess[i]) return false;
        return true;
    }

    /// <summary>Gathers all differences and looks once.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static bool SecureCompare(byte[] secret, byte[] guess)
    {
        if (secret.Length != guess.Length) return false;
        var difference = 0;
        for (var i = 0; i < secret.Length; i++) difference |= secret[i] ^ guess[i];
        return difference == 0;
    }

    /// <summary>What Signet uses for secrets.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static bool FixedTimeEquals(byte[] secret, byte[] guess) => CryptographicOperations.FixedTimeEquals(secret, guess);
}
