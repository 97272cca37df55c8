using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Signet.Mqtt;
using Signet.Wire;

namespace Signet.Agent;

/// <summary>
/// How much this device has said and heard since its last <c>online</c>, told to the center, and held against what the center says it has sent and heard (docs/spec/replay.md). What
/// the broker keeps back is noticed by the second heartbeat after it; a center that falls silent, after twice the time it promised. Safe for concurrent use.
/// <para>No false alarm: what counts as heard is heard from before the <c>online</c> goes out, what counts as sent is sent after the broker took it. What lies between is nobody's.</para>
/// </summary>
internal sealed class Heartbeats(DeviceHome home, OutgoingSequence sequence, TimeProvider time, RandomNumberGenerator random, ILogger logger)
{
    private readonly Lock _one = new();
    private readonly ReplayWindow _numbers = new();
    private long _since, _sent, _heard, _readings;
    private bool _isTaken;
    private (long Epoch, long Sequence) _last;
    private HeartbeatClaims? _before;
    private long _at, _sentBefore;
    private bool _isSilent, _isMissing;
    private StrayCount _strayCommands = new(), _strayReceipts = new();
    private bool _isDeaf;
    private long _deafSince;

    /// <summary>A new <c>online</c> with this number is about to go out: counting what is heard begins.</summary>
    public void Begin(long since)
    {
        lock (_one)
        {
            (_since, _sent, _heard, _readings, _before, _isSilent, _isMissing) = (since, 0, 0, 0, null, false, false);
            (_isTaken, _isDeaf) = (false, false); // the numbers stay: what was heard in an earlier count is not heard again
            (_strayCommands, _strayReceipts) = (new(), new());
        }
    }

    /// <summary>The broker took that <c>online</c>: counting what is sent begins.</summary>
    public void Taken(long since)
    {
        lock (_one) _isTaken |= since == _since;
    }

    /// <summary>To be asked before something goes out, and given back when the broker has taken it: while it was on its way another <c>online</c> may have gone out, from which on the center counts anew.</summary>
    public long Turn
    {
        get { lock (_one) return _isTaken ? _since : 0; }
    }

    /// <summary>The broker took a receipt.</summary>
    /// <returns>Its place in the count; null when it belongs to none.</returns>
    public ReceiptMark? ReceiptSent(long turn)
    {
        lock (_one) return turn != 0 && turn == _since ? new(_since, ++_sent) : null;
    }

    /// <summary>The broker took a reading.</summary>
    public void ReadingSent(long turn)
    {
        lock (_one)
            if (turn != 0 && turn == _since) _readings++;
    }

    /// <summary>A command of the center verified and was new, be it too late.</summary>
    public void CommandHeard(long epoch, long number)
    {
        lock (_one)
        {
            // Each once: one that is refused later does not use up its number, and may come again. How far an epoch may rise was looked at already.
            if (!_numbers.Check(epoch, number, DateTimeOffset.MaxValue - WireLimits.MaximumSkew, out _)) return;
            _numbers.Commit(epoch, number);
            _heard++;
        }
    }

    public MqttMessage Next()
    {
        lock (_one)
            return new()
            {
                Topic = Topics.Telemetry(home.Name, HeartbeatClaims.Reading), QoS = QoS.AtLeastOnce,
                Payload = HeartbeatMessage.Sign(new()
                {
                    Issuer = home.Name, Audience = home.Settings.Center, Id = MessageId.New(time, random), IssuedAt = time.GetUtcNow(), Epoch = sequence.Epoch, Sequence = sequence.Next(),
                    Topic = Topics.Telemetry(home.Name, HeartbeatClaims.Reading), Since = _since, NextWithin = (int)home.Settings.HeartbeatInterval.TotalSeconds, Sent = _sent, Heard = _heard, Readings = _readings,
                }, home.Identity.Voice()),
            };
    }

    /// <summary>The center's heartbeat. Anything else changes nothing.</summary>
    /// <returns>Up to where the center has the receipts of this count; <c>default</c> when it says nothing about this count.</returns>
    public ReceiptMark Take(ReadOnlySpan<byte> payload, string topic)
    {
        var expected = new Expectation { Keys = home.Identity.CenterKeys, Audience = home.Name, Topic = topic, Now = time.GetUtcNow(), HasClock = home.Settings.HasClock };
        if (!HeartbeatMessage.TryVerify(payload, expected, out var verified, out var rejection))
        {
            Log.HeartbeatRefused(logger, home.Name, rejection.ToString());
            return default;
        }

        var claims = verified.Claims;
        lock (_one)
        {
            if ((claims.Epoch, claims.Sequence).CompareTo(_last) <= 0) return default; // a copy
            if (_isSilent) Log.CenterHeardAgain(logger, home.Name);
            (_last, _at, _isSilent) = ((claims.Epoch, claims.Sequence), time.GetTimestamp(), false);
            if (claims.Since != _since) return default; // about an earlier connection
            // Two in a row: what is only on its way is there by the second.
            _strayCommands.Look(_heard, claims.Sent, claims.IssuedAt, time);
            _strayReceipts.Look(claims.Heard, _sent, claims.IssuedAt, time);
            var (heard, had) = (_heard - _strayCommands.Sure, claims.Heard - _strayReceipts.Sure);
            if (_before is { } before && before.Since == _since && !_isMissing && (before.Sent > heard || _sentBefore > had))
            {
                _isMissing = true;
                Log.MessagesMissing(logger, home.Name, before.Sent, heard, _sentBefore, had);
            }

            (_before, _sentBefore) = (claims, _sent);
            return new(_since, had);
        }
    }

    /// <summary>A command is at work: what the center says meanwhile waits behind it, and that it is not heard is not its silence. Until <see cref="Listen"/>.</summary>
    public void Deafen()
    {
        lock (_one) (_isDeaf, _deafSince) = (true, time.GetTimestamp());
    }

    /// <summary>What has come is heard from here on.</summary>
    public void Listen()
    {
        lock (_one)
        {
            if (_isDeaf) _at += time.GetTimestamp() - _deafSince;
            _isDeaf = false;
        }
    }

    /// <summary>Looks whether the center has fallen silent.</summary>
    public void Look()
    {
        lock (_one)
        {
            if (_before is null || _isSilent || _isDeaf || time.GetElapsedTime(_at) < 2 * TimeSpan.FromSeconds(_before.NextWithin)) return;
            _isSilent = true;
            Log.CenterSilent(logger, home.Name, 2 * _before.NextWithin);
        }
    }
}
