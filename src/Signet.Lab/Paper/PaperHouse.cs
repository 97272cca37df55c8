namespace Signet.Lab;

/// <summary>Names the paper fixes for its two houses.</summary>
public static class PaperNames
{
    public const string OpenTopic = "home/door", SecureTopic = "home/secure/door";
    public const string OpenSensor = "sensor_insecure", OpenActuator = "actuator_insecure", OpenAttacker = "attacker_insecure";
    public const string SecureSensorClient = "sensor_secure", SecureActuatorClient = "actuator_secure", SecureAttacker = "attacker_secure";
    public const string SensorId = "sensor_001", SecureSensorId = "sensor_001_secure";
    public const string Faithful = "paper-faithful", Corrected = "paper-corrected";

    /// <summary>How often the sensors publish, how long the attacker listens before it replays, and its pause between attacks.</summary>
    public static readonly TimeSpan PublishEvery = TimeSpan.FromSeconds(2), CaptureFor = TimeSpan.FromSeconds(8), BetweenAttacks = TimeSpan.FromSeconds(2);
}

/// <summary>What an actuator of the paper's house did with one message.</summary>
/// <param name="Accepted">It acted.</param>
/// <param name="Cause">Why not: in the faithful suite <c>json, fields, signature, replay, session-key, ciphertext, payload</c>; in the corrected one a name of the house's refusal list. Empty when accepted.</param>
/// <param name="Event">What it acted on; empty when it did not.</param>
/// <param name="VerifyMilliseconds">From the bytes to the verdict.</param>
public sealed record PaperVerdict(bool Accepted, string Cause, string Event, double VerifyMilliseconds);

/// <summary>Counts of an actuator: what its statistics line prints.</summary>
public sealed record PaperStatistics(int Received, int Accepted, int Rejected);

/// <summary>A sensor that makes sealed and signed messages, one of the two suites.</summary>
public interface IPaperSensor
{
    string Suite { get; }

    /// <summary>The next message, as bytes to publish.</summary>
    byte[] Next();
}

/// <summary>An actuator that checks them, one of the two suites. One message at a time.</summary>
public interface IPaperActuator
{
    string Suite { get; }
    PaperStatistics Statistics { get; }

    /// <summary>Never throws on any bytes.</summary>
    PaperVerdict Receive(ReadOnlySpan<byte> payload);
}
