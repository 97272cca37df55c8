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
/// </summary>
internal sealed class ReceiptIntake(Roster roster, CommandLedger ledger, ControlDatabase database, AuditTrail trail, Heartbeats heartbeats, RepeatedNotes repeated, CommandNews news, TimeProvider time)
{
    public async Task TakeAsync(string device, MqttMessage message, CancellationToken cancellationToken)
    {
        // Any age: an answer that waited for the line is late, not wrong. What it answers is fixed by its digest.
        if (!ReceiptMessage.TryVerify(message.Payload.Span, Expect(message.Topic), out var verified, out var rejection))
        {
            repeated.Add(Intake.RefusedMessage(device, "receipt", rejection), device);
            return;
        }

        var claims = verified.Claims;
        heartbeats.ReceiptHeard(device, claims.Epoch, claims.Sequence);
        // Only this class commits to the window, and it works on one message at a time: what is new here stays new until then.
        if (!roster.With(device, m => m.Receipts.Check(claims.Epoch, claims.Sequence, time.GetUtcNow(), out rejection)))
        {
            // The same receipt again after a broken line (QoS 1) is no attack.
            if (!message.Duplicate && ledger.FindRow(claims.InReplyTo)?.Receipt != Encoding.ASCII.GetString(verified.Bytes.Span))
                repeated.Add(Intake.RefusedMessage(device, "receipt", rejection), device);
            return;
        }

        await TakeNewAsync(device, verified, cancellationToken);
    }

    private async Task TakeNewAsync(string device, VerifiedReceipt verified, CancellationToken cancellationToken)
    {
        var claims = verified.Claims;
        var command = await UntilDoneAsync(() => Task.FromResult(ledger.FindRow(claims.InReplyTo)), cancellationToken);
        var isOurs = command is not null && command.Device == device && (command.Digest == claims.Digest || ledger.FindAttempt(command.Id, claims.Digest) is not null);
        // A refusal of an earlier message of a command that was signed anew is old news.
        var isOld = isOurs && command!.Digest != claims.Digest && claims.State == ReceiptState.Rejected;
        Evidence? evidence = null;
        if (isOurs && !isOld && claims.Reason != RejectReason.Replayed)
        {
            // A crash after the log and before the state: the broker sends the receipt again, and its entry is there.
            var entry = await trail.FindEarlierAsync(command!.AuditEntry, new() { Type = AuditTypes.Command, Actor = device, Action = "receipt", Text = verified.Digest }, cancellationToken)
                ?? await trail.AppendWhenPossibleAsync(Record(device, verified, command), cancellationToken);
            evidence = new(time.GetUtcNow(), claims.State == ReceiptState.Rejected ? RejectReasons.Of(claims.Reason).Name : null, claims.Result,
                Encoding.ASCII.GetString(verified.Bytes.Span), entry.Sequence, claims.Digest);
        }
        else if (!isOld)
        {
            repeated.Add(Foreign(device, claims, isOurs), device);
        }

        // The window and the state in one transaction: after a crash either both are there, or neither and the broker sends the receipt again.
        var window = roster.With(device, m =>
        {
            m.Receipts.Commit(claims.Epoch, claims.Sequence);
            m.LastSeen = time.GetUtcNow();
            m.IsDirty = true;
            return m.Receipts.Export();
        });
        var changed = await UntilDoneAsync(() => database.WriteAsync(connection =>
        {
            if (window is not null) FleetStore.SaveWindow(connection, device, "receipt", window);
            return evidence is null ? null : CommandLedger.Apply(connection, claims.InReplyTo, IsReturned(claims, command!) ? CommandEvent.Returned : EventOf(claims.State), evidence);
        }, cancellationToken), cancellationToken);
        if (changed is not null) news.Announce(changed);
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
