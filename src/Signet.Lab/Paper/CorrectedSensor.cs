using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Signet.Wire;

namespace Signet.Lab;

/// <summary>The corrected sensor: signs the whole canonical envelope, and counts in (epoch, counter) where every start has a higher epoch, stored before the first message leaves.</summary>
public sealed class CorrectedSensor : IPaperSensor
{
    private readonly PaperKeys _keys;
    private readonly string _sender;
    private readonly LabLog _log;
    private readonly TimeProvider _time;
    private readonly RandomNumberGenerator _random;
    private readonly OutgoingSequence _sequence;

    /// <param name="epochFile">Holds the epoch of the last start; written here.</param>
    /// <param name="sender">The name its key is pinned to.</param>
    public CorrectedSensor(PaperKeys keys, string epochFile, LabLog log, TimeProvider time, RandomNumberGenerator random, string sender = PaperNames.SecureSensorId)
    {
        (_keys, _sender, _log, _time, _random) = (keys, sender, log, time, random);
        var stored = File.Exists(epochFile) && long.TryParse(File.ReadAllText(epochFile), NumberStyles.None, CultureInfo.InvariantCulture, out var epoch) ? epoch : 0;
        _sequence = OutgoingSequence.Start(stored, time);
        ReplaceFile.Write(epochFile, _sequence.Epoch.ToString(CultureInfo.InvariantCulture));
    }

    public string Suite => PaperNames.Corrected;

    public byte[] Next() => Next(PaperNames.SecureTopic, _time.GetUtcNow());

    /// <summary>A message for another topic or time than the sensor's own: what an insider with the sensor's key could make.</summary>
    public byte[] Next(string topic, DateTimeOffset at)
    {
        var start = _time.GetTimestamp();
        var head = new CorrectedEnvelope
        {
            Sender = _sender,
            Epoch = _sequence.Epoch,
            Counter = _sequence.Next(),
            Timestamp = at.ToUnixTimeMilliseconds(),
            MessageId = PaperCrypto.MessageId(_random),
            Topic = topic,
        };
        var payload = SensorReading.Of(_sender, at);
        payload["counter"] = head.Counter;
        payload["msg_id"] = head.MessageId;
        var plain = Encoding.UTF8.GetBytes(PythonJson.Write(payload));
        var sessionKey = PaperCrypto.GenerateSessionKey(_random);
        var text = PaperCrypto.AesGcmEncrypt(sessionKey, plain, head.Associated(), _random);
        var envelope = head with { EncryptedKey = PaperCrypto.RsaEncryptForPublic(_keys.Actuator, sessionKey), Nonce = text.Nonce, Ciphertext = text.Ciphertext };
        var bytes = envelope.WithSignature(PaperCrypto.DsaSign(_keys.Sensor, envelope.Signed()));
        _log.Info("Published secure message", new()
        {
            ["topic"] = topic,
            ["epoch"] = envelope.Epoch,
            ["counter"] = envelope.Counter,
            ["msg_id"] = envelope.MessageId,
            ["plaintext_size"] = plain.Length,
            ["encrypted_size"] = bytes.Length,
            ["crypto_time_ms"] = Math.Round(_time.GetElapsedTime(start).TotalMilliseconds, 2),
            ["event"] = "door_open",
        });
        return bytes;
    }
}
