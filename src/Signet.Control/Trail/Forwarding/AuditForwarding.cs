using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;
using Signet.Audit;
using Signet.Store;

namespace Signet.Control;

/// <summary>How far one target is.</summary>
/// <param name="Sent">The last entry it has taken.</param>
/// <param name="Behind">Entries it has not.</param>
/// <param name="Trouble">Why it takes nothing now; null when it does.</param>
public sealed record ForwardState(string Target, long Sent, long Behind, string? Trouble);

/// <summary>
/// Hands every entry on to other programs, in order and at least once: where each target is stands in a file beside the log, written after the target has taken a batch. A target that is away is tried again,
/// ever more slowly, and gets everything when it comes back; nothing in the center waits for it.
/// Syslog has no acknowledgement: what was in flight when a collector died may be lost there, and is still in the log.
/// </summary>
internal sealed class AuditForwarding : IAsyncDisposable
{
    private const int BatchEntries = 200; // chosen: some 150 KiB
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1), LongestPause = TimeSpan.FromMinutes(1);
    private readonly AuditLog _log;
    private readonly string _directory;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Course> _courses;
    private readonly List<Task> _running;

    public AuditForwarding(AuditLog log, AuditSettings settings, string directory, TimeProvider time, ILogger logger)
    {
        (_log, _directory, _time, _logger) = (log, directory, time, logger);
        var targets = new List<IEntryTarget>();
        if (settings.Syslog is { } syslog) targets.Add(new SyslogSender(syslog));
        if (settings.Webhook is { } webhook) targets.Add(new WebhookSender(webhook));
        _courses = [.. targets.Select(target => new Course(target, ReadCursor(target.Name)))];
        log.Appended += Wake;
        _running = [.. _courses.Select(course => Task.Run(() => RunAsync(course)))];
    }

    public IReadOnlyList<ForwardState> States => [.. _courses.Select(course => new ForwardState(course.Target.Name, course.Sent, Math.Max(0, _log.Size - course.Sent), course.Trouble))];

    public async ValueTask DisposeAsync()
    {
        _log.Appended -= Wake;
        await _stop.CancelAsync();
        await Task.WhenAll(_running);
        foreach (var course in _courses) course.Dispose();
        _stop.Dispose();
    }

    private void Wake(AuditEntry entry)
    {
        foreach (var course in _courses) course.Wake();
    }

    private async Task RunAsync(Course course)
    {
        var pause = FirstPause;
        try
        {
            while (true)
            {
                try
                {
                    var entries = await _log.AfterAsync(course.Sent, BatchEntries, _stop.Token);
                    if (entries.Count == 0)
                    {
                        await course.News.WaitAsync(_stop.Token);
                        continue;
                    }
                    await course.Target.SendAsync(entries, _stop.Token);
                    course.Sent = entries[^1].Sequence;
                    DurableFile.Replace(CursorIn(course.Target.Name), Encoding.ASCII.GetBytes(course.Sent.ToString(CultureInfo.InvariantCulture) + "\n"));
                    (course.Trouble, pause) = (null, FirstPause);
                }
                catch (Exception e) when (e is IOException or StoreException or UnauthorizedAccessException)
                {
                    if (course.Trouble is null) Log.ForwardingFailed(_logger, course.Target.Name, e.Message);
                    course.Trouble = e.Message;
                    await Task.Delay(pause, _time, _stop.Token);
                    pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The center stops; the next start goes on from the cursor.
        }
    }

    private string CursorIn(string name) => Path.Combine(_directory, "forwarded-" + name);

    // A new target begins with what happens from now on: the past is what an export is for.
    private long ReadCursor(string name) => File.Exists(CursorIn(name)) && long.TryParse(File.ReadAllText(CursorIn(name)).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var sent) ? sent : _log.Size;

    private sealed class Course(IEntryTarget target, long sent) : IDisposable
    {
        public IEntryTarget Target { get; } = target;
        public SemaphoreSlim News { get; } = new(0, 1);
        public long Sent { get; set; } = sent;
        public string? Trouble { get; set; }

        public void Wake()
        {
            if (News.CurrentCount > 0) return;
            try
            {
                News.Release();
            }
            catch (SemaphoreFullException)
            {
                // Told already.
            }
        }

        public void Dispose()
        {
            Target.Dispose();
            News.Dispose();
        }
    }
}
