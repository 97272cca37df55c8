using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;

namespace Signet.Lab;

/// <summary>What answers on the broker's port where the packet reader is left out: it takes any bytes, greets whoever says CONNECT, passes over what it does not understand and never closes.</summary>
internal sealed class LenientFront : IAsyncDisposable
{
    private static readonly byte[] Welcome = [0x20, 3, 0, 0, 0];
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _accepting;

    public LenientFront(SslStreamCertificateContext certificate)
    {
        _listener.Start();
        _accepting = AcceptAsync(certificate);
    }

    public IPEndPoint EndPoint => (IPEndPoint)_listener.LocalEndpoint;

    private async Task AcceptAsync(SslStreamCertificateContext certificate)
    {
        try
        {
            while (true) _ = ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token), certificate);
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // closed
        }
    }

    private async Task ServeAsync(TcpClient tcp, SslStreamCertificateContext certificate)
    {
        using (tcp)
        await using (var tls = new SslStream(tcp.GetStream()))
        {
            try
            {
                await tls.AuthenticateAsServerAsync(new() { ServerCertificateContext = certificate }, _stop.Token);
                var buffer = new byte[4096];
                while (await tls.ReadAsync(buffer, _stop.Token) > 0) await tls.WriteAsync(Welcome, _stop.Token);
            }
            catch (Exception e) when (e is IOException or AuthenticationException or OperationCanceledException)
            {
                // gone
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        _listener.Dispose();
        _stop.Dispose();
    }
}
