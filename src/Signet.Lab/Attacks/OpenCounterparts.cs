namespace Signet.Lab;

/// <summary>What an attack on signed messages comes down to in a house without any: the attacker writes what it wants into plain JSON.</summary>
internal static class OpenCounterparts
{
    public const string WhyNot = "the open house has nothing of the kind to get around";

    public static Func<LabContext, CancellationToken, Task<Strike>>? For(string name) => null;
}
