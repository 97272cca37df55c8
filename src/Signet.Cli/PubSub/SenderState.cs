using System.Text.Json;
using System.Text.Json.Nodes;
using Signet.Cli.Shell;
using Signet.Pki;
using Signet.Wire;

namespace Signet.Cli.PubSub;

/// <summary>
/// What a publisher or subscriber must not forget between two runs: the publisher's last epoch, the subscriber's windows. A small file (0600), replaced before the
/// first message leaves and after each one that was taken.
/// </summary>
internal sealed class SenderState
{
    private readonly string _path;
    private readonly JsonObject _content;

    private SenderState(string path, JsonObject content) => (_path, _content) = (path, content);

    /// <param name="given">Of <c>--state</c>; null: a file of this user, by the name of the key.</param>
    /// <param name="keyId">Of the key the state belongs to.</param>
    /// <exception cref="CliException">It is there and cannot be used.</exception>
    public static SenderState Open(string? given, string keyId)
    {
        var path = Path.GetFullPath(given ?? Path.Combine(Home(), $"{keyId.Replace(':', '_')}.json"));
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            return new(path, File.Exists(path) ? JsonNode.Parse(File.ReadAllBytes(path)) as JsonObject ?? throw new JsonException("not an object") : []);
        }
        catch (Exception problem) when (problem is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new CliException(ExitCode.Refused, $"{path} cannot be used ({problem.Message.TrimEnd('.')}). Name another with --state FILE.");
        }
    }

    /// <summary>A new start: above every earlier one, and on the disk before this returns.</summary>
    public OutgoingSequence NextEpoch()
    {
        var sequence = OutgoingSequence.Start((long?)_content["epoch"] ?? 0, TimeProvider.System);
        _content["epoch"] = sequence.Epoch;
        Save();
        return sequence;
    }

    public ReplayWindow Window(string sender)
    {
        if (_content["windows"]?[sender] is not JsonObject stored) return new();
        return ReplayWindow.Restore(new((long)stored["epoch"]!, (long)stored["highest"]!, [.. stored["seen"]!.AsArray().Select(w => (ulong)w!)]));
    }

    public void Keep(string sender, ReplayWindow window)
    {
        var state = window.Export();
        var windows = _content["windows"] as JsonObject;
        if (windows is null) _content["windows"] = windows = [];
        windows[sender] = new JsonObject { ["epoch"] = state.Epoch, ["highest"] = state.Highest, ["seen"] = new JsonArray([.. state.Seen.Select(w => JsonValue.Create(w))]) };
        Save();
    }

    private void Save() => KeyFile.WritePrivate(_path, JsonSerializer.SerializeToUtf8Bytes(_content));

    // XDG Base Directory Specification: state that should outlive a restart and is not worth a backup.
    private static string Home()
    {
        var given = Environment.GetEnvironmentVariable("XDG_STATE_HOME");
        return Path.Combine(string.IsNullOrEmpty(given) ? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile, Environment.SpecialFolderOption.DoNotVerify), ".local", "state") : given, "signet");
    }
}
