using System.Text.Json;
using System.Text.Json.Nodes;
using Signet.Wire;

namespace Signet.Lab;

/// <summary>
/// The corrected suite's message: one canonical JSON object (RFC 8785) whose every member but <c>signature</c> is signed. docs/spec/lab.md gives it to the byte.
/// Same primitives as the paper's; what changed is what they cover, and when state moves.
/// </summary>
internal sealed record CorrectedEnvelope
{
    public required string Sender { get; init; }
    public required long Epoch { get; init; }
    public required long Counter { get; init; }

    /// <summary>Milliseconds since 1970.</summary>
    public required long Timestamp { get; init; }
    public required string MessageId { get; init; }
    public required string Topic { get; init; }
    public string EncryptedKey { get; init; } = "";
    public string Nonce { get; init; } = "";
    public string Ciphertext { get; init; } = "";

    /// <summary>The associated data of the encryption: everything that is known before it.</summary>
    public byte[] Associated() => CanonicalJson.Write(Header());

    /// <summary>What is signed.</summary>
    public byte[] Signed() => CanonicalJson.Write(Whole());

    public byte[] WithSignature(string signature)
    {
        var whole = Whole();
        whole["signature"] = signature;
        return CanonicalJson.Write(whole);
    }

    private JsonObject Header() => new()
    {
        ["suite"] = PaperNames.Corrected,
        ["topic"] = Topic,
        ["sender"] = Sender,
        ["epoch"] = Epoch,
        ["counter"] = Counter,
        ["timestamp"] = Timestamp,
        ["msg_id"] = MessageId,
    };

    private JsonObject Whole()
    {
        var whole = Header();
        whole["enc_session_key"] = EncryptedKey;
        whole["nonce"] = Nonce;
        whole["ciphertext"] = Ciphertext;
        return whole;
    }

    /// <summary>Reads one that is canonical, has exactly the ten members and names this suite. Its signature is not checked.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out CorrectedEnvelope? envelope, out string signature, out string why)
    {
        (envelope, signature) = (null, "");
        if (!CanonicalJson.TryParse(bytes, out var json, out why)) return false;
        if (Text(json, "suite") != PaperNames.Corrected)
        {
            why = "not of this suite";
            return false;
        }
        if (json.Count != 11 || Text(json, "sender") is not { } sender || Number(json, "epoch") is not { } epoch || Number(json, "counter") is not { } counter
            || Number(json, "timestamp") is not { } timestamp || Text(json, "msg_id") is not { } id || Text(json, "topic") is not { } topic
            || Text(json, "enc_session_key") is not { } key || Text(json, "nonce") is not { } nonce || Text(json, "ciphertext") is not { } ciphertext
            || Text(json, "signature") is not { } signed)
        {
            why = "a member is missing, of the wrong kind, or one too many";
            return false;
        }
        signature = signed;
        envelope = new() { Sender = sender, Epoch = epoch, Counter = counter, Timestamp = timestamp, MessageId = id, Topic = topic, EncryptedKey = key, Nonce = nonce, Ciphertext = ciphertext };
        return true;
    }

    private static string? Text(JsonObject json, string name) => json[name] is JsonValue value && value.GetValueKind() == JsonValueKind.String ? value.GetValue<string>() : null;

    private static long? Number(JsonObject json, string name) => json[name] is JsonValue value && value.TryGetValue<long>(out var number) ? number : null;
}
