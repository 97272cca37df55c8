using System.IO.Pipelines;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;

namespace Signet.Mqtt.Broker.Transport;

/// <summary>
/// One accepted socket with its TLS, as a pair of pipes. An idle connection holds no buffer. Waits with a <see cref="Poller"/> of ours, or with the platform's sockets where there is none
/// or <paramref name="ownLoop"/> is false.
/// </summary>
internal sealed class SocketTransport(Socket socket, bool ownLoop) : IDisposable
{
    /// <summary>A TLS record carries up to 16 KB; a larger read would only hold more.</summary>
    private const int ReadSize = 16 * 1024;

    /// <summary>How long a closing connection is read so that the peer gets the last packet instead of a reset.</summary>
    private static readonly TimeSpan DrainTime = TimeSpan.FromMilliseconds(500);
    private const int DrainBytes = 1024 * 1024;
    private readonly Stream network = ownLoop && Poller.IsSupported ? new PolledSocket(socket) : new NetworkStream(socket, false);
    private SslStream? ssl;

    public Socket Socket => socket;

    /// <summary>What comes before TLS.</summary>
    public Stream Raw => network;

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
        if (network is PolledSocket polled)
        {
            // Handshakes take a millisecond of computing each and were left to the thread pool; messages are handled where they are noticed.
            polled.RunsInline = true;
            return new Duplex(new PolledReader(polled, stream, ssl is null or { SslProtocol: System.Security.Authentication.SslProtocols.Tls13 }), new PolledWriter(polled, stream));
        }

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
            if (network is PolledSocket polled) (polled.IsReadingStopped, polled.RunsInline) = (false, false);
            if (ssl is { IsAuthenticated: true }) await ssl.ShutdownAsync().WaitAsync(limit.Token);
            socket.Shutdown(SocketShutdown.Send);
            var waste = new byte[4096];
            for (var total = 0; total < DrainBytes;)
            {
                var count = await network.ReadAsync(waste, limit.Token);
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
