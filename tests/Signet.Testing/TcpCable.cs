using System.Net;
using System.Net.Sockets;

namespace Signet.Testing;

/// <summary>A cable between a client and a server on loopback that a test can pull: both ends see the connection break, without a goodbye, and no new one is made.</summary>
public sealed class TcpCable : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _pulled = new();
    private readonly List<Socket> _ends = [];
    private readonly IPEndPoint _server;
    private readonly Task _accepting;

    public TcpCable(IPEndPoint server)
    {
        _server = server;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public async Task PullAsync()
    {
        if (_pulled.IsCancellationRequested) return;
        await _pulled.CancelAsync();
        _listener.Stop();
        lock (_ends)
        {
            foreach (var end in _ends)
            {
                end.LingerState = new(true, 0); // reset, as when the power goes
                end.Dispose();
            }
        }

        await _accepting;
    }

    public async ValueTask DisposeAsync()
    {
        await PullAsync();
        _pulled.Dispose();
        _listener.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptSocketAsync(_pulled.Token);
                var server = new Socket(SocketType.Stream, ProtocolType.Tcp);
                await server.ConnectAsync(_server, _pulled.Token);
                lock (_ends) _ends.AddRange([client, server]);
                _ = CarryAsync(client, server);
                _ = CarryAsync(server, client);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Pulled.
        }
    }

    private async Task CarryAsync(Socket from, Socket to)
    {
        var buffer = new byte[16 * 1024];
        try
        {
            while (await from.ReceiveAsync(buffer, _pulled.Token) is > 0 and var got) await to.SendAsync(buffer.AsMemory(0, got), _pulled.Token);
            to.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // One end is gone; the other notices by itself.
        }
    }
}
