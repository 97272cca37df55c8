using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Signet.Control;
using Signet.Web.Enrolment;

namespace Signet.Web.Hosting;

/// <summary>Kestrel as both doors use it: nothing from configuration files or environment, no <c>Server</c> header, bounded bodies, headers and connections.</summary>
internal static class Listener
{
    private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(5);

    /// <summary>A builder that brings nothing along but Kestrel, routing and the caller's log.</summary>
    public static WebApplicationBuilder NewBuilder(ILoggerFactory loggers)
    {
        var builder = WebApplication.CreateEmptyBuilder(new()
        {
            ApplicationName = typeof(Listener).Assembly.GetName().Name,
            ContentRootPath = AppContext.BaseDirectory,
            EnvironmentName = Environments.Production,
        });
        builder.WebHost.UseKestrelCore();
        builder.Services.AddRouting();
        builder.Services.AddSingleton(loggers);
        // The program that carries us decides about signals and its own end.
        builder.Services.AddSingleton<IHostLifetime, CarriedLifetime>();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = Farewell);
        return builder;
    }

    public static void Bound(KestrelServerOptions kestrel)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxRequestBodySize = WebLimits.RequestBody;
        kestrel.Limits.MaxRequestHeadersTotalSize = WebLimits.RequestHeaders;
        kestrel.Limits.MaxConcurrentConnections = WebLimits.Connections;
        kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(15);
    }

    /// <summary>TLS with the center's own certificate, asked for anew at every handshake: a renewed one needs no restart.</summary>
    public static void UseTls(ListenOptions listen, CommandCenter center, WebOptions options, CertificateDoor? door = null)
    {
        listen.Protocols = HttpProtocols.Http1AndHttp2;
        listen.UseHttps(new TlsHandshakeCallbackOptions
        {
            HandshakeTimeout = TimeSpan.FromSeconds(10),
            OnConnection = _ =>
            {
                var tls = new SslServerAuthenticationOptions
                {
                    ServerCertificateContext = center.ServerCertificates.Center,
                    EnabledSslProtocols = options.AllowTls12 ? SslProtocols.Tls12 | SslProtocols.Tls13 : SslProtocols.Tls13,
                    AllowRenegotiation = false,
                    CipherSuitesPolicy = options.AllowTls12 ? Ciphers : null,
                };
                door?.AskFor(tls);
                return ValueTask.FromResult(tls);
            },
        });
        if (door is not null) listen.Use(door.Watch);
    }

    /// <summary>Starts listening and returns the address with a name the certificate covers.</summary>
    public static async Task<Uri> StartAsync(WebApplication application, CommandCenter center, WebOptions options, int port, string option, CancellationToken cancellationToken)
    {
        try
        {
            await application.StartAsync(cancellationToken);
        }
        catch (IOException e) when (e.InnerException is AddressInUseException)
        {
            throw new WebConsoleException($"port {port} on {options.Listen} is taken by another program: end it, or choose another port with {option}", e);
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            throw new WebConsoleException($"cannot listen on {options.Listen} port {port}: {e.Message}", e);
        }
        var bound = new Uri(application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());
        return new UriBuilder(bound) { Host = PublicHost(center, options) }.Uri;
    }

    private static string PublicHost(CommandCenter center, WebOptions options)
    {
        if (IPAddress.IsLoopback(options.Listen)) return "localhost";
        var any = options.Listen.Equals(IPAddress.Any) || options.Listen.Equals(IPAddress.IPv6Any);
        return options.Hosts.Concat(center.Installation.Hosts).FirstOrDefault(host => host != "localhost" && !IPAddress.TryParse(host, out _))
            ?? (any ? Environment.MachineName : options.Listen.ToString());
    }

#pragma warning disable CA1416 // only reached on Linux and macOS
    private static readonly CipherSuitesPolicy? Ciphers = OperatingSystem.IsWindows() ? null : new(
    [
        TlsCipherSuite.TLS_AES_256_GCM_SHA384, TlsCipherSuite.TLS_AES_128_GCM_SHA256, TlsCipherSuite.TLS_CHACHA20_POLY1305_SHA256,
        TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        TlsCipherSuite.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, TlsCipherSuite.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    ]);
#pragma warning restore CA1416

    private sealed class CarriedLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;
        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
