namespace Signet.Wire;

/// <summary>Every bound of the message format, with its origin. The specification (docs/spec/messages.md) repeats these numbers; a test compares them.</summary>
public static class WireLimits
{
    /// <summary>Bytes of a whole message. Chosen: a command with the approvals of five people stays under 16 KiB; four times that bounds what a stranger makes a device parse.</summary>
    public const int MessageBytes = 65_536;

    /// <summary>Bytes of the protected header. The longest legal one (64-byte key id) has 131.</summary>
    public const int HeaderBytes = 256;

    /// <summary>Bytes of a sealed message's header. The longest legal one (ephemeral key, longest topic and names) has about 600.</summary>
    public const int SealedHeaderBytes = 1_024;

    /// <summary>Objects and arrays inside each other, the claims object included. Chosen: arguments and results are flat or nearly so.</summary>
    public const int JsonDepth = 16;

    /// <summary>Members and elements of a whole JSON text. Chosen: bounds the memory a small message can claim (about 100 bytes each).</summary>
    public const int JsonItems = 2_048;

    /// <summary>Characters of a key id. A SHA-256 thumbprint has 43.</summary>
    public const int KeyIdCharacters = 64;

    /// <summary>Characters of a device's or service's name: one DNS label.</summary>
    public const int NameCharacters = 63;

    /// <summary>Characters of a topic: the longest of ours (telemetry) has 7 + 63 + 11 + 64.</summary>
    public const int TopicCharacters = 145;

    /// <summary>Characters of a command's or reading's name. Chosen.</summary>
    public const int WordCharacters = 64;

    /// <summary>Characters of a person's name in `by`. Chosen.</summary>
    public const int PersonCharacters = 128;

    /// <summary>Bytes of a data message's payload. Chosen: in base64url, twice over for the JWS, and sealed once more it stays under the limit of a message.</summary>
    public const int DataBytes = 24_576;

    /// <summary>Characters of a unit of measure. Chosen: the longest UCUM units in use have about ten.</summary>
    public const int UnitCharacters = 16;

    /// <summary>Characters of a text reading. Chosen.</summary>
    public const int TextValueCharacters = 4_096;

    /// <summary>Approvals in one command. Chosen: five people are many; a few may sign twice.</summary>
    public const int Approvals = 16;

    /// <summary>Characters of one approval. Chosen: one for a hundred devices has about 6,000.</summary>
    public const int ApprovalCharacters = 16_384;

    /// <summary>Devices one proposal may name. Chosen so that five approvals fit a command; a rollout to more takes several proposals.</summary>
    public const int ProposalDevices = 128;

    /// <summary>How long after its approval a proposal may be valid. Chosen: what people approved last week is not what they would approve today.</summary>
    public static readonly TimeSpan ProposalLifetime = TimeSpan.FromDays(7);

    /// <summary>Commands, suites, classes and people in a manifest. Chosen.</summary>
    public const int ManifestEntries = 256;

    /// <summary>Arguments of one command in a manifest. Chosen: a form that fits a page.</summary>
    public const int ManifestArguments = 32;

    /// <summary>Characters of a certificate (DER, base64) in a manifest. RSA-4096 under RSA-4096 has about 2,400.</summary>
    public const int CertificateCharacters = 4_096;

    /// <summary>Certificates and sessions in one part of a revocation's evidence. Chosen so that a full part stays under <see cref="MessageBytes"/> and <see cref="JsonItems"/>; more make more parts.</summary>
    public const int EvidenceCertificates = 48, EvidenceSessions = 64;

    /// <summary>Longest time that may be promised until the next heartbeat. Chosen: who notices a silence later need not look.</summary>
    public const int HeartbeatSeconds = 3_600;

    /// <summary>Greatest integer in a message: 2^53 - 1, beyond which JSON numbers lose units (RFC 8785 appendix D, RFC 7493 section 2.2).</summary>
    public const long Integer = 9_007_199_254_740_991;

    /// <summary>Greatest time, 9999-12-31T23:59:59Z in Unix seconds: the last the platform can hold.</summary>
    public const long UnixSeconds = 253_402_300_799;

    /// <summary>Longest time from `iat` to `exp` in a command. Chosen: commands are signed when they are sent, not when they are planned.</summary>
    public static readonly TimeSpan CommandLifetime = TimeSpan.FromDays(1);

    /// <summary>A message older than this is expired, whatever its `exp` says. Long enough for a bad radio link and QoS 1 retries.</summary>
    public static readonly TimeSpan MaximumAge = TimeSpan.FromSeconds(30);

    /// <summary>How far ahead of the receiver's clock a sender may be. NTP on a bad link keeps within a second; the rest is allowance.</summary>
    public static readonly TimeSpan MaximumSkew = TimeSpan.FromSeconds(5);

    /// <summary>Sequence numbers behind the newest one that are still told apart; older ones count as seen. RFC 6479 proposes 1,024 and more; QoS 1 reorders by far less.</summary>
    public const int ReplayWindow = 1_024;

    /// <summary>Starts of a sender whose sequences stand apart (<see cref="OutgoingSequence.StartApart"/>), as many numbers each. Chosen: a broker keeps what waits for a device for an hour, and 2^32 messages of one start are years of them.</summary>
    public const int StartsApart = 4_096;

    /// <summary>Fewest bits of an RSA key (FIPS 186-5) and most (what a small device verifies in a few milliseconds).</summary>
    public const int RsaBitsLeast = 2_048, RsaBitsMost = 4_096;

    /// <summary>Bytes of an HMAC key: least as long as its output (RFC 7518 section 3.2), at most one block of SHA-256.</summary>
    public const int HmacKeyBytesLeast = 32, HmacKeyBytesMost = 64;
}
