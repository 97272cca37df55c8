using System.Numerics;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Signet.Lab;

/// <summary>
/// The paper's secure actuator, to the letter. Order: 1 signature, 2 replay (and, as in the paper, the counter is stored here, before decryption),
/// 3 session key, 4 decryption, 5 parse. State is <c>{sender: counter}</c> in a JSON file, written at each passed replay check and at shutdown.
/// It trusts one public key for every sender name.
/// </summary>
public sealed class FaithfulActuator : IPaperActuator
{
    private readonly RSA _key;
    private readonly DSA _sensor;
    private readonly string _stateFile;
    private readonly LabLog _log;
    private readonly TimeProvider _time;
    private readonly Dictionary<string, BigInteger> _last = new(StringComparer.Ordinal);

    public FaithfulActuator(PaperKeys keys, string stateFile, LabLog log, TimeProvider time)
    {
        (_key, _sensor, _stateFile, _log, _time) = (keys.Actuator, keys.Sensor, stateFile, log, time);
        _log.Info("Keys loaded successfully");
        LoadState();
    }

    public string Suite => PaperNames.Faithful;

    public PaperStatistics Statistics { get; private set; } = new(0, 0, 0);

    /// <summary>The last counter of a sender; null when none is stored.</summary>
    public BigInteger? LastCounter(string sender) => _last.TryGetValue(sender, out var counter) ? counter : null;

    public PaperVerdict Receive(ReadOnlySpan<byte> payload)
    {
        Statistics = Statistics with { Received = Statistics.Received + 1 };
        var start = _time.GetTimestamp();
        JsonNode? json;
        try
        {
            json = payload.Length > LabLimits.PaperMessageBytes ? null : PythonJson.Parse(payload);
        }
        catch (JsonException e)
        {
            _log.Error("Invalid JSON: " + e.Message);
            return Rejected("json", start);
        }
        if (json is not JsonObject message)
        {
            _log.Error("Error processing message: not an object");
            return Rejected("json", start);
        }
        string cause;
        string @event;
        try
        {
            cause = Verify(message, out @event);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException or FormatException) // invalid UTF-16 in a name, a number no one can hold
        {
            (cause, @event) = (Failed("fields", message, e.Message), "");
        }
        if (cause.Length > 0)
        {
            var rejected = Rejected(cause, start);
            _log.Info("Message rejected", new()
            {
                ["verify_time_ms"] = Math.Round(rejected.VerifyMilliseconds, 2),
                ["rejected"] = true,
                ["signature_valid"] = cause is not ("signature" or "fields"),
                ["replay_check"] = cause == "replay" ? "failed" : "not reached",
                ["cause"] = "failed security checks",
            });
            return rejected;
        }
        Statistics = Statistics with { Accepted = Statistics.Accepted + 1 };
        var milliseconds = _time.GetElapsedTime(start).TotalMilliseconds;
        _log.Info("Message accepted", new() { ["verify_time_ms"] = Math.Round(milliseconds, 2), ["accepted"] = true });
        return new(true, "", @event, milliseconds);
    }

