using System.Net;
using System.Net.Sockets;

namespace Signet.House.Tests.Program;

/// <summary>A line to a TCP port on this machine that can be made to hang: then it takes connections, and nothing comes back.</summary>
public sealed class Forwarder : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly List<TcpClient> _open = [];
    private readonly Lock _one = new();
    private readonly int _to;
    private bool _hangs;

    public Forwarder(int to)
    {
        _to = to;
        _listener.Start();
        _ = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public bool Hangs
    {
        set
        {
            lock (_one)
            {
                _hangs = value;
                _open.ForEach(o => o.Dispose());
                _open.Clear();
            }
        }
    }

    public ValueTask DisposeAsync()
    {
        _listener.Dispose();
        Hangs = true;
        return ValueTask.CompletedTask;
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptTcpClientAsync();
                lock (_one)
                {
                    _open.Add(client);
                    if (_hangs) continue;
                }

                _ = ForwardAsync(client);
            }
        }
        catch (Exception e) when (e is ObjectDisposedException or SocketException)
        {
            // the end
        }
    }

    private async Task ForwardAsync(TcpClient client)
    {
        using var server = new TcpClient();
        try
        {
            await server.ConnectAsync(IPAddress.Loopback, _to);
            await Task.WhenAny(client.GetStream().CopyToAsync(server.GetStream()), server.GetStream().CopyToAsync(client.GetStream()));
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // one end is gone
        }

        client.Dispose();
    }
}
