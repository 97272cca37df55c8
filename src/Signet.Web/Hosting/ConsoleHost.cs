using System.Net;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Signet.Control;
using Signet.Web.Api;
using Signet.Web.Assets;
using Signet.Web.Looks;
using Signet.Web.Enrolment;
using Signet.Web.Security;
using Signet.Web.SignIn;

namespace Signet.Web.Hosting;

/// <summary>The console: pages, API and live feed over HTTPS. What is registered, and in which order a request passes through it.</summary>
internal static class ConsoleHost
{
    /// <param name="instead">Puts other parts in the place of registered ones: the attack lab's way to leave a control out. Null everywhere else.</param>
    public static WebApplication Build(CommandCenter center, WebOptions options, ILoggerFactory loggers, Action<IServiceCollection>? instead = null)
    {
        if (options.Proxies.Count > 0 && options.ClientCertificate == ClientCertificateMode.Off)
            throw new WebConsoleException("console:proxies names proxies, which show who they are by a certificate: console:clientCertificate must be ask or require, not off");
        var builder = Listener.NewBuilder(loggers);
        var door = new CertificateDoor(center, options);
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            Listener.Bound(kestrel);
            kestrel.Listen(options.Listen, options.ConsolePort, listen => Listener.UseTls(listen, center, options, door));
        });
        var services = builder.Services;
        services.AddSingleton(center).AddSingleton(options).AddSingleton(door).AddSingleton(options.Time).AddSingleton(options.Random);
        var breaches = BreachedPasswords.Open(options.BreachedPasswords);
        services.AddSingleton(_ => breaches); // a factory's: it is closed with the console
        services.AddSingleton(WebFiles.Load(Path.Combine(AppContext.BaseDirectory, "wwwroot")));
        AddSignIn(services);
        if (options.Provider is { } provider) AddProvider(services, provider);
        AddPagesAndApi(services);
        // The platform would make a key ring at the start all the same, in the home directory, and never use it.
        foreach (var unused in services.Where(s => s.ServiceType == typeof(IHostedService) && s.ImplementationType?.Name == "DataProtectionHostedService").ToArray()) services.Remove(unused);
        services.AddHostFiltering(filter => filter.AllowedHosts = [.. AllowedHosts(center, options)]);
        services.AddSingleton(_ => new RequestRates(RequestRates.Limits()));
        instead?.Invoke(services);

        var application = builder.Build();
        var sessions = application.Services.GetRequiredService<Sessions>();
        Action<RevocationReport> end = report => sessions.EndOfCertificates(report.Serials);
        center.Certificates.Revoked += end;
        application.Lifetime.ApplicationStopped.Register(() => center.Certificates.Revoked -= end);
        application.UseMiddleware<SecurityHeaders>();
        application.UseHostFiltering();
        var forwarded = new ForwardedIdentity(center, options);
        application.Use(next => context => forwarded.PassAsync(context, next));
        application.Use(next => context => door.PassAsync(context, next));
        application.UseExceptionHandler(new ExceptionHandlerOptions { ExceptionHandler = AnswerFailureAsync });
        application.UseWhen(context => !ApiRoutes.IsApi(context) && !EstEndpoints.IsEst(context.Request.Path), pages => pages.UseStatusCodePagesWithReExecute("/error/{0}"));
        application.UseWhen(ApiRoutes.IsApi, api => api.UseStatusCodePages(bare => Problems.OfStatus(bare.HttpContext.Response.StatusCode).ExecuteAsync(bare.HttpContext)));
        application.UseRequestLocalization(Languages.Configure);
        application.Use(RefuseTooLarge);
        MqttDoor.Use(application);
        application.UseRouting();
        // Who comes back from the provider is answered within authentication, before anybody is known: by address, then.
        application.UseWhen(context => context.Request.Path == ProviderHandler.CallbackPath, back => back.Use(next => context => context.RequestServices.GetRequiredService<RequestRates>().PassAsync(context, next)));
        application.UseAuthentication();
        application.Use(next => context => context.RequestServices.GetRequiredService<RequestRates>().PassAsync(context, next));
        application.UseMiddleware<AccessGate>();
        application.Services.GetRequiredService<WebFiles>().Map(application).WithMetadata(new PublicAttribute()).ExcludeFromDescription();
        application.MapRazorPages();
        ApiRoutes.Map(application);
        EstEndpoints.Map(application);
        MqttDoor.Map(application, center);
        return application;
    }

    // Kestrel says no when the body is read; a form's reader would turn that into a missing form token. A body that does not say its length still ends there.
    private static RequestDelegate RefuseTooLarge(RequestDelegate next) => context =>
    {
        // The limit in force is Kestrel's. The page that says so passes here, too.
        if (!(context.Request.ContentLength > context.Features.Get<IHttpMaxRequestBodySizeFeature>()?.MaxRequestBodySize) || context.Features.Get<IStatusCodeReExecuteFeature>() is not null) return next(context);
        context.Response.StatusCode = StatusCodes.Status413PayloadTooLarge;
        return Task.CompletedTask;
    };

    private static void AddSignIn(IServiceCollection services)
    {
        // Keys live as long as the process, like the sessions they belong to: none lies on a disk.
        services.AddSingleton<IDataProtectionProvider, EphemeralDataProtectionProvider>();
        services.AddSingleton<CertificatePeople>().AddSingleton<SetupLink>().AddSingleton<LoginThrottle>().AddSingleton<AttemptTurns>().AddSingleton<Sessions>().AddSingleton<KnownBrowser>().AddSingleton<Trail>().AddScoped<SignInDesk>().AddScoped<ProviderDesk>();
        services.AddSingleton<LatestRefusals>().AddSingleton<Navigation>().AddSingleton<ShortMemory>().AddSingleton<SecondStep>().AddSingleton<Phrases>().AddScoped<PasskeyDesk>().AddScoped<IPasskeyHandler<Person>, PasskeyHandler<Person>>();
        services.AddIdentityCore<Person>().AddUserStore<PersonStore>();
        services.Configure<IdentityPasskeyOptions>(passkey =>
        {
            passkey.UserVerificationRequirement = "required";
            passkey.ResidentKeyRequirement = "preferred";
            passkey.AttestationConveyancePreference = "none"; // which maker's key somebody has is nobody's business here
            passkey.ValidateOrigin = PasskeyOrigin.IsOursAsync;
            passkey.AuthenticatorTimeout = WebLimits.SecondStep;
        });
        services.AddSingleton<IPasswordHasher<Person>>(Passwords.Hasher);
        services.AddAuthentication(authentication => authentication.DefaultScheme = Either)
            .AddPolicyScheme(Either, null, either => either.ForwardDefaultSelector = context => TokenAuthentication.Secret(context.Request) is not null ? TokenAuthentication.SchemeName : CertificateAuthentication.Applies(context) ? CertificateAuthentication.SchemeName : Sessions.Scheme)
            .AddCookie(Sessions.Scheme, Sessions.Configure)
            .AddScheme<AuthenticationSchemeOptions, TokenAuthentication>(TokenAuthentication.SchemeName, null)
            .AddScheme<AuthenticationSchemeOptions, CertificateAuthentication>(CertificateAuthentication.SchemeName, null);
        services.AddOptions<Microsoft.AspNetCore.Authentication.Cookies.CookieAuthenticationOptions>(Sessions.Scheme).Configure<Sessions>((cookie, sessions) => cookie.SessionStore = sessions);
        services.AddAntiforgery(antiforgery =>
        {
            antiforgery.HeaderName = AccessGate.AntiforgeryHeader;
            antiforgery.Cookie.Name = "__Host-signet-form";
            antiforgery.Cookie.Path = "/";
            antiforgery.Cookie.HttpOnly = true;
            antiforgery.Cookie.SecurePolicy = CookieSecurePolicy.Always;
            antiforgery.Cookie.SameSite = SameSiteMode.Strict;
            antiforgery.SuppressXFrameOptionsHeader = true; // SecurityHeaders sets it
        });
    }

    private static void AddProvider(IServiceCollection services, ProviderOptions provider)
    {
        services.AddSingleton(all => new ProviderClient(provider, all.GetRequiredService<TimeProvider>())).AddSingleton<OnceOnly>();
        services.AddAuthentication().AddOAuth<ProviderSchemeOptions, ProviderHandler>(ProviderHandler.SchemeName, scheme => ProviderHandler.Configure(scheme, provider));
    }

    private const string Either = "either";

    private static void AddPagesAndApi(IServiceCollection services)
    {
        services.Configure<RouteOptions>(route => route.LowercaseUrls = true);
        services.AddRazorPages(pages => pages.RootDirectory = "/Pages").AddMvcOptions(mvc => mvc.Filters.Add<HandlerGate>());
        services.ConfigureHttpJsonOptions(ApiRoutes.ConfigureJson);
        services.AddProblemDetails();
        services.AddOpenApi("v1", open => open.AddDocumentTransformer((document, _, _) =>
        {
            document.Info.Title = "Signet";
            document.Info.Description = "Errors are problem+json; `reason` is the stable name. Send an API token: `Authorization: Bearer sgt_...`.";
            document.Servers = [];
            return Task.CompletedTask;
        }));
    }

    private static IEnumerable<string> AllowedHosts(CommandCenter center, WebOptions options)
    {
        foreach (var host in options.Hosts.Concat(center.Installation.Hosts).Append("localhost").Append("127.0.0.1").Append("::1").Distinct(StringComparer.OrdinalIgnoreCase))
            yield return IPAddress.TryParse(host, out var address) && address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? $"[{address}]" : host;
        if (!options.Listen.Equals(IPAddress.Any) && !options.Listen.Equals(IPAddress.IPv6Any) && !IPAddress.IsLoopback(options.Listen)) yield return options.Listen.ToString();
    }

    private static Task AnswerFailureAsync(HttpContext context)
    {
        var failure = context.Features.Get<IExceptionHandlerFeature>()?.Error;
        var (status, reason, words) = failure switch
        {
            Audit.AuditUnavailableException => (503, "audit-unavailable", "The audit log cannot be read or written right now."),
            _ when Unavailable.Why(failure) is { } why => (503, "store-unavailable", why),
            _ => (500, "failed", "The center could not answer. The reason is in its log."),
        };
        if (ApiRoutes.IsApi(context)) return (failure is BadHttpRequestException bad ? Problems.OfStatus(bad.StatusCode) : Problems.Of(status, reason, words)).ExecuteAsync(context);
        context.Response.StatusCode = (failure as BadHttpRequestException)?.StatusCode ?? status;
        return Task.CompletedTask;
    }
}
