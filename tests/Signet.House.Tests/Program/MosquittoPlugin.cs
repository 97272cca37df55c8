using Signet.House.Tests.Rules;

namespace Signet.House.Tests.Program;

/// <summary>Signet's plugin for Mosquitto, compiled by the script that people use; once per run.</summary>
public static class MosquittoPlugin
{
    private static readonly Lazy<Task<string>> Made = new(MakeAsync);

    /// <summary>The folder with <c>signet_mosquitto.so</c> and <c>signet-ask</c>.</summary>
    public static Task<string> FolderAsync() => Made.Value;

    private static async Task<string> MakeAsync()
    {
        var folder = Path.Combine(AppContext.BaseDirectory, "mosquitto-plugin");
        var built = await Peer.RunAsync("bash", [Path.Combine(Repository.Root, "deploy", "mosquitto", "build.sh"), folder], seconds: 60);
        built.ExitCode.ShouldBe(0, built.Error);
        return folder;
    }
}
