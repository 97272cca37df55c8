using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Signet.Cli.Shell;

/// <summary>Query strings out, table rows in.</summary>
internal static class Query
{
    /// <summary><c>?a=1&amp;b=2</c> of the pairs that have a value; empty when none has.</summary>
    public static string Of(params (string Name, string? Value)[] pairs)
    {
        var given = pairs.Where(pair => !string.IsNullOrEmpty(pair.Value)).Select(pair => $"{pair.Name}={Uri.EscapeDataString(pair.Value!)}").ToList();
        return given.Count == 0 ? "" : "?" + string.Join('&', given);
    }

    /// <summary>The rows of the array <paramref name="list"/> in an answer, each as the text of <paramref name="columns"/>; what is absent or null is empty.</summary>
    public static IEnumerable<IReadOnlyList<string>> Rows(JsonObject answer, string list, params string[] columns) =>
        from row in answer[list] as JsonArray ?? []
        where row is JsonObject
        select (IReadOnlyList<string>)columns.Select(column => Text(row[column])).ToArray();

    public static string Text(JsonNode? value) => value switch
    {
        null => "",
        JsonValue scalar when scalar.GetValueKind() == JsonValueKind.String => Readable(scalar.GetValue<string>()),
        JsonArray list => string.Join(", ", list.Select(Text)),
        _ => value.ToJsonString(),
    };

    /// <summary>Times as people read them, to the second, UTC; anything else as it is.</summary>
    private static string Readable(string text) =>
        text.Length >= 20 && text[10] == 'T' && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind, out var time)
            ? time.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture)
            : text;
}
