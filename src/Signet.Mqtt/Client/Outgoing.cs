using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Signet.Mqtt.Packets;

namespace Signet.Mqtt.Client;

/// <summary>
/// What the client sent and the broker has yet to answer: QoS 1 and 2 messages, SUBSCRIBE and UNSUBSCRIBE. Survives reconnects, and with a store the process. Thread-safe; sends under its own lock
/// so that messages leave in the order they were given.
/// </summary>
/// <param name="store">Null: in memory alone.</param>
/// <param name="time">For the expiry of what is kept.</param>
/// <param name="lose">Breaks the connection: the store failed at a step that must not be skipped.</param>
internal sealed class Outgoing(InFlightStore? store, TimeProvider time, Action<Exception> lose)
{
    /// <summary>With a store each message has its packet identifier from the start; some identifiers stay free for questions.</summary>
    private const int MostKept = 65_000;
    private readonly Lock gate = new();
    private readonly SortedDictionary<long, Pending> onWire = [];
    private readonly Dictionary<ushort, Pending> byId = [];
    private readonly LinkedList<Pending> waiting = [];

    /// <summary>On their way into the store, in order: a message may be sent when it and all before it are there.</summary>
    private readonly Queue<Pending> entering = [];
    private readonly ConcurrentDictionary<ushort, TaskCompletionSource<SubackPacket>> asks = new();
    private string client = "";
    private ClientLink? link;
    private MqttVersion version;
    private int window;
    private bool sessionPresent;
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

    /// <summary>Messages that are taken (with a store: kept) and have no last answer yet.</summary>
    public int Count
    {
        get
        {
            lock (gate) return onWire.Count + waiting.Count;
        }
    }

