namespace Signet.Access;

/// <summary>How actions, kinds and effects are written in files, on the command line and in JSON.</summary>
public static class PolicyWords
{
    public static string Of(TopicAction action) => Word(action);

    public static string Of(PrincipalKind kind) => Word(kind);

    public static string Of(Effect effect) => Word(effect);

    public static bool TryParse(string text, out TopicAction action) => TryParseWord(text, out action);

    public static bool TryParse(string text, out PrincipalKind kind) => TryParseWord(text, out kind);

    public static bool TryParse(string text, out Effect effect) => TryParseWord(text, out effect);

    /// <summary><c>device:door-1</c>, <c>person:ana</c>, <c>service:command_center</c>; without a kind it is a device.</summary>
    public static (PrincipalKind Kind, string Name) Principal(string text)
    {
        var colon = text.IndexOf(':');
        return colon > 0 && TryParse(text[..colon], out PrincipalKind kind) ? (kind, text[(colon + 1)..]) : (PrincipalKind.Device, text);
    }

    public static string All<T>() where T : struct, Enum => string.Join(", ", Enum.GetValues<T>().Select(Word));

    private static string Word<T>(T value) where T : struct, Enum => value.ToString().ToLowerInvariant();

    // Exactly the words: no numbers, no capitals, no lists, all of which Enum.TryParse would take.
    private static bool TryParseWord<T>(string text, out T value) where T : struct, Enum
    {
        foreach (var candidate in Enum.GetValues<T>())
        {
            if (Word(candidate) != text) continue;
            value = candidate;
            return true;
        }

        value = default;
        return false;
    }
}
