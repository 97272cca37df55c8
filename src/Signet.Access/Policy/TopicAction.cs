namespace Signet.Access;

/// <summary>What someone wants to do with a topic. Numbers are stored: append only.</summary>
public enum TopicAction
{
    Publish = 1,

    /// <summary>The text is a topic filter; every topic it could match must be allowed.</summary>
    Subscribe = 2,

    /// <summary>One message on its way to one subscriber: asked again for each, so a changed policy acts on old subscriptions.</summary>
    Deliver = 3,

    /// <summary>Publishing with the retain flag; asked beside <see cref="Publish"/>.</summary>
    Retain = 4,

    /// <summary>Leaving a last will; asked when connecting, beside <see cref="Publish"/>.</summary>
    Will = 5,
}
