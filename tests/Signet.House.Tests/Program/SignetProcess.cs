using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json.Nodes;
using Signet.House.Tests.Rules;

namespace Signet.House.Tests.Program;

/// <summary>What a finished run of the program left behind.</summary>
public sealed record Outcome(int ExitCode, string Output, string Error)
{
    public JsonObject Json => JsonNode.Parse(Output)!.AsObject();
}

/// <summary>The program as people start it: a process of its own, reached through arguments, streams and signals only.</summary>
public sealed class SignetProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly Process _process;
    private readonly Task<string> _errors;
    private readonly ConcurrentQueue<string> _output = new(), _errorLines = new();

    private SignetProcess(Process process)
    {
        _process = process;
        _errors = process.StandardError.ReadToEndAsync();
    }

    // Both streams line by line.
    private SignetProcess(Process process, TaskCompletionSource said, string until)
    {
        _process = process;
        _errors = CollectAsync(process.StandardError, _errorLines, _ => { });
        _ = CollectAsync(process.StandardOutput, _output, line =>
        {
            if (line.Contains(until, StringComparison.Ordinal)) said.TrySetResult();
        });
    }

    public int Id => _process.Id;

    public JsonObject Ready { get; private set; } = [];

    /// <summary>What was printed before the ready line.</summary>
    public List<JsonObject> Events { get; } = [];

    /// <summary>Lines of stdout and of stderr so far, of a process that was started with <see cref="OnTerminalAsync"/>.</summary>
    public (IReadOnlyList<string> Output, IReadOnlyList<string> Errors) Terminal => ([.. _output], [.. _errorLines]);

    public static string Dll { get; } = Path.Combine(AppContext.BaseDirectory, "signet.dll");

    /// <summary>Runs one command to its end.</summary>
    public static Task<Outcome> RunAsync(string? data, params string[] arguments) => RunAsync(data, new Dictionary<string, string>(), "", arguments);

    /// <summary>As above, with variables of its environment and something on its standard input.</summary>
    public static async Task<Outcome> RunAsync(string? data, Dictionary<string, string> environment, string input, params string[] arguments)
    {
        using var process = Start(data, arguments, environment);
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"signet {string.Join(' ', arguments)} did not end within {Patience.TotalSeconds} s");
        }

        return new Outcome(process.ExitCode, await output, await error);
    }

    /// <summary>The lines a command that does not end by itself prints, until cancelled; then it is ended.</summary>
    public static async IAsyncEnumerable<string> LinesAsync(string data, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken, params string[] arguments)
    {
        using var process = Start(data, arguments, []);
        try
        {
            while (await process.StandardOutput.ReadLineAsync(cancellationToken) is { } line) yield return line;
        }
        finally
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }
    }

    /// <summary>Starts <c>up</c> on free ports and waits for its ready line.</summary>
    public static Task<SignetProcess> UpAsync(string data, params string[] more) => UpAsync(data, new Dictionary<string, string>(), more);

    /// <summary>As above, with variables of its environment.</summary>
    public static Task<SignetProcess> UpAsync(string data, Dictionary<string, string> environment, params string[] more) =>
        ReadyAsync(Start(data, ["up", "--json", "--port-console", "0", "--port-mqtt", "0", "--port-pki", "0", "--port-mqtt-password", "0", "--port-auth", "0", .. more], environment));

    /// <summary>Starts a command that is killed (SIGKILL, by strace) the moment one of its threads asks for the <paramref name="nth"/> time that its data be synced to the disk.</summary>
    public static SignetProcess KilledAtSync(int nth, string data, params string[] arguments)
    {
        var process = Start(data, arguments, [], ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync,fdatasync", "-e", $"inject=fsync,fdatasync:signal=KILL:when={nth}"]);
        _ = process.StandardOutput.ReadToEndAsync();
        return new(process);
    }

    /// <summary>Lets a running process be killed so; returns when strace has a hold of it.</summary>
    /// <param name="nth">Counted for each thread by itself.</param>
    /// <param name="file">Only syncs of this file count; it exists already. Null: of any.</param>
    public async Task<Process> KillAtSyncAsync(int nth, string? file = null)
    {
        var start = new ProcessStartInfo("strace", ["-f", "-p", Id.ToString(System.Globalization.CultureInfo.InvariantCulture), "-o", "/dev/null", .. file is null ? [] : new[] { "-P", file }, "-e", "trace=fsync,fdatasync", "-e", $"inject=fsync,fdatasync:signal=KILL:when={nth}"]) { RedirectStandardError = true };
        var strace = Process.Start(start)!;
        using var patience = new CancellationTokenSource(Patience);
        await strace.StandardError.ReadLineAsync(patience.Token); // "Process N attached ..."
        _ = strace.StandardError.ReadToEndAsync(CancellationToken.None);
        return strace;
    }

    /// <summary>Starts a long-running command and waits for nothing.</summary>
    public static SignetProcess Begin(string data, params string[] arguments)
    {
        var process = Start(data, arguments, []);
        _ = process.StandardOutput.ReadToEndAsync();
        return new(process);
    }

    /// <summary>Starts <c>up</c> on free ports as a person does, without <c>--json</c>, and waits until it has said that it is running and how to stop it. What it says is in <see cref="Terminal"/>.</summary>
    public static async Task<SignetProcess> OnTerminalAsync(string data, params string[] more)
    {
        var said = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var signet = new SignetProcess(Start(data, ["up", "--port-console", "0", "--port-mqtt", "0", "--port-pki", "0", "--port-mqtt-password", "0", "--port-auth", "0", .. more], []), said, "Ctrl-C");
        await said.Task.WaitAsync(Patience);
        return signet;
    }

    /// <summary>Starts a long-running command and waits for its first line.</summary>
    public static async Task<SignetProcess> RunningAsync(string data, params string[] arguments)
    {
        var process = Start(data, arguments, []);
        using var patience = new CancellationTokenSource(Patience);
        if (await process.StandardOutput.ReadLineAsync(patience.Token) is null) throw new InvalidOperationException($"signet {string.Join(' ', arguments)} ended: {await process.StandardError.ReadToEndAsync(patience.Token)}");
        _ = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        return new(process);
    }

    /// <summary>True when it ended by itself (or by strace) within the time.</summary>
    public async Task<bool> EndsWithinAsync(TimeSpan time)
    {
        using var patience = new CancellationTokenSource(time);
        await _process.WaitForExitAsync(patience.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return _process.HasExited;
    }

    /// <summary>kill -9 of it and what it started.</summary>
    public void KillTree()
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
    }

    /// <summary>Starts a long-running command with <c>--json</c> among its arguments and waits for its ready line.</summary>
    public static Task<SignetProcess> ReadyAsync(string? data, params string[] arguments) => ReadyAsync(Start(data, arguments, []));

    private static async Task<SignetProcess> ReadyAsync(Process process)
    {
        var signet = new SignetProcess(process);
        using var patience = new CancellationTokenSource(Patience);
        while (await signet._process.StandardOutput.ReadLineAsync(patience.Token) is { } line)
        {
            var happening = JsonNode.Parse(line)!.AsObject();
            if ((string?)happening["event"] != "ready")
            {
                signet.Events.Add(happening);
                continue;
            }

            signet.Ready = happening;
            // Nobody reads the later events; the pipe must not fill.
            _ = signet._process.StandardOutput.ReadToEndAsync(CancellationToken.None);
            return signet;
        }

        var error = await signet._errors;
        await signet.DisposeAsync();
        throw new InvalidOperationException($"signet {process.StartInfo.ArgumentList[0]} ended before it was ready: {error}");
    }

    /// <summary>Ctrl-C as a terminal sends it. Returns the exit code and what stood on stderr.</summary>
    public async Task<(int ExitCode, string Error)> InterruptAsync()
    {
        Signal("INT");
        return await EndAsync();
    }

    /// <summary>SIGHUP: read what stands in files again.</summary>
    public void HangUp() => Signal("HUP");

    /// <summary>It does nothing until <see cref="Continue"/>; what arrives waits in its sockets.</summary>
    public void Pause() => Signal("STOP");

    public void Continue() => Signal("CONT");

    /// <summary>kill -9.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await EndAsync();
    }

    public async Task<(int ExitCode, string Error)> EndAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        await _process.WaitForExitAsync(patience.Token);
        return (_process.ExitCode, await _errors);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            Signal("TERM");
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(15));
            try
            {
                await _process.WaitForExitAsync(patience.Token);
            }
            catch (OperationCanceledException)
            {
                _process.Kill(entireProcessTree: true);
            }
        }

        _process.Dispose();
    }

    /// <summary>Process ids of the children of <paramref name="parent"/>, from /proc.</summary>
    public static IReadOnlyList<int> ChildrenOf(int parent) =>
        [.. from folder in Directory.EnumerateDirectories("/proc")
            let id = int.TryParse(Path.GetFileName(folder), out var number) ? number : 0
            where id > 0 && ParentOf(id) == parent
            select id];

    /// <summary>0 for a process that is gone.</summary>
    private static int ParentOf(int id)
    {
        try
        {
            // proc(5): pid (comm) state ppid ...; comm may hold spaces and brackets.
            var stat = File.ReadAllText($"/proc/{id}/stat");
            return int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            return 0;
        }
    }

    private static async Task<string> CollectAsync(StreamReader from, ConcurrentQueue<string> lines, Action<string> said)
    {
        while (await from.ReadLineAsync() is { } line)
        {
            lines.Enqueue(line);
            said(line);
        }

        return string.Join('\n', lines);
    }

    private void Signal(string name)
    {
        using var kill = Process.Start("kill", ["-" + name, _process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }

    private static Process Start(string? data, IReadOnlyList<string> arguments, Dictionary<string, string> environment, IReadOnlyList<string>? under = null)
    {
        if (!File.Exists(Dll))
            throw new FileNotFoundException($"{Dll} is missing: build Signet.slnx first", Dll);
        var start = new ProcessStartInfo(under?[0] ?? "dotnet") { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = Repository.Root };
        if (under is not null)
        {
            foreach (var argument in under.Skip(1))
                start.ArgumentList.Add(argument);
            start.ArgumentList.Add("dotnet");
        }

        start.ArgumentList.Add(Dll);
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("SIGNET_", StringComparison.OrdinalIgnoreCase)).ToList())
            start.Environment.Remove(name);
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        if (data is not null)
            start.Environment["SIGNET_DATA"] = data;
        return Process.Start(start)!;
    }
}
