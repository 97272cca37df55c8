using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.RateLimiting;
using Signet.Web.Api;
using Signet.Web.Security;

namespace Signet.Web.Hosting;

/// <summary>How many requests one account, token or address may send (RFC 6585: 429 with Retry-After). Log-ins have limits of their own.</summary>
internal static class RequestRates
{
    public static void Configure(RateLimiterOptions limiter)
    {
        limiter.GlobalLimiter = PartitionedRateLimiter.Create<HttpContext, string>(context => context.IsSignedIn()
            ? Bucket($"who:{context.User.Identity!.Name}", WebLimits.RequestsPerMinute)
            : Bucket($"from:{context.Address()}", WebLimits.AnonymousRequestsPerMinute));
        limiter.OnRejected = async (rejected, _) =>
        {
            var context = rejected.HttpContext;
            context.Response.Headers.RetryAfter = "10";
            if (ApiRoutes.IsApi(context)) await Problems.Of(StatusCodes.Status429TooManyRequests, "rate-limited", "Too many requests; try again in some seconds.").ExecuteAsync(context);
            else context.Response.StatusCode = StatusCodes.Status429TooManyRequests;
        };
    }

    private static RateLimitPartition<string> Bucket(string who, int perMinute) => RateLimitPartition.GetTokenBucketLimiter(who, _ => new()
    {
        TokenLimit = perMinute, TokensPerPeriod = perMinute / 6, ReplenishmentPeriod = TimeSpan.FromSeconds(10), QueueLimit = 0,
    });
}
