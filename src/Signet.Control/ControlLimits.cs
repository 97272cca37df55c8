namespace Signet.Control;

/// <summary>Every number of this room that is not a setting, with its origin.</summary>
public static class ControlLimits
{
    /// <summary>Events kept for readers that resume. Chosen: half a minute of a fleet of 1,000 that reports every 10 s; about 2 MB.</summary>
    public const int FeedEvents = 4_096;

    /// <summary>Readings in one answer. Chosen: more points than a chart has pixels.</summary>
    public const int ReadingsPerQuery = 5_000;

    /// <summary>Longest life of an API token. Chosen: a year and a day, so that yearly renewal overlaps.</summary>
    public static readonly TimeSpan TokenLifetime = TimeSpan.FromDays(366);
}
