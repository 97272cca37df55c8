namespace Signet.Pki;

/// <summary>How an authority is made and what it writes into certificates.</summary>
public sealed record AuthorityOptions
{
    /// <summary>Organisation in every subject; also the directoryName constraint of the intermediate.</summary>
    public string Organization { get; init; } = "Signet";

    /// <summary>Address of the PKI endpoint, for example <c>http://pki.example.org:8080</c>; goes into CDP and AIA. Null: neither is written.</summary>
    public Uri? PublicUrl { get; init; }

    /// <summary>Key of the root and of the intermediate.</summary>
    public KeyKind AuthorityKey { get; init; } = KeyKind.P256;

    public NameConstraints Constraints { get; init; } = NameConstraints.Organization;
}

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
}
