using Signet.Store;

namespace Signet.Control;

/// <summary>What is fixed when a data directory is made.</summary>
public sealed record InstallationOptions
{
    /// <summary>Further DNS names and addresses of this machine, for the server certificates. <c>localhost</c>, <c>127.0.0.1</c>, <c>::1</c> and the host's own name are always there.</summary>
    public IReadOnlyList<string> Hosts { get; init; } = [];

    /// <summary>Organisation in every certificate's subject.</summary>
    public string Organization { get; init; } = "Signet";

    /// <summary>An authority of other tools that this house goes on with; null: one is made.</summary>
    public Pki.ForeignAuthority? Authority { get; init; }

    /// <summary>Kind of the authorities' keys, now and at every rotation.</summary>
    public Pki.KeyKind AuthorityKey { get; init; } = Pki.KeyKind.P256;

    /// <summary>What intermediates may name, now and at every rotation.</summary>
    public Pki.NameConstraints Constraints { get; init; } = Pki.NameConstraints.Organization;

    /// <summary>PKCS#11 URI of a root key that is in a token already; null: a file.</summary>
    public string? RootKeyUri { get; init; }

    /// <summary>The same for the intermediate.</summary>
    public string? IntermediateKeyUri { get; init; }

    /// <summary>Makes the three demo devices, and keeps the first audit key in the directory (who reads it can forge entries: demo only).</summary>
    public bool Demo { get; init; }

    /// <summary>Address of the PKI endpoint, as <see cref="CenterOptions.PkiUrl"/>.</summary>
    public Uri? PkiUrl { get; init; }

    /// <summary>Keeps fleet, commands, people and the audit log's rows on this server instead of in files of the directory.</summary>
    public PostgresAddress? Postgres { get; init; }

    /// <summary>Takes the first audit HMAC key (32 bytes) to store away from this machine; wiped afterwards.</summary>
    public Action<ReadOnlyMemory<byte>>? ExportAuditKey { get; init; }
}
