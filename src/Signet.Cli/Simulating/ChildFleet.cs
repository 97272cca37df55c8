using System.Diagnostics;
using System.Text.Json.Nodes;
using Signet.Cli.Shell;

namespace Signet.Cli.Simulating;

/// <summary>The processes that run simulated devices, started with this and ended with it.</summary>
internal sealed class ChildFleet : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15); // thousands of goodbyes; then by force
    private readonly List<Process> _children = [];
    private readonly Dictionary<Process, int> _online = [];
    private readonly List<string> _lists = [];
    private readonly Printer _printer;
    private readonly int _wanted;
    private readonly long _began = Stopwatch.GetTimestamp();
    private readonly TaskCompletionSource _all = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _one = new();
    private int _failed;

    public ChildFleet(string data, IReadOnlyList<string> names, int perProcess, bool telemetry, Printer printer)
    {
        (_printer, _wanted) = (printer, names.Count);
        foreach (var part in names.Chunk(perProcess))
        {
            var list = Path.GetTempFileName();
            File.WriteAllLines(list, part.Select(name => Path.GetFullPath(Path.Combine(data, "device", name))));
            _lists.Add(list);
            var child = SameProgram.Start([.. new[] { "device", "simulate", "1", "--homes", list }, .. telemetry ? ["--telemetry"] : Array.Empty<string>()]);
            child.OutputDataReceived += (_, line) => Take(child, line.Data);
            child.EnableRaisingEvents = true;
            child.Exited += (_, _) => _ended.TrySetResult();
            child.BeginOutputReadLine();
            _children.Add(child);
        }
    }

    public int Processes => _children.Count;

    public int Online { get { lock (_one) return _online.Values.Sum(); } }

    public long ResidentMiB => Sum(child => child.WorkingSet64) >> 20;

    /// <summary>Processor time of all children.</summary>
    public TimeSpan ProcessorTime => TimeSpan.FromTicks(Sum(child => child.TotalProcessorTime.Ticks));

    /// <summary>Waits until all are online (or cannot be), at most <paramref name="within"/>. How long it took.</summary>
    public async Task<TimeSpan> OnlineAsync(TimeSpan within, CancellationToken cancellation)
    {
        using var progress = new ProgressLine(_printer, "online", _wanted);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(within);
        while (!_all.Task.IsCompleted && !_ended.Task.IsCompleted && !limit.IsCancellationRequested)
        {
            progress.Report(Online);
            await Task.WhenAny(_all.Task, _ended.Task, Task.Delay(200, limit.Token));
        }

        cancellation.ThrowIfCancellationRequested();
        return Stopwatch.GetElapsedTime(_began);
    }

    /// <summary>Until one of them ends, or the caller gives up.</summary>
    public Task EndAsync(CancellationToken cancellation) => _ended.Task.WaitAsync(cancellation).ContinueWith(_ => { }, TaskScheduler.Default);

    public async ValueTask DisposeAsync()
    {
        foreach (var child in _children) child.StandardInput.Close();
        foreach (var child in _children)
        {
            using var patience = new CancellationTokenSource(Patience);
            try
            {
                await child.WaitForExitAsync(patience.Token);
            }
            catch (OperationCanceledException)
            {
                child.Kill();
            }

            child.Dispose();
        }

        foreach (var list in _lists) File.Delete(list);
    }

    private void Take(Process child, string? line)
    {
        if (line is null || JsonNode.Parse(line) is not JsonObject told) return;
        lock (_one)
        {
            _online[child] = (int?)told["count"] ?? 0;
            _failed = Math.Max(_failed, (int?)told["failed"] ?? 0);
            if (_online.Values.Sum() + _failed >= _wanted) _all.TrySetResult();
        }
    }

    private long Sum(Func<Process, long> of)
    {
        var sum = 0L;
        foreach (var child in _children)
        {
            child.Refresh();
            if (!child.HasExited) sum += of(child);
        }

        return sum;
    }
}
