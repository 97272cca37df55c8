using System.Collections.Concurrent;
using System.Security.Claims;
using System.Text.Encodings.Web;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.HostFiltering;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Signet.Access;
using Signet.Control;
using Signet.Web.Hosting;
using Signet.Web.Security;
using Signet.Web.SignIn;

namespace Signet.Lab;

/// <summary>The parts that stand in for a control of the console when the lab leaves it out. Each is the mistake that consoles in the field make.</summary>
internal static class ConsoleParts
{
    /// <summary>What to put in the place of a control; null for a name that is none of the console's.</summary>
    public static Action<IServiceCollection>? Instead(string? without) => without switch
    {
        null => null,
        "login-throttle" => s => s.AddSingleton(new LoginThrottle(new LeapingClock())),
        "session-renewal" => s => Sessions(s, (sessions, cookie) => cookie.SessionStore = new KeptKeys(sessions)),
        "session-end" => s => Sessions(s, (sessions, cookie) => cookie.SessionStore = new NeverForgets(sessions)),
        "live-accounts" => s => Sessions(s, (_, cookie) => cookie.Events.OnValidatePrincipal = _ => Task.CompletedTask),
        "second-step" => s => s.AddScoped<IUserStore<Person>>(p => new OneFactorStore(ActivatorUtilities.CreateInstance<PersonStore>(p))),
        "antiforgery" => s => s.AddSingleton<IAntiforgery>(p => new NoAntiforgery(ActivatorUtilities.CreateInstance(p, p.GetRequiredService<GenuineAntiforgery>().Type) as IAntiforgery ?? throw new LabException("the console has no antiforgery to leave out"))).AddSingleton(GenuineAntiforgery.In(s)),
        "sign-in" => s => s.AddAuthentication(a => a.DefaultScheme = Anybody.Name).AddScheme<AuthenticationSchemeOptions, Anybody>(Anybody.Name, null),
        "role-table" => s => s.AddSingleton<IClaimsTransformation>(new Relabelled(Who.Role, nameof(Role.Admin))),
        "per-person-keys" => s => s.AddSingleton<IClaimsTransformation>(new Relabelled(Who.Name, "somebody")),
        "output-encoding" => s => s.AddSingleton<HtmlEncoder>(new AsItIs()),
        "security-headers" => s => s.AddSingleton<IStartupFilter>(new WithoutHeaders()),
        "host-filtering" => s => s.PostConfigure<HostFilteringOptions>(o => o.AllowedHosts = ["*"]),
        "request-rates" => s => s.AddSingleton(_ => new RequestRates(PartitionedRateLimiter.Create<HttpContext, string>(_ => RateLimitPartition.GetNoLimiter("anybody")))),
        "body-limit" => s => s.PostConfigure<KestrelServerOptions>(o => o.Limits.MaxRequestBodySize = null),
        _ => null,
    };

    private static void Sessions(IServiceCollection services, Action<Sessions, CookieAuthenticationOptions> change) =>
        services.AddOptions<CookieAuthenticationOptions>(Web.SignIn.Sessions.Scheme).PostConfigure<Sessions>((cookie, sessions) => change(sessions, cookie));

    /// <summary>A day later at every look: whatever is counted over time is forgotten before it counts.</summary>
    private sealed class LeapingClock : TimeProvider
    {
        private int _days;

        public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch.AddYears(60).AddDays(Interlocked.Increment(ref _days));
    }

    /// <summary>The session's key follows from a cookie that the browser had before it signed in.</summary>
    private sealed class KeptKeys(Sessions inner) : ITicketStore
    {
        private const string Before = "__Host-signet-form";
        private readonly ConcurrentDictionary<string, AuthenticationTicket> _kept = new(StringComparer.Ordinal);

        public Task<string> StoreAsync(AuthenticationTicket ticket, HttpContext context, CancellationToken cancellationToken)
        {
            if (context.Request.Cookies[Before] is not { } key) return inner.StoreAsync(ticket);
            _kept[key] = ticket;
            return Task.FromResult(key);
        }

        public async Task<AuthenticationTicket?> RetrieveAsync(string key) => _kept.TryGetValue(key, out var ticket) ? ticket : await inner.RetrieveAsync(key);
        public Task<string> StoreAsync(AuthenticationTicket ticket) => inner.StoreAsync(ticket);
        public Task RenewAsync(string key, AuthenticationTicket ticket) => inner.RenewAsync(key, ticket);
        public Task RemoveAsync(string key) => inner.RemoveAsync(key);
    }

