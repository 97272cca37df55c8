using System.Collections.Frozen;
using System.Text.Json.Nodes;
using Signet.Proof;

namespace Signet.Audit;

/// <summary>What happened, as the caller says it. The log adds number and time.</summary>
/// <param name="Type">One of <see cref="AuditTypes.All"/>.</param>
/// <param name="Actor">Who did it: the name of a person, device or part of the program.</param>
/// <param name="Subject">On what: a device, user, certificate, setting ...</param>
/// <param name="Action">What was done, lower case with hyphens, for example "command-sent".</param>
/// <param name="Outcome">"success", "refused", "failed" or another short word.</param>
/// <param name="Reason">Why, "" when there is nothing to say. The name of a refusal where there is one.</param>
/// <param name="Details">More facts, shown and searched as they are. Never a secret; personal data belongs into <see cref="Personal"/>.</param>
public sealed record AuditRecord(string Type, string Actor, string Subject, string Action, string Outcome, string Reason = "", JsonObject? Details = null)
{
    /// <summary>Facts about a person (address, e-mail, real name). The entry holds only a salted commitment to them, so they can be erased later and every proof still holds.</summary>
    public JsonObject? Personal { get; init; }

    /// <summary>True for what must work when the disk is full: revocation, quarantine, stop, an administrator's sign-in. Such an entry may use the reserve.</summary>
    public bool Emergency { get; init; }
}

/// <summary>The closed list of event types.</summary>
public static class AuditTypes
{
    public const string Auth = "auth", AuthFail = "auth_fail", Authorization = "authorization", Command = "command", Validation = "validation", Replay = "replay",
        Security = "security", Certificate = "certificate", User = "user", Device = "device", Broker = "broker", System = "system";

    public static IReadOnlyList<string> All { get; } = [Auth, AuthFail, Authorization, Command, Validation, Replay, Security, Certificate, User, Device, Broker, System];

    private static readonly FrozenSet<string> Known = All.ToFrozenSet(StringComparer.Ordinal);

    /// <summary>Whether it is one of <see cref="All"/>.</summary>
    public static bool IsKnown(string type) => Known.Contains(type);
}

/// <summary>One entry as it stands in the log.</summary>
/// <param name="Sequence">From 1, without gaps.</param>
/// <param name="Time">When the log took it, microseconds, UTC. Never before the entry in front of it unless a clock was set back and an entry says so.</param>
/// <param name="Type">See <see cref="AuditRecord"/>, like the next six.</param>
/// <param name="Actor">Who.</param>
/// <param name="Subject">On what.</param>
/// <param name="Action">What.</param>
/// <param name="Outcome">How it ended.</param>
/// <param name="Reason">Why, or "".</param>
/// <param name="Details">More facts, {} when none.</param>
/// <param name="Body">The canonical bytes (docs/spec/audit-log.md) that are hashed; everything above is read from them.</param>
/// <param name="Mac">HMAC-SHA256 of the body under the key of its time.</param>
public sealed record AuditEntry(long Sequence, DateTimeOffset Time, string Type, string Actor, string Subject, string Action, string Outcome, string Reason,
    JsonObject Details, ReadOnlyMemory<byte> Body, byte[] Mac)
{
    /// <summary>The personal facts behind the entry's commitment: null when it has none or they were erased. Filled by queries, not by the live feed.</summary>
    public JsonObject? Personal { get; init; }
}

/// <summary>An entry's place in a signed tree: check with <see cref="MerkleTree.VerifyInclusion"/> of its body's leaf hash at index Sequence - 1.</summary>
public sealed record EntryProof(long Sequence, Checkpoint Checkpoint, IReadOnlyList<Digest> Path);
