using System.IO.Pipelines;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;

namespace Signet.Mqtt.Broker.Transport;

/// <summary>One accepted socket with its TLS, as a pair of pipes. Reads begin with zero bytes, so an idle connection holds no buffer.</summary>
internal sealed class SocketTransport(Socket socket) : IDisposable
{
    /// <summary>A TLS record carries up to 16 KB; a larger read would only hold more.</summary>
    private const int ReadSize = 16 * 1024;

    /// <summary>How long a closing connection is read so that the peer gets the last packet instead of a reset.</summary>
    private static readonly TimeSpan DrainTime = TimeSpan.FromMilliseconds(500);
    private const int DrainBytes = 1024 * 1024;
    private readonly NetworkStream network = new(socket, false);
    private SslStream? ssl;

    public Socket Socket => socket;

    public X509Certificate2? ClientCertificate { get; private set; }

    public string? TlsProtocol => ssl?.SslProtocol.ToString();

    public async Task AuthenticateAsync(TlsTerms terms, Judgement judgement, CancellationToken cancellationToken)
    {
        ssl = new SslStream(network, true);
        await ssl.AuthenticateAsServerAsync(terms.For(judgement), cancellationToken);
        ClientCertificate = ssl.RemoteCertificate as X509Certificate2;
    }

    public IDuplexPipe ToPipes()
    {
        Stream stream = ssl is null ? network : ssl;
        return new Duplex(
            PipeReader.Create(stream, new StreamPipeReaderOptions(bufferSize: ReadSize, minimumReadSize: 1024, leaveOpen: true, useZeroByteReads: true)),
            PipeWriter.Create(stream, new StreamPipeWriterOptions(leaveOpen: true)));
    }

    /// <summary>Says goodbye at each layer and lets the peer read it.</summary>
    public async Task CloseAsync(TimeProvider time)
    {
        using var limit = new CancellationTokenSource(DrainTime, time);
        try
        {
            if (ssl is { IsAuthenticated: true }) await ssl.ShutdownAsync().WaitAsync(limit.Token);
            socket.Shutdown(SocketShutdown.Send);
            var waste = new byte[4096];
            for (var total = 0; total < DrainBytes;)
            {
                var count = await socket.ReceiveAsync(waste, limit.Token);
                if (count == 0) break;
                total += count;
            }
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException or InvalidOperationException or NotSupportedException)
        {
            // the peer is gone, or does not care
        }
    }

    public void Dispose()
    {
        ssl?.Dispose();
        network.Dispose();
        socket.Dispose();
    }

    private sealed record Duplex(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
