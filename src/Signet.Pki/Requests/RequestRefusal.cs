namespace Signet.Pki;

/// <summary>Why a certificate request was not accepted. Numbers stand in audit entries: append only.</summary>
public enum RequestRefusal
{
    None = 0,

    /// <summary>Not a PKCS#10 request, or with bytes after its end.</summary>
    Malformed = 1,
    TooLarge = 2,

    /// <summary>Proof of possession failed: whoever asks does not hold the key.</summary>
    BadSignature = 3,

    /// <summary>MD5, SHA-1 or an algorithm that is not taken here.</summary>
    WeakSignature = 4,

    /// <summary>Too short, another curve, another algorithm.</summary>
    WeakKey = 5,

    /// <summary>The subject names somebody else, or says more than a common name and our organisation.</summary>
    ForeignSubject = 6,

    /// <summary>An alternative name that is not the asker's own.</summary>
    ForeignName = 7,
    Wildcard = 8,
    EmbeddedNul = 9,

    /// <summary>A field is longer than RFC 5280 allows.</summary>
    TooLong = 10,

    /// <summary>An extension or attribute stands twice.</summary>
    Duplicate = 11,

    /// <summary>It asks for powers: to be an authority, usages beyond the profile, an extension this house never writes.</summary>
    ForbiddenExtension = 12,

    /// <summary>The key belongs to a certificate that was revoked because of its key.</summary>
    CompromisedKey = 13,

    /// <summary>The key already stands in a certificate of another name or profile: one key, one speaker, one purpose.</summary>
    ForeignKey = 14,
}
