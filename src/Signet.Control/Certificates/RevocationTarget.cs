using Signet.Pki;

namespace Signet.Control;

/// <summary>What is to be revoked. Several may be given at once; whatever any of them names is meant.</summary>
/// <param name="Certificates">Serials, and names whose certificates are all meant.</param>
/// <param name="Device">Everything of this device: its TLS and sealing certificates.</param>
/// <param name="User">Everything of this person.</param>
/// <param name="Under">Serial of an intermediate: everything it has issued, and not the intermediate itself.</param>
public sealed record RevocationTarget(IReadOnlyList<string> Certificates, string? Device = null, string? User = null, string? Under = null)
{
    /// <summary>One serial, or all certificates of a name.</summary>
    public static RevocationTarget Of(string serialOrName) => new([serialOrName]);

    /// <summary>For the audit log and for people.</summary>
    public override string ToString() => string.Join(", ",
        Certificates.Take(3).Concat(Certificates.Count > 3 ? [$"{Certificates.Count - 3} more"] : []).Concat(Named("device", Device)).Concat(Named("user", User)).Concat(Named("under", Under)));

    /// <summary>The ledger's entries that are meant; the refusal when one of them names nothing.</summary>
    internal Outcome<List<LedgerEntry>> Find(CertificateAuthority authority)
    {
        var found = new List<LedgerEntry>();
        foreach (var one in Certificates)
        {
            var entries = authority.Find(one) is { } entry ? [entry] : authority.FindByName(one);
            if (entries.Count == 0) return new Refusal(RefusalCode.NotFound, $"no certificate has the serial or name '{one}'");
            found.AddRange(entries);
        }

        if (Device is { } device && !Add(found, authority.FindByName(device), CertificateProfile.Device, CertificateProfile.DeviceSealing)) return new Refusal(RefusalCode.NotFound, $"no device '{device}' has a certificate");
        if (User is { } user && !Add(found, authority.FindByName(user), CertificateProfile.User)) return new Refusal(RefusalCode.NotFound, $"no person '{user}' has a certificate");
        if (Under is not { } under) return found.Count > 0 ? Distinct(found) : new Refusal(RefusalCode.BadInput, "say what to revoke: a serial, a name, a device, a person or an intermediate");
        if (authority.Authorities.FirstOrDefault(a => CertificateFacts.Serial(a) == under) is not { } issuer) return new Refusal(RefusalCode.NotFound, $"no authority here has the serial '{under}'");
        var id = CertificateFacts.NameId(issuer.SubjectName);
        found.AddRange(authority.Ledger.Where(e => e.Issuer == id && e.Profile is not (CertificateProfile.Root or CertificateProfile.Intermediate)));
        return Distinct(found);
    }

    private static List<LedgerEntry> Distinct(List<LedgerEntry> found) => [.. found.DistinctBy(e => (e.Issuer, e.Serial))];

    private static bool Add(List<LedgerEntry> found, IReadOnlyList<LedgerEntry> entries, params CertificateProfile[] profiles)
    {
        var before = found.Count;
        found.AddRange(entries.Where(e => profiles.Contains(e.Profile)));
        return found.Count > before;
    }

    private static IEnumerable<string> Named(string what, string? value) => value is null ? [] : [$"{what} {value}"];
}
