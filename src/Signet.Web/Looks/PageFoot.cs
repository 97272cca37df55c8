using Signet.Web.Api;

namespace Signet.Web.Looks;

/// <summary>What stands below a list: where one is in it, and the ways on.</summary>
/// <param name="First">Number of the first row shown, from 1.</param>
/// <param name="Back">Address of the page in front; null: this is the first.</param>
/// <param name="More">Address of the page behind; null: this is the last.</param>
public sealed record PageFoot(int First, int Last, int Of, string? Back, string? More)
{
    /// <param name="link">The list's address, at a place after or before.</param>
    public static PageFoot Under<T>(PartOfList<T> part, Func<string?, string?, string> link)
        => new(part.From + 1, part.From + part.Rows.Count, part.Of, part.Previous is { } previous ? link(null, previous) : null, part.Next is { } next ? link(next, null) : null);
}
