using System.Security.Cryptography.X509Certificates;

namespace Signet.Control;

/// <summary>What came of a request for a certificate.</summary>
/// <param name="Issued">The certificate; null when there is none yet, or none at all.</param>
/// <param name="RetryAfter">A person looks at it first: ask again with the same request after this time.</param>
/// <param name="Reason">Why it was refused: a stable name; empty when it was not.</param>
/// <param name="Detail">One line for the sender.</param>
/// <param name="Status">HTTP status that says the same.</param>
public sealed record EnrolmentAnswer(X509Certificate2? Issued, TimeSpan? RetryAfter, string Reason, string Detail, int Status)
{
    internal static EnrolmentAnswer Of(X509Certificate2 issued) => new(issued, null, "", "", 200);

    internal static EnrolmentAnswer Waiting(TimeSpan after) => new(null, after, "", "a person has to approve this request first", 202);

    internal static EnrolmentAnswer Refuse(int status, string reason, string detail) => new(null, null, reason, detail, status);
}

/// <summary>A device (or person, or server) that may fetch one certificate.</summary>
/// <param name="Name">The only name it may get.</param>
/// <param name="Kind">Of a device that is not in the fleet yet.</param>
/// <param name="Commands">It takes; null: those of its kind.</param>
/// <param name="Title">For people; may be empty.</param>
/// <param name="Hosts">For servers.</param>
/// <param name="Lifetime">Of the token; up to 90 days.</param>
/// <param name="NeedsApproval">A person looks at the request before anything is issued.</param>
public sealed record NewEnrolment(
    string Name, string Kind = "device", IReadOnlyList<string>? Commands = null, string Title = "", Pki.CertificateProfile Profile = Pki.CertificateProfile.Device,
    IReadOnlyList<string>? Hosts = null, TimeSpan? Lifetime = null, bool NeedsApproval = false);

/// <param name="Token"><c>ID.SECRET</c>; shown this once.</param>
public sealed record EnrolmentInvitation(string Id, string Name, string Token, DateTimeOffset Expires, bool NeedsApproval)
{
    public override string ToString() => $"invitation {Id} for {Name}"; // never the token
}

/// <summary>A token without its secret.</summary>
public sealed record EnrolmentTokenView(string Id, string Name, string Profile, string Kind, DateTimeOffset Expires, bool NeedsApproval, DateTimeOffset? UsedAt, string By);

/// <summary>A request that waits for a person.</summary>
/// <param name="Key">Base64url SHA-256 of its public key: what the device shows, to compare.</param>
public sealed record WaitingRequest(string Id, string Name, string Profile, string Key, string Source, DateTimeOffset Arrived, string Token, string State);

/// <summary>A maker of devices whose certificates admit each device once.</summary>
public sealed record ManufacturerView(string Name, string Subject, string Fingerprint, DateTimeOffset NotAfter, string Kind, IReadOnlyList<string> Commands, bool NeedsApproval);

/// <param name="Certificates">PEM: the root, then intermediates.</param>
public sealed record NewManufacturer(string Name, string Certificates, string Kind = "device", IReadOnlyList<string>? Commands = null, bool NeedsApproval = false);
