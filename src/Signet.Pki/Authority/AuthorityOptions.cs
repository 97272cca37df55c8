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

    /// <summary>PKCS#11 URI of a root key that exists in a token. Null: a key is made and kept in <c>root.key</c>.</summary>
    public string? RootKeyUri { get; init; }

    /// <summary>PKCS#11 URI of the intermediate's key. Null: a key is made and kept in <c>intermediate.key</c>.</summary>
    public string? IntermediateKeyUri { get; init; }

    public NameConstraints Constraints { get; init; } = NameConstraints.Organization;
}
