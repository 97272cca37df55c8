using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Signet.Audit;
using Signet.Mqtt;
using Signet.Wire;

namespace Signet.Control;

/// <summary>What device and center have said and heard of each other since the device's last <c>online</c>. In memory: a center that starts anew begins to count with the connections that come.</summary>
internal sealed class Beat(long epoch, long since)
{
    public long Epoch { get; } = epoch;
    public long Since { get; } = since;

    /// <summary>Commands the broker took for the device, now and when its last heartbeat came.</summary>
    public long Sent, SentBefore;

    /// <summary>Receipts that verified, each number once.</summary>
    public long Receipts;
    public long Readings;

    /// <summary>Receipts among them after which the device is done with a command.</summary>
    public long Answered;

    private long _answeredBefore, _answeredAt;
    private bool _wasAtWork, _isAnnounced;
    private (long Epoch, long Sequence) _newest;

    /// <summary>The <c>online</c> is one that the broker had kept: what was said between it and now is not known here, and nothing is compared or told until the device's first heartbeat says it.</summary>
    public bool IsMidway { get; init; }

    /// <summary>The device's <c>online</c> is not here yet, its first heartbeat stands for it.</summary>
    public bool IsAssumed { get; set; }

    private readonly ReplayWindow _numbers = new();
    private readonly StrayCount _receipts = new(), _readings = new(), _commands = new();

    public void Hear(long epoch, long sequence, bool isEnd)
    {
        // How far an epoch may rise is for the receipts' own window; this one only counts.
        if (!_numbers.Check(epoch, sequence, DateTimeOffset.MaxValue - WireLimits.MaximumSkew, out _)) return;
        _numbers.Commit(epoch, sequence);
        Receipts++;
        // What was signed before the online answers no command of this count: devices send again what the center may not have.
        if ((epoch, sequence).CompareTo((Epoch, Since)) <= 0) return;
        if (isEnd) Answered++;
        // In the order of their numbers, whatever the order they come in.
        if ((epoch, sequence).CompareTo(_newest) > 0) (_newest, _isAnnounced) = ((epoch, sequence), !isEnd);
    }

    /// <summary>
    /// A device takes one command after the other: those behind the one it is at work on wait at its door, and are not missing. Once for each heartbeat. At work, now or the last time: its last receipt is an
    /// <c>accepted</c> (however long ago: an end that was sent and kept back is missed as a receipt), or it has heard more than it has answered, and answers at least every <see cref="ControlLimits.AtWork"/>.
    /// </summary>
    public bool IsAtWork(HeartbeatClaims claims, TimeProvider time)
    {
        var (was, isNow) = (_wasAtWork, _isAnnounced || claims.Heard > Answered);
        if (!isNow || _isAnnounced || Answered != _answeredBefore || _answeredAt == 0) _answeredAt = time.GetTimestamp();
        (_wasAtWork, _answeredBefore) = (isNow, Answered);
        return (was || isNow) && time.GetElapsedTime(_answeredAt) < ControlLimits.AtWork;
    }

    /// <summary>What must have come by now and has not: what the device had sent by its heartbeat before, and the center by its own. Once for each heartbeat.</summary>
    public (long Receipts, long Readings, long Commands) Missing(HeartbeatClaims claims, TimeProvider time)
    {
        _receipts.Look(Receipts, claims.Sent, claims.IssuedAt, time);
        _readings.Look(Readings, claims.Readings, claims.IssuedAt, time);
        _commands.Look(claims.Heard, Sent, claims.IssuedAt, time);
        return Last is not { } before ? default : (before.Sent - (Receipts - _receipts.Sure), before.Readings - (Readings - _readings.Sure), SentBefore - (claims.Heard - _commands.Sure));
    }

    /// <summary>Counting goes on from the device's word, in a new count: what is on its way now belongs to none. What is already here of what it will say next is counted too, so that it is not missed later.</summary>
    public Beat From(HeartbeatClaims claims) => new(Epoch, Since) { IsAssumed = IsAssumed, Sent = claims.Heard, Answered = claims.Heard, Receipts = claims.Sent + Receipts, Readings = claims.Readings + Readings };

