using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Http;
using Signet.Web.Api;
using Signet.Web.Assets;
using Signet.Web.Security;

namespace Signet.Web.Hosting;

/// <summary>
/// How many requests one account, token or address may send (RFC 6585: 429 with Retry-After). Log-ins have limits of their own. The platform's limiters do the counting; its middleware is
/// not used because it never disposes of them, and their timers then keep a console that was stopped in memory.
/// </summary>
internal sealed class RequestRates(PartitionedRateLimiter<HttpContext> limiter) : IDisposable
{
    /// <summary>Tokens in a bucket are filled up in this rhythm; also what a refused client is told to wait.</summary>
    private static readonly TimeSpan Replenishment = TimeSpan.FromSeconds(10);

    /// <summary>The rates of a console.</summary>
    public static PartitionedRateLimiter<HttpContext> Limits() => PartitionedRateLimiter.Create<HttpContext, string>(context => context.IsSignedIn()
        ? Bucket($"who:{context.User.Identity!.Name}", WebLimits.RequestsPerMinute)
        : Bucket($"from:{context.Network()}", WebLimits.AnonymousRequestsPerMinute));

    public async Task PassAsync(HttpContext context, RequestDelegate next)
    {
        // Files come from memory and cost less than counting them: a roomful of people behind one address opens the sign-in page at the same time.
        if (WebFiles.IsFile(context.Request.Path))
        {
            await next(context);
            return;
        }
        using var lease = limiter.AttemptAcquire(context);
        if (lease.IsAcquired)
        {
            await next(context);
            return;
        }
        context.Response.Headers.RetryAfter = $"{Replenishment.TotalSeconds:0}";
        if (ApiRoutes.IsApi(context)) await Problems.Of(StatusCodes.Status429TooManyRequests, "rate-limited", "Too many requests; try again in some seconds.").ExecuteAsync(context);
        else context.Response.StatusCode = StatusCodes.Status429TooManyRequests;
    }

    public void Dispose() => limiter.Dispose();

    private static RateLimitPartition<string> Bucket(string who, int perMinute) => RateLimitPartition.GetTokenBucketLimiter(who, _ => new()
    {
        TokenLimit = perMinute, TokensPerPeriod = perMinute / 6, ReplenishmentPeriod = Replenishment, QueueLimit = 0,
    });
}
