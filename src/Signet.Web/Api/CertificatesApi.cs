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

public sealed record CertificateListJson(IReadOnlyList<CertificateJson> Certificates, string? Next);

/// <summary>A certificate to issue. The key is made here and handed out once, in the answer; unless a request brings one.</summary>
/// <param name="Key">Kind of the key that is made here; the profile's own unless stated.</param>
/// <param name="Request">PKCS#10, PEM or base64: the key stays with its owner.</param>
public sealed record NewCertificateJson(CertificateProfile Profile, string Name, IReadOnlyList<string>? Hosts = null, int? Days = null, string? Request = null, KeyKind? Key = null);

/// <param name="Chain">PEM: leaf, then intermediate.</param>
/// <param name="Key">PKCS#8 PEM. Shown once, kept nowhere.</param>
/// <param name="Root">PEM of the root, for those who are to trust it.</param>
public sealed record IssuedCertificateJson(string Name, string Serial, string Thumbprint, DateTimeOffset NotAfter, string Chain, string Key, string Root)
{
    public override string ToString() => $"{Name} {Serial}"; // never the key
}

/// <param name="Reason">Of RFC 5280, section 5.3.1: <c>key-compromise, superseded, cessation-of-operation, certificate-hold</c> ...</param>
/// <param name="Certificate">Serial, or the name whose certificates are all meant.</param>
/// <param name="Certificates">Several of them.</param>
/// <param name="Device">Everything of this device.</param>
/// <param name="User">Everything of this person.</param>
/// <param name="Under">Serial of an intermediate: everything it has issued.</param>
/// <param name="Confirm">The center's own certificates and the last administrator's need it.</param>
public sealed record RevocationJson(
    RevocationReason Reason, string? Certificate = null, IReadOnlyList<string>? Certificates = null, string? Device = null, string? User = null, string? Under = null, bool Confirm = false);

/// <param name="Certificate">Serial or name.</param>
public sealed record CertificateNameJson(string Certificate);

/// <summary>One certificate with its path.</summary>
/// <param name="Hosts">DNS names and addresses in it.</param>
/// <param name="Pem">Itself.</param>
/// <param name="Path">Names of the authorities above it, the issuer first.</param>
/// <param name="Chain">PEM of itself and the authorities above it, without the root.</param>
public sealed record CertificateDetailJson(CertificateJson Certificate, string Subject, IReadOnlyList<string> Hosts, string Key, string Fingerprint, IReadOnlyList<string> Path, string Pem, string Chain);

public sealed record RevocationListJson(IReadOnlyList<RevocationRecord> Revocations);

internal static class CertificatesApi
{
    public static void Map(RouteGroupBuilder api)
    {
        api.MapGet("/certificates", List).Requires(Act.ViewCertificates).WithinGroups().Produces<CertificateListJson>().WithSummary("Everything issued, newest first. `after` takes the `next` of the page before.");
        api.MapPost("/certificates", IssueAsync).Requires(Act.IssueCertificate).Confirmed().Produces<IssuedCertificateJson>(201).ProducesProblem(422).WithSummary("Issues a certificate with a new key.");
        api.MapPost("/certificates/revoke", RevokeAsync).Requires(Act.RevokeCertificate).Confirmed().Produces<RevocationReport>().ProducesProblem(404)
            .WithSummary("Revokes serials, names, everything of a device or person, or everything under an intermediate; ends what is open and answers with signed evidence.");
        api.MapPost("/certificates/release", ReleaseAsync).Requires(Act.RevokeCertificate).Confirmed().Produces<CertificateJson>().ProducesProblem(404).ProducesProblem(409).WithSummary("Undoes a hold.");
        api.MapPost("/certificates/renew", RenewAsync).Requires(Act.IssueCertificate).Confirmed().Produces<IssuedCertificateJson>().ProducesProblem(404)
            .WithSummary("A new certificate like the newest of that name. The center's own are taken into use at once and have no key in the answer.");
        api.MapGet("/certificates/{serial}", Show).Requires(Act.ViewCertificates).WithinGroups().Produces<CertificateDetailJson>().ProducesProblem(404).WithSummary("One certificate with its path.");
        api.MapGet("/revocations", async (CommandCenter center, CancellationToken stop) => Results.Ok(new RevocationListJson(await center.Certificates.RevocationsAsync(stop))))
            .Requires(Act.ViewCertificates).Produces<RevocationListJson>().WithSummary("Latest revocations, newest first.");
        api.MapGet("/revocations/{id}", async (string id, CommandCenter center, CancellationToken stop) => await center.Certificates.FindRevocationAsync(id, stop) is { } found ? Results.Ok(found) : Problems.NotFound("such revocation"))
            .Requires(Act.ViewCertificates).Produces<RevocationRecord>().ProducesProblem(404).WithSummary("One revocation with its signed evidence.");
    }

