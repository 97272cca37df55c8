using System.Security.Cryptography.X509Certificates;
using Signet.Pki;
using Signet.Wire;

namespace Signet.Control;

/// <summary>A certificate whose key a device's messages are verified with.</summary>
/// <param name="Retired">No longer accepted since; null while it is.</param>
/// <param name="Superseded">Since when a newer one has taken its place: it opens no connection any more, and what it signed still counts.</param>
internal sealed record DeviceCertificate(string Thumbprint, string Serial, byte[] Der, DateTimeOffset Starts, DateTimeOffset Ends, DateTimeOffset? Retired, DateTimeOffset? Superseded = null)
{
    public static DeviceCertificate Of(X509Certificate2 certificate) => new(
        CertificateFacts.Thumbprint(certificate), CertificateFacts.Serial(certificate), certificate.RawData,
        new(certificate.NotBefore.ToUniversalTime()), new(certificate.NotAfter.ToUniversalTime()), null);

    /// <summary>SubjectPublicKeyInfo; read from the certificate once, because a witness's is asked for with every checkpoint.</summary>
    public byte[] PublicKey => _publicKey ??= Read();

    private byte[]? _publicKey;

    private byte[] Read()
    {
        using var certificate = X509CertificateLoader.LoadCertificate(Der);
        return certificate.PublicKey.ExportSubjectPublicKeyInfo();
    }

    public PinnedKey Pin(string owner)
    {
        using var certificate = X509CertificateLoader.LoadCertificate(Der);
        using var rsa = certificate.GetRSAPublicKey();
        return PinnedKey.FromCertificate(certificate, owner, rsa is null ? Suite.Es256.Algorithm : Suite.Ps256.Algorithm);
    }
}

/// <summary>What is known of one device: its row in signet.db and what changes from moment to moment. Only <see cref="Roster"/> touches it, under its lock.</summary>
internal sealed class Member(string name, string kind, string title, IReadOnlyList<string> allowed, bool enabled, DateTimeOffset created)
{
    public string Name { get; } = name;
    public string Kind { get; } = kind;
    public string Title { get; } = title;
    public IReadOnlyList<string> Allowed { get; set; } = allowed;
    public bool Enabled { get; set; } = enabled;
    public DateTimeOffset Created { get; } = created;

    /// <summary>Sorted, each once.</summary>
    public IReadOnlyList<string> Groups { get; set; } = [];

    /// <inheritdoc cref="Groups"/>
    public IReadOnlyList<string> Tags { get; set; } = [];

    /// <summary>Oldest first; the last one that is not retired is the device's present one.</summary>
    public List<DeviceCertificate> Certificates { get; } = [];

    public PresenceState State { get; set; }
    public DateTimeOffset? Since { get; set; }
    public DateTimeOffset? LastSeen { get; set; }
    public string? Address { get; set; }
    public string Details { get; set; } = "{}";

    /// <summary>Live sessions.</summary>
    public int Sessions { get; set; }

    /// <summary>(epoch, seq) of the newest status taken.</summary>
    public (long Epoch, long Sequence) Status { get; set; }

    /// <summary>The HMAC keys it shares with the center; null: it signs with its certificate's.</summary>
    public SharedPair? Shared { get; set; }

    /// <summary>Since it is online; null else.</summary>
    public Beat? Beat { get; set; }

    public ReplayWindow Receipts { get; set; } = new();
    public ReplayWindow Telemetry { get; set; } = new();

    /// <summary>Presence or telemetry window changed since they were last written.</summary>
    public bool IsDirty { get; set; }

    /// <summary>Something of it may have changed.</summary>
    public void Touch() => (_record, _former) = (null, _record ?? _former);

    private DeviceRecord? _record;
    private DeviceRecord? _former;

    public DeviceCertificate? Current => Certificates.LastOrDefault(c => c.Retired is null) ?? Certificates.LastOrDefault();

    /// <summary>What people are shown of it; the same object until <see cref="Touch"/>, because a list of ten thousand is asked for more often than most of them change.</summary>
    public DeviceRecord ToRecord() => _record ??= new DeviceRecord(
        Name, Kind, Title, Allowed, Enabled, Created, Current?.Thumbprint ?? "", Current?.Serial ?? "", Current?.Ends ?? default,
        new(State, Since, LastSeen, Address, Details), Groups, Tags) { Trouble = Beat?.Trouble, SharesKey = Shared is not null }.Following(_former);
}
