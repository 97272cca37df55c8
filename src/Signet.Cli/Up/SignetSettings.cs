using System.Collections;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Signet.Cli.Shell;
using Signet.Store;

namespace Signet.Cli.Up;

/// <summary>
/// The settings of one run, each with its origin: <c>signet.json</c>, then <c>SIGNET__Section__Key</c> variables, then flags; the last word wins.
/// Unknown keys and unfit values are errors, all of them told at once.
/// </summary>
internal sealed class SignetSettings
{
    private const int MaximumFileBytes = 64 * 1024; // chosen: a settings file is a page; more is the wrong file
    private readonly Dictionary<Setting, (string Value, string Origin)> _values = Setting.All.ToDictionary(setting => setting, setting => (setting.Default, "default"));

    private SignetSettings()
    {
    }

    public string this[Setting setting] => _values[setting].Value;

    public int Number(Setting setting) => int.Parse(_values[setting].Value, CultureInfo.InvariantCulture);

    public IEnumerable<(Setting Setting, string Value, string Origin)> Everything => Setting.All.Select(setting => (setting, setting.IsSecret && _values[setting].Value.Length > 0 ? "(set)" : _values[setting].Value, _values[setting].Origin));

    /// <summary>The server that keeps the data; null when they are files.</summary>
    /// <exception cref="CliException">The settings do not fit together, or the connection would not be safe.</exception>
    public PostgresAddress? Postgres
    {
        get
        {
            if (this[Setting.Database] == "sqlite") return null;
            if (this[Setting.DatabaseConnection].Length == 0)
                throw new CliException(ExitCode.WrongUsage, $"database:kind is postgres and database:connection is empty; set it in signet.json or as {Setting.DatabaseConnection.EnvironmentName} (Host=...;Database=...;Username=...).");
            return Server();
        }
    }

    /// <summary>The server that the settings name, whether it keeps the data already or not.</summary>
    /// <exception cref="CliException">The connection would not be safe.</exception>
    public PostgresAddress Server()
    {
        try
        {
            return PostgresAddress.Parse(this[Setting.DatabaseConnection], this[Setting.DatabasePasswordFile] is { Length: > 0 } file ? file : null);
        }
        catch (StoreException e)
        {
            throw new CliException(ExitCode.WrongUsage, e.Message);
        }
    }

    /// <summary>The settings of a data directory for verbs that work without the running center: its <c>signet.json</c> and the environment.</summary>
    public static SignetSettings Of(string directory) => Load(Usual(directory), Environment.GetEnvironmentVariables(), new Dictionary<Setting, string?>());

    /// <summary>The settings file of a data directory; null when there is none.</summary>
    public static string? Usual(string directory) => Path.Combine(directory, "signet.json") is var file && File.Exists(file) ? file : null;

    /// <exception cref="CliException">A key is unknown or a value unfit; the message names every one.</exception>
    public static SignetSettings Load(string? file, IDictionary environment, IReadOnlyDictionary<Setting, string?> flags)
    {
        var settings = new SignetSettings();
        var problems = new List<string>();
        if (file is not null)
            settings.ReadFile(file, problems);
        settings.ReadEnvironment(environment, problems);
        foreach (var (setting, value) in flags.Where(flag => flag.Value is not null))
            settings.Take(setting, value!, setting.Flag!, problems);
        return problems.Count == 0 ? settings : throw new CliException(ExitCode.WrongUsage, string.Join("; ", problems) + ". `signet up --print-config` lists every setting.");
    }

    private void ReadFile(string file, List<string> problems)
    {
        JsonObject? root = null;
        try
        {
            var info = new FileInfo(file);
            if (!info.Exists)
                problems.Add($"there is no settings file {file}");
            else if (info.Length > MaximumFileBytes)
                problems.Add($"{file} is larger than {MaximumFileBytes / 1024} KiB: is it a settings file?");
            else if ((root = JsonNode.Parse(File.ReadAllText(file), documentOptions: new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip }) as JsonObject) is null)
                problems.Add($"{file} does not hold a JSON object");
            if (root is not null)
                ReadSection(file, "", root, problems);
        }
        catch (Exception problem) when (problem is JsonException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            problems.Add($"{file}: {problem.Message.TrimEnd('.')}");
        }
    }

    private void ReadSection(string file, string prefix, JsonObject section, List<string> problems)
    {
        foreach (var (name, value) in section)
        {
            var key = prefix + name;
            if (value is JsonObject nested)
                ReadSection(file, key + ":", nested, problems);
            else if (Setting.All.FirstOrDefault(setting => setting.Key == key) is not { } setting)
                problems.Add($"{file}: unknown key \"{key}\"{Nearest(key)}");
            else if (value is JsonValue scalar && scalar.GetValueKind() is JsonValueKind.String or JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False)
                Take(setting, value.GetValueKind() == JsonValueKind.String ? value.GetValue<string>() : value.ToJsonString(), file, problems);
            else
                problems.Add($"{file}: \"{key}\" must be {setting.Check("\0") ?? "a text"}");
        }
    }

    private void ReadEnvironment(IDictionary environment, List<string> problems)
    {
        foreach (DictionaryEntry variable in environment)
        {
            var name = (string)variable.Key;
            if (!name.StartsWith("SIGNET__", StringComparison.OrdinalIgnoreCase))
                continue;
            var setting = Setting.All.FirstOrDefault(candidate => candidate.EnvironmentName.Equals(name, StringComparison.OrdinalIgnoreCase));
            if (setting is null)
                problems.Add($"unknown environment variable {name}");
            else
                Take(setting, (string?)variable.Value ?? "", name, problems);
        }
    }

    private void Take(Setting setting, string value, string origin, List<string> problems)
    {
        if (setting.Check(value) is { } wanted)
            problems.Add($"{origin}: {setting.Key} must be {wanted}, and \"{value}\" is not");
        else
            _values[setting] = (value, origin);
    }

    private static string Nearest(string key)
    {
        var name = key.Split(':')[^1];
        var near = Setting.All.FirstOrDefault(setting => setting.Key.Equals(key, StringComparison.OrdinalIgnoreCase))
            ?? Setting.All.FirstOrDefault(setting => setting.Key.Split(':')[^1].Equals(name, StringComparison.OrdinalIgnoreCase));
        return near is null ? "" : $" (did you mean \"{near.Key}\"?)";
    }
}
