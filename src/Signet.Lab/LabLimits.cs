namespace Signet.Lab;

/// <summary>Every bound of the lab, with its origin. The lab attacks; these keep it from harming the machine it runs on.</summary>
public static class LabLimits
{
    /// <summary>Lines of one actor's log kept in memory. Chosen: a full run writes some thousands; about 300 bytes each.</summary>
    public const int LogLinesKept = 20_000;

    /// <summary>Longest text taken as a paper message. The genuine ones have about 1.5 kB; Python would take any size.</summary>
    public const int PaperMessageBytes = 65_536;

    /// <summary>Digits of a counter in a paper message: bounds what one message can put into the state file.</summary>
    public const int CounterDigits = 64;

    /// <summary>Senders in the faithful actuator's state file. The paper has no bound; without one the delimiter shift would fill the disk.</summary>
    public const int PaperSenders = 10_000;

    /// <summary>How long one attack may take before it counts as not run. Chosen: the slowest takes some seconds.</summary>
    public static readonly TimeSpan OneAttack = TimeSpan.FromSeconds(20);

    /// <summary>How long an actor of a house may take to be ready.</summary>
    public static readonly TimeSpan Ready = TimeSpan.FromSeconds(15);

    /// <summary>How long something hostile is given to take effect before it counts as blocked without a reason. Loopback needs a few milliseconds.</summary>
    public static readonly TimeSpan Settle = TimeSpan.FromMilliseconds(1_500);

    /// <summary>The whole run. Beyond it the lab stops with what it has, marked incomplete.</summary>
    public static readonly TimeSpan Run = TimeSpan.FromMinutes(5);
}
