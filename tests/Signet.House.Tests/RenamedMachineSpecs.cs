using Signet.House.Tests.Program;
using Signet.Testing;

namespace Signet.House.Tests;

/// <summary>A container that takes over the volume of another has another name, and the data keep the first.</summary>
public sealed class RenamedMachineSpecs : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("signet-renamed-").FullName;

    [Fact]
    public async Task A_center_that_listens_everywhere_is_found_from_its_own_machine_when_that_has_another_name_than_its_data()
    {
        // In a network and under a name of its own: it listens beyond loopback, and nobody hears it.
        var told = await BoundedProcess.RunAsync("unshare", ["--map-root-user", "--net", "--uts", "bash", "-euc", Script, "signet", SignetProcess.Dll, _folder], within: TimeSpan.FromSeconds(90));
        told.ExitCode.ShouldBe(0, told.Output + told.Errors);
        told.Output.ShouldContain("Everything is well.");
        told.Output.ShouldContain("https://first-name.invalid:", customMessage: "the name that others use stays");
    }

    private const string Script = """
        ip link set lo up
        hostname first-name.invalid
        dotnet "$1" init --data "$2/data" >/dev/null
        hostname second-name.invalid
        dotnet "$1" up --data "$2/data" --json --listen 0.0.0.0 --port-console 0 --port-mqtt 0 --port-pki 0 --port-mqtt-password 0 --port-auth 0 >"$2/up" &
        up=$!
        for _ in $(seq 300); do grep -q '"event":"ready"' "$2/up" && break; kill -0 $up; sleep 0.1; done
        code=0
        dotnet "$1" status --data "$2/data" || code=$?
        kill -TERM $up
        wait $up
        exit $code
        """;

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
