using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Signet.Access;

/// <summary>
/// The policy as a file: strict JSON, docs/spec/policy.md, "File". A file that is empty, cut off, has a field twice, an unknown field or an unknown word is
/// no policy at all; it never means "allow", and never "the part that could be read".
/// </summary>
public static class PolicyFile
{
    private const long Format = 1;

    private static ReadOnlySpan<byte> White => " \r\n\t"u8;

    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, CommentHandling = JsonCommentHandling.Disallow, AllowTrailingCommas = false, MaxDepth = 8 };

    // Topics are for people to read: "+" stays "+".
    private static readonly JsonWriterOptions Readable = new() { Indented = true, IndentSize = 2, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <param name="errors">Everything that is wrong, each with its place; empty when there is a policy.</param>
    public static bool TryRead(ReadOnlyMemory<byte> utf8, [NotNullWhen(true)] out AccessPolicy? policy, out IReadOnlyList<PolicyFault> errors)
    {
        policy = null;
        var found = new List<PolicyFault>();
        errors = found;
        if (!TryParse(utf8, found, out var document)) return false;
        using (document)
        {
            var root = new StrictObject(document.RootElement, "$", found);
            if (root.Number("format") is { } format && format != Format) root.Complain("format", $"is {format}; this program reads {Format}");
            if (root.Number("version") is { } version && version < 1) root.Complain("version", "is less than 1");
            var rules = root.List("rules");
            if (rules.Count > AccessLimits.MaximumRules) root.Complain("rules", $"has more than {AccessLimits.MaximumRules} rules");
            var read = rules.Take(AccessLimits.MaximumRules).Select((rule, i) => Rule(new(rule, $"$.rules[{i}]", found))).ToList();
            root.RefuseOthers();
            foreach (var twice in read.OfType<PolicyRule>().GroupBy(r => r.Name, StringComparer.Ordinal).Where(g => g.Count() > 1)) found.Add(new("", $"two rules are named \"{twice.Key}\""));
            if (found.Count > 0) return false;
            policy = new(document.RootElement.GetProperty("version").GetInt64(), read!);
            return true;
        }
    }

    /// <summary>The same policy gives the same bytes, and reading them gives the same policy.</summary>
    public static byte[] Write(AccessPolicy policy)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, Readable))
        {
            json.WriteStartObject();
            json.WriteNumber("format", Format);
            json.WriteNumber("version", policy.Version);
            json.WriteStartArray("rules");
            foreach (var rule in policy.Rules) Write(json, rule);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        stream.WriteByte((byte)'\n');
        return stream.ToArray();
    }

    /// <summary>Shared with the files of assertions.</summary>
    internal static bool TryParse(ReadOnlyMemory<byte> utf8, List<PolicyFault> errors, [NotNullWhen(true)] out JsonDocument? document)
    {
        document = null;
        if (utf8.Length > AccessLimits.MaximumFileBytes) errors.Add(new("", $"the file is larger than {AccessLimits.MaximumFileBytes} bytes"));
        else if (utf8.Span.Trim(White).IsEmpty) errors.Add(new("", "the file is empty; an empty policy is no policy"));
        else
        {
            try
            {
                document = JsonDocument.Parse(utf8, Strict);
            }
            catch (JsonException e)
            {
                errors.Add(WhyNotJson(e));
            }
        }

        return document is not null;
    }

    // In our own words, which are translated. A field that stands twice is found when all has been read: it has a name and no line.
    private static PolicyFault WhyNotJson(JsonException e)
    {
        var (first, last) = (e.Message.IndexOf('\''), e.Message.LastIndexOf('\''));
        return e is { LineNumber: { } line, BytePositionInLine: { } place } ? new("", $"not JSON: line {line + 1}, byte {place + 1}")
            : new("", last > first ? $"not JSON: the field \"{e.Message[(first + 1)..last]}\" stands twice in one object" : "not JSON: a field stands twice in one object");
    }

    private static PolicyRule? Rule(StrictObject json)
    {
        var name = json.Text("name");
        if (name is not null && (name.Length is 0 or > AccessLimits.MaximumNameLength || name.Any(char.IsControl))) json.Complain("name", $"is empty, longer than {AccessLimits.MaximumNameLength} characters or holds control characters");
        var effect = Effect.Deny;
        if (json.Text("effect") is { } word && !PolicyWords.TryParse(word, out effect)) json.Complain("effect", $"is \"{word}\"; it is one of {PolicyWords.All<Effect>()}");
        var who = json.Object("who") is { } subjects ? Who(subjects) : Subjects.Everybody;
        var actions = Words<TopicAction>(json, "actions", PolicyWords.TryParse);
        var topics = new List<TopicPattern>();
        var texts = json.Texts("topics");
        if (texts.Count > AccessLimits.MaximumPatterns) json.Complain("topics", $"has more than {AccessLimits.MaximumPatterns} patterns");
        foreach (var text in texts.Take(AccessLimits.MaximumPatterns))
        {
            if (TopicPattern.TryParse(text, out var pattern, out var why)) topics.Add(pattern);
            else json.Complain("topics", $"holds {why}");
        }

        json.RefuseOthers();
        return name is null || actions.Count == 0 || topics.Count == 0 ? null : new(name, effect, who, actions, topics);
    }

    // "who": {} is everybody, said on purpose.
    private static Subjects Who(StrictObject json)
    {
        var kinds = json.Has("kinds") ? Words<PrincipalKind>(json, "kinds", PolicyWords.TryParse) : null;
        var names = json.Has("names") ? json.Texts("names").ToFrozenSet(StringComparer.Ordinal) : null;
        var groups = json.Has("groups") ? json.Texts("groups").ToFrozenSet(StringComparer.Ordinal) : null;
        json.RefuseOthers();
        return new(kinds, names, groups);
    }

    private delegate bool WordParser<T>(string text, out T value);

    private static FrozenSet<T> Words<T>(StrictObject json, string name, WordParser<T> parse) where T : struct, Enum
    {
        var found = new HashSet<T>();
        foreach (var text in json.Texts(name))
        {
            if (!parse(text, out var value)) json.Complain(name, $"holds \"{text}\"; it is one of {PolicyWords.All<T>()}");
            else if (!found.Add(value)) json.Complain(name, $"holds \"{text}\" twice");
        }

        return found.ToFrozenSet();
    }

    private static void Write(Utf8JsonWriter json, PolicyRule rule)
    {
        json.WriteStartObject();
        json.WriteString("name", rule.Name);
        json.WriteString("effect", PolicyWords.Of(rule.Effect));
        json.WriteStartObject("who");
        if (rule.Who.Kinds is { } kinds) Write(json, "kinds", kinds.Order().Select(PolicyWords.Of));
        if (rule.Who.Names is { } names) Write(json, "names", names.Order(StringComparer.Ordinal));
        if (rule.Who.Groups is { } groups) Write(json, "groups", groups.Order(StringComparer.Ordinal));
        json.WriteEndObject();
        Write(json, "actions", rule.Actions.Order().Select(PolicyWords.Of));
        Write(json, "topics", rule.Topics.Select(t => t.Text));
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, string name, IEnumerable<string> texts)
    {
        json.WriteStartArray(name);
        foreach (var text in texts) json.WriteStringValue(text);
        json.WriteEndArray();
    }
}
