using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Signet.Lab;

/// <summary>
/// The four real defects of the paper's scheme, as an attacker between sensor and actuator (or a broker that wants to) uses them. None needs a key.
/// Each takes genuine bytes of either suite and gives the changed ones; the faithful suite falls for them, the corrected one must not.
/// </summary>
public static class PaperDefects
{
    /// <summary>Time and message id are not signed: they can say anything.</summary>
    public static byte[] RewriteUnsignedFields(ReadOnlySpan<byte> genuine) => Change(genuine, m =>
    {
        m["timestamp"] = m["timestamp"] is JsonValue v && v.TryGetValue<long>(out _) && m.ContainsKey("suite") ? JsonValue.Create(4_102_444_800_000) : JsonValue.Create(4102444800.5);
        m["msg_id"] = "00000000-0000-4000-8000-000000000000";
    });

    /// <summary>The key blob is not signed: another key in it spoils decryption, but the counter has been stored by then, so the genuine message is refused as a replay.</summary>
    public static byte[] SwapSessionKey(ReadOnlySpan<byte> genuine, RSA actuatorPublic, RandomNumberGenerator random) => Change(genuine, m =>
        m["enc_session_key"] = PaperCrypto.RsaEncryptForPublic(actuatorPublic, PaperCrypto.GenerateSessionKey(random)));

    /// <summary>
    /// The signed texts have nothing between them: the counter's first digit moves to the end of the padded ciphertext, where base64 decoders of Python's kind do not look.
    /// The signed bytes stay the same, so one message has two counters and is executed twice.
    /// </summary>
    /// <returns>False when this message does not allow it: no padding, or one digit only.</returns>
    public static bool TryShiftDelimiter(ReadOnlySpan<byte> genuine, out byte[] shifted)
    {
        shifted = [];
        var message = JsonNode.Parse(genuine)!.AsObject();
        var (ciphertext, counter) = ((string)message["ciphertext"]!, message["counter"]!.ToJsonString());
        if (!ciphertext.EndsWith('=') || counter.Length < 2 || counter[1] == '0') return false;
        shifted = Change(genuine, m =>
        {
            m["ciphertext"] = ciphertext + counter[0];
            m["counter"] = JsonNode.Parse(counter[1..]);
        });
        return true;
    }

    /// <summary>The same trick on the other side: the counter's last digit becomes the beginning of the sender's name, and a name nobody has is stored with a counter.</summary>
    public static bool TryShiftSender(ReadOnlySpan<byte> genuine, out byte[] shifted)
    {
        shifted = [];
        var counter = JsonNode.Parse(genuine)!["counter"]!.ToJsonString();
        if (counter.Length < 2) return false;
        shifted = Change(genuine, m =>
        {
            m["counter"] = JsonNode.Parse(counter[..^1]);
            m["sender"] = counter[^1] + (string)m["sender"]!;
        });
        return true;
    }

    /// <summary>Changes members and keeps the suite's own encoding, so that the change is all that differs.</summary>
    private static byte[] Change(ReadOnlySpan<byte> genuine, Action<JsonObject> change)
    {
        var message = JsonNode.Parse(genuine)!.AsObject();
        change(message);
        return message.ContainsKey("suite") ? Wire.CanonicalJson.Write(message) : Encoding.UTF8.GetBytes(PythonJson.Write(message));
    }
}
