using System.Buffers.Text;
using Signet.Access;
using Signet.Pki;

namespace Signet.Control;

/// <summary>Everybody who may come in by certificate at this moment, for brokers that are told and do not ask.</summary>
internal sealed class Admitted(Roster roster, Askers askers, CertificateAuthority authority, TimeProvider time)
{
    public IReadOnlyList<AdmittedPrincipal> List()
    {
        var all = new List<AdmittedPrincipal>();
        foreach (var (name, thumbprints) in roster.Admitted())
        {
            if (askers.Find(new(PrincipalKind.Device, name, thumbprints[0])) is { } device) all.Add(new(device, name, [.. thumbprints.Select(Hexadecimal)]));
        }

        var now = time.GetUtcNow();
        foreach (var own in authority.Ledger.Where(e => !e.IsRevoked && e.NotAfter > now && e.Profile is CertificateProfile.User or CertificateProfile.Center).GroupBy(e => (e.Profile, e.Name)))
        {
            var isPerson = own.Key.Profile == CertificateProfile.User;
            // Such a broker knows whole rules and no groups of devices: it could not hold a limited person to theirs.
            if (isPerson && askers.ScopeOf(own.Key.Name).Count > 0) continue;
            if (askers.Find(new(isPerson ? PrincipalKind.Person : PrincipalKind.Service, own.Key.Name)) is { } found)
                all.Add(new(found, isPerson ? BrokerPolicy.PersonPrefix + found.Name : found.Name, [.. own.Select(e => Hexadecimal(e.Thumbprint))]));
        }

        return all;
    }

    private static string Hexadecimal(string thumbprint) => Convert.ToHexStringLower(Base64Url.DecodeFromChars(thumbprint));
}
