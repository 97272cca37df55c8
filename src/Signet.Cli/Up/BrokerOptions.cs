using System.Net;
using Signet.Cli.Shell;
using Signet.Control;

namespace Signet.Cli.Up;

/// <summary>Which broker carries the messages, out of the settings.</summary>
internal static class BrokerOptions
{
    private const string PluginFile = "signet_mosquitto.so";

    /// <summary>Null: the embedded one.</summary>
    public static OtherBroker? Of(SignetSettings settings)
    {
        var kind = settings[Setting.BrokerKind];
        if (kind == "embedded") return null;
        var address = settings[Setting.BrokerAddress] is { Length: > 0 } text && Setting.Address(text) is { } url ? new DnsEndPoint(url.IdnHost.Trim('[', ']'), url.Port) : null;
        if (kind == "rabbitmq" && address is null)
            throw new CliException(ExitCode.WrongUsage, $"--broker rabbitmq needs broker:address ({Setting.BrokerAddress.EnvironmentName}=HOST:PORT): somebody else runs it. Its configuration: signet broker config rabbitmq DIR");
        return new()
        {
            Kind = kind == "rabbitmq" ? BrokerKind.RabbitMq : BrokerKind.Mosquitto,
            Address = address,
            Directory = NullIfEmpty(settings[Setting.BrokerDirectory]),
            Plugin = NullIfEmpty(settings[Setting.BrokerPlugin]) ?? new[] { Path.Combine(AppContext.BaseDirectory, PluginFile), Path.Combine("/usr/lib/signet", PluginFile) }.FirstOrDefault(File.Exists),
            Management = settings[Setting.BrokerManagement] is { Length: > 0 } management ? new Uri(management.TrimEnd('/') + "/") : null,
            ManagementUser = settings[Setting.BrokerManagementUser],
            ManagementPasswordFile = NullIfEmpty(settings[Setting.BrokerManagementPasswordFile]),
        };
    }

    private static string? NullIfEmpty(string text) => text.Length == 0 ? null : text;
}
