using System.Text;
using System.Text.RegularExpressions;

namespace Signet.Browser;

/// <summary>The lines for people in source text, as templates: <c>there is no device '{0}'</c>.</summary>
internal static class SpokenLines
{
    /// <summary>The text of a literal that begins there, its values as {0}, {1} ... in their order.</summary>
    public static string Template(string source, int at, bool interpolated) => Template(source, ref at, interpolated);

    /// <summary>Every literal with a space in it, in the bodies of the methods and properties of these names.</summary>
    public static IEnumerable<string> In(string source, string names)
    {
        foreach (Match found in Regex.Matches(source, $@"(?:private|internal|public)[^;={{}}\n]* (?:{names})(?:\(|\s*=>)", RegexOptions.None, TimeSpan.FromSeconds(10)))
        {
            foreach (var line in Body(source, found.Index + found.Length - (found.Value.EndsWith('(') ? 1 : 2))) yield return line;
        }
    }

    /// <summary>Every such literal between the brackets that open there.</summary>
    public static IReadOnlyList<string> Within(string source, int at) => Body(source, at, all: true);

    // From the signature's end to the end of what belongs to it; `all`: from an opening bracket to its closing one.
    private static List<string> Body(string source, int at, bool all = false)
    {
        var (lines, depth, isExpression, hasBegun) = (new List<string>(), 0, false, all);
        for (var i = at; i < source.Length; i++)
        {
            switch (source[i])
            {
                case '/' when source[i + 1] == '/':
                    i = source.IndexOf('\n', i);
                    continue;
                case '\'':
                    i = source.IndexOf('\'', i + (source[i + 1] == '\\' ? 3 : 2));
                    continue;
                case '"':
                    var place = i + 1;
                    var line = Template(source, ref place, source[i - 1] == '$');
                    if (hasBegun && line.Contains(' ', StringComparison.Ordinal) && line.Any(char.IsLetter)) lines.Add(line);
                    i = place;
                    continue;
                case '=' when depth == 0 && !hasBegun && source[i + 1] == '>':
                    (isExpression, hasBegun) = (true, true);
                    continue;
                case '{' or '(' or '[':
                    hasBegun |= source[i] == '{' && depth == 0;
                    depth++;
                    continue;
                case '}' or ')' or ']':
                    depth--;
                    if (hasBegun && !isExpression && depth == 0) return lines;
                    continue;
                case ';' when isExpression && depth == 0:
                    return lines;
            }
        }

        return lines;
    }

    // `at` is moved to the closing quote.
    private static string Template(string source, ref int at, bool interpolated)
    {
        var (text, holes) = (new StringBuilder(), 0);
        for (; source[at] != '"'; at++)
        {
            if (source[at] == '\\')
            {
                text.Append(source[++at]);
                continue;
            }
            if (!interpolated || source[at] is not ('{' or '}') || source[at] == source[at + 1])
            {
                text.Append(source[at]);
                if (interpolated && source[at] is '{' or '}') at++;
                continue;
            }
            var (depth, quoted) = (1, false);
            while (depth > 0)
            {
                at++;
                if (source[at] == '"') quoted = !quoted;
                else if (!quoted && source[at] == '{') depth++;
                else if (!quoted && source[at] == '}') depth--;
            }
            text.Append('{').Append(holes++).Append('}');
        }
        return text.ToString();
    }
}
