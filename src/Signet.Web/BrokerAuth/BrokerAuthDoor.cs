using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging;
using Signet.Control;
using Signet.Web.Hosting;

namespace Signet.Web.BrokerAuth;

/// <summary>The door for other people's brokers: shut until somebody needs it, open from then on.</summary>
internal sealed class BrokerAuthDoor : IAsyncDisposable
{
    private readonly CommandCenter _center;
    private readonly WebOptions _options;
    private readonly ILoggerFactory _loggers;
    private readonly SemaphoreSlim _one = new(1);
    private WebApplication? _application;

    public BrokerAuthDoor(CommandCenter center, WebOptions options, ILoggerFactory loggers)
    {
        if (!System.Net.IPAddress.IsLoopback(options.AuthListen) && (options.AuthFrom.Count == 0 || options.AuthToken is null))
            throw new WebConsoleException("the endpoints for other brokers listen beyond loopback only with named source addresses and a token: set auth:from and auth:token");
        (_center, _options, _loggers) = (center, options, loggers);
        center.TotpAccounts.Needed += OpenAsync;
    }

    /// <summary>Null while it is shut.</summary>
    public Uri? Url { get; private set; }

    public Task StartAsync(CancellationToken cancellationToken) => _options.OpenAuth || _center.TotpAccounts.Any ? OpenAsync(cancellationToken) : Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => _application?.StopAsync(cancellationToken) ?? Task.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        _center.TotpAccounts.Needed -= OpenAsync;
        if (_application is not null) await _application.DisposeAsync();
        _one.Dispose();
    }

    private Task OpenAsync() => OpenAsync(CancellationToken.None);

    private async Task OpenAsync(CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken);
        try
        {
            if (_application is not null) return;
            var application = AuthHost.Build(_center, _options, _loggers);
            try
            {
                Url = await Listener.StartAsync(application, _center, _options, _options.AuthPort, "--port-auth", cancellationToken);
                if (System.Net.IPAddress.IsLoopback(_options.AuthListen)) Url = new UriBuilder(Url) { Host = _options.AuthListen.ToString() }.Uri;
                _application = application;
            }
            catch
            {
                await application.DisposeAsync();
                throw;
            }
        }
        finally
        {
            _one.Release();
        }
    }
}
