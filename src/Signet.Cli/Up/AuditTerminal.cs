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

    // The log itself, and what devices say about it: not entries.
    private static void ShowState(Printer printer, FeedEvent happening)
    {
        if (printer.Json)
        {
            var line = (JsonObject)happening.Data.DeepClone();
            line.Insert(0, "event", "audit-" + happening.Name);
            printer.Object(line);
        }

        printer.Line(Printer.Inert(happening.Name == "alarm"
            ? $"ALARM: the device {Query.Text(happening.Data["device"])} says about the audit log: {Query.Text(happening.Data["alarm"])}"
            : Query.Text(happening.Data["state"]) switch
            {
                "writable" => "the audit log takes entries again",
                "on-reserve" => $"THE AUDIT LOG TAKES EMERGENCIES ONLY: {Query.Text(happening.Data["message"])}",
                _ => $"THE AUDIT LOG TAKES NOTHING, commands and administration are refused: {Query.Text(happening.Data["message"])}",
            }));
    }

    private static void Show(Printer printer, FeedEvent happening)
    {
        if (happening.Name is "health" or "alarm")
        {
            ShowState(printer, happening);
            return;
        }

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
