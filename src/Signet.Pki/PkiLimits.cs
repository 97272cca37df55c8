namespace Signet.Pki;

/// <summary>Every number of this room, with its origin.</summary>
public static class PkiLimits
{
    /// <summary>Ours: an authority should not change more often than a fleet's hardware.</summary>
    public static readonly TimeSpan RootLifetime = TimeSpan.FromDays(20 * 365);

    /// <summary>Ours: several rotations fit into a root's life.</summary>
    public static readonly TimeSpan IntermediateLifetime = TimeSpan.FromDays(5 * 365);

    /// <summary>Short, because a device renews by itself at two thirds.</summary>
    public static readonly TimeSpan DeviceLifetime = TimeSpan.FromDays(30);

    /// <summary>People, broker, center and signers.</summary>
    public static readonly TimeSpan OtherLifetime = TimeSpan.FromDays(90);

    /// <summary>Bytes of a PKCS#12 file that is read. Chosen: one with ten certificates has 20 KB.</summary>
    public const int Pkcs12Bytes = 1024 * 1024;

    /// <summary>Certificates begin this much before they are made, for peers whose clock is slow. A guess; longer than the clock window of messages.</summary>
    public static readonly TimeSpan Backdate = TimeSpan.FromMinutes(5);

    /// <summary>RFC 5280, section 4.1.2.2: at most 20 octets; CA/Browser Forum: at least 64 random bits.</summary>
    public const int SerialBytes = 16;

    /// <summary>RFC 5280, upper bound of common name (ub-common-name).</summary>
    public const int MaximumNameLength = 64;

    /// <summary>A certificate request. RSA-4096 with many names is under 4 KB; chosen with room for other tools' attributes.</summary>
    public const int MaximumRequestBytes = 16 * 1024;

    /// <summary>An OCSP request; a client asks about one or a few.</summary>
    public const int MaximumOcspRequestBytes = 16 * 1024;

    /// <summary>Certificates in one OCSP request. Chosen: each is a look-up and part of what gets signed.</summary>
    public const int MaximumOcspQuestions = 64;

    /// <summary>How long an OCSP answer may be cached. Short: whoever caches it does not see a revocation until then.</summary>
    public static readonly TimeSpan OcspLifetime = TimeSpan.FromMinutes(10);

    /// <summary>The delegated responder's certificate cannot be revoked in a way its clients see (ocsp-nocheck), so it lives shortly (RFC 6960, section 4.2.2.2.1).</summary>
    public static readonly TimeSpan OcspSignerLifetime = TimeSpan.FromDays(7);

    /// <summary>An enrolment token. Chosen: long enough for a device on its way to its place.</summary>
    public static readonly TimeSpan MaximumTokenLifetime = TimeSpan.FromDays(90);

    /// <summary>Wrong tokens from one source, or for one token, within <see cref="TokenGuessWindow"/>. Guessing 256 bits is hopeless anyway; this keeps the log readable.</summary>
    public const int TokenGuesses = 10;

    public static readonly TimeSpan TokenGuessWindow = TimeSpan.FromMinutes(15);

    /// <summary>Sources remembered before old ones are swept out.</summary>
    public const int TokenGuessers = 10_000;

    /// <summary>Host names and addresses in one certificate. Chosen: more than any one server has, far from a record size that clients refuse.</summary>
    public const int MaximumHosts = 64;

    /// <summary>Life of the intermediate's revocation list; renewed at half of it.</summary>
    public static readonly TimeSpan CrlLifetime = TimeSpan.FromDays(7);

    /// <summary>Life of the root's revocation list: the root may be offline for long.</summary>
    public static readonly TimeSpan RootCrlLifetime = TimeSpan.FromDays(365);

    /// <summary>Paths a judge remembers. Chosen: 10,000 devices with several certificates each; about 1 KB an entry.</summary>
    public const int CachedPaths = 65_536;
}
