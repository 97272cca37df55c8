using System.Text.Json;
using Signet.Pki;

namespace Signet.Cli.Shell;

/// <summary>
/// How the CLI reaches a command center on this machine: <c>profile.json</c> (mode 0600) in the data directory, replaced at each start of <c>up</c>.
/// </summary>
/// <param name="Url">With the name that others use: the center's answers repeat it.</param>
/// <param name="Token">Of the local operator.</param>
/// <param name="RootCertificate">Path of a PEM file.</param>
/// <param name="Address">IP address that leads there from this machine, where the name need not: a proxy's, or of the container that made the data. Null: ask the name.</param>
internal sealed record Profile(string Url, string Token, string RootCertificate, string? Address = null)
{
    private const string FileName = "profile.json";
    private static readonly JsonSerializerOptions Format = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public static string PathIn(string dataDirectory) => Path.Combine(dataDirectory, FileName);

    /// <summary>Writes the profile readable by its owner only, in one step: a reader sees the old one or the new one.</summary>
    public void Save(string dataDirectory) => KeyFile.WritePrivate(PathIn(dataDirectory), JsonSerializer.SerializeToUtf8Bytes(this, Format));

    /// <summary>The profile in <paramref name="dataDirectory"/>, or null where there is none.</summary>
    /// <exception cref="CliException">The file is there and is not a profile.</exception>
    public static Profile? Load(string dataDirectory)
    {
        var path = PathIn(dataDirectory);
        try
        {
            return File.Exists(path) ? JsonSerializer.Deserialize<Profile>(File.ReadAllBytes(path), Format) : null;
        }
        catch (Exception problem) when (problem is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new CliException(ExitCode.Refused, $"{path} cannot be read ({problem.Message.TrimEnd('.')}). `signet up` writes a new one at its next start.");
        }
    }
}