    /// <summary>Takes over what an earlier process left in the store; before the first <see cref="Attach"/>.</summary>
    public IReadOnlyList<ResumedPublish> Resume(string clientId, IReadOnlyList<KeptMessage> kept)
    {
        client = clientId;
        var resumed = new List<ResumedPublish>();
        var now = time.GetUtcNow();
        foreach (var k in kept)
        {
            var left = k.ExpiresAt - now;
            var pending = new Pending(left is null ? k.Message : k.Message with { MessageExpiry = left > TimeSpan.Zero ? left : TimeSpan.Zero }) { Id = k.PacketId, Order = k.Order, Released = k.Released, IsReleaseKept = true, WasSent = true };
            resumed.Add(new ResumedPublish(pending.Message, pending.Done.Task));
            order = Math.Max(order, k.Order);
            if (left <= TimeSpan.Zero && !k.Released)
            {
                pending.Done.TrySetException(new MqttException(ReasonCode.UnspecifiedError, "the message expired before the broker had it"));
                Keep(new InFlightChange.Finished(client, k.PacketId));
                continue;
            }

            byId[pending.Id] = pending;
            waiting.AddLast(pending);
        }

        foreach (var one in resumed) _ = one.Result.ContinueWith(static t => _ = t.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        return resumed;
    }

    /// <summary>A connection is there: what was in flight goes out again, first [MQTT-4.4.0-1]; when the broker lost the session, as new messages.</summary>
    public void Attach(ClientLink next, MqttVersion spoken, bool isSessionPresent, int windowSize)
    {
        lock (gate)
        {
            link = next;
            version = spoken;
            window = windowSize;
            sessionPresent = isSessionPresent;
            foreach (var pending in onWire.Values.Reverse()) waiting.AddFirst(pending);
            onWire.Clear();
            if (!isSessionPresent)
            {
                foreach (var pending in byId.Values) (pending.Released, pending.IsReleaseKept) = (false, false);
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
            if (store is null)
            {
                waiting.AddLast(pending);
                Pump();
            }
            else
            {
                if (byId.Count >= MostKept) throw new MqttException(ReasonCode.QuotaExceeded, $"{MostKept:N0} messages wait for the broker already");
                pending.Id = NextId();
                pending.Order = ++order;
                byId[pending.Id] = pending;
                entering.Enqueue(pending);
                var kept = new KeptMessage(pending.Id, pending.Order, message, message.MessageExpiry is { } expiry ? time.GetUtcNow() + expiry : null, false);
                _ = EnterAsync(pending, store.WriteAsync(new InFlightChange.Saved(client, kept)));
            }
        }

        return cancellationToken.CanBeCanceled ? WaitAsync(pending, cancellationToken) : pending.Done.Task;
    }

    public void Acknowledged(AckPacket ack)
    {
        lock (gate)
        {
            if (!byId.TryGetValue(ack.PacketId, out var pending) || !onWire.ContainsKey(pending.Order)) return;
            switch (ack.Type)
            {
                case PacketType.Puback when pending.Message.QoS == QoS.AtLeastOnce:
                case PacketType.Pubrec when pending.Message.QoS == QoS.ExactlyOnce && ack.Code.IsError():
                    Finish(pending, ack);
                    break;
                case PacketType.Pubrec when pending.Message.QoS == QoS.ExactlyOnce:
                    pending.Released = true;
                    pending.Code = ack.Code;
                    if (store is null || pending.IsReleaseKept) SendRelease(pending);
                    else _ = ReleaseAsync(pending, store.WriteAsync(new InFlightChange.Released(client, pending.Id)));
                    break;
                case PacketType.Pubcomp when pending.Released:
                    Finish(pending, ack with { Code = pending.Code });
                    break;
            }
        }
    }

    /// <summary>An identifier for a question whose answer nobody waits for; in use until it comes.</summary>
    public ushort TakeId()
    {
        lock (gate)
        {
            var id = NextId();
            var answer = new TaskCompletionSource<SubackPacket>();
            _ = answer.Task.ContinueWith(static t => _ = t.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
            asks[id] = answer;
            return id;
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
            all = [.. byId.Values.Concat(waiting).Distinct()];
            byId.Clear();
            onWire.Clear();
            waiting.Clear();
            entering.Clear();
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
            lock (gate)
            {
                if (store is null && !pending.WasSent) waiting.Remove(pending); // once on the wire, or kept, it takes its course
            }

            throw;
        }
    }

    private void Finish(Pending pending, AckPacket ack)
    {
        Forget(pending);
        pending.Done.TrySetResult(new PublishResult(ack.Code, ack.ReasonString));
        Pump();
    }

    private void Forget(Pending pending)
    {
        byId.Remove(pending.Id);
        onWire.Remove(pending.Order);
        if (store is not null) Keep(new InFlightChange.Finished(client, pending.Id));
    }

    private void Pump()
    {
        while (link is not null && waiting.First is { } first && onWire.Count < window)
        {
            waiting.RemoveFirst();
            var pending = first.Value;
            if (pending.Id == 0)
            {
                pending.Id = NextId();
                pending.Order = ++order;
                byId[pending.Id] = pending;
            }

            if (!pending.Released && link.Terms.Properties.MaximumPacketSize is { } maximum && ClientPublish.Size(pending.Message, version) > maximum)
            {
                Forget(pending);
                pending.Done.TrySetException(new MqttException(ReasonCode.PacketTooLarge, $"the broker takes packets of at most {maximum:N0} bytes"));
                continue;
            }

            onWire[pending.Order] = pending;
            if (!pending.Released) Write(pending, pending.WasSent && sessionPresent);
            else if (store is null || pending.IsReleaseKept) SendRelease(pending);
            pending.WasSent = true;
        }
    }

    private void SendRelease(Pending pending) => link?.Send(w => new AckPacket(PacketType.Pubrel, pending.Id, ReasonCode.Success).Write(w, version));

    /// <summary>The message is in the store (or could not be put there).</summary>
    [SuppressMessage("Design", "CA1031", Justification = "Whatever keeps the store from keeping it is told to who published.")]
    private async Task EnterAsync(Pending pending, ValueTask write)
    {
        Exception? failed = null;
        try
        {
            await write;
        }
        catch (Exception e)
        {
            failed = e;
        }

        lock (gate)
        {
            if (failed is not null)
            {
                byId.Remove(pending.Id);
                pending.Done.TrySetException(new MqttException(ReasonCode.UnspecifiedError, $"the message could not be kept, so it was not sent: {failed.Message}", false, failed));
            }

            pending.HasEntered = true;
            while (entering.TryPeek(out var next) && next.HasEntered)
            {
                entering.Dequeue();
                if (!next.Done.Task.IsCompleted) waiting.AddLast(next);
            }

            Pump();
        }
    }

    /// <summary>PUBREL goes out when it is on record that PUBREC came: else the next process would publish what the broker already has.</summary>
    [SuppressMessage("Design", "CA1031", Justification = "Whatever keeps the store from keeping it ends the connection.")]
    private async Task ReleaseAsync(Pending pending, ValueTask write)
    {
        try
        {
            await write;
        }
        catch (Exception e)
        {
            lock (gate) pending.Released = false; // the next connection hears PUBREC again
            lose(e);
            return;
        }

        lock (gate)
        {
            pending.IsReleaseKept = true;
            if (pending.Released && onWire.ContainsKey(pending.Order)) SendRelease(pending);
        }
    }

    /// <summary>A step that may be lost: the exchange would only be repeated.</summary>
    private void Keep(InFlightChange change) => _ = store!.WriteAsync(change).AsTask().ContinueWith(static t => _ = t.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);

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

        /// <summary>With a store: and that is on record.</summary>
        public bool IsReleaseKept { get; set; }

        public bool HasEntered { get; set; }

        /// <summary>Perhaps on a connection before this one.</summary>
        public bool WasSent { get; set; }

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
