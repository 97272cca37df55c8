using System.Security.Cryptography.X509Certificates;

namespace Signet.Pki;

/// <summary>
/// All authorities of one directory after any number of rotations. Immutable; a rotation swaps in a new one. "Active" roots are those that peers may
/// still rely on; the present intermediate has one certificate from each of them (same name, same key), so that old and new peers find a path.
/// </summary>
/// <param name="Roots">Active roots, the present one first.</param>
/// <param name="Intermediates">The present one first, then former ones whose certificates may still be in use.</param>
/// <param name="Crossed">Certificates of the present intermediate from older active roots, the oldest root's last.</param>
/// <param name="RetiredRoots">No longer trusted; kept because their lists and certificates may be asked for.</param>
internal sealed record HeldAuthorities(
    IReadOnlyList<SigningAuthority> Roots, IReadOnlyList<SigningAuthority> Intermediates, IReadOnlyList<X509Certificate2> Crossed, IReadOnlyList<SigningAuthority> RetiredRoots) : IDisposable
{
    public SigningAuthority Root => Roots[0];

    public SigningAuthority Intermediate => Intermediates[0];

    /// <summary>The present intermediate as servers and devices should send it: from the oldest active root, which every peer still knows.</summary>
    public X509Certificate2 IntermediateToSend => Crossed.Count > 0 ? Crossed[^1] : Intermediate.Certificate;

    /// <summary>The root above <see cref="IntermediateToSend"/>.</summary>
    public X509Certificate2 RootOfSent => Roots.Select(r => r.Certificate).First(r => r.SubjectName.RawData.AsSpan().SequenceEqual(IntermediateToSend.IssuerName.RawData));

    public IEnumerable<SigningAuthority> All => [.. Intermediates, .. Roots, .. RetiredRoots];

    public bool IsRoot(SigningAuthority authority) => Roots.Contains(authority) || RetiredRoots.Contains(authority);

    public TrustStore Trust() => new(Roots.Select(r => r.Certificate), Intermediates.Select(i => i.Certificate).Concat(Crossed));

    public void Dispose()
    {
        foreach (var authority in All) authority.Dispose();
        foreach (var certificate in Crossed) certificate.Dispose();
    }
}
