using Signet.Store;

namespace Signet.Control;

/// <summary>Tells a database or disk that cannot be used now from a mistake of ours.</summary>
public static class Unavailable
{
    /// <returns>One line for people; null when the failure is something else.</returns>
    public static string? Why(Exception? failure) => failure is null ? null : StoreException.From(failure, "the database")?.Message;
}
