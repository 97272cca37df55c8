using System.Net.Sockets;

namespace Signet.Mqtt.Broker.Transport;

/// <summary>
/// A connected socket that a <see cref="Poller"/> waits for, as a stream for TLS to stand on. A read of zero bytes waits until there is something to read, without a call to the kernel.
/// One reader and one writer at a time.
/// </summary>
internal sealed class PolledSocket : Stream
{
    private const int TurnsInARow = 16;

    /// <summary>Header, two bytes, their type and the tag of AES-GCM or ChaCha20-Poly1305.</summary>
    private const int AlertRecord = 5 + 2 + 1 + 16;
    private readonly ReadySignal readable = new(), writable = new();
    private readonly long key;

    /// <summary>The last read took everything: reading again before the poller speaks would only ask the kernel in vain. Not so once the peer has closed, because that is told but once.</summary>
    private bool drained = true;
    private volatile bool hungUp;
    private int streak;

    public PolledSocket(Socket socket)
    {
        Socket = socket;
        socket.Blocking = false;
        key = Poller.Add(this);
    }

    public Socket Socket { get; }

    public Poller Poller { get; } = Transport.Poller.Next();

    /// <summary>Set before <see cref="StopReading"/>: the read that waits, or the next one that would, ends with <see cref="OperationCanceledException"/>.</summary>
    public volatile bool IsReadingStopped;

    public volatile bool IsWritingStopped;

    /// <summary>From now on what waited goes on in the poller's thread.</summary>
    public bool RunsInline
    {
        set => (readable.RunsInline, writable.RunsInline) = (value, value);
    }

    /// <summary>
    /// The last read ended with a TLS 1.3 record of two bytes: MQTT's shortest packets, or the alert close_notify, which looks like data (RFC 8446 section 5.2). TLS above may know of an end
    /// that the socket does not show.
    /// </summary>
    public bool EndsLikeAnAlert { get; private set; }

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Called by the poller.</summary>
    public void OnEvent(bool canRead, bool canWrite, bool isHungUp)
    {
        if (isHungUp) hungUp = true;
        if (canWrite) writable.Set(true);
        if (canRead) readable.Set(true);
    }

    public void StopReading()
    {
        IsReadingStopped = true;
        readable.Set(false);
    }

    public void StopWriting()
    {
        IsWritingStopped = true;
        writable.Set(false);
    }

    /// <summary>Completed when a read may find something; false when reading was stopped.</summary>
    public ValueTask<bool> WhenReadable()
    {
        if (IsReadingStopped) return new(false);
        if (!drained || hungUp) return GiveWay();
        var wait = readable.WaitAsync();
        while (wait.IsCompleted && !HasSomething) wait = readable.WaitAsync(); // a signal kept from before: what it told of was read meanwhile
        drained = false;
        if (wait.IsCompleted) return wait;
        streak = 0;
        if (IsReadingStopped) readable.Set(false); // stopped before anybody waited
        return wait;
    }

    /// <summary>Asked by a reader that need not wait: one that always has something lets the others on this thread have a turn now and then.</summary>
    public ValueTask<bool> GiveWay()
    {
        if (++streak < TurnsInARow || Transport.Poller.OfThisThread is not { } here) return new(!IsReadingStopped);
        streak = 0;
        drained = false; // the signal that ends this wait may be the socket's
        var wait = readable.YieldAsync(here);
        if (IsReadingStopped) readable.Set(false);
        return wait;
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty)
        {
            if (HasSomething) return new(0); // else whoever reads next would wait with a buffer in hand
        }
        else if (!drained || hungUp)
        {
            if (TryRead(buffer.Span, out var count)) return new(count);
        }

        return WaitAndReadAsync(buffer, cancellationToken);
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var sent = TryWrite(buffer.Span);
        return sent == buffer.Length ? ValueTask.CompletedTask : WaitAndWriteAsync(buffer[sent..], cancellationToken);
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    /// <summary>Asks the kernel.</summary>
    private bool HasSomething => hungUp || Socket.Available > 0;

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            Poller.Remove(this, key);
            StopReading();
            StopWriting();
        }

        base.Dispose(disposing);
    }

    private async ValueTask<int> WaitAndReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        while (true)
        {
            var wait = WhenReadable();
            await using var registration = cancellationToken.UnsafeRegister(static s => ((PolledSocket)s!).readable.Set(false), this);
            if (!await wait)
            {
                cancellationToken.ThrowIfCancellationRequested();
                throw new OperationCanceledException("reading was stopped");
            }

            if (buffer.IsEmpty) return 0;
            if (TryRead(buffer.Span, out var count)) return count;
        }
    }

    private async ValueTask WaitAndWriteAsync(ReadOnlyMemory<byte> rest, CancellationToken cancellationToken)
    {
        while (!rest.IsEmpty)
        {
            var wait = writable.WaitAsync();
            if (IsWritingStopped) writable.Set(false);
            await using var registration = cancellationToken.UnsafeRegister(static s => ((PolledSocket)s!).writable.Set(false), this);
            if (!await wait || IsWritingStopped)
            {
                cancellationToken.ThrowIfCancellationRequested();
                throw new OperationCanceledException("writing was stopped");
            }

            rest = rest[TryWrite(rest.Span)..];
        }
    }

    /// <summary>False when there is nothing to read yet.</summary>
    private bool TryRead(Span<byte> buffer, out int count)
    {
        count = Socket.Receive(buffer, SocketFlags.None, out var error);
        if (error == SocketError.WouldBlock)
        {
            drained = true;
            return false;
        }

        if (error != SocketError.Success) throw Broken(error);
        drained = count < buffer.Length;
        EndsLikeAnAlert = count >= AlertRecord && buffer.Slice(count - AlertRecord, 5).SequenceEqual<byte>([23, 3, 3, 0, AlertRecord - 5]);
        return true;
    }

    /// <summary>How much the kernel took; less than all of it means: wait.</summary>
    private int TryWrite(ReadOnlySpan<byte> buffer)
    {
        var sent = 0;
        while (sent < buffer.Length)
        {
            var count = Socket.Send(buffer[sent..], SocketFlags.None, out var error);
            if (error == SocketError.WouldBlock) break;
            if (error != SocketError.Success) throw Broken(error);
            sent += count;
        }

        return sent;
    }

    private static IOException Broken(SocketError error)
    {
        var why = new SocketException((int)error);
        return new IOException(why.Message, why);
    }
}
