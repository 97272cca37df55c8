using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;
using Signet.Mqtt.Packets;

namespace Signet.Mqtt.Client;

/// <summary>
/// One connection of a client: frames in, frames out. What is sent gathers in one buffer and leaves in one write; whoever finds nobody writing writes.
/// </summary>
internal sealed class ClientLink : IDisposable
{
    /// <summary>Above this a sender waits for the network instead of adding to the buffer.</summary>
    private const int HighWater = 256 * 1024;
    private readonly Stream stream;
    private readonly PipeReader reader;
    private readonly Lock gate = new();
    private readonly WireWriter outbox = new();
    private readonly TimeProvider time;
    private readonly int maximumPacketSize;
    private TaskCompletionSource? drained;
    private MqttException? broken;
    private bool writing;
    private long lastSent;
    private long pingSent;
    private int holding;

    public ClientLink(Stream stream, MqttClientOptions options)
    {
        this.stream = stream;
        time = options.Time;
        maximumPacketSize = options.MaximumPacketSize;
        reader = PipeReader.Create(stream, new StreamPipeReaderOptions(bufferSize: 16 * 1024, minimumReadSize: 1024, leaveOpen: true));
        lastSent = time.GetTimestamp();
    }

    public delegate void FrameHandler(byte first, ReadOnlySpan<byte> body);

    /// <summary>What the broker said in CONNACK.</summary>
    public ConnackPacket Terms { get; set; } = new();

    public void Dispose()
    {
        Break(new MqttException(ReasonCode.UnspecifiedError, "the connection was closed"));
        lock (gate)
        {
            if (!writing) outbox.Clear();
        }

        stream.Dispose();
    }

    /// <summary>Ends the link from outside; the reader reports <paramref name="why"/>.</summary>
    public void Lose(MqttException why)
    {
        Break(why);
        stream.Dispose();
    }

    /// <summary>Adds packets to what is to be sent and sees to it that it is sent. False when the link is broken.</summary>
    public bool Send(Action<WireWriter> write)
    {
        lock (gate)
        {
            if (broken is not null) return false;
            write(outbox);
            if (writing) return true;
            writing = true;
        }

        _ = WriteAllAsync();
        return true;
    }

