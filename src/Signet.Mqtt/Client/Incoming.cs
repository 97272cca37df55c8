using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Text;
using System.Threading.Channels;
using Signet.Mqtt.Packets;

namespace Signet.Mqtt.Client;

/// <summary>
/// Messages from the broker until the program is done with them. A QoS 1 or 2 message is acknowledged when the program asks for the next one or says so; what it left in the middle is given
/// to the next reader, and what a crash cut short is sent again. A full queue holds reading back, except while the program itself waits for an answer that lies behind the messages.
/// </summary>
/// <param name="capacity">Messages that may wait for the program.</param>
/// <param name="store">Null: in memory alone.</param>
/// <param name="lose">Breaks the connection: the store failed.</param>
internal sealed class Incoming(int capacity, InFlightStore? store, Action<Exception> lose)
{
    /// <summary>QoS 0 messages kept beyond the capacity while an answer is awaited; above it they are dropped, as QoS 0 allows.</summary>
    private const int Overdraft = 16;
    private readonly Channel<Entry> channel = Channel.CreateUnbounded<Entry>(new UnboundedChannelOptions { SingleWriter = true });
    private readonly Lock gate = new();
    private readonly Dictionary<ushort, Entry> exactlyOnce = [];
    private readonly Dictionary<ushort, string> aliases = [];
    private TaskCompletionSource? room;

    /// <summary>QoS 1 or 2, given to the program and not acknowledged yet.</summary>
    private Entry? inHand;
    private string client = "";
    private ClientLink? link;
    private MqttVersion version;
    private int count;
    private long dropped;

    public long Dropped => Interlocked.Read(ref dropped);

    /// <summary>Takes over the identifiers of QoS 2 messages that an earlier process was done with; before the first <see cref="Attach"/>.</summary>
    public void Resume(string clientId, IReadOnlyList<ushort> done)
    {
        client = clientId;
        foreach (var id in done) exactlyOnce[id] = new Entry(new MqttMessage { Topic = "", QoS = QoS.ExactlyOnce }, id, null) { IsDone = true };
    }

    public void Attach(ClientLink next, MqttVersion spoken, bool sessionPresent)
    {
        lock (gate)
        {
            link = next;
            version = spoken;
            aliases.Clear();
            if (!sessionPresent) exactlyOnce.Clear();
        }
    }

    /// <summary>Takes a PUBLISH from the reader's thread.</summary>
    public void Take(in PublishView view, int aliasMaximum)
    {
        var topic = TopicOf(view, aliasMaximum);
        lock (gate)
        {
            if (view.QoS == QoS.ExactlyOnce && exactlyOnce.TryGetValue(view.PacketId, out var had))
            {
                had.Link = link!;
                if (had.IsDone) Acknowledge(had); // sent again because our PUBREC was lost
                return;
            }
        }

        if (view.QoS == 0 && Volatile.Read(ref count) >= capacity * Overdraft)
        {
            Interlocked.Increment(ref dropped);
            return;
        }

        var entry = new Entry(MessageCodec.Decode(view, topic), view.PacketId, link!);
        lock (gate)
        {
            if (view.QoS == QoS.ExactlyOnce) exactlyOnce[view.PacketId] = entry;
        }

        Interlocked.Increment(ref count);
        channel.Writer.TryWrite(entry);
    }

    /// <summary>PUBREL: the identifier is free.</summary>
    public void Released(ushort id)
    {
        bool known;
        ClientLink? asked;
        lock (gate)
        {
            known = exactlyOnce.Remove(id);
            asked = link;
        }

        // Also when it is unknown here: an earlier removal may still be on its way, and the identifier is free for another message once PUBCOMP is out.
        var answer = new AckPacket(PacketType.Pubcomp, id, known ? ReasonCode.Success : ReasonCode.PacketIdentifierNotFound);
        if (store is null) asked?.Send(w => answer.Write(w, version));
        else _ = AnswerAsync(store.WriteAsync(new InFlightChange.ReceivedReleased(client, id)), asked, answer);
    }

    /// <summary>Completed when reading may go on.</summary>
    public Task WhenRoom(bool isAnswerAwaited)
    {
        if (Volatile.Read(ref count) < capacity || isAnswerAwaited) return Task.CompletedTask;
        lock (gate)
        {
            room ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var wait = room.Task;
            if (Volatile.Read(ref count) < capacity) LetOn();
            return wait;
        }
    }

