using System.Diagnostics;
using System.Text.Json.Nodes;

namespace Signet.House.Tests.Program;

/// <summary>One <c>signet up --demo</c> on free ports in a directory of its own, shared by the tests of a class.</summary>
public sealed class RunningHouse : IAsyncLifetime
{
    public string Data { get; } = Directory.CreateTempSubdirectory("signet-house-").FullName + "/data";

    public SignetProcess Signet { get; private set; } = null!;

    public int MqttPort => new Uri(((string)Signet.Ready["mqtt"]!).Replace("mqtts:", "https:", StringComparison.Ordinal)).Port;

    public async ValueTask InitializeAsync() => Signet = await SignetProcess.UpAsync(Data, "--demo");

    /// <summary>Runs a command against this house.</summary>
    public Task<Outcome> RunAsync(params string[] arguments) => SignetProcess.RunAsync(Data, arguments);

    /// <summary>A new certificate for a device of this name; the folder with NAME.crt, NAME.key and root.crt.</summary>
    public async Task<string> IssueAsync(string name)
    {
        var folder = Path.Combine(Path.GetDirectoryName(Data)!, "issued");
        var issued = await RunAsync("cert", "issue", "--profile", "device", "--name", name, "--out", folder);
        issued.ExitCode.ShouldBe(0, issued.Error);
        return folder;
    }

    /// <summary>The newest audit entries that pass the filter, as soon as there is one.</summary>
    public async Task<IReadOnlyList<JsonObject>> AuditAsync(params string[] filter)
    {
        var waited = Stopwatch.StartNew();
        while (true)
        {
            var list = await RunAsync(["audit", "list", "--json", .. filter]);
            list.ExitCode.ShouldBe(0, list.Error);
            var entries = list.Json["entries"]!.AsArray().Select(entry => entry!.AsObject()).ToList();
            if (entries.Count > 0 || waited.Elapsed > TimeSpan.FromSeconds(10))
                return entries;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Signet.DisposeAsync();
        Directory.Delete(Path.GetDirectoryName(Data)!, recursive: true);
    }
}
