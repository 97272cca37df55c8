using System.Diagnostics.CodeAnalysis;

namespace Signet.Wire;

/// <summary>Names of people as the center reports them: 1 to 128 characters, none of them a control or formatting character (they end up in logs and terminals).</summary>
internal static class PersonName
{
    public static bool IsValid([NotNullWhen(true)] string? name)
    {
        if (string.IsNullOrEmpty(name) || name.Length > WireLimits.PersonCharacters) return false;
        foreach (var c in name)
            if (char.GetUnicodeCategory(c) is System.Globalization.UnicodeCategory.Control or System.Globalization.UnicodeCategory.Format
                or System.Globalization.UnicodeCategory.LineSeparator or System.Globalization.UnicodeCategory.ParagraphSeparator) return false;
        return true;
    }
}
