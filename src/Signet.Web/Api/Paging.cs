using System.Text;

namespace Signet.Web.Api;

/// <summary>
/// Pages of lists by a cursor: `next` of one page is `after` of the next, null at the end. A cursor is the place of the last row in the list's order, not a count: what comes or goes meanwhile neither
/// repeats a row nor hides one. It is opaque to whoever sends it back, and any text is a good one (it stands somewhere).
/// </summary>
public static class Paging
{
    /// <summary>The page behind <paramref name="after"/>.</summary>
    /// <param name="rows">In the order of <paramref name="place"/> (ordinal), each place once.</param>
    /// <param name="place">Where a row stands.</param>
    /// <param name="after">Null or empty: from the beginning.</param>
    /// <param name="limit">As asked; see <see cref="ApiRoutes.Limit"/>.</param>
    public static (IReadOnlyList<T> Rows, string? Next) Page<T>(IEnumerable<T> rows, Func<T, string> place, string? after, int? limit)
    {
        var most = ApiRoutes.Limit(limit);
        var behind = string.IsNullOrEmpty(after) ? null : after;
        var page = rows.Where(row => behind is null || string.CompareOrdinal(place(row), behind) > 0).Take(most + 1).ToList();
        if (page.Count <= most) return (page, null);
        page.RemoveAt(most);
        return (page, place(page[^1]));
    }

    /// <summary>
    /// The same for people, over a list that is at hand as a whole: backwards too, and with the numbers of the rows, for they want to know where they are. An empty page there is none while the list
    /// has rows: behind the last place stand the last rows.
    /// </summary>
    /// <param name="rows">In the order of <paramref name="place"/>.</param>
    /// <param name="place">Where a row stands.</param>
    /// <param name="after">The page behind this place; null or empty: from the beginning, unless <paramref name="before"/> is given.</param>
    /// <param name="before">The page in front of this place.</param>
    /// <param name="size">Rows of a page.</param>
    public static PartOfList<T> Around<T>(IReadOnlyList<T> rows, Func<T, string> place, string? after, string? before, int size)
    {
        var from = !string.IsNullOrEmpty(after) ? FirstBehind(rows, place, after, isItselfBehind: false)
            : !string.IsNullOrEmpty(before) ? FirstBehind(rows, place, before, isItselfBehind: true) - size : 0;
        if (from >= rows.Count) from = rows.Count - size;
        from = Math.Max(0, from);
        List<T> part = [.. rows.Skip(from).Take(size)];
        return new(part, from, rows.Count, from > 0 ? place(part[0]) : null, from + part.Count < rows.Count ? place(part[^1]) : null);
    }

    // By halves: making the place of each of ten thousand would be most of the page.
    private static int FirstBehind<T>(IReadOnlyList<T> rows, Func<T, string> place, string mark, bool isItselfBehind)
    {
        var (low, high) = (0, rows.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            var order = string.CompareOrdinal(place(rows[middle]), mark);
            if (order > 0 || (order == 0 && isItselfBehind)) high = middle;
            else low = middle + 1;
        }

        return low;
    }

    /// <summary>The same for rows of another order: a place made of several values, so that it sorts like them.</summary>
    public static string Place(params ReadOnlySpan<string> values)
    {
        var place = new StringBuilder();
        // Below every character that a name may hold: "a" stands before "a-b", as it does in a list.
        foreach (var value in values) place.Append(place.Length > 0 ? "\u0001" : "").Append(value);
        return place.ToString();
    }

    /// <summary>A time so that the newest stands first.</summary>
    public static string NewestFirst(DateTimeOffset time) => (long.MaxValue - time.UtcTicks).ToString("D19", System.Globalization.CultureInfo.InvariantCulture);
}

/// <summary>The rows of one page.</summary>
/// <param name="From">How many stand in front of them.</param>
/// <param name="Of">How many there are in all.</param>
/// <param name="Previous">What the page in front is asked for with as `before`; null: there is none.</param>
/// <param name="Next">What the page behind is asked for with as `after`; null: there is none.</param>
public sealed record PartOfList<T>(IReadOnlyList<T> Rows, int From, int Of, string? Previous, string? Next)
{
    /// <summary>Nothing.</summary>
    public static PartOfList<T> Empty { get; } = new([], 0, 0, null, null);
}