    /// <summary>The device's last heartbeat, and when it came; null before the first.</summary>
    public HeartbeatClaims? Last;
    public long LastAt;

    /// <summary>When the center's last one left, 0 before the first; and how long after it the next one is due.</summary>
    public long PulsedAt;
    public TimeSpan PulseEvery;

    /// <summary>How many of each kind were reported missing.</summary>
    public Dictionary<string, long> Reported { get; } = new(StringComparer.Ordinal);
    public bool IsSilent;

    public string? Trouble => IsSilent ? "silent" : Reported.Count > 0 ? "messages missing" : null;
}

/// <summary>
/// Heartbeats both ways (docs/spec/replay.md): the center holds the counts of a device's signed heartbeats against its own, and tells the device its own. Loss, holding back
/// and silence between the two are noticed by the second heartbeat, whoever runs the broker. What is noticed is on the record and on the device's page; nothing is undone by it.
/// </summary>
internal sealed class Heartbeats(Roster roster, Manifests manifests, CommandSigner signer, AuditTrail trail, RepeatedNotes repeated, TimeProvider time, ILogger logger)
{
    /// <summary>A reading named heartbeat: verified, held against the window of readings, compared.</summary>
    public void Take(string device, MqttMessage message)
    {
        var expected = new Expectation { Keys = roster.Keys, Audience = Actor.Center.Name, Topic = message.Topic, Now = time.GetUtcNow() };
        if (!HeartbeatMessage.TryVerify(message.Payload.Span, expected, out var verified, out var rejection)
            || manifests.HasEnded(device, verified.Suite, out rejection) || !roster.With(device, m => Commit(m, verified.Claims, out rejection)))
        {
            if (!message.Duplicate || rejection.Reason != RejectReason.Replayed) repeated.Add(Intake.RefusedMessage(device, "heartbeat", rejection), device);
            return;
        }

        roster.Change(device, member => Compare(member, verified.Claims));
    }

    /// <summary>A verified receipt, new or not: a copy after a broken line counts once.</summary>
    public void ReceiptHeard(string device, ReceiptClaims claims) => roster.With(device, m =>
    {
        m.Beat?.Hear(claims.Epoch, claims.Sequence, claims.State != ReceiptState.Accepted);
        return true;
    });

    /// <summary>The count that a command belongs to which is about to go out; null when the device is away.</summary>
    public Beat? Counting(string device) => roster.With(device, m => m.Beat);

    /// <summary>The broker took it. Its answer may come after the device has said <c>online</c> anew, which it then heard the command before.</summary>
    public void CommandSent(string device, Beat? counting) => roster.With(device, m => counting is not null && ReferenceEquals(m.Beat, counting) ? ++counting.Sent : 0);

    /// <summary>Looks for devices that have fallen silent, and says the center's own heartbeat to those whose turn it is: in the step of the device's own, at most every <see cref="ControlLimits.Heartbeat"/>
    /// and at most <see cref="ControlLimits.HeartbeatsPerSecond"/> a second.</summary>
    public async Task RunAsync(BrokerLink link, CancellationToken cancellationToken)
    {
        // A broker that does not answer the center's own word must not keep it from noticing who is silent.
        var looking = EverySecondAsync(_ =>
        {
            foreach (var device in roster.Where(m => m.Beat is { } beat && IsSilent(beat))) roster.Change(device, FallSilent);
            return Task.CompletedTask;
        }, cancellationToken);
        await Task.WhenAll(looking, EverySecondAsync(stop => PulseAsync(link, stop), cancellationToken));
    }

