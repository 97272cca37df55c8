using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Signet.Access;
using Signet.Control;
using Signet.Web.BrokerAuth;
using Signet.Web.Hosting;
using Signet.Web.SignIn;

namespace Signet.Web;

/// <summary>The two doors people and programs use: the console (HTTPS: pages, API, live feed) and the PKI endpoint (plain HTTP: what must be plain).</summary>
public sealed class WebConsole : IAsyncDisposable
{
    private readonly WebApplication console;
    private readonly WebApplication pki;
    private readonly CommandCenter center;
    private readonly BrokerAuthDoor auth;

    private WebConsole(CommandCenter center, WebApplication console, WebApplication pki, BrokerAuthDoor auth, Uri consoleUrl, Uri pkiUrl)
        => (this.center, this.console, this.pki, this.auth, ConsoleUrl, PkiUrl) = (center, console, pki, auth, consoleUrl, pkiUrl);

    /// <summary>Where the console really listens, with a name its certificate covers.</summary>
    public Uri ConsoleUrl { get; }

    /// <summary>Where revocation lists and CA certificates are served.</summary>
    public Uri PkiUrl { get; }

    /// <summary>Where other people's brokers ask; null while that door is shut.</summary>
    public Uri? AuthUrl => auth.Url;

    /// <summary>Every door of the console and what it demands.</summary>
    public IReadOnlyList<Security.RouteDemand> Routes => Security.RouteDemand.Of(console.Services.GetRequiredService<Microsoft.AspNetCore.Routing.EndpointDataSource>());

    /// <summary>Opens both doors over a center that is open; it need not have started.</summary>
    /// <exception cref="WebConsoleException">A port is taken, the certificate cannot be read, the pages' files are missing: one clear line.</exception>
    public static Task<WebConsole> StartAsync(CommandCenter center, WebOptions options, ILoggerFactory loggers, CancellationToken cancellationToken = default)
        => StartAsync(center, options, loggers, null, cancellationToken);

    /// <summary>The same with other parts in the place of some. Internal: only the attack lab sees it, and no setting, variable, flag or route leads here.</summary>
    /// <param name="instead">Called when everything is registered and nothing is built.</param>
    internal static async Task<WebConsole> StartAsync(CommandCenter center, WebOptions options, ILoggerFactory loggers, Action<IServiceCollection>? instead, CancellationToken cancellationToken = default)
    {
        var pages = ConsoleHost.Build(center, options, loggers, instead);
        var lists = PkiHost.Build(center, options, loggers);
        var door = new BrokerAuthDoor(center, options, loggers);
        try
        {
            var consoleUrl = await Listener.StartAsync(pages, center, options, options.ConsolePort, "--port-console", cancellationToken);
            center.Fleet.AnnounceConsole(consoleUrl);
            var pkiUrl = await Listener.StartAsync(lists, center, options, options.PkiPort, "--port-pki", cancellationToken);
            await door.StartAsync(cancellationToken);
            return new(center, pages, lists, door, consoleUrl, pkiUrl);
        }
        catch
        {
            await door.DisposeAsync();
            await pages.DisposeAsync();
            await lists.DisposeAsync();
            throw;
        }
    }

    /// <summary>For a demonstration: makes the first administrator with a random password, which is returned once and never again. Null when there is one already.</summary>
    public async Task<string?> CreateDemoAdministratorAsync(string name, CancellationToken cancellationToken = default)
    {
        if (await center.Accounts.AnyAdministratorAsync(cancellationToken)) return null;
        var password = Passwords.Generate(console.Services.GetRequiredService<WebOptions>().Random);
        var made = await center.Accounts.CreateAsync(name, Passwords.Hash(password), Role.Admin, Actor.Terminal, cancellationToken: cancellationToken);
        return made.TryGet(out _, out var refusal) ? password : throw new WebConsoleException($"the first administrator could not be made: {refusal.Message}");
    }

    /// <summary>The one-time link with which the first administrator sets name and password; good for 24 hours, the latest link only. Null when there is an administrator already.</summary>
    public async Task<Uri?> CreateSetupLinkAsync(CancellationToken cancellationToken = default)
        => await center.Accounts.AnyAdministratorAsync(cancellationToken)
            ? null
            : new Uri(ConsoleUrl, "setup?token=" + console.Services.GetRequiredService<SetupLink>().Create());

    /// <summary>Closes both doors: open requests get some seconds to end, live feeds end at once.</summary>
    public async Task StopAsync(CancellationToken cancellationToken = default)
        => await Task.WhenAll(console.StopAsync(cancellationToken), pki.StopAsync(cancellationToken), auth.StopAsync(cancellationToken));

    public async ValueTask DisposeAsync()
    {
        await console.DisposeAsync();
        await pki.DisposeAsync();
        await auth.DisposeAsync();
    }
}
