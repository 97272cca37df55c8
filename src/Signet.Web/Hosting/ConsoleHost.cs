using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Signet.Control;
using Signet.Web.SignIn;

namespace Signet.Web.Hosting;

internal static class ConsoleHost
{
    public static WebApplication Build(CommandCenter center, WebOptions options, ILoggerFactory loggers)
    {
        var builder = Listener.NewBuilder(loggers);
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            Listener.Bound(kestrel);
            kestrel.Listen(options.Listen, options.ConsolePort, listen => Listener.UseTls(listen, center, options));
        });
        builder.Services.AddSingleton(center).AddSingleton(options).AddSingleton(options.Time);
        builder.Services.AddSingleton(new SetupLink(options.Time, options.Random)).AddSingleton<LoginThrottle>();
        return builder.Build();
    }
}
