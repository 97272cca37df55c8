namespace Signet.Access;

/// <summary>Every number of this room, with its origin.</summary>
public static class AccessLimits
{
    /// <summary>MQTT 5.0, section 4.7.3: a topic is at most 65,535 bytes of UTF-8. Counted here in characters, which are never more than the bytes.</summary>
    public const int MaximumTopicLength = 65_535;

    /// <summary>Levels of a topic that is judged at all. Chosen: no real topic comes near; bounds the work of a hostile one.</summary>
    public const int MaximumLevels = 128;

    /// <summary>Rules in one policy. Chosen: a rule holds for whole groups, a policy has tens.</summary>
    public const int MaximumRules = 10_000;

    /// <summary>Topic patterns in one rule. Chosen.</summary>
    public const int MaximumPatterns = 1_000;

    /// <summary>A policy file or a file of assertions. Chosen: 10,000 long rules are under 4 MB.</summary>
    public const int MaximumFileBytes = 16 * 1024 * 1024;

    /// <summary>Names listed for one line of a difference; the count is always whole.</summary>
    public const int MaximumDiffNames = 20;

    /// <summary>Characters of a rule's or a group's name. Chosen: they stand in audit entries.</summary>
    public const int MaximumNameLength = 100;
}
