using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;
using Signet.Mqtt.Broker.Sessions;
using Signet.Mqtt.Packets;

namespace Signet.Mqtt.Broker.Connections;

/// <summary>
/// One transport, from its first byte to its end.
/// <para>1 <c>ConnectAsync</c>: CONNECT, authentication, CONNACK. 2 <c>ReceiveAsync</c>: one task reads; it handles every whole packet in the buffer, then
/// wakes the connections it gave something to, each once. 3 Writing is done by whoever wakes the connection, one at a time. 4 <c>FinishAsync</c>: last
/// words, the will, the session's rest.</para>
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "RunAsync, the whole life of a connection, disposes it at its end.")]
internal sealed partial class Connection(MqttBroker broker, IDuplexPipe pipe, ConnectionFacts facts)
{
    private readonly CancellationTokenSource stopping = new();
    private readonly TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Session? session;
    private Ending? ending;
    private Will? will;
    private long lastHeard = broker.Time.GetTimestamp();

    public ConnectionFacts Facts => facts;

    public MqttVersion Version { get; private set; } = MqttVersion.V311;

    /// <summary>Zero: switched off.</summary>
    public TimeSpan KeepAlive { get; private set; }

    /// <summary>Completes when everything about this connection is over.</summary>
    public Task Ended => ended.Task;

    public long MessagesIn { get; private set; }

    /// <summary>Null until CONNECT was accepted.</summary>
    public Session? Session => Volatile.Read(ref session);

    private bool IsEnding => Volatile.Read(ref ending) is not null;

    private BrokerLimits Limits => broker.Options.Limits;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var registration = cancellationToken.UnsafeRegister(static c => ((Connection)c!).Close(ReasonCode.ServerShuttingDown, "the listener is closing"), this);
        try
        {
            if (await ConnectAsync()) await ReceiveAsync();
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException or System.Net.Sockets.SocketException or InvalidOperationException)
        {
            Close(ReasonCode.UnspecifiedError, $"transport broke: {e.Message}");
        }
        catch (Exception e)
        {
            broker.LogBug(e);
            Close(ReasonCode.UnspecifiedError, "the broker failed while handling this connection");
        }
        finally
        {
            await FinishAsync();
            stopping.Dispose();
            ended.TrySetResult();
        }
    }

    /// <summary>Ends the connection from any thread; the first reason given stays.</summary>
    public void Close(ReasonCode code, string reason, RefusalKind? refusal = null)
    {
        if (Interlocked.CompareExchange(ref ending, new Ending(code, reason, refusal, false), null) is not null) return;
        try
        {
            stopping.Cancel();
        }
        catch (ObjectDisposedException)
        {
            return; // it ended by itself meanwhile
        }

        pipe.Input.CancelPendingRead();
    }

    /// <summary>The same, and what is not on the wire yet never gets there: messages in the write buffer were allowed by a policy that no longer holds.</summary>
    public void CloseWithoutRest(ReasonCode code, string reason)
    {
        if (Session is { } mine)
        {
            lock (mine.Gate) Outbox.Clear();
        }

        Close(code, reason);
    }

    /// <summary>Called by the broker's sweep: deadlines of connecting, keep alive and writing.</summary>
    public void CheckDeadlines(long now)
    {
        var silence = broker.Time.GetElapsedTime(Volatile.Read(ref lastHeard), now);
        if (session is null)
        {
            if (silence > Limits.ConnectTimeout) Close(ReasonCode.KeepAliveTimeout, $"no CONNECT was accepted within {Limits.ConnectTimeout.TotalSeconds:0} s", RefusalKind.Connect);
        }
        else if (KeepAlive > TimeSpan.Zero && silence > KeepAlive * 1.5)
        {
            Close(ReasonCode.KeepAliveTimeout, $"silent for more than one and a half times the keep alive of {KeepAlive.TotalSeconds:0} s"); // [MQTT-3.1.2-22]
        }

        var since = Volatile.Read(ref writingSince);
        if (since == 0 || broker.Time.GetElapsedTime(since, now) <= Limits.WriteTimeout) return;
        Close(ReasonCode.QuotaExceeded, $"took no byte for {Limits.WriteTimeout.TotalSeconds:0} s", RefusalKind.Quota);
        pipe.Output.CancelPendingFlush();
    }

    /// <summary>Called under the session's gate when the session becomes this connection's.</summary>
    public void Own(Session mine) => Volatile.Write(ref session, mine);

    private bool Fail(PacketError error)
    {
        Close(error.Code, error.Why, RefusalKind.Protocol);
        return false;
    }

    private async Task FinishAsync()
    {
        var why = Volatile.Read(ref ending) ?? new Ending(ReasonCode.UnspecifiedError, "transport was closed without DISCONNECT", null, false);
        Volatile.Write(ref ending, why);
        if (session is not null)
        {
            await SayGoodbyeAsync(why);
            EndSessionPart(why);
        }
        else if (why.Refusal is { } early)
        {
            broker.Refuse(early, why.Code, why.Reason, null, null, facts);
        }

        replies.Clear();
        await CompleteAsync(pipe.Input.CompleteAsync());
        await CompleteAsync(pipe.Output.CompleteAsync());
    }

    private void EndSessionPart(Ending why)
    {
        var mine = session!;
        if (why.Refusal is { } kind) broker.Refuse(kind, why.Code, why.Reason, mine.Context, null);
        var owner = mine.Detach(this);
        lock (mine.Gate) Outbox.Clear();
        broker.ConnectionEnded(this, mine);
        var willFollows = will is not null;
        if (will is { } last)
        {
            // A delayed will is dropped when the session is taken up again before its time [MQTT-3.1.3-9]; it is due at once when the session ends now.
            var endsNow = mine.Ended || (owner && mine.Expiry == TimeSpan.Zero);
            if (last.Delay == TimeSpan.Zero || endsNow) broker.PublishWill(mine, last);
            else if (owner) mine.DelayedWill = (last, broker.Time.GetUtcNow() + (last.Delay < mine.Expiry ? last.Delay : mine.Expiry));
            else willFollows = false;
        }

        broker.NotifyDisconnected(mine, this, new DisconnectInfo(why.Code, why.Reason, why.ByClient, willFollows));
        if (!owner) return;
        if (mine.Expiry == TimeSpan.Zero) broker.Table.Remove(mine);
        else mine.StoreAway();
    }

    private static async Task CompleteAsync(ValueTask task)
    {
        try
        {
            await task;
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or InvalidOperationException or OperationCanceledException)
        {
            // the transport is gone already
        }
    }

    private sealed record Ending(ReasonCode Code, string Reason, RefusalKind? Refusal, bool ByClient);
}
