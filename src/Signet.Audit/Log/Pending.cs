using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Signet.Proof;

namespace Signet.Audit;

/// <summary>Something the log's writer is asked to do, with what came of it. Everything that needs no number is done on the caller's thread.</summary>
internal sealed class Pending
{
    private Pending(PendingKind kind) => Kind = kind;

    public PendingKind Kind { get; }
    public AuditRecord? Record { get; private init; }
    public EntryDraft? Draft { get; private init; }

    /// <summary>Salt and canonical bytes behind the entry's commitment.</summary>
    public (byte[] Salt, byte[] Data)? Personal { get; private init; }

    public Checkpoint? Through { get; private init; }
    public IReadOnlyList<long> Entries { get; private init; } = [];

    // Filled by the writer before the caller is released.
    /// <summary>Rows that were taken out or erased.</summary>
    public long Changed { get; set; }
    public long Sequence { get; set; }
    public DateTimeOffset Time { get; set; }
    public byte[] Body { get; set; } = [];
    public Digest Mac { get; set; }
    public Checkpoint? Checkpoint { get; set; }

    /// <summary>A copy of the HMAC key as it is after <see cref="Checkpoint"/>, when asked for; the caller disposes it.</summary>
    public bool WantsKey { get; private init; }
    public ForwardKey? Key { get; set; }

    /// <exception cref="ArgumentException">The type is not one of <see cref="AuditTypes.All"/>.</exception>
    public static Pending Entry(AuditRecord record, RandomNumberGenerator random)
    {
        if (!AuditTypes.IsKnown(record.Type)) throw new ArgumentException($"\"{record.Type}\" is not an event type.", nameof(record));
        var (actor, subject, action, outcome, reason, details) = (Cut(record.Actor), Cut(record.Subject), Cut(record.Action), Cut(record.Outcome), Cut(record.Reason), Bound(record.Details));
        if (!(ReferenceEquals(actor, record.Actor) && ReferenceEquals(subject, record.Subject) && ReferenceEquals(action, record.Action) && ReferenceEquals(outcome, record.Outcome)
            && ReferenceEquals(reason, record.Reason) && ReferenceEquals(details, record.Details)))
            record = record with { Actor = actor, Subject = subject, Action = action, Outcome = outcome, Reason = reason, Details = details };
        (byte[] Salt, byte[] Data)? personal = null;
        Digest? commitment = null;
        if (record.Personal is { Count: > 0 } facts)
        {
            var salt = new byte[PersonalData.SaltLength];
            random.GetBytes(salt);
            var data = EntryJson.Write(Bound(facts));
            (personal, commitment) = ((salt, data), PersonalData.Commit(salt, data));
        }
        return new Pending(PendingKind.Entry)
        {
            Record = record,
            Draft = EntryDraft.Create(record.Type, record.Actor, record.Subject, record.Action, record.Outcome, record.Reason, record.Details, commitment),
            Personal = personal,
        };
    }

    /// <summary>Takes out everything up to a checkpoint: hashes stay, entries and personal data go.</summary>
    public static Pending Retire(Checkpoint through) => new(PendingKind.Retire) { Through = through };

    /// <summary>Erases the personal data beside these entries.</summary>
    public static Pending Erase(IReadOnlyList<long> entries) => new(PendingKind.Erase) { Entries = entries };

    public static Pending SignCheckpoint(bool withKey = false) => new(PendingKind.Checkpoint) { WantsKey = withKey };

    /// <summary>A transaction that changes nothing: shows whether the log can be written.</summary>
    public static Pending Probe() => new(PendingKind.Probe);

    public AuditEntry ToEntry() => new(Sequence, Time, Record!.Type, Record.Actor, Record.Subject, Record.Action, Record.Outcome, Record.Reason, Record.Details ?? [], Body, Mac.ToArray())
    {
        Personal = Record.Personal,
    };

    private static string Cut(string text)
    {
        if (text.Length * 3 <= AuditLimits.FieldBytes || Encoding.UTF8.GetByteCount(text) <= AuditLimits.FieldBytes) return text;
        var kept = AuditLimits.FieldBytes / 4;   // characters: never more than three bytes each, and room for the mark
        return string.Concat(text.AsSpan(0, char.IsHighSurrogate(text[kept - 1]) ? kept - 1 : kept), " ...(cut)");
    }

    private static JsonObject? Bound(JsonObject? details)
    {
        // Small ones are not written twice to find out that they are small.
        if (details is null || IsSmall(details)) return details;
        var bytes = EntryJson.Write(details);
        return bytes.Length <= AuditLimits.DetailsBytes ? details : new JsonObject { ["omitted"] = "too large", ["bytes"] = bytes.Length, ["sha256"] = Digest.Sha256(bytes).ToString() };
    }

    // Plain members, each at most six bytes a character: surely under the limit.
    private static bool IsSmall(JsonObject details)
    {
        var most = 0L;
        for (var i = 0; i < details.Count; i++)   // by place: no enumerator on the heap
        {
            var (name, value) = details.GetAt(i);
            most += 64 + name.Length * 6L;
            if (value is null) continue;
            if (value is not JsonValue plain) return false;
            if (plain.GetValueKind() == System.Text.Json.JsonValueKind.String) most += plain.TryGetValue<string>(out var text) ? text.Length * 6L : AuditLimits.DetailsBytes;
        }
        return most <= AuditLimits.DetailsBytes;
    }
}

internal enum PendingKind
{
    Entry,
    Checkpoint,
    Probe,
    Retire,
    Erase,
}
