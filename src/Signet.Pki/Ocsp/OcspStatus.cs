namespace Signet.Pki;

/// <summary>OCSPResponseStatus of RFC 6960, section 4.2.1, with its numbers.</summary>
public enum OcspStatus
{
    Successful = 0,
    MalformedRequest = 1,
    InternalError = 2,
    TryLater = 3,
    SigRequired = 5,
    Unauthorized = 6,
}

/// <summary>An answer to send as <c>application/ocsp-response</c>.</summary>
/// <param name="Status">Everything but <see cref="OcspStatus.Successful"/> is unsigned and says nothing about a certificate.</param>
/// <param name="NextUpdate">Until when it may be cached; null: not at all (it carries a nonce, or it is an error).</param>
public sealed record OcspResponse(OcspStatus Status, byte[] Der, DateTimeOffset? NextUpdate);
