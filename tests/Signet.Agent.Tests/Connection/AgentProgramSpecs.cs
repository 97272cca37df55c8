using System.IO.Pipelines;
using System.Security.Cryptography;

namespace Signet.Agent.Tests;

public sealed class AgentProgramSpecs : IDisposable
{
    private readonly DeviceFleet _fleet = new();
    private readonly StringWriter _output = new();
    private readonly StringWriter _errors = new();

    /// <summary>The one to write to and to lock: the program writes while the test reads.</summary>
    private readonly TextWriter _guarded;

    public AgentProgramSpecs() => _guarded = TextWriter.Synchronized(_errors);

    [Fact]
    public async Task A_wrong_directory_is_one_clear_line_and_exit_code_1()
    {
        (await RunAsync(new(Path.GetTempPath()))).ShouldBe(1);
        _errors.ToString().TrimEnd().ShouldEndWith("is no device's directory: it has no device.json");
        _errors.ToString().Count(c => c == '\n').ShouldBe(1);
    }

    [Fact]
    public async Task An_unreachable_broker_is_tried_again_until_the_parents_pipe_closes()
    {
        var pipe = new Pipe();
        var running = RunAsync(new(_fleet.Add("door-1"), new StreamReader(pipe.Reader.AsStream())));
        while (!Said("trying again")) await Task.Yield();
        running.IsCompleted.ShouldBeFalse();
        await pipe.Writer.CompleteAsync();
        (await running).ShouldBe(0);
        _output.ToString().ShouldBeEmpty();
    }

    public void Dispose() => _fleet.Dispose();

    private bool Said(string words)
    {
        lock (_guarded) return _errors.ToString().Contains(words, StringComparison.Ordinal);
    }

    private async Task<int> RunAsync(AgentProgramOptions options)
    {
        using var random = RandomNumberGenerator.Create();
        return await AgentProgram.RunAsync(options, _output, _guarded, TimeProvider.System, random, CancellationToken.None);
    }
}
