using System.Net;
using System.Net.Sockets;

namespace Signet.Lab;

/// <summary>A man in the middle on loopback: everything between a client and the broker passes here, is looked at, and may be changed.</summary>
internal sealed class TcpRelay : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _accepting;
    private readonly MemoryStream _seen = new();
    private readonly Func<byte[], byte[]>? _change;

    /// <param name="change">Applied to each piece on its way to the broker.</param>
    public TcpRelay(IPEndPoint broker, Func<byte[], byte[]>? change = null)
    {
        _change = change;
        _listener.Start();
        _accepting = AcceptAsync(broker);
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Does any of what passed, either way, hold these bytes?</summary>
    public bool Saw(ReadOnlySpan<byte> bytes)
    {
        lock (_seen) return _seen.GetBuffer().AsSpan(0, (int)_seen.Length).IndexOf(bytes) >= 0;
    }

    public long Passed
    {
        get
        {
            lock (_seen) return _seen.Length;
        }
    }

    private async Task AcceptAsync(IPEndPoint broker)
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptTcpClientAsync(_stop.Token);
                var server = new TcpClient();
                await server.ConnectAsync(broker, _stop.Token);
                _ = PumpAsync(client, server, _change);
                _ = PumpAsync(server, client, null);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // closed
        }
    }

    private async Task PumpAsync(TcpClient from, TcpClient to, Func<byte[], byte[]>? change)
    {
        using (from)
        using (to)
        {
            var buffer = new byte[16 * 1024];
            try
            {
                int read;
                while ((read = await from.GetStream().ReadAsync(buffer, _stop.Token)) > 0)
                {
                    var piece = buffer[..read];
                    lock (_seen)
                        if (_seen.Length < 8 << 20) _seen.Write(piece);
                    await to.GetStream().WriteAsync(change is null ? piece : change(piece), _stop.Token);
                }
            }
            catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException or SocketException)
            {
                // one side is gone
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        _stop.Dispose();
        _listener.Dispose();
    }
}
