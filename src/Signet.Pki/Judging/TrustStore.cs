using System.Security.Cryptography.X509Certificates;

namespace Signet.Pki;

/// <summary>The roots a judge believes and the intermediates it already knows. Immutable; a change is a new instance.</summary>
public sealed class TrustStore
{
    public TrustStore(IEnumerable<X509Certificate2> roots, IEnumerable<X509Certificate2>? intermediates = null)
    {
        Roots = [.. roots];
        Intermediates = [.. intermediates ?? []];
    }

    public IReadOnlyList<X509Certificate2> Roots { get; }

    public IReadOnlyList<X509Certificate2> Intermediates { get; }
}
