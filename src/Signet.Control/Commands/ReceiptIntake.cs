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
    /// <summary>A verified receipt that waits for the flush.</summary>
    private sealed record Held(string Device, VerifiedReceipt Verified, bool IsDuplicate, Activity? Trace)
    {
        /// <summary>Looked at; what came of it stands here, so that a flush that is tried again does not do it twice.</summary>
        public bool IsJudged { get; set; }

        /// <summary>The device's window as it was (to know it again), and with this receipt in it; null when the receipt does not count or the device was removed meanwhile.</summary>
        public (ReplayWindow Before, ReplayWindow After)? Window { get; set; }
        public CommandRow? Command { get; set; }
        public Evidence? Evidence { get; set; }
        public ReceiptClaims Claims => Verified.Claims;
    }

    private readonly List<Held> _held = [];
    private readonly HashSet<string> _devices = new(StringComparer.Ordinal);

    /// <summary>A receipt of this device waits for <see cref="FlushAsync"/>, which must come before its next word is taken.</summary>
    public bool Holds(string device) => _devices.Contains(device);

    /// <summary>Verifies; what is right is on the record after the next <see cref="FlushAsync"/>. Asks no database.</summary>
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

        _held.Add(new(device, verified, message.Duplicate, trace));
        _devices.Add(device);
    }

    /// <summary>
    /// Puts all that is held on the record, then into the states of their commands. Until it returns, the broker still has them. After an exception nothing counts as seen, and it may be called again.
    /// </summary>
    public async Task FlushAsync(CancellationToken cancellationToken)
    {
        if (_held.Count == 0) return;
        var asked = _held.ConvertAll(held => (held.Claims.InReplyTo, held.Claims.Digest));
        var known = await UntilDoneAsync(() => Task.FromResult(ledger.FindAnswered(asked)), cancellationToken);
        await Task.WhenAll(_held.Select((held, place) => RecordAsync(held, known[place], cancellationToken)).ToList());

        // The window and the state in one transaction: after a crash either both are there, or neither and the broker sends the receipt again.
        var changed = await UntilDoneAsync(() => database.WriteHereAsync<IReadOnlyList<CommandView>>(connection => [.. _held.Select(held => Apply(connection, held)).OfType<CommandView>().ToList()], cancellationToken), cancellationToken);
        foreach (var held in _held)
        {
            // Not into the window of another device that has got the name meanwhile.
            if (held.Window is { } window) roster.With(held.Device, m => ReferenceEquals(m.Receipts, window.Before) ? m.Receipts = window.After : null);
            held.Trace?.Dispose();
        }

        _held.Clear();
        _devices.Clear();
        foreach (var view in changed) news.Announce(view);
    }

    private async Task RecordAsync(Held held, (CommandRow? Row, bool IsAttempt) known, CancellationToken cancellationToken)
    {
        if (!held.IsJudged) Judge(held, known);
        held.IsJudged = true;
        if (held.Command is not { } command || held.Evidence is not null) return;
        // A crash after the log and before the state: the broker sends the receipt again, and its entry is there.
        var earlier = new AuditFilter { Type = AuditTypes.Command, Actor = held.Device, Action = "receipt", Text = held.Verified.Digest };
        var entry = await UntilDoneAsync(() => trail.FindEarlierAsync(command.AuditEntry, earlier, cancellationToken).AsTask(), cancellationToken)
            ?? await trail.AppendWhenPossibleAsync(Record(held.Device, held.Verified, command), here: _held.Count == 1, cancellationToken);
        held.Evidence = new(time.GetUtcNow(), held.Claims.State == ReceiptState.Rejected ? RejectReasons.Of(held.Claims.Reason).Name : null, held.Claims.Result,
            Encoding.ASCII.GetString(held.Verified.Bytes.Span), entry.Sequence, held.Claims.Digest);
    }

    // What counts gets a window, what speaks about a command of ours gets the command, all else a note at most.
    private void Judge(Held held, (CommandRow? Row, bool IsAttempt) known)
    {
        var (command, claims) = (known.Row, held.Claims);
        var isOurs = command is not null && command.Device == held.Device && (command.Digest == claims.Digest || known.IsAttempt);
        // A refusal of an earlier message of a command that was signed anew is old news.
        var isOld = isOurs && command!.Digest != claims.Digest && claims.State == ReceiptState.Rejected;
        // What was asked under a suite may be answered under it when that has ended meanwhile; nothing else, and nothing else moves the window: who holds a key that has ended could make the device's own receipts old.
        if (manifests.HasEnded(held.Device, held.Verified.Suite, out var rejection) && !(isOurs && command!.IsUnderSharedKey))
        {
            if (!isOld) repeated.Add(Intake.RefusedMessage(held.Device, "receipt", rejection), held.Device);
            return;
        }

        heartbeats.ReceiptHeard(held.Device, claims);
        var isNew = false;
        roster.With(held.Device, m => isNew = See(m, held, out rejection));
        if (!isNew)
        {
            // The same receipt again after a broken line (QoS 1) is no attack.
            if (!held.IsDuplicate && command?.Receipt != Encoding.ASCII.GetString(held.Verified.Bytes.Span)) repeated.Add(Intake.RefusedMessage(held.Device, "receipt", rejection), held.Device);
        }
        else if (isOld) return;
        else if (!isOurs || claims.Reason == RejectReason.Replayed) repeated.Add(Foreign(held.Device, claims, isOurs), held.Device);
        else held.Command = command;
    }

    // On a copy: the roster gets it when it is written.
    private bool See(Member member, Held held, out Rejection rejection)
    {
        if (!member.Receipts.Check(held.Claims.Epoch, held.Claims.Sequence, time.GetUtcNow(), out rejection)) return false;
        var after = ReplayWindow.Restore(member.Receipts.Export());
        after.Commit(held.Claims.Epoch, held.Claims.Sequence);
        held.Window = (member.Receipts, after);
        member.LastSeen = time.GetUtcNow();
        member.IsDirty = true;
        return true;
    }

    private CommandView? Apply(DbConnection connection, Held held)
    {
        if (held.Window is { } window) FleetStore.SaveWindow(connection, held.Device, "receipt", window.After.Export());
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

    // In the device's words: it alone has seen what it refused.
    private static AuditRecord Foreign(string device, ReceiptClaims claims, bool isOurs)
    {
        var details = new JsonObject { ["id"] = claims.InReplyTo, ["digest"] = claims.Digest };
        if (TextOf(claims.Result["detail"]) is { } detail) details["detail"] = detail.Length > ControlLimits.DetailCharacters ? detail[..ControlLimits.DetailCharacters] : detail;
        var (outcome, reason) = (Words.Of(claims.State), claims.State == ReceiptState.Rejected ? RejectReasons.Of(claims.Reason).Name : "not-sent-by-this-center");
        if (claims.State == ReceiptState.Rejected && TextOf(claims.Result["refused"]) == Topics.ManifestBranch) return new(AuditTypes.Security, device, device, "manifest-refused-by-device", outcome, reason, details);
        return new(claims.Reason is RejectReason.Replayed or RejectReason.StaleEpoch ? AuditTypes.Replay : AuditTypes.Security, device, device, isOurs ? "copy-refused-by-device" : "foreign-message-at-device", outcome, reason, details);
    }

    private static string? TextOf(JsonNode? node) => node is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;

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

    // The device has acted, so its word waits at the broker's door until it can be written down. What is not the database being away goes on to the intake, which says that it stands still.
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
