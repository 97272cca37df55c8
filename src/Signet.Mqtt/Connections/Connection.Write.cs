using Signet.Mqtt.Broker.Routing;
using Signet.Mqtt.Packets;

namespace Signet.Mqtt.Broker.Connections;

/// <summary>
/// Writing. <see cref="Outbox"/>, <c>dirty</c> and <c>writing</c> are guarded by the session's gate. Whoever wakes the connection writes for it, on its own thread,
/// everything that has gathered since, as one write (one TLS record while it is under 16 KB).
/// </summary>
internal sealed partial class Connection
{
    /// <summary>How long last words (CONNACK refusal, DISCONNECT) may take to leave.</summary>
    private static readonly TimeSpan GoodbyeTimeout = TimeSpan.FromSeconds(1);
    private Dictionary<Topic, ushort>? aliases;
    private TaskCompletionSource? idle;
    private bool dirty;
    private bool writing;
    private bool broken;
    private long writingSince;
    private int outgoing;
    private ushort clientAliases;

    /// <summary>Bytes that wait to be written.</summary>
    public WireWriter Outbox { get; } = new();

    public int WriteBuffer => Limits.WriteBuffer;

    /// <summary>Largest packet the client takes.</summary>
    public int MaximumPacketSize { get; private set; } = BrokerLimits.ProtocolMaxPacket + 5;

    /// <summary>Unacknowledged messages the client takes.</summary>
    public int SendMaximum { get; private set; }

    public void CountOut() => outgoing++;

    /// <summary>Notes that there is something to write; true when the caller must <see cref="Wake"/>.</summary>
    public bool MarkDirty()
    {
        if (dirty) return false;
        dirty = true;
        return !writing;
    }

    /// <summary>The alias for a topic towards this client, 0 for none. Under the gate, and only for a packet that is written: the first use teaches it.</summary>
    public ushort AliasFor(Topic topic, out bool known)
    {
        known = false;
        if (clientAliases == 0) return 0;
        aliases ??= [];
        if (aliases.TryGetValue(topic, out var alias))
        {
            known = true;
            return alias;
        }

        if (aliases.Count >= clientAliases) return 0;
        return aliases[topic] = (ushort)(aliases.Count + 1);
    }

    public void Wake()
    {
        var mine = session;
        if (mine is null) return;
        lock (mine.Gate)
        {
            if (writing || !dirty) return;
            writing = true;
        }

        _ = WriteAllAsync(mine);
    }

    private async Task WriteAllAsync(Sessions.Session mine)
    {
        try
        {
            while (true)
            {
                byte[] bytes;
                int length, messages;
                bool commit;
                lock (mine.Gate)
                {
                    dirty = false;
                    commit = mine.Connection == this && !IsEnding && mine.Pump(this);
                    if (Outbox.Length == 0 && !commit)
                    {
                        writing = false;
                        idle?.TrySetResult();
                        return;
                    }

                    bytes = Outbox.Detach(out length);
                    messages = outgoing;
                    outgoing = 0;
                }

                if (length > 0 && !await WriteAsync(bytes, length, messages)) return;
                if (!commit) continue;
                await broker.Store.CommitAsync();
                lock (mine.Gate)
                {
                    if (mine.Connection == this) mine.SendCommitted(this);
                }
            }
        }
        catch (Exception e)
        {
            Break(mine, $"writing failed: {e.Message}");
        }
    }

    private async ValueTask<bool> WriteAsync(byte[] bytes, int length, int messages)
    {
        try
        {
            var write = pipe.Output.WriteAsync(bytes.AsMemory(0, length));
            if (!write.IsCompleted) Volatile.Write(ref writingSince, broker.Time.GetTimestamp());
            var result = await write;
            if (result.IsCanceled || result.IsCompleted)
            {
                Break(session!, "the peer reads no more");
                return false;
            }

            broker.Counters.Add(Tally.BytesOut, length);
            if (messages > 0) broker.Counters.Add(Tally.MessagesOut, messages);
            return true;
        }
        finally
        {
            Volatile.Write(ref writingSince, 0);
            WireWriter.Recycle(bytes);
        }
    }

    /// <summary>Nothing is written any more; <c>writing</c> stays set so that nobody tries.</summary>
    private void Break(Sessions.Session mine, string why)
    {
        Close(ReasonCode.UnspecifiedError, why);
        lock (mine.Gate)
        {
            broken = true;
            Outbox.Clear();
            idle?.TrySetResult();
        }
    }

    /// <summary>Writes what is left, and DISCONNECT with the reason when the broker ends an MQTT 5 connection (MQTT 5.0 section 4.13).</summary>
    private async Task SayGoodbyeAsync(Ending why)
    {
        var mine = session!;
        Task done;
        lock (mine.Gate)
        {
            if (broken) return;
            if (mustCommit) replies.Clear();   // handling broke off before the commit they wait for
            Outbox.Raw(replies.WrittenSpan);
            if (Version == MqttVersion.V5 && !why.ByClient && why.Code.IsError() && why.Reason.Length > 0) Goodbye(why).Write(Outbox, Version);
            dirty = true;
            idle = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            done = idle.Task;
        }

        Wake();
        await Task.WhenAny(done, Task.Delay(GoodbyeTimeout, broker.Time));
        if (done.IsCompleted) return;
        pipe.Output.CancelPendingFlush();
        await Task.WhenAny(done, Task.Delay(GoodbyeTimeout, broker.Time));
    }

    /// <summary>A packet with this reason string is within what the client takes.</summary>
    private bool Fits(string reason) => (reason.Length * 3) + 16 <= MaximumPacketSize;

    private DisconnectPacket Goodbye(Ending why)
    {
        var code = why.Code is ReasonCode.ClientIdentifierNotValid or ReasonCode.BadUserNameOrPassword or ReasonCode.Banned ? ReasonCode.NotAuthorized : why.Code;
        return new DisconnectPacket(PacketType.Disconnect, code, new PropertySet { ReasonString = Fits(why.Reason) ? why.Reason : null }); // [MQTT-3.14.2-3]
    }
}
