using System.Diagnostics.CodeAnalysis;

namespace Signet.Wire;

/// <summary>Key ids: <c>[A-Za-z0-9_-]</c> (a thumbprint) and <c>. :</c> (names of shared keys), 1 to 64 characters. Nothing in them is ever used as a path or a query.</summary>
internal static class KeyId
{
    public static bool IsValid([NotNullWhen(true)] string? id)
    {
        if (id is null || id.Length is 0 or > WireLimits.KeyIdCharacters) return false;
        foreach (var c in id)
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('_' or '-' or '.' or ':')) return false;
        return true;
    }

    public static string Require(string id) => IsValid(id) ? id : throw new ArgumentException("a key id has 1 to 64 characters of [A-Za-z0-9_.:-]", nameof(id));
}
