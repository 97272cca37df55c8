using System.Buffers;
using Signet.Mqtt.Packets;

namespace Signet.Mqtt.Broker.Connections;

/// <summary>Reading: every whole packet of a buffer is handled in place, then the batch is finished in one go.</summary>
internal sealed partial class Connection
{
    private readonly WireWriter replies = new();
    private readonly List<Connection> touched = [];
    private Func<Task>? nextStep;
    private bool mustCommit;
    private int batchMessages;

    private async Task ReceiveAsync()
    {
        while (!IsEnding)
        {
            var result = await pipe.Input.ReadAsync();
            if (result.IsCanceled) break;
            Volatile.Write(ref lastHeard, broker.Time.GetTimestamp());
            var before = result.Buffer.Length;
            var rest = result.Buffer;
            try
            {
                HandleAll(ref rest);
            }
            finally
            {
                pipe.Input.AdvanceTo(rest.Start, nextStep is null ? rest.End : rest.Start);
            }

            HandOver();
            if (mustCommit) await CommitAsync();
            FinishBatch();
            broker.Counters.Add(Tally.BytesIn, before - rest.Length);
            if (nextStep is { } step)
            {
                nextStep = null;
                await step();
                HandOver();
                FinishBatch();
            }
            else if (result.IsCompleted)
            {
                break;
            }

            var wait = Session!.Usage.Charge(batchMessages, before - rest.Length);
            batchMessages = 0;
            if (wait > TimeSpan.Zero) await HoldBackAsync(wait);
        }
    }

    /// <summary>Handles whole packets; <paramref name="buffer"/> is left with what is not whole yet.</summary>
    private void HandleAll(ref ReadOnlySequence<byte> buffer)
    {
        while (!IsEnding && nextStep is null)
        {
            var span = buffer.FirstSpan;
            var at = 0;
            while (FrameHeader.TryRead(span[at..], out var header) == FrameStatus.Header && header.HeaderLength + header.BodyLength <= span.Length - at)
            {
                if (!IsAcceptable(header, Limits.MaximumPacketSize)) return;
                var body = span.Slice(at + header.HeaderLength, header.BodyLength);
                at += header.HeaderLength + header.BodyLength;
                Handle(header.First, body);
                if (IsEnding || nextStep is not null) break;
            }

            buffer = buffer.Slice(at);
            if (IsEnding || nextStep is not null || !TryHandleStraddling(ref buffer)) return;
        }
    }

    /// <summary>The next packet is not whole in the first segment: it lies across segments, is not all there, or is malformed. True when one was handled.</summary>
    private bool TryHandleStraddling(ref ReadOnlySequence<byte> buffer)
    {
        Span<byte> head = stackalloc byte[5];
        var count = (int)Math.Min(5, buffer.Length);
        buffer.Slice(0, count).CopyTo(head);
        var status = FrameHeader.TryRead(head[..count], out var header);
        if (status == FrameStatus.Malformed) return Fail(PacketError.Malformed("remaining length is malformed"));
        if (status == FrameStatus.NeedMore || !IsAcceptable(header, Limits.MaximumPacketSize)) return false;
        var total = header.HeaderLength + header.BodyLength;
        if (buffer.Length < total) return false;
        var whole = ArrayPool<byte>.Shared.Rent(Math.Max(1, header.BodyLength));
        try
        {
            var body = whole.AsSpan(0, header.BodyLength);
            buffer.Slice(header.HeaderLength, header.BodyLength).CopyTo(body);
            Handle(header.First, body);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(whole);
        }

        buffer = buffer.Slice(total);
        return true;
    }

    private bool IsAcceptable(in FrameHeader header, int maximumSize)
    {
        if (!header.HasValidFlags) return Fail(PacketError.Malformed($"flags of packet type {(int)header.Type} are wrong"));
        return header.HeaderLength + header.BodyLength <= maximumSize
            || Fail(new(ReasonCode.PacketTooLarge, $"packet of {header.BodyLength:N0} bytes is larger than {maximumSize:N0}"));
    }

    private void Handle(byte first, ReadOnlySpan<byte> body)
    {
        var type = (PacketType)(first >> 4);
        switch (type)
        {
            case PacketType.Publish:
                HandlePublish(first, body);
                break;
            case PacketType.Puback or PacketType.Pubrec or PacketType.Pubrel or PacketType.Pubcomp:
                HandleAck(type, body);
                break;
            case PacketType.Subscribe:
                HandleSubscribe(body);
                break;
            case PacketType.Unsubscribe:
                HandleUnsubscribe(body);
                break;
            case PacketType.Pingreq when body.IsEmpty:
                replies.Raw([(byte)PacketType.Pingresp << 4, 0]);
                break;
            case PacketType.Disconnect:
                HandleDisconnect(body);
                break;
            case PacketType.Auth when Version == MqttVersion.V5:
                HandleAuth(body);
                break;
            case PacketType.Connect:
                Fail(PacketError.Protocol("second CONNECT")); // [MQTT-3.1.0-2]
                break;
            case PacketType.Pingreq:
                Fail(PacketError.Malformed("PINGREQ with a body"));
                break;
            default:
                Fail(PacketError.Protocol($"a client may not send {type}"));
                break;
        }
    }

    private async Task CommitAsync()
    {
        mustCommit = false;
        try
        {
            await broker.Store.CommitAsync();
        }
        catch (Exception e)
        {
            broker.LogStoreLost(e);
            replies.Clear(); // nothing may be acknowledged that is not kept
            Close(ReasonCode.UnspecifiedError, "the store failed", RefusalKind.Quota);
        }
    }

    /// <summary>
    /// Wakes everyone else who was given something. Before the commit: what its receivers acknowledge until then need not be written down at all, and until then its sender has no answer.
    /// A QoS 2 message waits for its own commit in a receiver's stored session; a receiver whose session ends with its connection gets it at once, and after a crash of the broker it is another session's.
    /// </summary>
    private void HandOver()
    {
        foreach (var other in touched)
        {
            if (other != this) other.Wake();
        }

        touched.Clear();
    }

    /// <summary>Puts the replies into the write buffer and writes it out.</summary>
    private void FinishBatch()
    {
        if (unacknowledged != 0) unacknowledged = 0;
        if (batchMessages > 0) broker.Counters.Add(Tally.MessagesIn, batchMessages);
        if (replies.Length > 0)
        {
            lock (Session!.Gate)
            {
                Outbox.Raw(replies.WrittenSpan);
                MarkDirty();
            }

            replies.Clear();
        }

        Wake();
    }

    /// <summary>Back-pressure instead of loss: the client is read again when its bucket has drained.</summary>
    private async Task HoldBackAsync(TimeSpan wait)
    {
        broker.Refuse(RefusalKind.Quota, ReasonCode.MessageRateTooHigh, "identity sends faster than it may; reading slows down", Session!.Context, null);
        try
        {
            await Task.Delay(wait < TimeSpan.FromSeconds(10) ? wait : TimeSpan.FromSeconds(10), broker.Time, stopping.Token);
            Volatile.Write(ref lastHeard, broker.Time.GetTimestamp()); // silence while we do not listen is ours
        }
        catch (OperationCanceledException)
        {
            // the connection is ending
        }
    }
}
