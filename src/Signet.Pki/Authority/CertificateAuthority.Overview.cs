using System.Security.Cryptography.X509Certificates;

namespace Signet.Pki;

/// <summary>What an authority is to this house at the moment.</summary>
public enum AuthorityState
{
    /// <summary>Signs now.</summary>
    Present = 1,

    /// <summary>Signs nothing new; what it signed is good until it ends.</summary>
    Former = 2,

    /// <summary>No longer relied on.</summary>
    Retired = 3,

    Revoked = 4,
}

/// <summary>One authority.</summary>
/// <param name="IsRoot">False: an intermediate.</param>
/// <param name="HasKey">False: its key is kept elsewhere.</param>
/// <param name="FileName">Under which the PKI endpoint publishes it and its lists.</param>
/// <param name="Certificate">Shared: do not dispose.</param>
public sealed record AuthorityView(
    string Name, string Serial, bool IsRoot, AuthorityState State, KeyKind? Key, bool HasKey, DateTimeOffset NotAfter, string FileName, X509Certificate2 Certificate);

/// <summary>A published list with what people ask of it.</summary>
/// <param name="Entries">Certificates it names.</param>
/// <param name="Delta">Null: there is none.</param>
public sealed record ListView(AuthorityView Authority, RevocationList List, int Entries, RevocationList? Delta);

/// <content>The whole at a glance.</content>
public sealed partial class CertificateAuthority
{
    /// <summary>Every authority, present ones first, the root before its intermediate.</summary>
    public IReadOnlyList<AuthorityView> Overview()
    {
        var held = _held;
        IEnumerable<SigningAuthority> all = [held.Root, held.Intermediate, .. held.Roots.Skip(1), .. held.Intermediates.Skip(1), .. held.RetiredRoots];
        return [.. all.Select(a => View(held, a))];
    }

    /// <summary>Every list in force, the root's first.</summary>
    public IReadOnlyList<ListView> ListsInForce()
    {
        lock (_lock)
        {
            return [.. Named().Where(n => _lists.ContainsKey(n.Authority.Id)).Select(n => new ListView(View(_held, n.Authority), _lists[n.Authority.Id], OnList(n.Authority).Count(), _deltas.GetValueOrDefault(n.Authority.Id)))];
        }
    }

    /// <summary>Signs every list anew whose key is here, whatever its age.</summary>
    public int PublishNow()
    {
        lock (_lock) return PublishLists(_ => true, asBase: true);
    }

    /// <summary>The certificate that was issued under a serial, as it was written down; null when there is none.</summary>
    public X509Certificate2? Certificate(string serial)
        => Find(serial) is { } entry && File.Exists(_files.Issued(entry.Serial)) ? PemFile.Read(_files.Issued(entry.Serial))[0] : null;

    /// <summary>Hosts that stand in a certificate's alternative names.</summary>
    public static IReadOnlyList<string> HostsOf(X509Certificate2 certificate)
        => AlternativeNames.Of(certificate) is { } names ? [.. names.Dns, .. names.Addresses.Select(a => a.ToString())] : [];

    /// <summary>What EST's <c>cacerts</c> hands out: every root that is relied on, the present intermediate under each of them, and former intermediates whose certificates are still good.</summary>
    public IReadOnlyList<X509Certificate2> BundleToHandOut()
    {
        var held = _held;
        return [.. held.Roots.Select(r => r.Certificate), .. held.Intermediates.Select(i => i.Certificate), .. held.Crossed];
    }

    /// <summary>The authorities above a certificate, its issuer first; empty when it is not one of ours.</summary>
    public IReadOnlyList<AuthorityView> PathOf(X509Certificate2 certificate)
    {
        var all = Overview();
        var path = new List<AuthorityView>();
        var at = certificate;
        while (all.FirstOrDefault(a => a.Certificate.SubjectName.RawData.AsSpan().SequenceEqual(at.IssuerName.RawData)) is { } above && path.Count < all.Count)
        {
            path.Add(above);
            if (above.IsRoot) break;
            at = above.Certificate;
        }

        return path;
    }

    private IEnumerable<RevokedCertificate> OnList(SigningAuthority authority)
        => _ledger.RevokedBy(authority.Id).Where(r => !(_ledger.EndOf(r) < _lists.GetValueOrDefault(authority.Id)?.ThisUpdate));

    private AuthorityView View(HeldAuthorities held, SigningAuthority authority)
    {
        var certificate = authority.Certificate;
        var revoked = _revocations.TryFind(DistinguishedNames.Id(certificate.IssuerName), CertificateFacts.Serial(certificate), out _);
        var state = revoked ? AuthorityState.Revoked : held.RetiredRoots.Contains(authority) ? AuthorityState.Retired : authority == held.Root || authority == held.Intermediate ? AuthorityState.Present : AuthorityState.Former;
        return new(authority.Name, CertificateFacts.Serial(certificate), held.IsRoot(authority), state, authority.Kind, authority.CanSign, CertificateFacts.NotAfter(certificate), authority.FileName, certificate);
    }
}
