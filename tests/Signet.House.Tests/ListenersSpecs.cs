using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Signet.House.Tests.Program;

namespace Signet.House.Tests;

/// <summary>What <c>up</c> listens on: the ports it names and no other, none of which takes a client that has not shown who it is. The lab's open broker is not among them.</summary>
public sealed class ListenersSpecs : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("signet-listeners-").FullName;

    [Fact]
    [Trait("row", "S4-3")]
    public async Task Up_opens_the_ports_it_names_and_none_of_them_is_an_open_broker()
    {
        await using var signet = await SignetProcess.UpAsync(Path.Combine(_folder, "data"), "--demo");
        var named = new[] { "console", "mqtt", "mqttPassword", "pki", "auth" }.Select(door => (string?)signet.Ready[door]).OfType<string>().Select(address => new Uri(address).Port).Order().ToList();
        var ports = ListeningOf(signet.Id);
        ports.ShouldBe(named);
        foreach (var port in ports) (await GreetsPlainMqttAsync(port)).ShouldBeFalse($"port {port} let a nameless client in over plain MQTT");
        await signet.InterruptAsync();
    }

    /// <summary>Addresses in state LISTEN whose socket is one of the process's file descriptors (proc(5), net/tcp), as <c>ADDRESS:PORT</c>.</summary>
    internal static List<string> AddressesOf(int process)
    {
        var sockets = Directory.EnumerateFiles($"/proc/{process}/fd").Select(fd => new FileInfo(fd).LinkTarget ?? "").Where(target => target.StartsWith("socket:[", StringComparison.Ordinal))
            .Select(target => target["socket:[".Length..^1]).ToHashSet(StringComparer.Ordinal);
        return [.. new[] { "tcp", "tcp6" }.SelectMany(table => File.ReadLines($"/proc/{process}/net/{table}").Skip(1)).Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Where(row => row[3] == "0A" && sockets.Contains(row[9])).Select(row => Address(row[1])).Distinct(StringComparer.Ordinal)];

        // Words of four bytes in the machine's order, each.
        static string Address(string hexadecimal)
        {
            var bytes = Convert.FromHexString(hexadecimal.Split(':')[0]);
            for (var word = 0; word < bytes.Length; word += 4) Array.Reverse(bytes, word, 4);
            return new IPEndPoint(new IPAddress(bytes), int.Parse(hexadecimal.Split(':')[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture)).ToString();
        }
    }

    private static List<int> ListeningOf(int process) => [.. AddressesOf(process).Select(address => IPEndPoint.Parse(address).Port).Distinct().Order()];

    private static async Task<bool> GreetsPlainMqttAsync(int port)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, port);
        byte[] connect = [0x10, 16, 0, 4, (byte)'M', (byte)'Q', (byte)'T', (byte)'T', 5, 2, 0, 60, 0, 0, 3, (byte)'w', (byte)'h', (byte)'o'];
        await client.GetStream().WriteAsync(connect);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        var answer = new byte[4];
        try
        {
            return await client.GetStream().ReadAsync(answer, patience.Token) >= 4 && answer[0] == 0x20 && answer[3] == 0;
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            return false;
        }
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
