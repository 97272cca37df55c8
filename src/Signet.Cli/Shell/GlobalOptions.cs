using System.CommandLine;

namespace Signet.Cli.Shell;

/// <summary>
/// The options that every command takes, in any position. <c>SIGNET_DATA</c>, <c>SIGNET_URL</c> and <c>SIGNET_TOKEN</c> stand in for those not given.
/// </summary>
internal static class GlobalOptions
{
    public static readonly Option<string?> Data = new("--data")
    {
        Description = "Data directory (default: $SIGNET_DATA, else ~/.local/share/signet)",
        HelpName = "DIR",
        Recursive = true,
    };

    public static readonly Option<string?> Url = new("--url")
    {
        Description = "Address of a running command center (default: $SIGNET_URL, else what the data directory's profile says)",
        HelpName = "URL",
        Recursive = true,
    };

    public static readonly Option<string?> Token = new("--token")
    {
        Description = "API token (default: $SIGNET_TOKEN, else the profile's; the environment keeps it out of process lists)",
        HelpName = "T",
        Recursive = true,
    };

    public static readonly Option<bool> Json = new("--json")
    {
        Description = "Print JSON instead of text",
        Recursive = true,
    };

    /// <summary>Of verbs that list: all pages are fetched until there are so many rows.</summary>
    public static readonly Option<int?> Limit = new("--limit")
    {
        Description = "At most so many rows (default: all)",
        HelpName = "N",
    };

    public static void AddTo(RootCommand root)
    {
        root.Options.Add(Data);
        root.Options.Add(Url);
        root.Options.Add(Token);
        root.Options.Add(Json);
    }

    /// <summary>The data directory as an absolute path; it need not exist.</summary>
    public static string DataDirectory(ParseResult parsed)
    {
        var given = parsed.GetValue(Data) ?? Environment.GetEnvironmentVariable("SIGNET_DATA");
        if (string.IsNullOrWhiteSpace(given))
        {
            // LocalApplicationData is $XDG_DATA_HOME or ~/.local/share on Unix (XDG Base Directory Specification).
            var home = Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify);
            if (home.Length == 0)
                throw new CliException(ExitCode.WrongUsage, "There is no home directory to put data in. Name one with --data DIR or SIGNET_DATA.");
            given = Path.Combine(home, "signet");
        }

        return Path.GetFullPath(given);
    }
}