    private static IResult List(CommandCenter center, HttpContext context, TimeProvider time, string? name = null, string? state = null, CertificateProfile? profile = null, string? after = null, int? limit = null)
    {
        var now = time.GetUtcNow();
        var all = context.Sight(center).Certificates().Where(one => (name is null || one.Name == name) && (state is null || CertificateJson.StateOf(one, now) == state) && (profile is null || one.Profile == profile));
        var (rows, next) = Paging.Page(all, Place, after, limit);
        return Results.Ok(new CertificateListJson([.. rows.Select(one => CertificateJson.Of(one, now))], next));
    }

    /// <summary>Where a certificate stands in <see cref="Certificates.List"/>.</summary>
    internal static string Place(LedgerEntry one) => Paging.Place(Paging.NewestFirst(one.IssuedAt), one.Issuer, one.Serial);

    private static async Task<IResult> IssueAsync(NewCertificateJson wanted, CommandCenter center, HttpContext context)
    {
        if (wanted.Days is <= 0 or > 3650) return Problems.BadInput("`days` takes 1 to 3650.");
        var spec = new CertificateRequestSpec(wanted.Profile, wanted.Name, wanted.Hosts, wanted.Days is { } days ? TimeSpan.FromDays(days) : null, wanted.Key);
        if (wanted.Request?.Length > WebLimits.RequestCharacters) return Problems.BadInput($"`request` takes at most {WebLimits.RequestCharacters} characters.");
        var outcome = wanted.Request is { } request
            ? await center.Certificates.IssueForAsync(spec, System.Text.Encoding.UTF8.GetBytes(request), context.Actor(), context.RequestAborted)
            : await center.Certificates.IssueAsync(spec, context.Actor(), context.RequestAborted);
        return Problems.Answer(outcome, issued =>
        {
            using var made = issued;
            return Results.Created((string?)null, Issued(made, center));
        });
    }

    private static async Task<IResult> RevokeAsync(RevocationJson wanted, CommandCenter center, HttpContext context)
    {
        var target = new RevocationTarget([.. wanted.Certificates ?? [], .. wanted.Certificate is { } one ? [one] : Array.Empty<string>()], wanted.Device, wanted.User, wanted.Under);
        if (target.Certificates.Count > WebLimits.CertificatesAtOnce) return Problems.BadInput($"at most {WebLimits.CertificatesAtOnce} certificates at once.");
        return Problems.Answer(await center.Certificates.RevokeAsync(target, wanted.Reason, context.Actor(), wanted.Confirm, context.RequestAborted), Results.Ok);
    }

    private static async Task<IResult> ReleaseAsync(CertificateNameJson wanted, CommandCenter center, TimeProvider time, HttpContext context)
        => Problems.Answer(await center.Certificates.ReleaseAsync(wanted.Certificate, context.Actor(), context.RequestAborted), entry => Results.Ok(CertificateJson.Of(entry, time.GetUtcNow())));

    private static async Task<IResult> RenewAsync(CertificateNameJson wanted, CommandCenter center, HttpContext context)
        => Problems.Answer(await center.Certificates.RenewAsync(wanted.Certificate, context.Actor(), context.RequestAborted), renewed =>
        {
            using var made = renewed.Issued;
            return Results.Ok(made is null
                ? new IssuedCertificateJson(renewed.Entry.Name, renewed.Entry.Serial, renewed.Entry.Thumbprint, renewed.Entry.NotAfter, "", "", center.Authority.TrustBundlePem)
                : Issued(made, center));
        });

    private static IResult Show(string serial, CommandCenter center, HttpContext context, TimeProvider time)
    {
        using var certificate = center.Authority.Certificate(serial);
        if (certificate is null || center.Authority.Find(serial) is not { } entry || !context.Sight(center).Sees(entry)) return Problems.NotFound("certificate with this serial");
        var above = center.Authority.PathOf(certificate);
        return Results.Ok(new CertificateDetailJson(CertificateJson.Of(entry, time.GetUtcNow()), certificate.Subject, CertificateAuthority.HostsOf(certificate), KeyKinds.Of(certificate.PublicKey)?.ToString() ?? "unknown",
            CertificateFacts.Fingerprint(certificate), [.. above.Select(a => a.Name)], PemFile.Encode(certificate), PemFile.Encode(certificate) + string.Concat(above.Where(a => !a.IsRoot).Select(a => PemFile.Encode(a.Certificate)))));
    }

    private static IssuedCertificateJson Issued(IssuedCertificate made, CommandCenter center)
    {
        using var key = (AsymmetricAlgorithm?)made.Certificate.GetECDsaPrivateKey() ?? (AsymmetricAlgorithm?)made.Certificate.GetRSAPrivateKey() ?? made.Certificate.GetECDiffieHellmanPrivateKey();
        return new(made.Name, made.Serial, made.Thumbprint, new DateTimeOffset(made.Certificate.NotAfter.ToUniversalTime()), made.ChainPem, key?.ExportPkcs8PrivateKeyPem() ?? "", center.Authority.TrustBundlePem);
    }
}
