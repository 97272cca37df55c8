using System.Diagnostics;
using Signet.Mqtt.Client;
using Signet.Mqtt.Tests.Support;

namespace Signet.Mqtt.Tests.Peers;

/// <summary>A broker for our client to meet: ours, Mosquitto or RabbitMQ, on a free loopback port. A missing program fails with the package that brings it.</summary>
public sealed class PeerBroker : IAsyncDisposable
{
    private readonly TestBroker? ours;
    private readonly Process? process;
    private readonly string? directory;
    private string? mapper;

    private PeerBroker(int port, TestBroker? ours, Process? process, string? directory) => (Port, this.ours, this.process, this.directory) = (port, ours, process, directory);

    public int Port { get; }

    public static async Task<PeerBroker> StartAsync(string name)
    {
        if (name == "signet")
        {
            var house = await TestBroker.StartAsync();
            return new(house.Port, house, null, null);
        }

        var port = FreePort.Next();
        var folder = Directory.CreateTempSubdirectory("mqtt-peer").FullName;
        var epmd = $"{FreePort.Next()}";
        var broker = new PeerBroker(port, null, name == "mosquitto" ? Mosquitto(port, folder) : Rabbit(port, folder, epmd), folder) { mapper = name == "mosquitto" ? null : epmd };
        for (var clock = Stopwatch.StartNew(); ; await Task.Delay(100))
        {
            try
            {
                await using var probe = await MqttClient.ConnectAsync(broker.Options("probe", MqttVersion.V311));
                return broker;
            }
            catch (MqttException) when (clock.Elapsed < TimeSpan.FromSeconds(60) && !broker.process!.HasExited)
            {
                // not yet
            }
        }
    }

    public MqttClientOptions Options(string id, MqttVersion version) => new() { Host = "127.0.0.1", Port = Port, ClientId = id, Version = version, Reconnect = null };

    public async ValueTask DisposeAsync()
    {
        if (ours is not null) await ours.DisposeAsync();
        if (process is not null)
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync();
            process.Dispose();
        }

        if (mapper is not null) EndMapper();
        if (directory is not null) Directory.Delete(directory, true);
    }

    // RabbitMQ's port mapper puts itself into the background and outlives its node; it is known by its port in its environment.
    private void EndMapper()
    {
        foreach (var left in Process.GetProcessesByName("epmd"))
        {
            using (left)
            {
                try
                {
                    if (File.ReadAllText($"/proc/{left.Id}/environ").Split('\0').Contains("ERL_EPMD_PORT=" + mapper)) left.Kill();
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidOperationException)
                {
                    // gone, or somebody else's
                }
            }
        }
    }

    private static Process Mosquitto(int port, string directory)
    {
        File.WriteAllText(Path.Combine(directory, "mosquitto.conf"), $"listener {port} 127.0.0.1\nallow_anonymous true\n");
        return Start("mosquitto", ["-c", Path.Combine(directory, "mosquitto.conf")], [], "mosquitto");
    }

    /// <summary>A node of its own: name, cookie, database, log and port mapper are this test's.</summary>
    private static Process Rabbit(int port, string directory, string epmd)
    {
        const string home = "/usr/lib/rabbitmq/lib";
        var sbin = Directory.Exists(home) ? Directory.GetDirectories(home, "rabbitmq_server-*").Select(d => Path.Combine(d, "sbin", "rabbitmq-server")).FirstOrDefault(File.Exists) : null;
        if (sbin is null) throw new FileNotFoundException("rabbitmq-server is missing: install the Debian package rabbitmq-server (eng/prerequisites.sh does)", "rabbitmq-server");
        File.WriteAllText(Path.Combine(directory, ".erlang.cookie"), "OnlyForThisTest");
        File.SetUnixFileMode(Path.Combine(directory, ".erlang.cookie"), UnixFileMode.UserRead);
        File.WriteAllText(Path.Combine(directory, "rabbitmq.conf"), $"listeners.tcp = none\nmqtt.listeners.tcp.1 = 127.0.0.1:{port}\nmqtt.allow_anonymous = true\nmqtt.default_user = guest\nmqtt.default_pass = guest\n");
        File.WriteAllText(Path.Combine(directory, "enabled_plugins"), "[rabbitmq_mqtt].\n");
        return Start(sbin, [], new()
        {
            ["HOME"] = directory, ["RABBITMQ_NODENAME"] = $"n{port}@localhost", ["RABBITMQ_MNESIA_BASE"] = directory, ["RABBITMQ_LOG_BASE"] = directory, ["RABBITMQ_CONFIG_FILE"] = Path.Combine(directory, "rabbitmq.conf"),
            ["RABBITMQ_ENABLED_PLUGINS_FILE"] = Path.Combine(directory, "enabled_plugins"), ["RABBITMQ_DIST_PORT"] = $"{FreePort.Next()}", ["ERL_EPMD_PORT"] = epmd, ["ERL_EPMD_ADDRESS"] = "127.0.0.1",
            ["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"] = "+S 1:1 +sbwt none",
        }, "rabbitmq-server");
    }

    private static Process Start(string program, string[] arguments, Dictionary<string, string> environment, string package)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment) start.Environment[name] = value;
        try
        {
            var started = Process.Start(start)!;
            started.OutputDataReceived += (_, _) => { }; // nobody reads it; the pipes must not fill
            started.BeginOutputReadLine();
            started.ErrorDataReceived += (_, _) => { };
            started.BeginErrorReadLine();
            return started;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            throw new FileNotFoundException($"{program} is missing: install the Debian package {package} (eng/prerequisites.sh does)", program);
        }
    }
}
