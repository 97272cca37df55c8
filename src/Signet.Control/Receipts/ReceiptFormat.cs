using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Nodes;
using Signet.Proof;
using Signet.Wire;

namespace Signet.Control;

/// <summary>
/// The members of a receipt file, in its one encoding (docs/spec/receipt-file.md): canonical JSON, every binary value base64url in its one spelling,
/// no member that is not verified.
/// </summary>
internal sealed record ReceiptFormat
{
    public const string Name = "signet-receipt-file-1";

    /// <summary>Longest file that is read: two messages and five certificates are far below it.</summary>
    public const int MaximumBytes = 256 * 1024;

    public required string Id { get; init; }
    public required string Command { get; init; }
    public required string Receipt { get; init; }

    /// <summary>DER of the certificates of the command signer, the device and the checkpoint signer, and of the intermediate above them.</summary>
    public required byte[] Signer { get; init; }
    public required byte[] Device { get; init; }
    public required byte[] Witness { get; init; }
    public required byte[] Authority { get; init; }

    /// <summary>Number and exact bytes of the audit entry about the receipt.</summary>
    public required long Sequence { get; init; }
    public required byte[] Entry { get; init; }

    /// <summary>The signed checkpoint that covers the entry, and the hashes from the entry to its root.</summary>
    public required string Checkpoint { get; init; }
    public required IReadOnlyList<Digest> Path { get; init; }

    /// <summary>What was published when it was sealed, compact JWE, and the key of its content; null for a command that travelled readable.</summary>
    public string? Envelope { get; init; }
    public byte[] ContentKey { get; init; } = [];

    /// <summary>The manifest that demanded approvals, compact JWS, and DER of the certificate of its policy key; null for a command without.</summary>
    public string? Manifest { get; init; }
    public byte[] Policy { get; init; } = [];

    public byte[] Write()
    {
        var json = Common();
        if (Envelope is not null) json["envelope"] = new JsonObject { ["key"] = Text(ContentKey), ["message"] = Envelope };
        if (Manifest is not null) json["manifest"] = new JsonObject { ["message"] = Manifest, ["policy"] = Text(Policy) };
        return CanonicalJson.Write(json);
    }

    private JsonObject Common() => new()
    {
        ["format"] = Name,
        ["id"] = Id,
        ["command"] = Command,
        ["receipt"] = Receipt,
        ["certificates"] = new JsonObject { ["signer"] = Text(Signer), ["device"] = Text(Device), ["witness"] = Text(Witness), ["authority"] = Text(Authority) },
        ["audit"] = new JsonObject
        {
            ["sequence"] = Sequence,
            ["entry"] = Text(Entry),
            ["checkpoint"] = Checkpoint,
            ["path"] = new JsonArray([.. Path.Select(d => JsonValue.Create(Text(d)))]),
        },
    };

    /// <summary>Never throws. Accepts exactly what <see cref="Write"/> makes.</summary>
    public static bool TryRead(ReadOnlySpan<byte> file, [NotNullWhen(true)] out ReceiptFormat? format, out string why)
    {
        format = null;
        if (file.Length > MaximumBytes)
        {
            why = $"the file is larger than {MaximumBytes} bytes";
            return false;
        }

        if (!CanonicalJson.TryParse(file, out var json, out why))
        {
            why = $"not a receipt file: {why}";
            return false;
        }

        if (json["envelope"] is not (null or JsonObject) || json["manifest"] is not (null or JsonObject))
        {
            why = "not a receipt file: envelope and manifest are objects";
            return false;
        }

        var read = Read(json);
        if (read is null || !read.Write().AsSpan().SequenceEqual(file))
        {
            why = $"not a receipt file of the format {Name}: a member is missing, unknown or not in its one spelling";
            return false;
        }

        format = read;
        return true;
    }

    private static ReceiptFormat? Read(JsonObject json)
    {
        if (Of<string>(json["format"]) != Name || json["certificates"] is not JsonObject certificates || json["audit"] is not JsonObject audit || audit["path"] is not JsonArray path) return null;
        var digests = new List<Digest>();
        foreach (var node in path)
        {
            if (!Digest.TryFrom(Bytes(node), out var digest) || digests.Count > MerkleTree.MaximumProofLength) return null;
            digests.Add(digest);
        }

        return Of<string>(json["id"]) is not { } id || Of<string>(json["command"]) is not { } command || Of<string>(json["receipt"]) is not { } receipt
            || Of<string>(audit["checkpoint"]) is not { } checkpoint || (audit["sequence"] as JsonValue)?.TryGetValue<long>(out var sequence) != true
            ? null
            : new()
            {
                Id = id, Command = command, Receipt = receipt, Checkpoint = checkpoint, Sequence = sequence, Path = digests,
                Signer = Bytes(certificates["signer"]), Device = Bytes(certificates["device"]), Witness = Bytes(certificates["witness"]), Authority = Bytes(certificates["authority"]),
                Entry = Bytes(audit["entry"]),
                Envelope = Of<string>(json["envelope"]?["message"]), ContentKey = Bytes(json["envelope"]?["key"]),
                Manifest = Of<string>(json["manifest"]?["message"]), Policy = Bytes(json["manifest"]?["policy"]),
            };
    }

    private static T? Of<T>(JsonNode? node) where T : class => node is JsonValue value && value.TryGetValue<T>(out var got) ? got : null;

    private static byte[] Bytes(JsonNode? node)
    {
        if (Of<string>(node) is not { } text || !Base64Url.IsValid(text)) return [];
        return Base64Url.DecodeFromChars(text);
    }

    private static string Text(ReadOnlySpan<byte> bytes) => Base64Url.EncodeToString(bytes);
}
