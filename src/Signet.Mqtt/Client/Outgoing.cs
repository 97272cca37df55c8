using System.Collections.Concurrent;
using Signet.Mqtt.Packets;

namespace Signet.Mqtt.Client;

/// <summary>
/// What the client sent and the broker has yet to answer: QoS 1 and 2 messages, SUBSCRIBE and UNSUBSCRIBE. Survives reconnects. Thread-safe; sends under its own lock
/// so that messages leave in the order they were given.
/// </summary>
internal sealed class Outgoing
{
    private readonly Lock gate = new();
    private readonly SortedDictionary<long, Pending> onWire = [];
    private readonly Dictionary<ushort, Pending> byId = [];
    private readonly LinkedList<Pending> waiting = [];
    private readonly ConcurrentDictionary<ushort, TaskCompletionSource<SubackPacket>> asks = new();
    private ClientLink? link;
    private MqttVersion version;
    private int window;
    private ushort lastId;
    private long order;

    /// <summary>Somebody waits for an answer, so reading must go on.</summary>
    public bool IsAwaited
    {
        get
        {
            lock (gate) return byId.Count > 0 || waiting.Count > 0 || !asks.IsEmpty;
        }
    }

    /// <summary>A connection is there: what was in flight goes out again, first [MQTT-4.4.0-1]; when the broker lost the session, as new messages.</summary>
    public void Attach(ClientLink next, MqttVersion spoken, bool sessionPresent, int windowSize)
    {
        lock (gate)
        {
            link = next;
            version = spoken;
            window = windowSize;
            foreach (var pending in onWire.Values)
            {
                if (!sessionPresent) pending.Released = false;
                var duplicate = sessionPresent;
                if (pending.Released) next.Send(w => new AckPacket(PacketType.Pubrel, pending.Id, ReasonCode.Success).Write(w, version));
                else Write(pending, duplicate);
            }

            Pump();
        }
    }

    public void Detach()
    {
        lock (gate) link = null;
    }

    public Task<PublishResult> PublishAsync(MqttMessage message, CancellationToken cancellationToken)
    {
        var pending = new Pending(message);
        lock (gate)
        {
            waiting.AddLast(pending);
            Pump();
        }

        return cancellationToken.CanBeCanceled ? WaitAsync(pending, cancellationToken) : pending.Done.Task;
    }

    public void Acknowledged(AckPacket ack)
    {
        lock (gate)
        {
            if (!byId.TryGetValue(ack.PacketId, out var pending)) return;
            switch (ack.Type)
            {
                case PacketType.Puback when pending.Message.QoS == QoS.AtLeastOnce:
                case PacketType.Pubrec when pending.Message.QoS == QoS.ExactlyOnce && ack.Code.IsError():
                    Finish(pending, ack);
                    break;
                case PacketType.Pubrec when pending.Message.QoS == QoS.ExactlyOnce:
                    pending.Released = true;
                    pending.Code = ack.Code;
                    link?.Send(w => new AckPacket(PacketType.Pubrel, ack.PacketId, ReasonCode.Success).Write(w, version));
                    break;
                case PacketType.Pubcomp when pending.Released:
                    Finish(pending, ack with { Code = pending.Code });
                    break;
            }
        }
    }

    /// <summary>Sends SUBSCRIBE or UNSUBSCRIBE and waits for the answer; a broken connection ends it with an exception (the caller's reconnect logic subscribes again).</summary>
    public async Task<SubackPacket> AskAsync(Action<WireWriter, ushort> write, CancellationToken cancellationToken)
    {
        var answer = new TaskCompletionSource<SubackPacket>(TaskCreationOptions.RunContinuationsAsynchronously);
        ushort id;
        lock (gate)
        {
            id = NextId();
            asks[id] = answer;
            if (link is null || !link.Send(w => write(w, id)))
            {
                asks.TryRemove(id, out _);
                throw new MqttException(ReasonCode.ServerUnavailable, "not connected");
            }
        }

        try
        {
            return await answer.Task.WaitAsync(cancellationToken);
        }
        finally
        {
            asks.TryRemove(id, out _);
        }
    }

    public void Answered(SubackPacket answer)
    {
        if (asks.TryRemove(answer.PacketId, out var waitingFor)) waitingFor.TrySetResult(answer);
    }

    /// <summary>The connection is gone: questions cannot be answered any more, messages wait for the next one.</summary>
    public void FailAsks(MqttException why)
    {
        foreach (var id in asks.Keys)
        {
            if (asks.TryRemove(id, out var ask)) ask.TrySetException(why);
        }
    }

    /// <summary>There will be no other connection.</summary>
    public void FailAll(MqttException why)
    {
        List<Pending> all;
        lock (gate)
        {
            all = [.. byId.Values, .. waiting];
            byId.Clear();
            onWire.Clear();
            waiting.Clear();
            link = null;
        }

        foreach (var pending in all) pending.Done.TrySetException(why);
        FailAsks(why);
    }

    private async Task<PublishResult> WaitAsync(Pending pending, CancellationToken cancellationToken)
    {
        try
        {
            return await pending.Done.Task.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            lock (gate) waiting.Remove(pending); // once on the wire it takes its course
            throw;
        }
    }

    private void Finish(Pending pending, AckPacket ack)
    {
        byId.Remove(pending.Id);
        onWire.Remove(pending.Order);
        pending.Done.TrySetResult(new PublishResult(ack.Code, ack.ReasonString));
        Pump();
    }

    private void Pump()
    {
        while (link is not null && waiting.First is { } first && byId.Count < window)
        {
            waiting.RemoveFirst();
            var pending = first.Value;
            pending.Id = NextId();
            pending.Order = ++order;
            byId[pending.Id] = pending;
            onWire[pending.Order] = pending;
            Write(pending, false);
        }
    }

    private void Write(Pending pending, bool duplicate) => link!.Send(w => ClientPublish.Write(w, version, pending.Message, pending.Id, duplicate));

    private ushort NextId()
    {
        do
        {
            if (++lastId == 0) lastId = 1;
        }
        while (byId.ContainsKey(lastId) || asks.ContainsKey(lastId));
        return lastId;
    }

    private sealed class Pending(MqttMessage message)
    {
        public MqttMessage Message => message;

        public TaskCompletionSource<PublishResult> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public ushort Id { get; set; }

        public long Order { get; set; }

        /// <summary>PUBREC came; PUBREL is what is repeated.</summary>
        public bool Released { get; set; }

        public ReasonCode Code { get; set; }
    }
}

/// <summary>A client's PUBLISH.</summary>
internal static class ClientPublish
{
    public static void Write(WireWriter w, MqttVersion version, MqttMessage m, ushort id, bool duplicate)
    {
        var hop = new HopProperties(MessageCodec.ExpirySeconds(m.MessageExpiry), 0, null);
        var properties = version == MqttVersion.V5 ? MessageCodec.EncodeProperties(m) : [];
        PublishFrame.WriteHead(w, version, PublishFrame.First(m.QoS, m.Retain, duplicate), System.Text.Encoding.UTF8.GetBytes(m.Topic), id, hop, properties, m.Payload.Length);
        w.Raw(m.Payload.Span);
    }

    /// <summary>Upper bound of the packet.</summary>
    public static long Size(MqttMessage m, MqttVersion version) =>
        16 + (m.Topic.Length * 3L) + m.Payload.Length + (version == MqttVersion.V5 ? 5 + MessageCodec.EncodeProperties(m).Length : 0);
}
