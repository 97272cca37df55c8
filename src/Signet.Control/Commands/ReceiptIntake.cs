using System.Data.Common;
using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;
using Signet.Audit;
using Signet.Mqtt;
using Signet.Store;
using Signet.Wire;

namespace Signet.Control;

/// <summary>
/// Steps 9 and 10: bytes from a device, verified, on the record, then the command's state.
/// <para>
/// A receipt speaks about a command only if it names it and carries the digest of the very bytes the center sent to that device. A refusal with another digest, or of bytes
/// the device had seen before (<c>replayed</c>), is news about an attack (audit types <c>security</c> and <c>replay</c>) and never changes a command's state.
/// </para>
/// <para>
/// Receipts that are there together are recorded together: one flush of the log and one of the database for all of them, at most one of each device (<see cref="Holds"/>). For one caller at a time.
/// </para>
/// </summary>
internal sealed class ReceiptIntake(Roster roster, Manifests manifests, CommandLedger ledger, ControlDatabase database, AuditTrail trail, Heartbeats heartbeats, RepeatedNotes repeated, CommandNews news, TimeProvider time)
{
    /// <summary>A verified receipt that waits for the flush. <c>Window</c>: the device's, with this receipt in it; null when the device was removed meanwhile.</summary>
    private sealed record Held(string Device, VerifiedReceipt Verified, ReplayState? Window, Activity? Trace)
    {
        public CommandRow? Command { get; set; }
        public Evidence? Evidence { get; set; }
        public ReceiptClaims Claims => Verified.Claims;
    }

    private readonly List<Held> _held = [];
    private readonly HashSet<string> _devices = new(StringComparer.Ordinal);

    /// <summary>A receipt of this device waits for <see cref="FlushAsync"/>, which must come before its next word is taken.</summary>
    public bool Holds(string device) => _devices.Contains(device);

    /// <summary>Verifies; what is right is on the record after the next <see cref="FlushAsync"/>.</summary>
    public void Take(string device, MqttMessage message)
    {
        var before = Activity.Current;
        var trace = Tracing.Continue("signet.receipt", message);
        Activity.Current = before;
        // Any age: an answer that waited for the line is late, not wrong. What it answers is fixed by its digest.
        if (!ReceiptMessage.TryVerify(message.Payload.Span, Expect(message.Topic), out var verified, out var rejection))
        {
            repeated.Add(Intake.RefusedMessage(device, "receipt", rejection), device);
            trace?.Dispose();
            return;
        }

        var claims = verified.Claims;
        heartbeats.ReceiptHeard(device, claims.Epoch, claims.Sequence);
        var (isNew, window) = roster.With(device, m => Commit(m, claims, out rejection));
        if (!isNew)
        {
            // The same receipt again after a broken line (QoS 1) is no attack.
            if (!message.Duplicate && ledger.FindRow(claims.InReplyTo)?.Receipt != Encoding.ASCII.GetString(verified.Bytes.Span))
                repeated.Add(Intake.RefusedMessage(device, "receipt", rejection), device);
            trace?.Dispose();
            return;
        }

        _held.Add(new(device, verified, window, trace));
        _devices.Add(device);
    }

    /// <summary>Puts all that is held on the record, then into the states of their commands. Until it returns, the broker still has them.</summary>
    public async Task FlushAsync(CancellationToken cancellationToken)
    {
        if (_held.Count == 0) return;
        var asked = _held.ConvertAll(held => (held.Claims.InReplyTo, held.Claims.Digest));
        var known = await UntilDoneAsync(() => Task.FromResult(ledger.FindAnswered(asked)), cancellationToken);
        await Task.WhenAll(_held.Select((held, place) => RecordAsync(held, known[place], cancellationToken)).ToList());

        // The window and the state in one transaction: after a crash either both are there, or neither and the broker sends the receipt again.
        var changed = await UntilDoneAsync(() => database.WriteAsync<IReadOnlyList<CommandView>>(connection => [.. _held.Select(held => Apply(connection, held)).OfType<CommandView>().ToList()], cancellationToken), cancellationToken);
        foreach (var view in changed) news.Announce(view);
        foreach (var held in _held) held.Trace?.Dispose();
        _held.Clear();
        _devices.Clear();
    }

    private (bool IsNew, ReplayState? Window) Commit(Member member, ReceiptClaims claims, out Rejection rejection)
    {
        if (!member.Receipts.Check(claims.Epoch, claims.Sequence, time.GetUtcNow(), out rejection)) return (false, null);
        member.Receipts.Commit(claims.Epoch, claims.Sequence);
        member.LastSeen = time.GetUtcNow();
        member.IsDirty = true;
        return (true, member.Receipts.Export());
    }

