using System.CommandLine;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Signet.Cli.Shell;
using Signet.Mqtt;
using Signet.Mqtt.Broker;
using Signet.Mqtt.Broker.Storage;
using Signet.Store;

namespace Signet.Cli.Bare;

/// <summary><c>signet broker run</c>: the MQTT library's broker alone, without command center, policy or log. On loopback only.</summary>
internal static class BareBroker
{
    private static readonly Option<int?> Plain = new("--plain") { Description = "Listen on this port without TLS (0 picks a free one); needs --allow-anonymous", HelpName = "PORT" };
    private static readonly Option<bool> AllowAnonymous = new("--allow-anonymous") { Description = "Let everybody do everything" };
    private static readonly Option<int?> Tls = new("--tls") { Description = "Listen on this port with mutual TLS (0 picks a free one)", HelpName = "PORT" };
    private static readonly Option<string?> Ca = new("--ca") { Description = "Certificates that client certificates must lead to (PEM)", HelpName = "FILE" };
    private static readonly Option<string?> Cert = new("--cert") { Description = "The broker's certificate, with intermediates (PEM)", HelpName = "FILE" };
    private static readonly Option<string?> Key = new("--key") { Description = "The broker's private key (PEM, 0600)", HelpName = "FILE" };
    private static readonly Option<string?> Crl = new("--crl") { Description = "Revocation list of the CA (PEM or DER); read again on SIGHUP", HelpName = "FILE" };
    private static readonly Option<string?> Data = new("--data") { Description = "Keep sessions, what waits for them and retained messages here; without it in memory", HelpName = "DIR" };
    private static readonly Option<string?> Policy = new("--policy") { Description = "Rules for who may do what (JSON, as `signet policy export` writes it); read again on SIGHUP", HelpName = "FILE" };
    private static readonly Option<int> MaxPacket = Number("--max-packet", "Largest packet, bytes", new BrokerLimits().MaximumPacketSize, 1024, BrokerLimits.ProtocolMaxPacket);
    private static readonly Option<int> ReceiveMaximum = Number("--receive-maximum", "Unacknowledged messages a client may have", new BrokerLimits().ReceiveMaximum, 1, ushort.MaxValue);
    private static readonly Option<int> MaxKeepAlive = Number("--max-keep-alive", "Longest keep alive granted, seconds", ushort.MaxValue, 1, ushort.MaxValue);
    private static readonly Option<int> MaxQoS = Number("--max-qos", "Highest QoS granted", 2, 0, 2);
    private static readonly Option<string?> StatsJson = new("--stats-json") { Description = "Write the counters here when the broker stops", HelpName = "FILE" };

    public static Command Build() => Verb.Make("run", "A bare MQTT 3.1.1 and 5.0 broker on loopback, for conformance suites and benchmarks",
        [Plain, AllowAnonymous, Tls, Ca, Cert, Key, Crl, Data, Policy, MaxPacket, ReceiveMaximum, MaxKeepAlive, MaxQoS, StatsJson], RunAsync);

    private static async Task<ExitCode> RunAsync(ParseResult parsed, Printer printer, CancellationToken cancellation)
    {
        if (parsed.GetValue(Plain) is null && parsed.GetValue(Tls) is null)
            throw new CliException(ExitCode.WrongUsage, "Name a port: --plain PORT --allow-anonymous, or --tls PORT --ca F --cert F --key F.");
        if (parsed.GetValue(Plain) is not null && !parsed.GetValue(AllowAnonymous))
            throw new CliException(ExitCode.WrongUsage, "A port without TLS knows nobody's name: add --allow-anonymous if that is meant.");
        if (parsed.GetValue(Tls) is null && parsed.GetValue(Crl) is not null)
            throw new CliException(ExitCode.WrongUsage, "--crl judges client certificates: it needs --tls PORT.");

        var anonymous = parsed.GetValue(AllowAnonymous);
        var rules = parsed.GetValue(Policy) is { } file ? new FilePolicy(file, anonymous) : null;
        var tls = parsed.GetValue(Tls) is null ? null : new BareTls(Required(parsed, Ca), Required(parsed, Cert), Required(parsed, Key), parsed.GetValue(Crl));
        await using var broker = await OpenAsync(parsed, (IBrokerPolicy?)rules ?? new OpenPolicy(anonymous), cancellation);
        using var again = PosixSignalRegistration.Create(PosixSignal.SIGHUP, signal =>
        {
            signal.Cancel = true;
            Reload(broker, rules, tls, printer);
        });
        var listeners = new List<MqttListener>();
        try
        {
            var ready = new JsonObject { ["event"] = "ready" };
            if (parsed.GetValue(Plain) is { } plain)
                Open(new() { EndPoint = new(IPAddress.Loopback, plain), Name = "plain" });
            if (parsed.GetValue(Tls) is { } secure)
                Open(new() { EndPoint = new(IPAddress.Loopback, secure), Name = "tls", Tls = () => tls!.Server, ValidateClientCertificate = tls!.WhyNot });
            if (printer.Json)
                printer.Object(ready);

            await Task.Delay(Timeout.InfiniteTimeSpan, cancellation).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            if (parsed.GetValue(StatsJson) is { } stats)
                await File.WriteAllTextAsync(stats, Stats(broker.Counters).ToJsonString() + "\n", CancellationToken.None);
            return ExitCode.Done;

            void Open(ListenerOptions options)
            {
                try
                {
                    var listener = MqttListener.Start(broker, options);
                    listeners.Add(listener);
                    ready[options.Name] = listener.EndPoint.Port;
                    printer.Line($"{options.Name}: 127.0.0.1:{listener.EndPoint.Port}");
                }
                catch (SocketException problem)
                {
                    throw new CliException(ExitCode.Refused, $"Port {options.EndPoint.Port} cannot be opened: {problem.Message}. Choose another, or 0 for a free one.");
                }
            }
        }
        finally
        {
            foreach (var listener in listeners)
                await listener.DisposeAsync();
        }
    }

