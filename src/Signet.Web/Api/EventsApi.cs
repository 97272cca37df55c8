using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Signet.Access;
using Signet.Control;
using Signet.Web.Security;
using Signet.Web.SignIn;

namespace Signet.Web.Api;

/// <summary>What happens, as it happens: server-sent events (HTML standard, 9.2). A reader that comes back with <c>Last-Event-ID</c> misses nothing the ring still holds;
/// one that missed something gets <c>gap</c> and loads its state anew. Rights are asked for again while the feed is open.</summary>
internal static class EventsApi
{
    private static int open;

    public static void Map(RouteGroupBuilder api)
        => api.MapGet("/events", (Delegate)StreamAsync).Requires(Act.ViewFleet).WithinGroups().Produces(200, contentType: "text/event-stream")
            .WithSummary("Live events (server-sent events): device, command, telemetry, audit, broker, gap. `kinds` and `subject` narrow them; Last-Event-ID resumes.");

    private static async Task StreamAsync(
        CommandCenter center, Sessions sessions, TimeProvider time, IHostApplicationLifetime host, HttpContext context, string? kinds = null, string? subject = null, long? after = null)
    {
        if (Interlocked.Increment(ref open) > WebLimits.LiveFeeds)
        {
            Interlocked.Decrement(ref open);
            await Problems.Of(StatusCodes.Status503ServiceUnavailable, "too-many-feeds", "Too many live feeds are open; try again later.").ExecuteAsync(context);
            return;
        }
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, host.ApplicationStopping);
        // A browser that reconnects knows better than the address of the page it began with.
        if (long.TryParse(context.Request.Headers["Last-Event-ID"], NumberStyles.None, CultureInfo.InvariantCulture, out var last)) after = last;
        var wanted = kinds?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).ToHashSet(StringComparer.OrdinalIgnoreCase);
        await using var events = center.Feed.ReadAsync(after, stop.Token).GetAsyncEnumerator(stop.Token);
        var next = Task.FromResult(false);
        var sight = context.Sight(center);
        try
        {
            context.Response.ContentType = "text/event-stream";
            context.Response.Headers["X-Accel-Buffering"] = "no"; // nginx would hold events back
            await SendAsync(context, ": signet\n\n", stop.Token);
            next = events.MoveNextAsync().AsTask();
            var askAgain = time.GetUtcNow() + WebLimits.LiveFeedHeartbeat;
            while (true)
            {
                FeedEvent? happened = null;
                try
                {
                    if (!await next.WaitAsync(WebLimits.LiveFeedHeartbeat, time, stop.Token)) return;
                    happened = events.Current;
                    next = events.MoveNextAsync().AsTask();
                }
                catch (TimeoutException)
                {
                    await SendAsync(context, ":\n\n", stop.Token);
                }
                if (time.GetUtcNow() >= askAgain)
                {
                    if (!await IsAliveAsync(center, sessions, context)) return;
                    askAgain = time.GetUtcNow() + WebLimits.LiveFeedHeartbeat;
                }
                if (happened is not null && MaySee(context, happened.Kind) && sight.Sees(happened) && IsWanted(happened, wanted, subject)) await SendAsync(context, Text(happened), stop.Token);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            // The reader went away, or the console stops.
        }
        finally
        {
            Interlocked.Decrement(ref open);
            // The enumerator cannot be closed in the middle of a step.
            await stop.CancelAsync();
            await next.ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
    }

    private static async Task SendAsync(HttpContext context, string text, CancellationToken stop)
    {
        await context.Response.WriteAsync(text, stop);
        await context.Response.Body.FlushAsync(stop);
    }

    private static string Text(FeedEvent happened)
    {
        // One line: the serializer escapes every line break inside.
        var data = JsonSerializer.Serialize(new { happened.Time, happened.Name, happened.Subject, happened.Data }, JsonSerializerOptions.Web);
        return $"id: {happened.Id}\nevent: {Name(happened.Kind)}\ndata: {data}\n\n";
    }

    private static bool IsWanted(FeedEvent happened, HashSet<string>? kinds, string? subject)
        => happened.Kind == FeedKind.Gap || ((kinds is null || kinds.Contains(Name(happened.Kind))) && (subject is null || happened.Subject == subject));

    private static bool MaySee(HttpContext context, FeedKind kind) => context.May(kind switch
    {
        FeedKind.Command => Act.ViewCommands,
        FeedKind.Telemetry => Act.ViewTelemetry,
        FeedKind.Audit => Act.ViewAudit,
        FeedKind.Broker => Act.ViewBroker,
        _ => Act.ViewFleet,
    });

    private static async Task<bool> IsAliveAsync(CommandCenter center, Sessions sessions, HttpContext context)
        => TokenAuthentication.Secret(context.Request) is { } secret
            ? await center.Tokens.FindActorAsync(secret, context.Address(), context.RequestAborted) is not null
            : context.User.Identity?.AuthenticationType == CertificateAuthentication.SchemeName
                ? await context.RequestServices.GetRequiredService<CertificatePeople>().FindAsync(context) is var (account, _) && account.SecurityStamp == context.Account()?.SecurityStamp
                : await sessions.IsAliveAsync(context.User, context.RequestAborted);

    private static string Name(FeedKind kind) => kind.ToString().ToLowerInvariant();
}
