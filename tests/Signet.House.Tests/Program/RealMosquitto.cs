using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Signet.House.Tests.Program;

/// <summary>Debian's Mosquitto on a free port with somebody's certificates: client certificates required, and a user with a password.</summary>
public sealed class RealMosquitto : IAsyncDisposable
{
    public const string User = "ana", Password = "correct horse";
    private readonly Process _process;

    private RealMosquitto(Process process, int port) => (_process, Port) = (process, port);

    public int Port { get; }

    /// <param name="folder">Holds root.crt and NAME.crt (leaf, then intermediate) with NAME.key.</param>
    /// <param name="name">Of the broker's certificate.</param>
    public static async Task<RealMosquitto> StartAsync(string folder, string name)
    {
        var port = FreePort();
        var passwords = Path.Combine(folder, "passwords");
        (await Peer.RunAsync("mosquitto_passwd", ["-c", "-b", passwords, User, Password])).ExitCode.ShouldBe(0);
        // Mosquitto wants root and intermediate in one file to check clients.
        var intermediate = File.ReadAllText(Path.Combine(folder, name + ".crt")).Split("-----END CERTIFICATE-----")[1] + "-----END CERTIFICATE-----\n";
        File.WriteAllText(Path.Combine(folder, "ca.pem"), File.ReadAllText(Path.Combine(folder, "root.crt")) + intermediate);
        File.WriteAllText(Path.Combine(folder, "mosquitto.conf"), $"""
            listener {port.ToString(CultureInfo.InvariantCulture)} 127.0.0.1
            cafile {folder}/ca.pem
            certfile {folder}/{name}.crt
            keyfile {folder}/{name}.key
            require_certificate true
            tls_version tlsv1.3
            allow_anonymous false
            password_file {passwords}
            user root
            """);
        var process = Peer.Begin("/usr/sbin/mosquitto", ["-c", Path.Combine(folder, "mosquitto.conf")]);
        _ = process.StandardOutput.ReadToEndAsync();
        var words = process.StandardError.ReadToEndAsync();
        var waited = Stopwatch.StartNew();
        while (!Answers(port))
        {
            if (process.HasExited || waited.Elapsed > TimeSpan.FromSeconds(60)) throw new InvalidOperationException("mosquitto does not start: " + await words);
            await Task.Delay(20);
        }

        return new(process, port);
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
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

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