    private async Task RecordAsync(Held held, (CommandRow? Row, bool IsAttempt) known, CancellationToken cancellationToken)
    {
        var (command, claims) = (known.Row, held.Claims);
        var isOurs = command is not null && command.Device == held.Device && (command.Digest == claims.Digest || known.IsAttempt);
        // A refusal of an earlier message of a command that was signed anew is old news.
        var isOld = isOurs && command!.Digest != claims.Digest && claims.State == ReceiptState.Rejected;
        if (isOld) return;
        // What was asked under a suite may be answered under it when that has ended meanwhile; nothing else.
        if (manifests.HasEnded(held.Device, held.Verified.Suite, out var ended) && !(isOurs && command!.IsUnderSharedKey))
        {
            repeated.Add(Intake.RefusedMessage(held.Device, "receipt", ended), held.Device);
            return;
        }

        if (!isOurs || claims.Reason == RejectReason.Replayed)
        {
            repeated.Add(Foreign(held.Device, claims, isOurs), held.Device);
            return;
        }

        // A crash after the log and before the state: the broker sends the receipt again, and its entry is there.
        var entry = await trail.FindEarlierAsync(command!.AuditEntry, new() { Type = AuditTypes.Command, Actor = held.Device, Action = "receipt", Text = held.Verified.Digest }, cancellationToken)
            ?? await trail.AppendWhenPossibleAsync(Record(held.Device, held.Verified, command), cancellationToken);
        held.Command = command;
        held.Evidence = new(time.GetUtcNow(), claims.State == ReceiptState.Rejected ? RejectReasons.Of(claims.Reason).Name : null, claims.Result,
            Encoding.ASCII.GetString(held.Verified.Bytes.Span), entry.Sequence, claims.Digest);
    }

    private CommandView? Apply(DbConnection connection, Held held)
    {
        if (held.Window is not null) FleetStore.SaveWindow(connection, held.Device, "receipt", held.Window);
        return held.Evidence is null ? null : CommandLedger.Apply(connection, held.Claims.InReplyTo, IsReturned(held.Claims, held.Command!) ? CommandEvent.Returned : EventOf(held.Claims.State), held.Evidence);
    }

    private Expectation Expect(string topic) => new()
    {
        Keys = roster.Keys, Audience = Actor.Center.Name, Topic = topic, Now = time.GetUtcNow(), MaximumAge = Expectation.AnyAge,
    };

    private static AuditRecord Record(string device, VerifiedReceipt verified, CommandRow command)
    {
        var claims = verified.Claims;
        return new(AuditTypes.Command, device, device, "receipt", Words.Of(claims.State), claims.State == ReceiptState.Rejected ? RejectReasons.Of(claims.Reason).Name : "", new JsonObject
        {
            ["id"] = command.Id, ["command"] = command.Command, ["receipt"] = verified.Digest, ["key"] = verified.KeyId, ["result"] = claims.Result.DeepClone(),
        });
    }

    private static AuditRecord Foreign(string device, ReceiptClaims claims, bool isOurs) => new(
        claims.Reason is RejectReason.Replayed or RejectReason.StaleEpoch ? AuditTypes.Replay : AuditTypes.Security,
        device, device, isOurs ? "copy-refused-by-device" : "foreign-message-at-device", Words.Of(claims.State),
        claims.State == ReceiptState.Rejected ? RejectReasons.Of(claims.Reason).Name : "not-sent-by-this-center", new JsonObject
        {
            ["id"] = claims.InReplyTo, ["digest"] = claims.Digest,
        });

    // The device signed that the message came too late (or for an earlier start of it) and did nothing: an intent that may still wait is signed anew.
    private bool IsReturned(ReceiptClaims claims, CommandRow command)
        => claims is { State: ReceiptState.Rejected, Reason: RejectReason.Expired or RejectReason.StaleEpoch } && command.MayWait(time.GetUtcNow());

    private static CommandEvent EventOf(ReceiptState state) => state switch
    {
        ReceiptState.Accepted => CommandEvent.DeviceAccepted,
        ReceiptState.Rejected => CommandEvent.DeviceRejected,
        ReceiptState.Executed => CommandEvent.DeviceExecuted,
        ReceiptState.Failed => CommandEvent.DeviceFailed,
        ReceiptState.Interrupted => CommandEvent.DeviceInterrupted,
        _ => throw new ArgumentOutOfRangeException(nameof(state), state, "no such state"),
    };

    // The device has acted, so its word waits at the broker's door until it can be written down.
    private async Task<T> UntilDoneAsync<T>(Func<Task<T>> work, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return await work();
            }
            catch (StoreException)
            {
                await Task.Delay(ControlLimits.AuditRetry, time, cancellationToken);
            }
        }
    }
}
