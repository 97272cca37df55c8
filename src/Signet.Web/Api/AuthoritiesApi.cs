using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Signet.Access;
using Signet.Control;
using Signet.Pki;
using Signet.Web.Security;

namespace Signet.Web.Api;

/// <summary>An authority, as the API shows it.</summary>
/// <param name="Kind"><c>root</c> or <c>intermediate</c>.</param>
/// <param name="KeyHere">False: its key is kept elsewhere.</param>
/// <param name="Fingerprint">SHA-256, as <c>openssl x509 -fingerprint -sha256</c> prints it.</param>
/// <param name="FileName">NAME at the PKI endpoint: <c>/ca/NAME.crt</c>, <c>/crl/NAME.crl</c>.</param>
public sealed record AuthorityJson(string Name, string Serial, string Kind, AuthorityState State, string Key, bool KeyHere, DateTimeOffset NotAfter, string Fingerprint, string FileName, string Pem)
{
    public static AuthorityJson Of(AuthorityView one) => new(one.Name, one.Serial, one.IsRoot ? "root" : "intermediate", one.State, one.Key?.ToString() ?? "unknown", one.HasKey, one.NotAfter,
        CertificateFacts.Fingerprint(one.Certificate), one.FileName, PemFile.Encode(one.Certificate));
}

/// <param name="Trust">PEM of every root that peers should rely on.</param>
/// <param name="Signers">Keys that sign commands, the present one first.</param>
public sealed record AuthorityListJson(IReadOnlyList<AuthorityJson> Authorities, string Trust, IReadOnlyList<SignerView> Signers);

public sealed record SignerListJson(IReadOnlyList<SignerView> Signers);

/// <summary>A revocation list in force.</summary>
/// <param name="State"><c>current</c>, <c>ending</c> (in its last tenth) or <c>expired</c>.</param>
/// <param name="Delta">Number of the delta list; null when there is none.</param>
/// <param name="Path">Where the PKI endpoint serves it.</param>
public sealed record CrlJson(string Issuer, long Number, DateTimeOffset ThisUpdate, DateTimeOffset NextUpdate, int Entries, string State, long? Delta, string Path, string Pem)
{
    public static CrlJson Of(ListView one, DateTimeOffset now) => new(one.Authority.Name, one.List.Number, one.List.ThisUpdate, one.List.NextUpdate, one.Entries, StateOf(one.List, now), one.Delta?.Number,
        $"/crl/{one.Authority.FileName}.crl", one.List.Pem);

    public static string StateOf(RevocationList list, DateTimeOffset now)
        => now > list.NextUpdate ? "expired" : now > list.NextUpdate - ((list.NextUpdate - list.ThisUpdate) / 10) ? "ending" : "current";
}

public sealed record CrlListJson(IReadOnlyList<CrlJson> Crls);

/// <param name="What"><c>intermediate</c> or <c>root</c>.</param>
public sealed record RotationJson(string What);

public sealed record RetirementJson(string Serial, bool Confirm = false);

/// <param name="Pem">The root's answer: one certificate from each root that is relied on.</param>
public sealed record IntermediateAnswerJson(string Pem);

internal static class AuthoritiesApi
{
    public static void Map(RouteGroupBuilder api)
    {
        api.MapGet("/authorities", (CommandCenter center) => Results.Ok(new AuthorityListJson([.. center.Authorities.List().Select(AuthorityJson.Of)], center.Authority.TrustBundlePem, center.CommandSigners.List())))
            .Requires(Act.ViewCertificates).WithinGroups().Produces<AuthorityListJson>().WithSummary("Roots and intermediates, present and former, and the trust bundle.");
        api.MapPost("/authorities/rotate", RotateAsync).Requires(Act.ManageAuthorities).Confirmed().Produces<AuthorityJson>().ProducesProblem(409).WithSummary("A new intermediate or root; the former one stays good.");
        api.MapPost("/authorities/signer", async (CommandCenter center, HttpContext context)
                => Problems.Answer(await center.CommandSigners.RotateAsync(context.Actor(), context.RequestAborted), signers => Results.Ok(new SignerListJson(signers))))
            .Requires(Act.ManageAuthorities).Confirmed().Produces<SignerListJson>().ProducesProblem(409).WithSummary("A new key signs commands; each device is commanded with the one it believes, until it has taken the new one.");
        api.MapPost("/authorities/retire", async (RetirementJson wanted, CommandCenter center, HttpContext context)
                => Problems.Answer(await center.Authorities.RetireAsync(wanted.Serial, wanted.Confirm, context.Actor(), context.RequestAborted), one => Results.Ok(AuthorityJson.Of(one))))
            .Requires(Act.ManageAuthorities).Confirmed().Produces<AuthorityJson>().ProducesProblem(409).WithSummary("Ends the overlap with a former root.");
        api.MapPost("/authorities/request", async (CommandCenter center, HttpContext context) => Problems.Answer(await center.Authorities.BeginIntermediateAsync(context.Actor(), context.RequestAborted), Results.Ok))
            .Requires(Act.ManageAuthorities).Confirmed().Produces<IntermediateRequest>().WithSummary("Begins an intermediate whose root is offline: gives the request to carry there.");
        api.MapPost("/authorities/answer", async (IntermediateAnswerJson answer, CommandCenter center, HttpContext context)
                => Problems.Answer(await center.Authorities.CompleteIntermediateAsync(answer.Pem, context.Actor(), context.RequestAborted), one => Results.Ok(AuthorityJson.Of(one))))
            .Requires(Act.ManageAuthorities).Confirmed().Produces<AuthorityJson>().ProducesProblem(409).WithSummary("Takes the offline root's answer.");
        api.MapGet("/crls", (CommandCenter center, TimeProvider time) => Results.Ok(List(center.Authorities.Lists(), time))).Requires(Act.ViewCertificates).WithinGroups().Produces<CrlListJson>().WithSummary("Revocation lists in force.");
        api.MapPost("/crls", async (CommandCenter center, TimeProvider time, HttpContext context)
                => Problems.Answer(await center.Authorities.PublishAsync(context.Actor(), context.RequestAborted), lists => Results.Ok(List(lists, time))))
            .Requires(Act.RevokeCertificate).Produces<CrlListJson>().WithSummary("Signs and publishes every list anew whose key is here.");
    }

    private static async Task<IResult> RotateAsync(RotationJson wanted, CommandCenter center, HttpContext context) => wanted.What is "root" or "intermediate"
        ? Problems.Answer(await center.Authorities.RotateAsync(wanted.What == "root", context.Actor(), context.RequestAborted), one => Results.Ok(AuthorityJson.Of(one)))
        : Problems.BadInput("`what` is root or intermediate.");

    private static CrlListJson List(IEnumerable<ListView> lists, TimeProvider time) => new([.. lists.Select(l => CrlJson.Of(l, time.GetUtcNow()))]);
}
