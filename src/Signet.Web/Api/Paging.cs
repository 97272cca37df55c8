using System.Text;

namespace Signet.Web.Api;

/// <summary>
/// Pages of lists by a cursor: `next` of one page is `after` of the next, null at the end. A cursor is the place of the last row in the list's order, not a count: what comes or goes meanwhile neither
/// repeats a row nor hides one. It is opaque to whoever sends it back, and any text is a good one (it stands somewhere).
/// </summary>
internal static class Paging
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
