using System.Net;

namespace Signet.Pki;

/// <summary>Name constraints of the intermediate (RFC 5280, section 4.2.1.10). docs/spec/pki.md says which clients cannot read them.</summary>
/// <param name="ToOrganization">Subjects must lie under the organisation.</param>
/// <param name="Domains">Permitted DNS subtrees (<c>example.org</c> covers itself and everything below); empty: any.</param>
/// <param name="Networks">Permitted networks in CIDR form; empty: any.</param>
public sealed record NameConstraints(bool ToOrganization, IReadOnlyList<string> Domains, IReadOnlyList<string> Networks)
{
    /// <summary>Subjects under the organisation, any host.</summary>
    public static NameConstraints Organization { get; } = new(true, [], []);

    /// <summary>No constraint at all: for fleets with clients that refuse certificates with a critical extension they cannot read.</summary>
    public static NameConstraints None { get; } = new(false, [], []);

    public bool IsEmpty => !ToOrganization && Domains.Count == 0 && Networks.Count == 0;

    /// <summary>Says before signing what every verifier would say after.</summary>
    /// <exception cref="ArgumentException">Names the host that lies outside.</exception>
    internal void Require(string commonName, AlternativeNames names)
    {
        foreach (var dns in names.Dns)
        {
            if (Domains.Count > 0 && !Domains.Any(d => Covers(d, dns))) throw Outside(dns, Domains);
        }

        foreach (var address in names.Addresses)
        {
            if (Networks.Count > 0 && !Networks.Any(n => IPNetwork.Parse(n).Contains(address))) throw Outside(address.ToString(), Networks);
        }

        // Without DNS names in the certificate OpenSSL holds a common name that looks like one against the constraint.
        if (Domains.Count > 0 && names.Dns.Count == 0 && commonName.Contains('.') && !Domains.Any(d => Covers(d, commonName))) throw Outside(commonName, Domains);
    }

    private static bool Covers(string domain, string name) => name == domain || name.EndsWith("." + domain, StringComparison.Ordinal);

    private static ArgumentException Outside(string name, IReadOnlyList<string> permitted)
        => new($"\"{name}\" lies outside what the intermediate may name ({string.Join(", ", permitted)})");
}
