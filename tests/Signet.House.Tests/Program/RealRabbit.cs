using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Signet.House.Tests.Program;

/// <summary>A node of Debian's RabbitMQ over the files that <c>signet broker config rabbitmq</c> wrote. Name, cookie, database, log and port mapper are its own.</summary>
public sealed class RealRabbit : IAsyncDisposable
{
    private readonly string _folder;
    private readonly string _name;
    private readonly int _distribution = FreePort();
    private readonly int _mapper;
    private Process? _process;

    /// <param name="folder">With rabbitmq.conf and enabled_plugins.</param>
    /// <param name="name">Of the node.</param>
    /// <param name="port">Of its MQTT listener.</param>
    /// <param name="mapper">Port of the port mapper that the nodes of a cluster share.</param>
    public RealRabbit(string folder, string name, int port, int mapper) => (_folder, _name, Port, _mapper) = (folder, name, port, mapper);

    public int Port { get; }

    public async Task StartAsync()
    {
        var process = Start("rabbitmq-server", []);
        _process = process;
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        for (var waited = Stopwatch.StartNew(); !Answers(Port); await Task.Delay(100))
        {
            if (process.HasExited || waited.Elapsed > TimeSpan.FromSeconds(90)) throw new InvalidOperationException($"RabbitMQ does not start: {string.Join('\n', Directory.EnumerateFiles(Path.Combine(_folder, "log")).Select(File.ReadAllText).Select(t => t[Math.Max(0, t.Length - 2000)..]))}");
        }
    }

    /// <summary>kill -9 of the whole node.</summary>
    public async Task KillAsync()
    {
        if (_process is null) return;
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
        _process = null;
    }

    /// <summary>rabbitmqctl on this node.</summary>
    public async Task ControlAsync(params string[] arguments)
    {
        using var control = Start("rabbitmqctl", arguments);
        var ended = await Peer.EndAsync(control, 60);
        ended.ExitCode.ShouldBe(0, ended.Error + ended.Output);
    }

    public async ValueTask DisposeAsync() => await KillAsync();

    private Process Start(string program, string[] arguments)
    {
        const string Home = "/usr/lib/rabbitmq/lib";
        var path = Directory.Exists(Home) ? Directory.GetDirectories(Home, "rabbitmq_server-*").Select(d => Path.Combine(d, "sbin", program)).FirstOrDefault(File.Exists) : null;
        if (path is null) throw new FileNotFoundException("rabbitmq-server is missing: install the Debian package rabbitmq-server (eng/prerequisites.sh does)", program);
        var home = Directory.CreateDirectory(Path.Combine(_folder, "home")).FullName;
        var cookie = Path.Combine(home, ".erlang.cookie");
        if (!File.Exists(cookie))
        {
            File.WriteAllText(cookie, "OnlyForThisTest");
            File.SetUnixFileMode(cookie, UnixFileMode.UserRead);
        }

        var start = new ProcessStartInfo(path, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (key, value) in new Dictionary<string, string>
        {
            ["HOME"] = home, ["RABBITMQ_NODENAME"] = $"{_name}@localhost", ["RABBITMQ_MNESIA_BASE"] = Path.Combine(_folder, "mnesia"), ["RABBITMQ_LOG_BASE"] = Path.Combine(_folder, "log"),
            ["RABBITMQ_CONFIG_FILE"] = Path.Combine(_folder, "rabbitmq.conf"), ["RABBITMQ_ENABLED_PLUGINS_FILE"] = Path.Combine(_folder, "enabled_plugins"),
            ["ERL_EPMD_PORT"] = _mapper.ToString(CultureInfo.InvariantCulture), ["ERL_EPMD_ADDRESS"] = "127.0.0.1", ["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"] = "+S 1:1 +sbwt none",
        }) start.Environment[key] = value;
        if (program == "rabbitmq-server") start.Environment["RABBITMQ_DIST_PORT"] = _distribution.ToString(CultureInfo.InvariantCulture);
        var process = Process.Start(start)!;
        process.StandardInput.Close();
        return process;
    }

    private static bool Answers(int port)
    {
        try
        {
            using var socket = new TcpClient();
            socket.Connect(IPAddress.Loopback, port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    /// <summary>Ends the port mapper that the nodes have started: it puts itself into the background and outlives them. Known by its port in its environment; <c>epmd -kill</c> refuses while a node that was just killed is still on its list.</summary>
    public static void EndMapper(int port)
    {
        foreach (var process in Process.GetProcessesByName("epmd"))
        {
            using (process)
            {
                try
                {
                    if (File.ReadAllText($"/proc/{process.Id.ToString(CultureInfo.InvariantCulture)}/environ").Split('\0').Contains($"ERL_EPMD_PORT={port.ToString(CultureInfo.InvariantCulture)}")) process.Kill();
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidOperationException)
                {
                    // gone, or somebody else's
                }
            }
        }
    }

    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
