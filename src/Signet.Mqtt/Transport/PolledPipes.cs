using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace Signet.Mqtt.Broker.Transport;

/// <summary>
/// The reading half of a connection on a <see cref="PolledSocket"/>: waits for the socket first and holds a buffer only while there are bytes. What is not whole yet stays in one piece,
/// so that a packet seldom lies across segments.
/// </summary>
/// <param name="socket">Who says when there is something.</param>
/// <param name="stream">The socket itself, or the TLS on it.</param>
/// <param name="waitsForSocket">
/// False where <paramref name="stream"/> may hold on to something without the socket having more: always read it. With TLS 1.3 it does not after it filled less than it was given
/// (each record looks like data, and SslStream takes all it has), but for an end that came together with data (<see cref="PolledSocket.EndsLikeAnAlert"/>).
/// </param>
internal sealed class PolledReader(PolledSocket socket, Stream stream, bool waitsForSocket) : PipeReader
{
    /// <summary>A TLS record carries up to 16 KB; a larger read would only hold more.</summary>
    private const int ReadSize = 16 * 1024, LeastRoom = 1024;
    private byte[] buffer = [];
    private int start, end;
    private bool mayHoldMore = stream != socket; // the handshake may have taken the first packet along
    private bool isEnded;
    private bool hasUnexamined;

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default) => NextAsync();

    public override bool TryRead(out ReadResult result) => throw new NotSupportedException("the broker waits");

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        start = consumed.GetInteger();
        hasUnexamined = examined.GetInteger() < end;
        if (start < end) return;
        (start, end) = (0, 0);
        if (!mayHoldMore) Release();
    }

    public override void CancelPendingRead() => socket.StopReading();

    public override void Complete(Exception? exception = null)
    {
        (start, end) = (0, 0);
        Release();
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<ReadResult> NextAsync()
    {
        try
        {
            if (socket.IsReadingStopped) return Result(true);
            if (isEnded || hasUnexamined) return Result(false);
            var asksStream = mayHoldMore || !waitsForSocket || (socket.EndsLikeAnAlert && stream != socket);
            if (!await (asksStream ? socket.GiveWay() : socket.WhenReadable())) return Result(true);
            if (buffer.Length == 0 && asksStream) await NothingAsync();
            MakeRoom();
            var room = buffer.Length - end;
            var count = await stream.ReadAsync(buffer.AsMemory(end));
            mayHoldMore = count == room;
            isEnded = count == 0;
            end += count;
            return Result(false);
        }
        catch (Exception e) when (socket.IsReadingStopped && e is OperationCanceledException or IOException)
        {
            return Result(true); // SslStream wraps what its stream threw
        }
    }

    /// <summary>A read of zero bytes: completes when there is something.</summary>
    private async ValueTask NothingAsync()
    {
        var count = await stream.ReadAsync(Memory<byte>.Empty);
        System.Diagnostics.Debug.Assert(count == 0, "nothing fits into nothing");
    }

    private ReadResult Result(bool isCanceled)
    {
        if (isCanceled) socket.IsReadingStopped = false;
        hasUnexamined = false;
        return new(new ReadOnlySequence<byte>(buffer, start, end - start), isCanceled, isEnded);
    }

    private void MakeRoom()
    {
        if (buffer.Length - end >= LeastRoom) return;
        var kept = end - start;
        var target = buffer.Length - kept >= LeastRoom && start > 0 ? buffer : ArrayPool<byte>.Shared.Rent(Math.Max(ReadSize, buffer.Length * 2));
        buffer.AsSpan(start, kept).CopyTo(target);
        if (target != buffer) Release();
        (buffer, start, end) = (target, 0, kept);
    }

    private void Release()
    {
        if (buffer.Length > 0) ArrayPool<byte>.Shared.Return(buffer);
        buffer = [];
    }
}

/// <summary>The writing half: whole buffers, each written before the next is given.</summary>
internal sealed class PolledWriter(PolledSocket socket, Stream stream) : PipeWriter
{
    public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default)
    {
        if (socket.IsWritingStopped) return new(new FlushResult(true, false));
        var write = stream.WriteAsync(source, cancellationToken);
        if (!write.IsCompletedSuccessfully) return FinishAsync(write);
        write.GetAwaiter().GetResult();
        return new(new FlushResult(false, false));
    }

    public override void CancelPendingFlush() => socket.StopWriting();

    public override void Complete(Exception? exception = null)
    {
    }

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) => new(new FlushResult(socket.IsWritingStopped, false));

    public override void Advance(int bytes) => throw new NotSupportedException("the broker writes whole buffers");

    public override Memory<byte> GetMemory(int sizeHint = 0) => throw new NotSupportedException("the broker writes whole buffers");

    public override Span<byte> GetSpan(int sizeHint = 0) => throw new NotSupportedException("the broker writes whole buffers");

    private async ValueTask<FlushResult> FinishAsync(ValueTask write)
    {
        try
        {
            await write;
            return new FlushResult(false, false);
        }
        catch (Exception e) when (socket.IsWritingStopped && e is OperationCanceledException or IOException)
        {
            return new FlushResult(true, false);
        }
    }
}
