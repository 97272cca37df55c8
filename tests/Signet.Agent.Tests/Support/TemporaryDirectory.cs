namespace Signet.Agent.Tests;

internal sealed class TemporaryDirectory : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("signet-agent-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
