using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Signet.Audit;
using Signet.Mqtt;
using Signet.Wire;

namespace Signet.Control;

/// <summary>
/// What devices say, in the order of arrival (of each device; the receipts of several are recorded together): verified against the keys the fleet pins, held against the device's replay window, then
/// handed on. Whatever fails is written down (repetitions counted) and changes nothing.
/// </summary>
internal sealed class Intake(Roster roster, Manifests manifests, Observations observations, ReceiptIntake receipts, Heartbeats heartbeats, RepeatedNotes repeated, LiveFeed feed, TimeProvider time, ILogger logger)
{
    /// <summary>Set by a restore: readings signed earlier may be in the memory that was lost.</summary>
    public DateTimeOffset? RemembersSince { get; init; }

    private volatile bool _isRunning = true;

    /// <summary>Messages are worked through. False: the last batch failed and is tried again, or the link gave out for good.</summary>
    public bool IsRunning => _isRunning;

    public async Task RunAsync(BrokerLink link, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await foreach (var messages in link.ReadAsync(cancellationToken)) await WorkThroughAsync(messages, cancellationToken);
                _isRunning = false;
                return; // the link was closed
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                // The center stops; a message that was not worked through comes again after the next start.
            }
            catch (Exception e)
            {
                await PauseAsync(e, cancellationToken);
            }
        }
    }

    // The broker still has them all, and no other comes before they are done: whatever fails is tried again from where it failed.
    private async Task WorkThroughAsync(IReadOnlyList<MqttMessage> messages, CancellationToken cancellationToken)
    {
        VerifiedReading?[]? readings = null;
        for (var next = 0; ;)
        {
            try
            {
                if (messages.Count >= ControlLimits.VerifiedTogether) readings ??= VerifyReadings(messages);
                for (; next < messages.Count; next++) await TakeAsync(messages[next], readings?[next], cancellationToken);
                await receipts.FlushAsync(cancellationToken);
                _isRunning = true;
                return;
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested)
            {
                await PauseAsync(e, cancellationToken);
            }
        }
    }

    // Verifying a signature is most of the work on a reading, and hangs on nothing that an earlier message may change but the keys: a key that is retired in these milliseconds is as one that was retired after them.
    private VerifiedReading?[] VerifyReadings(IReadOnlyList<MqttMessage> messages)
    {
        var readings = new VerifiedReading?[messages.Count];
        Parallel.For(0, messages.Count, i =>
        {
            if (Topics.TryParse(messages[i].Topic, out _, out var branch) && branch.StartsWith("telemetry/", StringComparison.Ordinal) && branch != "telemetry/" + HeartbeatClaims.Reading) readings[i] = Verify(messages[i]);
        });
        return readings;
    }

    private VerifiedReading Verify(MqttMessage message) => TelemetryMessage.TryVerify(message.Payload.Span, Expect(message.Topic, WireLimits.MaximumAge), out var verified, out var rejection) ? new(verified, default) : new(null, rejection);

    /// <param name="Message">Null: refused, for the reason beside it.</param>
    private sealed record VerifiedReading(VerifiedTelemetry? Message, Rejection Rejection);

    private async Task PauseAsync(Exception why, CancellationToken cancellationToken)
    {
        _isRunning = false;
        Log.IntakeStopped(logger, why);
        await Task.Delay(ControlLimits.AuditRetry, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Takes what devices say as witnesses of the audit log.</summary>
    public Action<string, MqttMessage>? Witness { get; set; }

    internal Task TakeAsync(MqttMessage message, CancellationToken cancellationToken) => TakeAsync(message, null, cancellationToken);

    private async Task TakeAsync(MqttMessage message, VerifiedReading? reading, CancellationToken cancellationToken)
    {
        // The broker's policy lets a device speak on its own branch only; this is about a broker that does not keep to it.
        if (!Topics.TryParse(message.Topic, out var device, out var branch)) return;
        // One device's words stay in their order.
        if (receipts.Holds(device)) await receipts.FlushAsync(cancellationToken);
        switch (branch)
        {
            case "receipt": receipts.Take(device, message); break;
            case "status": TakeStatus(device, message); break;
            case "witness" when Witness is { } witness: witness(device, message); break;
            case "telemetry/" + HeartbeatClaims.Reading: heartbeats.Take(device, message); break;
            case "command" or "checkpoint" or "manifest" or "signer" or "witness": break;
            default: TakeTelemetry(device, message, reading ?? Verify(message)); break;
        }
    }

    private void TakeTelemetry(string device, MqttMessage message, VerifiedReading reading)
    {
        var rejection = reading.Rejection;
        if (reading.Message is not { } verified || manifests.HasEnded(device, verified.Suite, out rejection))
        {
            repeated.Add(RefusedMessage(device, "telemetry", rejection), device);
            return;
        }

        var claims = verified.Claims;
        if (roster.With(device, m => CheckAndCommit(m, claims, out rejection) ? m : null) is null)
        {
            // The broker may send a message twice after a broken line (QoS 1): that is no attack.
            if (!message.Duplicate) repeated.Add(RefusedMessage(device, "telemetry", rejection), device);
            return;
        }

        var taken = new Reading(device, claims.Name, claims.IssuedAt, claims.Value.ToJsonString(), NumberOf(claims.Value), claims.Unit);
        observations.Add(taken, claims.Epoch, claims.Sequence);
        feed.Publish(FeedKind.Telemetry, taken.Name, device, new()
        {
            ["device"] = device, ["name"] = taken.Name, ["value"] = claims.Value.DeepClone(), ["unit"] = taken.Unit, ["at"] = taken.At.ToUnixTimeMilliseconds(),
        });
    }

    private void TakeStatus(string device, MqttMessage message)
    {
        // Any age: a last will was signed when its device connected. What counts is that it is newer than the last one taken.
        var isVerified = StatusMessage.TryVerify(message.Payload.Span, Expect(message.Topic, Expectation.AnyAge), out var verified, out var rejection);
        if (!isVerified || manifests.HasEnded(device, verified!.Suite, out rejection))
        {
            // A last will may have been signed before its suite ended. Whoever else holds that key can say with it that the device is away, and nothing more.
            if (isVerified && verified!.Claims.State == StatusState.Offline && roster.IsNewer(verified.Claims))
            {
                roster.LeftUnder(verified.Claims);
                return;
            }

            repeated.Add(RefusedMessage(device, "status", rejection), device);
            return;
        }

        if (roster.StatusTaken(verified.Claims, message.Retain) || message.Duplicate) return;
        // An old "offline" is how a last will looks that comes after newer words. An old "online" is a copy.
        if (verified.Claims.State == StatusState.Online) repeated.Add(RefusedMessage(device, "status", new(RejectReason.Replayed, "not newer than the last status taken")), device);
    }

    private bool CheckAndCommit(Member member, TelemetryClaims claims, out Rejection rejection)
    {
        if (claims.IssuedAt < RemembersSince)
        {
            rejection = new(RejectReason.Replayed, "signed before the center was restored");
            return false;
        }

        if (!member.Telemetry.Check(claims.Epoch, claims.Sequence, time.GetUtcNow(), out rejection)) return false;
        member.Telemetry.Commit(claims.Epoch, claims.Sequence);
        if (member.Beat is { } beat) beat.Readings++;
        member.LastSeen = time.GetUtcNow();
        member.IsDirty = true;
        return true;
    }

    private Expectation Expect(string topic, TimeSpan maximumAge) => new() { Keys = roster.Keys, Topic = topic, Now = time.GetUtcNow(), MaximumAge = maximumAge };

    /// <summary>A message of a device that was not taken.</summary>
    public static AuditRecord RefusedMessage(string device, string branch, Rejection rejection) => new(
        rejection.Reason is RejectReason.Replayed or RejectReason.StaleEpoch ? AuditTypes.Replay : AuditTypes.Security,
        device, Actor.Center.Name, $"{branch}-refused", "refused", RejectReasons.Of(rejection.Reason).Name, new() { ["detail"] = rejection.Detail });

    private static double? NumberOf(JsonNode value) => value.GetValueKind() switch
    {
        JsonValueKind.Number => value.Deserialize<double>(),
        JsonValueKind.True => 1,
        JsonValueKind.False => 0,
        _ => null,
    };
}
