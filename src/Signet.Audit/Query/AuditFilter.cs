namespace Signet.Audit;

/// <summary>Which entries are wanted. Unset members do not filter; set ones must all hold.</summary>
public sealed record AuditFilter
{
    /// <summary>Only the entry with this number.</summary>
    public long? Sequence { get; init; }

    public string? Type { get; init; }
    public string? Actor { get; init; }
    public string? Subject { get; init; }

    /// <summary>Only entries about one of these.</summary>
    public IReadOnlySet<string>? Subjects { get; init; }

    /// <summary>Not of these types, unless they are about <see cref="Self"/>: names of devices and of people are not told apart by the text.</summary>
    public IReadOnlySet<string>? ExceptTypes { get; init; }

    /// <summary>The one subject that <see cref="ExceptTypes"/> does not hold for; null: it holds for all.</summary>
    public string? Self { get; init; }

    public string? Action { get; init; }
    public string? Outcome { get; init; }
    public string? Reason { get; init; }

    /// <summary>Not before this time.</summary>
    public DateTimeOffset? From { get; init; }

    /// <summary>Before this time.</summary>
    public DateTimeOffset? To { get; init; }

    /// <summary>Anywhere in the entry, letters of ASCII compared without case.</summary>
    public string? Text { get; init; }

    /// <summary>Entries with a smaller number: the <see cref="AuditPage.Next"/> of the page before.</summary>
    public long? Before { get; init; }

    /// <summary>Entries on a page, 1 to 1,000.</summary>
    public int Limit { get; init; } = 50;
}

/// <summary>One page, newest first.</summary>
/// <param name="Entries">The matching ones.</param>
/// <param name="Next">Give it as <see cref="AuditFilter.Before"/> for the next page; null at the end. A page may be short (even empty) and still have a next one: a search looks at a bounded number of entries.</param>
/// <param name="Size">Entries in the whole log at the time of the query.</param>
public sealed record AuditPage(IReadOnlyList<AuditEntry> Entries, long? Next, long Size)
{
    /// <summary>Time of the oldest entry that was looked at; null when there is no next page.</summary>
    public DateTimeOffset? Reached { get; init; }
}
