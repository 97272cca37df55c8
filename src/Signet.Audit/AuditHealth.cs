namespace Signet.Audit;

/// <summary>How the log is doing, for page, health endpoint and terminal.</summary>
/// <param name="State">Whether entries are being taken.</param>
/// <param name="Message">One line for people; "" when all is well.</param>
/// <param name="Since">When the present state began.</param>
/// <param name="Size">Entries in the log.</param>
/// <param name="Refused">Appends refused since the log last took one.</param>
public sealed record AuditHealth(AuditState State, string Message, DateTimeOffset Since, long Size, long Refused)
{
    public bool IsWritable => State != AuditState.Unavailable;
}

public enum AuditState
{
    Writable = 0,

    /// <summary>The disk is full: only emergency entries are taken, from the reserve.</summary>
    OnReserve = 1,

    /// <summary>No entry is taken.</summary>
    Unavailable = 2,
}
