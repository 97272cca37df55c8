using Signet.Proof;

namespace Signet.Audit;

/// <summary>The log cannot be written now. Nothing was recorded, so nothing may be done. It recovers by itself; the message is one line that says what to mend.</summary>
public sealed class AuditUnavailableException : Exception
{
    public AuditUnavailableException(string message, Exception? inner = null) : base(message, inner) { }
}

/// <summary>The log was found altered while opening it. It is left as it is: the finding is evidence.</summary>
public sealed class AuditTamperedException : Exception
{
    public AuditTamperedException(AuditVerdict verdict) : base(verdict.Summary) => Verdict = verdict;

    public AuditVerdict Verdict { get; }
}
