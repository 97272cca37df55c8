using System.Data.Common;
using System.Text.Json.Nodes;

namespace Signet.Control;

/// <summary>A row of the table, as Dapper fills it.</summary>
internal sealed class CommandRow
{
    public string Id { get; set; } = "";
    public string Device { get; set; } = "";
    public string Command { get; set; } = "";
    public string Arguments { get; set; } = "{}";
    public long State { get; set; }
    public string? Reason { get; set; }
    public string? Result { get; set; }
    public string ByName { get; set; } = "";
    public string ByRole { get; set; } = "";
    public long Created { get; set; }
    public long Expires { get; set; }
    public long? Sent { get; set; }
    public long? Delivered { get; set; }
    public long? Answered { get; set; }
    public string Digest { get; set; } = "";
    public string Message { get; set; } = "";
    public long AuditEntry { get; set; }
    public string? Receipt { get; set; }
    public long? ReceiptEntry { get; set; }
    public string ByKind { get; set; } = Actor.User;
    public long NotBefore { get; set; }
    public long ValidUntil { get; set; }
    public string? Rollout { get; set; }
    public string? Proposal { get; set; }
    public long Attempts { get; set; } = 1;

    /// <summary>An intent that may go back to waiting at this time.</summary>
    public bool MayWait(DateTimeOffset now) => ValidUntil > now.ToUnixTimeMilliseconds() && Attempts < ControlLimits.Attempts;

    /// <summary>The columns by their place in the ledger's list: this row is read five times for each command, and the driver's own words for its columns cost more than its bytes.</summary>
    public static CommandRow Read(DbDataReader from)
    {
        string? Text(int column) => from.IsDBNull(column) ? null : from.GetString(column);
        long? Number(int column) => from.IsDBNull(column) ? null : from.GetInt64(column);
        return new()
        {
            Id = from.GetString(0), Device = from.GetString(1), Command = from.GetString(2), Arguments = from.GetString(3), State = from.GetInt64(4), Reason = Text(5), Result = Text(6), ByName = from.GetString(7), ByRole = from.GetString(8),
            Created = from.GetInt64(9), Expires = from.GetInt64(10), Sent = Number(11), Delivered = Number(12), Answered = Number(13), Digest = from.GetString(14), Message = from.GetString(15),
            AuditEntry = from.GetInt64(16), Receipt = Text(17), ReceiptEntry = Number(18), ByKind = from.GetString(19), NotBefore = from.GetInt64(20), ValidUntil = from.GetInt64(21), Rollout = Text(22), Proposal = Text(23), Attempts = from.GetInt64(24),
        };
    }

    private const string HmacHeader = "eyJhbGciOiJIUzI1NiIs"; // {"alg":"HS256", the beginning of every such header: there is one encoding

    /// <summary>The message was signed under the key that center and device share.</summary>
    public bool IsUnderSharedKey => Message.StartsWith(HmacHeader, StringComparison.Ordinal);

    public CommandView ToView() => new(
        Id, Device, Command, (JsonObject)JsonNode.Parse(Arguments)!, ((CommandState)State).Name(), Reason, Result is null ? null : (JsonObject)JsonNode.Parse(Result)!, ByName, ByRole,
        Created.ToTime(), Expires.ToTime(), Sent.ToTime(), Delivered.ToTime(), Answered.ToTime(), AuditEntry, Message, Receipt,
        NotBefore == 0 ? null : NotBefore.ToTime(), ValidUntil == 0 ? null : ValidUntil.ToTime(), Rollout, Attempts, Proposal);
}