    /// <summary>Signing out deletes the browser's cookie. What the console ends by any other way comes back from a copy.</summary>
    private sealed class NeverForgets(Sessions inner) : ITicketStore
    {
        private readonly ConcurrentDictionary<string, AuthenticationTicket> _kept = new(StringComparer.Ordinal);

        public async Task<string> StoreAsync(AuthenticationTicket ticket)
        {
            var key = await inner.StoreAsync(ticket);
            _kept[key] = ticket;
            return key;
        }

        public Task RenewAsync(string key, AuthenticationTicket ticket) => inner.RenewAsync(key, ticket);
        public async Task<AuthenticationTicket?> RetrieveAsync(string key) => await inner.RetrieveAsync(key) ?? _kept.GetValueOrDefault(key);
        public Task RemoveAsync(string key) => Task.CompletedTask;
    }

    /// <summary>Makes tokens as before and believes every request.</summary>
    private sealed class NoAntiforgery(IAntiforgery inner) : IAntiforgery
    {
        public AntiforgeryTokenSet GetAndStoreTokens(HttpContext httpContext) => inner.GetAndStoreTokens(httpContext);
        public AntiforgeryTokenSet GetTokens(HttpContext httpContext) => inner.GetTokens(httpContext);
        public Task<bool> IsRequestValidAsync(HttpContext httpContext) => Task.FromResult(true);
        public Task ValidateRequestAsync(HttpContext httpContext) => Task.CompletedTask;
        public void SetCookieTokenAndHeader(HttpContext httpContext) => inner.SetCookieTokenAndHeader(httpContext);
    }

    /// <summary>The platform's own implementation, which is internal to it, by its registration.</summary>
    private sealed record GenuineAntiforgery(Type Type)
    {
        public static GenuineAntiforgery In(IServiceCollection services) => new(services.First(d => d.ServiceType == typeof(IAntiforgery) && d.ImplementationType is not null).ImplementationType!);
    }

    /// <summary>Whoever comes is the administrator.</summary>
    private sealed class Anybody(IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory loggers, UrlEncoder encoder) : AuthenticationHandler<AuthenticationSchemeOptions>(options, loggers, encoder)
    {
        public const string Name = "anybody";

        protected override Task<AuthenticateResult> HandleAuthenticateAsync() =>
            Task.FromResult(AuthenticateResult.Success(new(new ClaimsPrincipal(Who.Identity(new Actor(Name, Role.Admin, Actor.Token, Context.Address()), Name)), Name)));
    }

    /// <summary>Everybody who signed in counts as one and the same in this claim.</summary>
    private sealed class Relabelled(string claim, string value) : IClaimsTransformation
    {
        public Task<ClaimsPrincipal> TransformAsync(ClaimsPrincipal principal)
        {
            if (principal.Identity is not ClaimsIdentity { IsAuthenticated: true } identity) return Task.FromResult(principal);
            return Task.FromResult(new ClaimsPrincipal(new ClaimsIdentity(identity.Claims.Where(c => c.Type != claim).Append(new Claim(claim, value)), identity.AuthenticationType, Who.Name, Who.Role)));
        }
    }

    /// <summary>Markup stays markup.</summary>
    private sealed class AsItIs : HtmlEncoder
    {
        public override int MaxOutputCharactersPerInputCharacter => 1;
        public override unsafe int FindFirstCharacterToEncode(char* text, int textLength) => -1;
        public override unsafe bool TryEncodeUnicodeScalar(int unicodeScalar, char* buffer, int bufferLength, out int numberOfCharactersWritten)
        {
            numberOfCharactersWritten = 0;
            return false;
        }

        public override bool WillEncode(int unicodeScalar) => false;
    }

    /// <summary>Something in front of the console that takes its headers away.</summary>
    private sealed class WithoutHeaders : IStartupFilter
    {
        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => application =>
        {
            application.Use((context, go) =>
            {
                context.Response.OnStarting(() =>
                {
                    context.Response.Headers.Remove("Content-Security-Policy");
                    context.Response.Headers.Remove("X-Frame-Options");
                    return Task.CompletedTask;
                });
                return go(context);
            });
            next(application);
        };
    }
}
