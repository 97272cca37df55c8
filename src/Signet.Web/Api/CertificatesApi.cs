using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Signet.Access;
using Signet.Control;
using Signet.Pki;
using Signet.Web.Security;

namespace Signet.Web.Api;

/// <summary>A certificate, as the API shows it.</summary>
/// <param name="State"><c>valid, expired, not-yet-valid, revoked</c>.</param>
public sealed record CertificateJson(
    string Name, string Serial, CertificateProfile Profile, string State, DateTimeOffset NotBefore, DateTimeOffset NotAfter, DateTimeOffset IssuedAt, string Thumbprint,
    DateTimeOffset? RevokedAt, RevocationReason? Reason)
{
    public static CertificateJson Of(LedgerEntry entry, DateTimeOffset now)
        => new(entry.Name, entry.Serial, entry.Profile, StateOf(entry, now), entry.NotBefore, entry.NotAfter, entry.IssuedAt, entry.Thumbprint, entry.RevokedAt, entry.Reason);

    public static string StateOf(LedgerEntry entry, DateTimeOffset now)
        => entry.IsRevoked ? "revoked" : now > entry.NotAfter ? "expired" : now < entry.NotBefore ? "not-yet-valid" : "valid";
}

public sealed record CertificateListJson(IReadOnlyList<CertificateJson> Certificates);

/// <summary>A certificate to issue. The key is made here and handed out once, in the answer.</summary>
public sealed record NewCertificateJson(CertificateProfile Profile, string Name, IReadOnlyList<string>? Hosts = null, int? Days = null);

/// <param name="Chain">PEM: leaf, then intermediate.</param>
/// <param name="Key">PKCS#8 PEM. Shown once, kept nowhere.</param>
/// <param name="Root">PEM of the root, for those who are to trust it.</param>
public sealed record IssuedCertificateJson(string Name, string Serial, string Thumbprint, DateTimeOffset NotAfter, string Chain, string Key, string Root)
{
    public override string ToString() => $"{Name} {Serial}"; // never the key
}

/// <param name="Certificate">Serial, or the name whose certificates are all meant.</param>
/// <param name="Confirm">The center's own certificates need it.</param>
public sealed record RevocationJson(string Certificate, RevocationReason Reason, bool Confirm = false);

internal static class CertificatesApi
{
    public static void Map(RouteGroupBuilder api)
    {
        api.MapGet("/certificates", List).Requires(Act.ViewCertificates).Produces<CertificateListJson>().WithSummary("Everything issued, newest first.");
        api.MapPost("/certificates", IssueAsync).Requires(Act.IssueCertificate).Produces<IssuedCertificateJson>(201).ProducesProblem(422).WithSummary("Issues a certificate with a new key.");
        api.MapPost("/certificates/revoke", RevokeAsync).Requires(Act.RevokeCertificate).Produces<RevocationReport>().ProducesProblem(404)
            .WithSummary("Revokes one serial or all certificates of a name, and closes their sessions.");
    }

    private static IResult List(CommandCenter center, TimeProvider time, string? name = null, string? state = null)
    {
        var all = center.Certificates.List().Select(entry => CertificateJson.Of(entry, time.GetUtcNow()));
        return Results.Ok(new CertificateListJson([.. all.Where(one => (name is null || one.Name == name) && (state is null || one.State == state))]));
    }

    private static async Task<IResult> IssueAsync(NewCertificateJson wanted, CommandCenter center, HttpContext context)
    {
        if (wanted.Days is <= 0 or > 3650) return Problems.BadInput("`days` takes 1 to 3650.");
        var spec = new CertificateRequestSpec(wanted.Profile, wanted.Name, wanted.Hosts, wanted.Days is { } days ? TimeSpan.FromDays(days) : null);
        return Problems.Answer(await center.Certificates.IssueAsync(spec, context.Actor(), context.RequestAborted), issued =>
        {
            using var made = issued;
            using var key = (AsymmetricAlgorithm?)made.Certificate.GetECDsaPrivateKey() ?? made.Certificate.GetRSAPrivateKey();
            return Results.Created((string?)null, new IssuedCertificateJson(made.Name, made.Serial, made.Thumbprint, new DateTimeOffset(made.Certificate.NotAfter), made.ChainPem,
                key!.ExportPkcs8PrivateKeyPem(), PemFile.Encode(center.Authority.Root)));
        });
    }

    private static async Task<IResult> RevokeAsync(RevocationJson wanted, CommandCenter center, HttpContext context)
        => Problems.Answer(await center.Certificates.RevokeAsync(wanted.Certificate, wanted.Reason, context.Actor(), wanted.Confirm, context.RequestAborted), Results.Ok);
}
