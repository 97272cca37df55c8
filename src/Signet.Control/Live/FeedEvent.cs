using System.Text.Json.Nodes;

namespace Signet.Control;

/// <summary>What a live event is about. On the wire in lower case.</summary>
public enum FeedKind
{
    Device = 1,
    Command = 2,
    Telemetry = 3,
    Audit = 4,
    Broker = 5,

    /// <summary>Events between the last one read and the next are gone (slow reader, or a resume from too long ago): load the page's state anew and go on.</summary>
    Gap = 6,
}

/// <summary>Something that has just happened.</summary>
/// <param name="Id">Rises, also over restarts; below 2^53. Give the last one seen to <see cref="LiveFeed.ReadAsync"/> to go on behind it.</param>
/// <param name="Name">What happened: the command's state, the presence, the audit entry's type ...</param>
/// <param name="Subject">The device, or what the event is about.</param>
/// <param name="Data">For the API; shared by all readers, never change it.</param>
public sealed record FeedEvent(long Id, DateTimeOffset Time, FeedKind Kind, string Name, string Subject, JsonObject Data);
