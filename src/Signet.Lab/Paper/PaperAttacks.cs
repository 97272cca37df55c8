using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Signet.Lab;

/// <summary>One of the paper's seven attacks on its secure house.</summary>
/// <param name="Name">As the paper calls it.</param>
/// <param name="LogLine">What its attacker logs.</param>
/// <param name="Make">The payload it publishes.</param>
public sealed record PaperAttack(string Name, string LogLine, Func<DateTimeOffset, RandomNumberGenerator, byte[]> Make);

/// <summary>
/// The seven, with the paper's fields. They are weak: not one of them has the members the actuator reads, so each fails at the first look. The lab runs them
/// because the paper did, and adds attacks that get further (<see cref="PaperDefects"/> and the catalogue).
/// </summary>
public static class PaperAttacks
{
    public static IReadOnlyList<PaperAttack> All { get; } =
    [
        new("fake_payload", "ATTACK: Fake message with forged signature", (now, _) => Status(now, 0, "OPEN", "bad_nonce", "INVALID_SIGNATURE_123")),
        new("replay_attack", "ATTACK: Replay attack with OLD timestamp", (now, _) => Status(now, -600, "CLOSED", "nonce123", "FAKE_SIG")),
        new("future_timestamp_attack", "ATTACK: Future timestamp attack (clock tampering)", (now, _) => Status(now, 5000, "CLOSED", "future123", "FAKE_SIG")),
        new("tamper_ciphertext", "ATTACK: AES-GCM tampering attack", (_, random) =>
        {
            var text = PaperCrypto.AesGcmEncrypt(PaperCrypto.GenerateSessionKey(random), "VALID_DATA"u8, "test"u8, random);
            return Bytes(new() { ["encrypted_key"] = Noise(random, 16), ["nonce"] = text.Nonce, ["ciphertext"] = Noise(random, 32), ["signature"] = "INVALID_SIG" });
        }),
        new("bad_session_key", "ATTACK: Invalid RSA-encrypted session key", (_, random) =>
            Bytes(new() { ["encrypted_key"] = Noise(random, 64), ["nonce"] = "xyz", ["ciphertext"] = "AAAA", ["signature"] = "BAD_SIG" })),
        new("forged_signature", "ATTACK: Signature forgery attempt", (now, random) => Bytes(new()
        {
            ["type"] = "cmd", ["timestamp"] = now.ToUnixTimeSeconds(), ["value"] = "UNLOCK", ["nonce"] = "fake123", ["signature"] = Noise(random, 64),
        })),
        new("random_garbage", "ATTACK: Sending random garbage bytes", (_, random) =>
        {
            var garbage = Noise(random, 128);
            return Bytes(new() { ["ciphertext"] = garbage, ["nonce"] = "garbage123", ["encrypted_key"] = garbage, ["signature"] = "NONE" });
        }),
    ];

    private static byte[] Status(DateTimeOffset now, int offset, string value, string nonce, string signature) => Bytes(new()
    {
        ["type"] = "door_status", ["timestamp"] = now.ToUnixTimeSeconds() + offset, ["value"] = value, ["nonce"] = nonce, ["signature"] = signature,
    });

    private static string Noise(RandomNumberGenerator random, int bytes) => PythonBase64.Encode(PaperCrypto.GenerateSessionKey(random, bytes));

    private static byte[] Bytes(JsonObject message) => Encoding.UTF8.GetBytes(PythonJson.Write(message));
}
