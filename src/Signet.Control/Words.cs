using System.Text;

namespace Signet.Control;

/// <summary>Names of enumeration members as audit log, API and pages write them: <c>KeyCompromise</c> is <c>key-compromise</c>.</summary>
internal static class Words
{
    /// <summary>What was wrong with an argument, without the name that it has in the program: <c>a lifetime is longer than nothing</c>.</summary>
    public static string Of(ArgumentException wrong)
    {
        var parameter = $" (Parameter '{wrong.ParamName}')";
        return wrong.ParamName is not null && wrong.Message.EndsWith(parameter, StringComparison.Ordinal) ? wrong.Message[..^parameter.Length] : wrong.Message;
    }

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