    /// <summary>Waits while more is buffered than the network takes.</summary>
    public Task WhenRoomAsync(CancellationToken cancellationToken)
    {
        lock (gate)
        {
            if (broken is not null || outbox.Length < HighWater) return Task.CompletedTask;
            drained ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return drained.Task.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Waits until everything is handed to the network.</summary>
    public async Task FlushAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            Task wait;
            lock (gate)
            {
                if (broken is not null || (!writing && outbox.Length == 0)) return;
                drained ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                wait = drained.Task;
            }

            await wait.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Reads frames until the link ends, which it always does with an exception. After every batch <paramref name="pause"/> may hold reading back.</summary>
    public async Task ReceiveAsync(FrameHandler handle, Func<Task> pause, CancellationToken cancellationToken)
    {
        while (true)
        {
            var result = await reader.ReadAsync(cancellationToken);
            var buffer = result.Buffer;
            Volatile.Write(ref pingSent, 0);
            while (TryTakeFrame(ref buffer, handle, out _))
            {
                var hold = pause();
                if (hold.IsCompleted) continue;
                reader.AdvanceTo(buffer.Start);
                Volatile.Write(ref holding, 1);
                await hold.WaitAsync(cancellationToken);
                Volatile.Write(ref holding, 0);
                result = await reader.ReadAsync(cancellationToken);
                buffer = result.Buffer;
            }

            reader.AdvanceTo(buffer.Start, buffer.End);
            if (result.IsCompleted) throw broken ?? new MqttException(ReasonCode.UnspecifiedError, "the broker closed the connection");
        }
    }

    /// <summary>Reads exactly one frame; used until CONNACK.</summary>
    public async Task ReceiveOneAsync(FrameHandler handle, CancellationToken cancellationToken)
    {
        while (true)
        {
            var result = await reader.ReadAsync(cancellationToken);
            var buffer = result.Buffer;
            if (TryTakeFrame(ref buffer, handle, out _))
            {
                reader.AdvanceTo(buffer.Start);
                return;
            }

            reader.AdvanceTo(buffer.Start, buffer.End);
            if (result.IsCompleted) throw new MqttException(ReasonCode.ServerUnavailable, "the broker closed the connection before it answered CONNECT (over TLS 1.3: the certificate may have been refused)");
        }
    }

    /// <summary>Sends PINGREQ when the link was quiet; breaks it when the last one was not answered in <paramref name="keepAlive"/> [MQTT-3.1.2-20].</summary>
    public void KeepAlive(TimeSpan keepAlive)
    {
        var now = time.GetTimestamp();
        var asked = Volatile.Read(ref pingSent);
        if (asked != 0 && Volatile.Read(ref holding) == 0 && time.GetElapsedTime(asked, now) >= keepAlive)
        {
            Break(new MqttException(ReasonCode.KeepAliveTimeout, $"the broker did not answer a ping within {keepAlive.TotalSeconds:0.#} s"));
            stream.Dispose();
        }
        else if (asked == 0 && time.GetElapsedTime(Volatile.Read(ref lastSent), now) >= keepAlive / 2)
        {
            Volatile.Write(ref pingSent, now);
            Send(static w => w.Raw([(byte)PacketType.Pingreq << 4, 0]));
        }
    }

    private void Break(MqttException why)
    {
        lock (gate)
        {
            broken ??= why;
            drained?.TrySetResult();
            drained = null;
        }
    }

    [SuppressMessage("Design", "CA1031", Justification = "Whatever breaks the write breaks the link; the reader reports it.")]
    private async Task WriteAllAsync()
    {
        while (true)
        {
            byte[] bytes;
            int length;
            lock (gate)
            {
                if (outbox.Length == 0 || broken is not null)
                {
                    outbox.Clear();
                    writing = false;
                    drained?.TrySetResult();
                    drained = null;
                    return;
                }

                bytes = outbox.Detach(out length);
                if (drained is { } waiting)
                {
                    drained = null;
                    waiting.TrySetResult();
                }
            }

            try
            {
                await stream.WriteAsync(bytes.AsMemory(0, length));
                Volatile.Write(ref lastSent, time.GetTimestamp());
            }
            catch (Exception e)
            {
                Break(new MqttException(ReasonCode.UnspecifiedError, "sending failed: " + e.Message, false, e));
                await stream.DisposeAsync();
            }
            finally
            {
                WireWriter.Recycle(bytes);
            }
        }
    }

    private bool TryTakeFrame(ref ReadOnlySequence<byte> buffer, FrameHandler handle, out int size)
    {
        size = 0;
        Span<byte> head = stackalloc byte[5];
        var count = (int)Math.Min(5, buffer.Length);
        buffer.Slice(0, count).CopyTo(head);
        var status = FrameHeader.TryRead(head[..count], out var header);
        if (status == FrameStatus.Malformed || (status == FrameStatus.Header && !header.HasValidFlags)) throw new MqttException(ReasonCode.MalformedPacket, "the broker sent a malformed packet");
        if (status == FrameStatus.NeedMore) return false;
        size = header.HeaderLength + header.BodyLength;
        if (size > maximumPacketSize) throw new MqttException(ReasonCode.PacketTooLarge, $"the broker sent a packet of {size:N0} bytes, more than {maximumPacketSize:N0}");
        if (buffer.Length < size) return false;
        var body = buffer.Slice(header.HeaderLength, header.BodyLength);
        handle(header.First, body.IsSingleSegment ? body.FirstSpan : body.ToArray());
        buffer = buffer.Slice(size);
        return true;
    }
}
