using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Signet.Lab;

/// <summary>
/// The paper's secure sensor, to the letter, defects included: the signature covers nonce, ciphertext, counter and sender without anything between them,
/// and neither the key blob, the time nor the message id; the counter begins at 1 with every start.
/// </summary>
public sealed class FaithfulSensor(PaperKeys keys, LabLog log, TimeProvider time, RandomNumberGenerator random) : IPaperSensor
{
    private long _counter;

    public string Suite => PaperNames.Faithful;

    /// <summary>The message as the paper sends it: <c>sender, enc_session_key, nonce, ciphertext, counter, timestamp, msg_id, signature</c>.</summary>
    public byte[] Next()
    {
        var start = time.GetTimestamp();
        _counter++;
        var id = PaperCrypto.MessageId(random);
        var payload = SensorReading.Of(PaperNames.SecureSensorId, time.GetUtcNow());
        payload["counter"] = _counter;
        payload["msg_id"] = id;
        var plain = Encoding.UTF8.GetBytes(PythonJson.Write(payload));
        var sessionKey = PaperCrypto.GenerateSessionKey(random);
        var text = PaperCrypto.AesGcmEncrypt(sessionKey, plain, Associated(PaperNames.SecureSensorId), random);
        var message = new JsonObject
        {
            ["sender"] = PaperNames.SecureSensorId,
            ["enc_session_key"] = PaperCrypto.RsaEncryptForPublic(keys.Actuator, sessionKey),
            ["nonce"] = text.Nonce,
            ["ciphertext"] = text.Ciphertext,
            ["counter"] = _counter,
            ["timestamp"] = SensorReading.UnixTime(time.GetUtcNow()),
            ["msg_id"] = id,
            ["signature"] = PaperCrypto.DsaSign(keys.Sensor, SignedBytes(text.Nonce, text.Ciphertext, _counter.ToString(), PaperNames.SecureSensorId)),
        };
        var bytes = Encoding.UTF8.GetBytes(PythonJson.Write(message));
        log.Info("Published secure message", new()
        {
            ["topic"] = PaperNames.SecureTopic,
            ["counter"] = _counter,
            ["msg_id"] = id,
            ["plaintext_size"] = plain.Length,
            ["encrypted_size"] = bytes.Length,
            ["crypto_time_ms"] = Math.Round(time.GetElapsedTime(start).TotalMilliseconds, 2),
            ["event"] = "door_open",
        });
        return bytes;
    }

    /// <summary>What is signed: four texts run together, UTF-8.</summary>
    internal static byte[] SignedBytes(string nonce, string ciphertext, string counter, string sender) => Encoding.UTF8.GetBytes(nonce + ciphertext + counter + sender);

    /// <summary>The associated data of the encryption: topic, bar, sender.</summary>
    internal static byte[] Associated(string sender) => Encoding.UTF8.GetBytes($"{PaperNames.SecureTopic}|{sender}");
}
