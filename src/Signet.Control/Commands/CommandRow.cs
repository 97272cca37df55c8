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

    private const string HmacHeader = "eyJhbGciOiJIUzI1NiIs"; // {"alg":"HS256", the beginning of every such header: there is one encoding

    /// <summary>The message was signed under the key that center and device share.</summary>
    public bool IsUnderSharedKey => Message.StartsWith(HmacHeader, StringComparison.Ordinal);

    public CommandView ToView() => new(
        Id, Device, Command, (JsonObject)JsonNode.Parse(Arguments)!, ((CommandState)State).Name(), Reason, Result is null ? null : (JsonObject)JsonNode.Parse(Result)!, ByName, ByRole,
        Created.ToTime(), Expires.ToTime(), Sent.ToTime(), Delivered.ToTime(), Answered.ToTime(), AuditEntry, Message, Receipt,
        NotBefore == 0 ? null : NotBefore.ToTime(), ValidUntil == 0 ? null : ValidUntil.ToTime(), Rollout, Attempts, Proposal);
}
