using System.Globalization;
using System.Text.Json.Nodes;
using Signet.Cli.Shell;
using Signet.Control;

namespace Signet.Cli.Up;

/// <summary>Shows each audit entry on the terminal as it is written, as a line for people or an event for scripts.</summary>
internal sealed class AuditTerminal : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _following;

    private AuditTerminal(LiveFeed feed, Printer printer) => _following = FollowAsync(feed, printer, _stop.Token);

    public static AuditTerminal Follow(LiveFeed feed, Printer printer) => new(feed, printer);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _following;
        _stop.Dispose();
    }

    private static async Task FollowAsync(LiveFeed feed, Printer printer, CancellationToken cancellation)
    {
        try
        {
            await foreach (var happening in feed.ReadAsync(null, cancellation))
            {
                if (happening.Kind == FeedKind.Audit)
                    Show(printer, happening);
            }
        }
        catch (OperationCanceledException)
        {
            // The program stops.
        }
    }

    private static void Show(Printer printer, FeedEvent happening)
    {
        var entry = happening.Data;
        var time = happening.Time.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
        if (printer.Json)
        {
            var line = (JsonObject)entry.DeepClone();
            line.Insert(0, "event", "audit");
            line["time"] = time;
            printer.Object(line);
            return;
        }

        var reason = Query.Text(entry["reason"]);
        printer.Line(Printer.Inert($"{time} audit #{Query.Text(entry["seq"])} {Query.Text(entry["type"])}: {Query.Text(entry["actor"])} {Query.Text(entry["action"])} "
            + $"{Query.Text(entry["subject"])} -> {Query.Text(entry["outcome"])}{(reason.Length > 0 ? $" ({reason})" : "")}"));
    }
}
