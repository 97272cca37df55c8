using Microsoft.AspNetCore.Http;
using Signet.Control;
using Signet.Pki;
using Signet.Web.Enrolment;

namespace Signet.Web.SignIn;

/// <summary>What a person's client certificate is worth at the console (<c>console.certificateSignIn</c>).</summary>
public enum CertificateSignIn
{
    /// <summary>Nothing: it only opens the port where one is required.</summary>
    Off = 0,

    /// <summary>With the right password it takes the place of the second step.</summary>
    Factor = 1,

    /// <summary>It is enough, for pages and for the API.</summary>
    Alone = 2,
}

/// <summary>
/// Who stands behind the client certificate of a connection. Only a certificate of the profile <c>user</c> speaks for a person, only for the account of exactly that name, and only when it was issued after
/// the account was made: the certificate of somebody who was removed does not open the account of a successor of the same name.
/// </summary>
internal sealed class CertificatePeople(CommandCenter center, CertificateDoor door, WebOptions options)
{
    /// <summary>The serial a session is bound to; null: none that is good here.</summary>
    public string? SerialOf(HttpContext context)
        => context.Connection.ClientCertificate is { } certificate && door.GradeOf(certificate) == CertificateGrade.Good ? CertificateFacts.Serial(certificate) : null;

    /// <summary>The person of this connection; null when there is none, or when certificates sign nobody in.</summary>
    public async Task<(Account Account, string Serial)?> FindAsync(HttpContext context)
    {
        if (options.CertificateSignIn == CertificateSignIn.Off || SerialOf(context) is not { } serial) return null;
        if (center.Authority.Find(serial) is not { Profile: CertificateProfile.User } entry) return null;
        return await center.Accounts.FindByNameAsync(entry.Name.ToUpperInvariant(), context.RequestAborted) is { Enabled: true } account && account.Name == entry.Name && entry.IssuedAt >= account.Created.AddSeconds(-1)
            ? (account, serial) : null;
    }
}
