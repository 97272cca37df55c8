namespace Signet.Agent;

/// <summary>Every bound of the device side, with its origin.</summary>
public static class AgentLimits
{
    /// <summary>Bytes of <c>device.json</c>. Chosen: a full list of commands has some kilobytes.</summary>
    public const int SettingsBytes = 64 * 1024;

    /// <summary>Commands a device may allow. Chosen.</summary>
    public const int Commands = 256;

    /// <summary>Receipts that wait for the broker's acknowledgement; while it is full, commands are refused <c>rate-limited</c>. Chosen: 1,000 receipts are about 1 MB.</summary>
    public const int Outbox = 1_000;

    /// <summary>Bytes of a message that brings another command signer: two certificates have 4 KB.</summary>
    public const int SignerBytes = 32 * 1024;

    /// <summary>Receipts that are kept although the broker has acknowledged them, until the center's heartbeat says that it has them. Chosen: as many commands as a center's queue holds for a device; 100 KB.</summary>
    public const int Unconfirmed = 100;

    /// <summary>How long commands of the former signer are taken after another was pinned: what was on its way. A command lives 30 s unless the center's settings say otherwise.</summary>
    public static readonly TimeSpan FormerSigner = TimeSpan.FromMinutes(2);

    /// <summary>How often, and after which pause, a receipt the broker refused is offered again on the same connection. Chosen: a changed policy takes seconds.</summary>
    public const int RefusedReceiptTries = 5;
    public static readonly TimeSpan RefusedReceiptPause = TimeSpan.FromSeconds(2);

    /// <summary>Refusal receipts at once, and per second after that (docs/spec/replay.md): an attacker's flood must not become ours.</summary>
    public const int RefusalBurst = 10;
    public const double RefusalsPerSecond = 1;

    /// <summary>Bytes of the journal after which it is written anew with what still counts. Chosen: some hundred commands, read in milliseconds at start.</summary>
    public const int JournalBytes = 512 * 1024;

    /// <summary>Ids of commands that are remembered, the newest. Chosen: a center's queue holds a hundred commands for a device; 27 KB in the journal.</summary>
    public const int KnownIds = 1_024;

    /// <summary>Bytes of one journal record: a whole command message and what stands around it.</summary>
    public const int JournalRecordBytes = 256 * 1024;

    /// <summary>How long a handler may take unless it was registered with another limit.</summary>
    public static readonly TimeSpan HandlerTime = TimeSpan.FromSeconds(30);

    /// <summary>What a handler that was told to stop gets before the device calls it interrupted.</summary>
    public static readonly TimeSpan HandlerGrace = TimeSpan.FromSeconds(5);

    /// <summary>A handler that is not done by then is announced with an <c>accepted</c> receipt. Chosen: when a person begins to wonder.</summary>
    public static readonly TimeSpan AcceptedAfter = TimeSpan.FromSeconds(1);

    /// <summary>Pause between attempts to connect: doubled from the first to the longest, each a random half of it less, so that a fleet does not come back in step.</summary>
    public static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(250), LongestPause = TimeSpan.FromSeconds(30);

    /// <summary>Seconds between two heartbeats, from <c>device.json</c>. Chosen: what is held back is noticed within a minute, for one small message.</summary>
    public const int HeartbeatSecondsDefault = 30;

    /// <summary>Simulated devices of one process that connect at the same time. Chosen: more only wait for each other's handshakes.</summary>
    public const int ConnectingAtOnce = 32;

    /// <summary>How often a device can say anew what it is (a manifest or a signer taken) on one connection with its last will still above it. Chosen: both come a few times a year.</summary>
    public const int SpareStatuses = 16;

    /// <summary>The broker keeps session and unacknowledged commands for this long after the connection is lost.</summary>
    public static readonly TimeSpan SessionExpiry = TimeSpan.FromHours(1);

    /// <summary>MQTT keep alive in seconds, from <c>device.json</c>: a connection that is idle for half of it is probed, and a lost broker is noticed within one and a half of it. Chosen: a valve should
    /// be known to be away before somebody has walked to it; a fleet that talks seldom pays two probes a keep alive for that.</summary>
    public const int KeepAliveSecondsDefault = 15, KeepAliveSecondsLeast = 5, KeepAliveSecondsMost = 3_600;

    /// <summary>How long a device waits for a consistency proof, and how often it asks: two times 4 s, so that an alarm comes within one checkpoint interval (10 s).</summary>
    public static readonly TimeSpan WitnessPatience = TimeSpan.FromSeconds(4);
    public const int WitnessTries = 2;

    /// <summary>Between an answer and the next question: the center has just answered.</summary>
    public static readonly TimeSpan WitnessPause = TimeSpan.FromSeconds(2);

    /// <summary>How long the other witnesses' cosignatures of an accepted checkpoint may take while the device is connected. The center hands them on after 2 s at the latest; with this and a look every second the alarm comes within one checkpoint interval (10 s).</summary>
    public static readonly TimeSpan ConfirmationPatience = TimeSpan.FromSeconds(8);

    /// <summary>Telemetry intervals from <c>device.json</c>.</summary>
    public const int TelemetrySecondsLeast = 1, TelemetrySecondsMost = 86_400, TelemetrySecondsDefault = 5;

    /// <summary>One request to the center, and the largest answer. Chosen: a bundle of thirty certificates has 30 KB.</summary>
    public static readonly TimeSpan EstTimeout = TimeSpan.FromSeconds(20);
    public const int EstBytes = 256 * 1024;

    /// <summary>A certificate is renewed at this share of its life, and up to <see cref="RenewJitter"/> later: of 30 days, between day 20 and day 23.</summary>
    public const double RenewAfter = 2.0 / 3.0, RenewJitter = 0.1;

    /// <summary>Pause between attempts to renew: doubled from the first to the longest.</summary>
    public static readonly TimeSpan FirstEstPause = TimeSpan.FromSeconds(5), LongestEstPause = TimeSpan.FromHours(1);
}
