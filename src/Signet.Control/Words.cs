using System.Text;

namespace Signet.Control;

/// <summary>Names of enumeration members as audit log, API and pages write them: <c>KeyCompromise</c> is <c>key-compromise</c>.</summary>
internal static class Words
{
    public static string Of<T>(T value)
        where T : struct, Enum
    {
        var text = new StringBuilder();
        foreach (var c in value.ToString())
        {
            if (char.IsAsciiLetterUpper(c) && text.Length > 0) text.Append('-');
            text.Append(char.ToLowerInvariant(c));
        }

        return text.ToString();
    }
}
