using System.Diagnostics;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Signet.Lab.Tests;

/// <summary>What the specs of this room share: one pair of paper keys (DSA parameters take a second to make), folders that go away, the Python peer.</summary>
public static class Bench
{
    private static readonly Lazy<PaperKeys> OneKeys = new(PaperKeys.Generate);

    public static PaperKeys Keys => OneKeys.Value;

    public static string RepositoryRoot { get; } =
        typeof(Bench).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "RepositoryRoot").Value!;

    public static RandomNumberGenerator Random { get; } = RandomNumberGenerator.Create();

    public static LabLog Log(string name = "test") => LabLog.InMemory(name, TimeProvider.System);

    /// <summary>Runs <c>tests/lab_peer.py</c> and returns its output lines.</summary>
    public static async Task<IReadOnlyList<string>> PeerAsync(IEnumerable<string> arguments, byte[]? input = null)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        using var process = StartPeer(arguments);
        var output = process.StandardOutput.ReadToEndAsync(timeout.Token);
        var errors = process.StandardError.ReadToEndAsync(timeout.Token);
        if (input is not null) await process.StandardInput.BaseStream.WriteAsync(input, timeout.Token);
        process.StandardInput.Close();
        await process.WaitForExitAsync(timeout.Token);
        process.ExitCode.ShouldBe(0, await errors);
        return [.. (await output).Split('\n', StringSplitOptions.RemoveEmptyEntries)];
    }

    public static Process StartPeer(IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo("/usr/bin/python3") { UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(Path.Combine(RepositoryRoot, "tests", "lab_peer.py"));
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        return Process.Start(start)!;
    }

    public static byte[] Lines(IEnumerable<byte[]> messages) => [.. messages.SelectMany(m => m.Append((byte)'\n'))];

    public static JsonObject Json(byte[] message) => JsonNode.Parse(message)!.AsObject();

    public static byte[] Utf8(this string text) => Encoding.UTF8.GetBytes(text);
}

/// <summary>A folder that is removed with its test.</summary>
public sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("signet-lab-").FullName;

    public string this[string name] => System.IO.Path.Combine(Path, name);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}

/// <summary>A clock that a test sets.</summary>
public sealed class SetClock(DateTimeOffset now) : TimeProvider
{
    public DateTimeOffset Now { get; set; } = now;

    public override DateTimeOffset GetUtcNow() => Now;
}

/// <summary>One lab for the attacks of a class: certificates are made once.</summary>
public sealed class LabFixture : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();

    public LabFixture() => Lab = new(_folder.Path, 1, new LabLogs(null, TimeProvider.System), TimeProvider.System, Bench.Random);

    public LabContext Lab { get; }

    /// <summary>The whole house blocks it, and for the reason the attack was meant to meet.</summary>
    public async Task IsBlockedAsync(string name)
    {
        var attack = Find(name);
        var strike = await attack.Secure(Lab, null, TestContext.Current.CancellationToken);
        strike.ResultName.ShouldBe("blocked", strike.Reason);
        strike.Reason.ShouldBe(attack.Reason);
    }

    public async Task SucceedsWithoutItsControlAsync(string name)
    {
        var attack = Find(name);
        var strike = await attack.Secure(Lab, attack.Control, TestContext.Current.CancellationToken);
        strike.ResultName.ShouldBe("succeeded", strike.Reason);
    }

    public async Task SucceedsInTheOpenAsync(string name)
    {
        var strike = await Find(name).Open!(Lab, TestContext.Current.CancellationToken);
        strike.ResultName.ShouldBe("succeeded", strike.Reason);
    }

    private static Attack Find(string name) => Catalogue.Attacks.Single(a => a.Name == name);

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await Lab.DisposeAsync();
        _folder.Dispose();
    }
}