    private async Task EverySecondAsync(Func<CancellationToken, Task> work, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1), time);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellationToken))
            {
                try
                {
                    await work(cancellationToken);
                }
                catch (Exception e) when (!cancellationToken.IsCancellationRequested)
                {
                    Log.RoundFailed(logger, "heartbeats", e.Message);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The center stops.
        }
    }

    private async Task PulseAsync(BrokerLink link, CancellationToken cancellationToken)
    {
        if (!link.IsUp) return;
        var least = TimeSpan.FromSeconds(Math.Clamp(roster.Count().Online / ControlLimits.HeartbeatsPerSecond, ControlLimits.Heartbeat.TotalSeconds, WireLimits.HeartbeatSeconds / 2));
        // What was promised with the last one counts, not what would be promised now.
        foreach (var device in roster.Where(m => m.State == PresenceState.Online && m.Beat is { IsMidway: false } b && (b.PulsedAt == 0 || time.GetElapsedTime(b.PulsedAt) >= b.PulseEvery)).Take(ControlLimits.HeartbeatsPerSecond))
        {
            if (roster.With(device, m => Tell(m, least)) is not { } told) continue;
            using var limit = new CancellationTokenSource(ControlLimits.PublishTimeout, time);
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
            // Signed outside the roster's lock, for which everybody who connects waits. By one caller: in the order of what is told.
            await link.PublishCheckpointAsync(device, signer.Heartbeat(told.Device, told.Since, told.NextWithin, told.Sent, told.Heard), QoS.AtLeastOnce, retain: false, patience.Token);
        }
    }

    private sealed record Told(DeviceRecord Device, long Since, int NextWithin, long Sent, long Heard);

    // A device that speaks seldom compares seldom: more signatures than it makes would be of no use to it.
    private Told? Tell(Member member, TimeSpan least)
    {
        if (member.Beat is not { } beat) return null;
        var step = TimeSpan.FromSeconds(Math.Min(beat.Last?.NextWithin ?? 0, WireLimits.HeartbeatSeconds / 2));
        (beat.PulsedAt, beat.PulseEvery) = (time.GetTimestamp(), step > least ? step : least);
        // Twice its turn: the next one may have to wait for the others'.
        return new(member.ToRecord(), beat.Since, (int)(2 * beat.PulseEvery).TotalSeconds, beat.Sent, beat.Receipts);
    }

    private bool Commit(Member member, HeartbeatClaims claims, out Rejection rejection)
    {
        if (!member.Telemetry.Check(claims.Epoch, claims.Sequence, time.GetUtcNow(), out rejection)) return false;
        member.Telemetry.Commit(claims.Epoch, claims.Sequence);
        member.LastSeen = time.GetUtcNow();
        member.IsDirty = true;
        return true;
    }

    internal bool Compare(Member member, HeartbeatClaims claims)
    {
        var hasCome = roster.TakeInstead(member, claims);
        if (member.Beat is not { } beat || (claims.Epoch, claims.Since) != (beat.Epoch, beat.Since)) return false; // of another connection
        if (beat.IsMidway) member.Beat = beat = beat.From(claims);
        var trouble = beat.Trouble;
        if (beat.IsSilent) trail.Note(Record(member, "device-heard-again", "success", []));
        beat.IsSilent = false;
        var isAtWork = beat.IsAtWork(claims, time);
        // What was on its way when it said so is here when it says it again.
        var (receipts, readings, commands) = beat.Missing(claims, time);
        Miss(member, beat, "receipts", receipts);
        Miss(member, beat, "readings", readings);
        if (!isAtWork) Miss(member, beat, "commands", commands);
        (beat.Last, beat.LastAt, beat.SentBefore) = (claims, time.GetTimestamp(), beat.Sent);
        return hasCome || beat.Trouble != trouble;
    }

    private void Miss(Member member, Beat beat, string what, long missing)
    {
        if (missing <= beat.Reported.GetValueOrDefault(what)) return;
        beat.Reported[what] = missing;
        trail.Note(Record(member, "messages-missing", "noticed", new() { ["what"] = what, ["missing"] = missing }));
    }

    private bool IsSilent(Beat beat) => !beat.IsSilent && beat.Last is { } last && time.GetElapsedTime(beat.LastAt) >= 2 * TimeSpan.FromSeconds(last.NextWithin);

    private bool FallSilent(Member member)
    {
        if (member.Beat is not { } beat || member.State != PresenceState.Online || !IsSilent(beat)) return false;
        beat.IsSilent = true;
        trail.Note(Record(member, "device-silent", "noticed", new() { ["seconds"] = 2 * beat.Last!.NextWithin }));
        return true;
    }

    private static AuditRecord Record(Member member, string action, string outcome, JsonObject details) => new(AuditTypes.Security, Actor.Center.Name, member.Name, action, outcome, "", details);
}