    private static async Task<MqttBroker> OpenAsync(ParseResult parsed, IBrokerPolicy policy, CancellationToken cancellation)
    {
        var options = new BrokerOptions
        {
            Limits = new()
            {
                MaximumPacketSize = parsed.GetValue(MaxPacket),
                ReceiveMaximum = (ushort)parsed.GetValue(ReceiveMaximum),
                MaximumKeepAlive = TimeSpan.FromSeconds(parsed.GetValue(MaxKeepAlive)),
                MaximumQoS = (QoS)parsed.GetValue(MaxQoS),
                // All clients of a load generator have one name.
                PerIdentity = new() { Connections = 100_000, Sessions = 100_000 },
            },
        };
        if (parsed.GetValue(Data) is not { } directory)
            return new(options, policy, TimeProvider.System);
        try
        {
            if (OperatingSystem.IsWindows())
                Directory.CreateDirectory(directory);
            else
                Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            return await MqttBroker.OpenAsync(options with { Store = SqliteSessionStore.Open(Path.Combine(directory, "sessions.db")) }, policy, TimeProvider.System, null, cancellation);
        }
        catch (Exception e) when (e is StoreException or IOException or UnauthorizedAccessException)
        {
            throw new CliException(ExitCode.Refused, $"--data {directory} cannot be used: {e.Message}");
        }
    }

    /// <summary>SIGHUP: policy and revocation list are read again, and bite what is open. A file that is no good changes nothing.</summary>
    private static void Reload(MqttBroker broker, FilePolicy? rules, BareTls? tls, Printer printer)
    {
        try
        {
            rules?.Reload();
            tls?.Reload();
            broker.PolicyChanged();
            var closed = tls is null ? 0 : broker.Disconnect(s => s.Connected && s.ClientCertificate is { } certificate && tls.WhyNot(certificate, null) is not null, ReasonCode.NotAuthorized, "the certificate was revoked");
            printer.Error.WriteLine($"read again; closed {closed} connections");
        }
        catch (CliException e)
        {
            printer.Error.WriteLine($"{e.Message} Nothing was changed.");
        }
    }

    private static string Required(ParseResult parsed, Option<string?> option) =>
        parsed.GetValue(option) ?? throw new CliException(ExitCode.WrongUsage, $"--tls needs {option.Name} FILE.");

    private static JsonObject Stats(BrokerCounters counters) => new()
    {
        ["allocatedBytes"] = GC.GetTotalAllocatedBytes(),
        ["connectionsTotal"] = counters.ConnectionsTotal,
        ["messagesIn"] = counters.MessagesIn,
        ["messagesOut"] = counters.MessagesOut,
        ["bytesIn"] = counters.BytesIn,
        ["bytesOut"] = counters.BytesOut,
        ["dropped"] = counters.Dropped,
        ["expired"] = counters.Expired,
        ["sessions"] = counters.Sessions,
        ["subscriptions"] = counters.Subscriptions,
        ["retained"] = counters.RetainedMessages,
        ["refused"] = new JsonObject(Enum.GetValues<RefusalKind>().Select(kind => KeyValuePair.Create<string, JsonNode?>(Lower(kind), counters.Refusals(kind)))),
    };

    private static string Lower(RefusalKind kind)
    {
        var name = kind.ToString();
        return char.ToLowerInvariant(name[0]) + name[1..];
    }

    private static Option<int> Number(string name, string description, int standard, int least, int most)
    {
        var option = new Option<int>(name) { Description = $"{description} (default {standard})", HelpName = "N", DefaultValueFactory = _ => standard };
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() < least || result.GetValueOrDefault<int>() > most)
                result.AddError($"{name} takes a number from {least} to {most}.");
        });
        return option;
    }
}
