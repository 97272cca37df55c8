using System.Globalization;
using Signet.Cli.Shell;

namespace Signet.Cli.Metrics;

/// <summary>The metrics client's settings, read from the file that its Python predecessor used. Topics: the key after <c>topic_</c> and the topic, in the file's order.</summary>
internal sealed record MetricsConfig(string User, string Password, string Secret, string Broker, int Port, string ClientId, string CaFile, IReadOnlyList<(string Key, string Topic)> Topics)
{
    private const int MaximumBytes = 64 * 1024;

    public override string ToString() => $"{User} at {Broker}:{Port}"; // never the secrets

    /// <summary>Where the last will goes.</summary>
    public string StateTopic => Topics.FirstOrDefault(t => t.Key == "estado").Topic ?? $"metrics/{User}/Estado";

    /// <exception cref="CliException">The file is not there or lacks something; the message says what.</exception>
    public static MetricsConfig Load(string file)
    {
        var info = new FileInfo(file);
        if (!info.Exists)
            throw new CliException(ExitCode.Refused, $"There is no file {file}. Under cron give its absolute path.");
        if (info.Length > MaximumBytes)
            throw new CliException(ExitCode.Refused, $"{file} is larger than {MaximumBytes / 1024} KiB: is it a config file?");
        var ini = IniFile.Parse(file, File.ReadAllText(file));
        var port = ini.Find("mqtt", "port") ?? "8883";
        var user = ini["mqtt", "user"];
        var ca = ini["tls", "ca_certs"];
        return new MetricsConfig(
            user, ini["mqtt", "password"], ini["mqtt", "secret"], ini["mqtt", "broker"],
            int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is > 0 and < 65536 ? number : throw new CliException(ExitCode.Refused, $"{file}: port = {port} is no port."),
            ini.Find("mqtt", "client_id") ?? user + "-metric",
            Path.GetFullPath(ca, Path.GetDirectoryName(Path.GetFullPath(file))!),
            [.. ini.Keys("mqtt").Where(key => key.StartsWith("topic_", StringComparison.Ordinal)).Select(key => (key["topic_".Length..], ini["mqtt", key]))]);
    }

    /// <summary>The topic of a value: by its key (<c>temp</c>), or by the topic's last level (<c>Temperatura</c>), in any case.</summary>
    public string? TopicOf(string name)
    {
        foreach (var (key, topic) in Topics)
        {
            if (key.Equals(name, StringComparison.OrdinalIgnoreCase) || topic[(topic.LastIndexOf('/') + 1)..].Equals(name, StringComparison.OrdinalIgnoreCase))
                return topic;
        }

        return null;
    }
}

/// <summary>
/// INI as Python's <c>configparser</c> reads it by default: <c>key = value</c> or <c>key: value</c>, keys in any case, whole-line comments with <c>#</c> or <c>;</c>, indented lines continue a
/// value, <c>%(key)s</c> stands for another key of the section (or of DEFAULT) and <c>%%</c> for a percent sign.
/// </summary>
internal sealed class IniFile
{
    private const string Default = "DEFAULT";
    private const int DeepestInterpolation = 10; // configparser's MAX_INTERPOLATION_DEPTH
    private readonly string _file;
    private readonly Dictionary<string, Dictionary<string, string>> _sections = new(StringComparer.Ordinal);

    private IniFile(string file) => _file = file;

    public static IniFile Parse(string file, string text)
    {
        var ini = new IniFile(file);
        Dictionary<string, string>? section = null;
        string? key = null;
        var number = 0;
        foreach (var raw in text.Split('\n'))
        {
            number++;
            var line = raw.TrimEnd();
            var bare = line.TrimStart().TrimStart('\uFEFF');
            if (bare.Length == 0 || bare[0] is '#' or ';')
                continue;
            if (char.IsWhiteSpace(line[0]) && section is not null && key is not null)
                section[key] += "\n" + bare;
            else if (bare[0] == '[' && bare[^1] == ']')
            {
                section = ini._sections.TryGetValue(bare[1..^1], out var known) ? known : ini._sections[bare[1..^1]] = new(StringComparer.Ordinal);
                key = null;
            }
            else
            {
                var separator = bare.AsSpan().IndexOfAny('=', ':');
                if (section is null || separator < 1)
                    throw new CliException(ExitCode.Refused, $"{file}, line {number}: expected [section] or key = value.");
                key = bare[..separator].TrimEnd().ToLowerInvariant();
                if (!section.TryAdd(key, bare[(separator + 1)..].TrimStart()))
                    throw new CliException(ExitCode.Refused, $"{file}, line {number}: {key} stands there twice.");
            }
        }

        return ini;
    }

    public string this[string section, string key] => Find(section, key) is { Length: > 0 } value ? value : throw new CliException(ExitCode.Refused, $"{_file}: [{section}] needs {key} = ...");

    public string? Find(string section, string key) => Raw(section, key) is { } raw ? Interpolate(section, key, raw, 0) : null;

    public IEnumerable<string> Keys(string section) => _sections.GetValueOrDefault(section)?.Keys ?? Enumerable.Empty<string>();

    private string? Raw(string section, string key) => _sections.GetValueOrDefault(section)?.GetValueOrDefault(key) ?? _sections.GetValueOrDefault(Default)?.GetValueOrDefault(key);

    private string Interpolate(string section, string key, string raw, int depth)
    {
        if (depth > DeepestInterpolation)
            throw new CliException(ExitCode.Refused, $"{_file}: [{section}] {key} refers to itself.");
        var value = new System.Text.StringBuilder();
        for (var at = 0; at < raw.Length; at++)
        {
            if (raw[at] != '%')
            {
                value.Append(raw[at]);
                continue;
            }

            if (at + 1 < raw.Length && raw[at + 1] == '%')
            {
                value.Append('%');
                at++;
                continue;
            }

            var end = at + 1 < raw.Length && raw[at + 1] == '(' ? raw.IndexOf(")s", at, StringComparison.Ordinal) : -1;
            var name = end > 0 ? raw[(at + 2)..end].ToLowerInvariant() : "";
            if (Raw(section, name) is not { } other)
                throw new CliException(ExitCode.Refused, $"{_file}: [{section}] {key} = {raw}: after % comes another % or (key)s of that section.");
            value.Append(Interpolate(section, name, other, depth + 1));
            at = end + 1;
        }

        return value.ToString();
    }
}