    /// <summary>The paper's five steps; the empty text when all passed.</summary>
    private string Verify(JsonObject message, out string @event)
    {
        @event = "";
        if (Text(message, "sender") is not { } sender || message["counter"] is not { } counterNode) return Failed("fields", message, "'sender'");
        var counterText = CounterText(counterNode);
        var id = message["msg_id"]?.ToString() ?? "unknown";

        // 1 signature, before any decryption
        if (Text(message, "nonce") is not { } nonce || Text(message, "ciphertext") is not { } ciphertext || Text(message, "signature") is not { } signature || counterText is null)
            return Failed("fields", message, "a member is missing");
        if (!PaperCrypto.DsaVerify(_sensor, FaithfulSensor.SignedBytes(nonce, ciphertext, counterText, sender), signature))
        {
            _log.Warning("SIGNATURE VERIFICATION FAILED", new() { ["attack"] = "tamper", ["sender"] = sender, ["counter"] = counterText, ["msg_id"] = id, ["rejected"] = true });
            return "signature";
        }

        // 2 replay; the counter is stored at once
        if (!BigInteger.TryParse(counterText, out var counter)) return Failed("fields", message, "the counter is not an integer");
        var last = _last.GetValueOrDefault(sender);
        if (counter <= last)
        {
            _log.Warning("REPLAY DETECTED", new() { ["attack"] = "replay", ["sender"] = sender, ["counter"] = counterText, ["last_counter"] = last.ToString(), ["rejected"] = true });
            return "replay";
        }
        if (_last.Count >= LabLimits.PaperSenders && !_last.ContainsKey(sender)) return Failed("fields", message, "too many senders");
        _last[sender] = counter;
        SaveState();

        // 3 session key
        if (Text(message, "enc_session_key") is not { } blob || PaperCrypto.RsaDecryptWithPrivate(_key, blob) is not { } sessionKey)
            return Failed("session-key", message, "Decryption failed");
        // 4 payload
        if (PaperCrypto.AesGcmDecrypt(sessionKey, new(nonce, ciphertext), FaithfulSensor.Associated(sender)) is not { } plain) return Failed("ciphertext", message, "InvalidTag");
        // 5 parse
        if (PythonJson.Parse(plain) is not JsonObject payload) return Failed("payload", message, "not an object");
        @event = payload["event"]?.ToString() ?? "unknown";
        _log.Info("Message verified and decrypted", new()
        {
            ["sender"] = sender, ["counter"] = counterText, ["msg_id"] = id, ["event"] = @event, ["signature_valid"] = true, ["replay_check"] = "passed",
        });
        return "";
    }

    private string Failed(string cause, JsonObject message, string why)
    {
        _log.Error("Message verification failed: " + why, new() { ["error"] = why, ["sender"] = message["sender"]?.ToString(), ["counter"] = message["counter"]?.ToString() });
        return cause;
    }

    private PaperVerdict Rejected(string cause, long start)
    {
        Statistics = Statistics with { Rejected = Statistics.Rejected + 1 };
        return new(false, cause, "", _time.GetElapsedTime(start).TotalMilliseconds);
    }

    private static string? Text(JsonObject message, string name) => message[name] is JsonValue value && value.GetValueKind() == JsonValueKind.String ? value.GetValue<string>() : null;

    /// <summary>What Python's <c>str()</c> makes of the counter; null for what it could not compare.</summary>
    private static string? CounterText(JsonNode counter) => counter.GetValueKind() switch
    {
        JsonValueKind.Number => counter.ToJsonString() is { Length: <= LabLimits.CounterDigits } text ? text : null,
        JsonValueKind.String => counter.GetValue<string>(),
        _ => null,
    };

    private void LoadState()
    {
        if (!File.Exists(_stateFile)) return;
        try
        {
            var state = JsonNode.Parse(File.ReadAllText(_stateFile))!.AsObject();
            foreach (var (sender, counter) in state) _last[sender] = BigInteger.Parse(counter!.ToJsonString());
            _log.Info("Loaded replay protection state", new() { ["counters"] = state.DeepClone() });
        }
        catch (Exception e) when (e is JsonException or IOException or FormatException or InvalidOperationException)
        {
            _log.Warning("Could not load state: " + e.Message); // and, as in the paper, go on with none
            _last.Clear();
        }
    }

    /// <summary>Also called at shutdown.</summary>
    public void SaveState()
    {
        var state = new JsonObject();
        foreach (var (sender, counter) in _last) state[sender] = JsonNode.Parse(counter.ToString());
        Directory.CreateDirectory(Path.GetDirectoryName(_stateFile)!);
        File.WriteAllText(_stateFile, PythonJson.Write(state, indent: 2));
    }
}
