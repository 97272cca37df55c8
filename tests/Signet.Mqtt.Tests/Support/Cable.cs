using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Signet.Mqtt.Tests.Support;

/// <summary>A TCP relay that can be cut: everything open breaks without a word, and new connections go through again.</summary>
public sealed class Cable : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentBag<Socket> ends = [];
    private readonly int target;
    private bool swallows;

    private Cable(int target) => this.target = target;

    /// <summary>What the client sends from now on goes nowhere; it notices nothing.</summary>
    public bool SwallowsToBroker
    {
        get => Volatile.Read(ref swallows);
        set => Volatile.Write(ref swallows, value);
    }

    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    public static Task<Cable> StartAsync(int target)
    {
        var cable = new Cable(target);
        cable.listener.Start();
        _ = cable.AcceptAsync();
        return Task.FromResult(cable);
    }

    public void Cut()
    {
        while (ends.TryTake(out var end))
        {
            end.LingerState = new LingerOption(true, 0);
            end.Dispose();
        }
    }

    public ValueTask DisposeAsync()
    {
        listener.Dispose();
        Cut();
        return ValueTask.CompletedTask;
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var near = await listener.AcceptSocketAsync();
                var far = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                await far.ConnectAsync(IPAddress.Loopback, target);
                ends.Add(near);
                ends.Add(far);
                _ = PumpAsync(near, far, true);
                _ = PumpAsync(far, near, false);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // the cable is taken away
        }
    }

    private async Task PumpAsync(Socket from, Socket to, bool isToBroker)
    {
        var buffer = new byte[16 * 1024];
        try
        {
            for (int count; (count = await from.ReceiveAsync(buffer)) > 0;)
            {
                if (isToBroker && SwallowsToBroker) continue;
                for (var at = 0; at < count;) at += await to.SendAsync(buffer.AsMemory(at, count - at));
            }

            to.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // cut
        }
    }
}
