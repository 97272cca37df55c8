using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Signet.Wire;

namespace Signet.Lab;

/// <summary>
/// The corrected actuator. Order, the first failure is the cause:
/// <code>
/// 1 malformed        canonical JSON, exactly the members
/// 2 unknown-key      one pinned key for each sender name, no other
/// 3 bad-signature    over the whole envelope
/// 4 wrong-topic      signed for the topic it arrived on
/// 5 expired, issued-in-future    30 s back, 5 s ahead
/// 6 replayed, stale-epoch        looked up, not yet stored
/// 7 cannot-decrypt   session key, payload
/// 8 malformed        payload that is no object or contradicts the envelope
/// 9 (epoch, counter) is stored, durably, and then it acts
/// </code>
/// </summary>
public sealed class CorrectedActuator : IPaperActuator
{
    private readonly RSA _key;
    private readonly IReadOnlyDictionary<string, DSA> _senders;
    private readonly string _stateFile;
    private readonly LabLog _log;
    private readonly TimeProvider _time;
    private readonly Dictionary<string, ReplayWindow> _windows = new(StringComparer.Ordinal);

    /// <param name="key">Receives session keys.</param>
    /// <param name="senders">The one key of each sender.</param>
    /// <exception cref="LabException">The state file is there and cannot be read: starting without it would let old messages in.</exception>
    public CorrectedActuator(RSA key, IReadOnlyDictionary<string, DSA> senders, string stateFile, LabLog log, TimeProvider time)
    {
        (_key, _senders, _stateFile, _log, _time) = (key, senders, stateFile, log, time);
        _log.Info("Keys loaded successfully");
        LoadState();
    }

    public string Suite => PaperNames.Corrected;

    public PaperStatistics Statistics { get; private set; } = new(0, 0, 0);

    public PaperVerdict Receive(ReadOnlySpan<byte> payload)
    {
        var start = _time.GetTimestamp();
        var rejection = Verify(payload, out var @event);
        var milliseconds = _time.GetElapsedTime(start).TotalMilliseconds;
        var accepted = rejection.Reason == RejectReason.None;
        Statistics = new(Statistics.Received + 1, Statistics.Accepted + (accepted ? 1 : 0), Statistics.Rejected + (accepted ? 0 : 1));
        if (accepted)
        {
            _log.Info("Message accepted", new() { ["verify_time_ms"] = Math.Round(milliseconds, 2), ["accepted"] = true });
            return new(true, "", @event, milliseconds);
        }
        var cause = RejectReasons.Of(rejection.Reason).Name;
        if (rejection.Reason is RejectReason.Replayed or RejectReason.StaleEpoch) _log.Warning("REPLAY DETECTED", new() { ["attack"] = "replay", ["detail"] = rejection.Detail, ["rejected"] = true });
        if (rejection.Reason is RejectReason.BadSignature or RejectReason.UnknownKey) _log.Warning("SIGNATURE VERIFICATION FAILED", new() { ["attack"] = "tamper", ["detail"] = rejection.Detail, ["rejected"] = true });
        _log.Info("Message rejected", new() { ["verify_time_ms"] = Math.Round(milliseconds, 2), ["rejected"] = true, ["cause"] = cause, ["detail"] = rejection.Detail });
        return new(false, cause, "", milliseconds);
    }

    private Rejection Verify(ReadOnlySpan<byte> payload, out string @event)
    {
        @event = "";
        // 1
        if (!CorrectedEnvelope.TryRead(payload, out var envelope, out var signature, out var why)) return new(RejectReason.Malformed, why);
        // 2
        if (!_senders.TryGetValue(envelope!.Sender, out var pinned)) return new(RejectReason.UnknownKey, "no key is pinned for this sender");
        // 3
        if (!PaperCrypto.DsaVerify(pinned, envelope.Signed(), signature)) return new(RejectReason.BadSignature, "not signed by the sender's key");
        // 4
        if (envelope.Topic != PaperNames.SecureTopic) return new(RejectReason.WrongTopic, "signed for another topic");
        // 5
        var now = _time.GetUtcNow();
        if (envelope.Timestamp > (now + WireLimits.MaximumSkew).ToUnixTimeMilliseconds()) return new(RejectReason.IssuedInFuture, "the sender's clock is ahead");
        if (envelope.Timestamp < (now - WireLimits.MaximumAge).ToUnixTimeMilliseconds()) return new(RejectReason.Expired, "older than the window");
        // 6
        var window = _windows.GetValueOrDefault(envelope.Sender) ?? new ReplayWindow();
        if (!window.Check(envelope.Epoch, envelope.Counter, now, out var repeated)) return repeated;
        // 7
        if (PaperCrypto.RsaDecryptWithPrivate(_key, envelope.EncryptedKey) is not { } sessionKey) return new(RejectReason.CannotDecrypt, "the session key");
        if (PaperCrypto.AesGcmDecrypt(sessionKey, new(envelope.Nonce, envelope.Ciphertext), envelope.Associated()) is not { } plain) return new(RejectReason.CannotDecrypt, "the payload");
        // 8
        if (ReadPayload(plain) is not { } reading || (long?)reading["counter"] != envelope.Counter || (string?)reading["msg_id"] != envelope.MessageId)
            return new(RejectReason.Malformed, "the payload contradicts the envelope");
        // 9
        window.Commit(envelope.Epoch, envelope.Counter);
        _windows[envelope.Sender] = window;
        SaveState();
        @event = reading["event"]?.ToString() ?? "unknown";
        _log.Info("Message verified and decrypted", new()
        {
            ["sender"] = envelope.Sender, ["epoch"] = envelope.Epoch, ["counter"] = envelope.Counter, ["msg_id"] = envelope.MessageId, ["event"] = @event,
            ["signature_valid"] = true, ["replay_check"] = "passed",
        });
        return default;
    }

    private static JsonObject? ReadPayload(byte[] plain)
    {
        try
        {
            return JsonNode.Parse(plain) as JsonObject;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private void LoadState()
    {
        if (!File.Exists(_stateFile)) return;
        try
        {
            foreach (var (sender, state) in JsonNode.Parse(File.ReadAllText(_stateFile))!.AsObject())
                _windows[sender] = ReplayWindow.Restore(new((long)state!["epoch"]!, (long)state["highest"]!, [.. state["seen"]!.AsArray().Select(w => (ulong)w!)]));
            _log.Info("Loaded replay protection state");
        }
        catch (Exception e) when (e is JsonException or NullReferenceException or InvalidOperationException or ArgumentException or FormatException or OverflowException)
        {
            throw new LabException($"{_stateFile} cannot be read, and without it old messages would be taken again: {e.Message}", e);
        }
    }

    private void SaveState()
    {
        var state = new JsonObject();
        foreach (var (sender, window) in _windows)
        {
            var kept = window.Export();
            state[sender] = new JsonObject { ["epoch"] = kept.Epoch, ["highest"] = kept.Highest, ["seen"] = new JsonArray([.. kept.Seen.Select(w => JsonValue.Create(w))]) };
        }
        ReplaceFile.Write(_stateFile, PythonJson.Write(state, indent: 2));
    }
}
