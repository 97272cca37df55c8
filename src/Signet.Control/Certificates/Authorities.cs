using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Signet.Access;
using Signet.Audit;
using Signet.Pki;

namespace Signet.Control;

/// <summary>A request for the next intermediate, to be carried to an offline root.</summary>
/// <param name="Pem">PKCS#10.</param>
public sealed record IntermediateRequest(string Pem);

/// <summary>Authorities as people handle them: rotate, retire, publish lists, and the two journeys to an offline root. Servers take new leaves at once, without dropping anybody.</summary>
public sealed class Authorities
{
    private readonly CertificateAuthority _authority;
    private readonly ServerCertificates _servers;
    private readonly CommandSigners _signers;
    private readonly AuditTrail _trail;
    private readonly Administration _administration;
    private readonly Action _rotated;

    /// <summary>In <c>pki/</c>: every root that is relied on, PEM. <c>root.crt</c> is the present one alone.</summary>
    public const string TrustFile = "trust.crt";

    internal Authorities(CertificateAuthority authority, ServerCertificates servers, CommandSigners signers, AuditTrail trail, Administration administration, Action rotated)
        => (_authority, _servers, _signers, _trail, _administration, _rotated) = (authority, servers, signers, trail, administration, rotated);

    public IReadOnlyList<AuthorityView> List() => _authority.Overview();

    public IReadOnlyList<ListView> Lists() => _authority.ListsInForce();

    /// <summary>A new intermediate, or a new root and a new intermediate under it. What the former ones signed stays good.</summary>
    public Task<Outcome<AuthorityView>> RotateAsync(bool root, Actor actor, CancellationToken cancellationToken = default) => ChangeAsync(actor, root ? "root-rotated" : "intermediate-rotated", () =>
    {
        if (root) _authority.RotateRoot();
        else _authority.RotateIntermediate();
        return Taken(root);
    }, cancellationToken);

    /// <summary>Ends the overlap with a former root: peers that know only it find no path any more.</summary>
    public Task<Outcome<AuthorityView>> RetireAsync(string serial, bool confirmed, Actor actor, CancellationToken cancellationToken = default) => _administration.ChangeAsync<AuthorityView>(async () =>
    {
        if (_authority.Overview().FirstOrDefault(a => a.Serial == serial && a.IsRoot) is not { } root) return new Refusal(RefusalCode.NotFound, $"there is no root with the serial '{serial}'");
        if (root.State != AuthorityState.Former) return new Refusal(RefusalCode.Conflict, $"{root.Name} is {Words.Of(root.State)}; only a former root can be retired");
        if (!confirmed) return new Refusal(RefusalCode.ConfirmationNeeded, $"devices and clients that have not taken the new bundle yet lose the center when {root.Name} is retired; confirm it if they all have");
        if (_signers.Certificates.Any(signer => IsAbove(root, signer)))
            return new Refusal(RefusalCode.Conflict, $"a command-signing certificate, which devices have pinned, was issued under {root.Name}: make another with `signet ca rotate --signer`, and wait until every device has taken it (`signet ca show`)");
        var permit = await _trail.PermitAsync(actor, Act.ManageAuthorities, AuditTrail.Of(AuditTypes.Certificate, actor, root.Name, "root-retired", details: new() { ["serial"] = serial }), cancellationToken);
        if (!permit.TryGet(out _, out var refusal)) return refusal;
        _authority.RetireRoot(serial);
        Taken(false);
        return _authority.Overview().First(a => a.Serial == serial);
    }, cancellationToken);

    /// <summary>Signs every list anew whose key is here.</summary>
    public Task<Outcome<IReadOnlyList<ListView>>> PublishAsync(Actor actor, CancellationToken cancellationToken = default) => _administration.ChangeAsync<IReadOnlyList<ListView>>(async () =>
    {
        var permit = await _trail.PermitAsync(actor, Act.RevokeCertificate, AuditTrail.Of(AuditTypes.Certificate, actor, "crl", "crl-published"), cancellationToken);
        if (!permit.TryGet(out _, out var refusal)) return refusal;
        _authority.PublishNow();
        return Outcome.Of(_authority.ListsInForce());
    }, cancellationToken);

    /// <summary>Makes the next intermediate's key, which stays here, and the request to carry to the root.</summary>
    public Task<Outcome<IntermediateRequest>> BeginIntermediateAsync(Actor actor, CancellationToken cancellationToken = default) => _administration.ChangeAsync<IntermediateRequest>(async () =>
    {
        var permit = await _trail.PermitAsync(actor, Act.ManageAuthorities, AuditTrail.Of(AuditTypes.Certificate, actor, "intermediate", "intermediate-requested"), cancellationToken);
        return permit.TryGet(out _, out var refusal) ? new IntermediateRequest(_authority.BeginIntermediate()) : refusal;
    }, cancellationToken);

    /// <summary>Takes the root's answer and issues with it from now on.</summary>
    /// <param name="pem">One certificate from each root that is relied on.</param>
    /// <param name="actor">Who brings it.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public Task<Outcome<AuthorityView>> CompleteIntermediateAsync(string pem, Actor actor, CancellationToken cancellationToken = default)
    {
        var answer = new X509Certificate2Collection();
        try
        {
            answer.ImportFromPem(pem);
        }
        catch (CryptographicException)
        {
            // Told below: it holds no certificate.
        }

        return answer.Count == 0
            ? Task.FromResult<Outcome<AuthorityView>>(new Refusal(RefusalCode.BadInput, "the answer holds no certificate (expected PEM)"))
            : ChangeAsync(actor, "intermediate-taken", () => { _authority.CompleteIntermediate(answer); return Taken(false); }, cancellationToken);
    }

    private Task<Outcome<AuthorityView>> ChangeAsync(Actor actor, string action, Func<AuthorityView> change, CancellationToken cancellationToken) => _administration.ChangeAsync<AuthorityView>(async () =>
    {
        var permit = await _trail.PermitAsync(actor, Act.ManageAuthorities, AuditTrail.Of(AuditTypes.Certificate, actor, "authority", action), cancellationToken);
        if (!permit.TryGet(out _, out var refusal)) return refusal;
        try
        {
            return change();
        }
        catch (PkiException e)
        {
            return new Refusal(RefusalCode.Conflict, e.Message);
        }
    }, cancellationToken);

    private AuthorityView Taken(bool root)
    {
        _servers.Reissue();
        _rotated();
        return _authority.Overview().First(a => a.State == AuthorityState.Present && a.IsRoot == root);
    }

    private bool IsAbove(AuthorityView root, X509Certificate2 leaf)
    {
        var issuer = _authority.Overview().Where(a => !a.IsRoot && a.Certificate.SubjectName.RawData.AsSpan().SequenceEqual(leaf.IssuerName.RawData)).ToList();
        return issuer.TrueForAll(a => a.State == AuthorityState.Former) && issuer.Exists(a => a.Certificate.IssuerName.RawData.AsSpan().SequenceEqual(root.Certificate.SubjectName.RawData));
    }
}