    /// <summary>Reading goes on: there is room again, or somebody waits for an answer.</summary>
    public void LetOn()
    {
        lock (gate)
        {
            room?.TrySetResult();
            room = null;
        }
    }

    public void Complete(Exception? why) => channel.Writer.TryComplete(why);

    public async IAsyncEnumerable<MqttMessage> ReadAllAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (Volatile.Read(ref inHand) is { } left)
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return left.Message;
            Done();
        }

        await foreach (var entry in channel.Reader.ReadAllAsync(cancellationToken))
        {
            if (Interlocked.Decrement(ref count) < capacity && Volatile.Read(ref room) is not null) LetOn();
            if (entry.Message.QoS > 0) Volatile.Write(ref inHand, entry);
            yield return entry.Message;
            Done();
        }
    }

    /// <summary>The program is done with the message in hand, if there is one.</summary>
    public void Done()
    {
        lock (gate)
        {
            if (inHand is not { } entry) return;
            inHand = null;
            entry.IsDone = true;
            Acknowledge(entry);
        }
    }

    /// <summary>The same, all that wait at once: 1 to <paramref name="most"/> of them, in order. They are acknowledged together, when the reader comes back; what one that leaves had in hand the broker sends again on the next connection.</summary>
    public async IAsyncEnumerable<IReadOnlyList<MqttMessage>> ReadBatchesAsync(int most, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var entries = new List<Entry>();
        while (await channel.Reader.WaitToReadAsync(cancellationToken))
        {
            while (entries.Count < most && channel.Reader.TryRead(out var entry)) entries.Add(entry);
            if (entries.Count == 0) continue;
            if (Interlocked.Add(ref count, -entries.Count) < capacity && Volatile.Read(ref room) is not null) LetOn();
            yield return [.. entries.Select(e => e.Message)];
            lock (gate)
            {
                foreach (var entry in entries)
                {
                    entry.IsDone = true;
                    if (entry.Message.QoS > 0) Acknowledge(entry);
                }
            }

            entries.Clear();
        }
    }

    private void Acknowledge(Entry entry)
    {
        if (entry.Link != link) return; // that connection is gone; the broker sends the message again
        var answer = new AckPacket(entry.Message.QoS == QoS.AtLeastOnce ? PacketType.Puback : PacketType.Pubrec, entry.PacketId, ReasonCode.Success);
        if (store is null || answer.Type == PacketType.Puback) link?.Send(w => answer.Write(w, version));
        else _ = AnswerAsync(store.WriteAsync(new InFlightChange.Received(client, entry.PacketId)), link, answer);
    }

    /// <summary>Answers when the step is on record.</summary>
    [SuppressMessage("Design", "CA1031", Justification = "Whatever keeps the store from keeping it ends the connection.")]
    private async Task AnswerAsync(ValueTask write, ClientLink? asked, AckPacket answer)
    {
        try
        {
            await write;
            asked?.Send(w => answer.Write(w, version));
        }
        catch (Exception e)
        {
            lose(e);
        }
    }

    private string TopicOf(in PublishView view, int aliasMaximum)
    {
        if (view.TopicAlias > aliasMaximum) throw new MqttException(ReasonCode.TopicAliasInvalid, $"the broker used topic alias {view.TopicAlias}");
        if (view.Topic.IsEmpty)
        {
            return aliases.TryGetValue(view.TopicAlias, out var known) ? known : throw new MqttException(ReasonCode.ProtocolError, "the broker used a topic alias it never set");
        }

        if (!WireReader.IsText(view.Topic)) throw new MqttException(ReasonCode.MalformedPacket, "the broker sent a topic that is not UTF-8");
        var topic = Encoding.UTF8.GetString(view.Topic);
        if (view.TopicAlias != 0) aliases[view.TopicAlias] = topic;
        return topic;
    }

    private sealed class Entry(MqttMessage message, ushort packetId, ClientLink? link)
    {
        public MqttMessage Message => message;

        public ushort PacketId => packetId;

        public ClientLink? Link { get; set; } = link;

        public bool IsDone { get; set; }
    }
}
