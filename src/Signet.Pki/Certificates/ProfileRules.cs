using System.Collections.Frozen;
using System.Security.Cryptography.X509Certificates;

namespace Signet.Pki;

/// <summary>The one table of leaf profiles: docs/spec/pki.md, "Profiles", says the same in words.</summary>
/// <param name="Kind">KIND in <c>urn:signet:KIND:NAME</c>.</param>
/// <param name="Usage">Key usage of an elliptic-curve or RSA signing key; sealing profiles take theirs from the key.</param>
/// <param name="ExtendedUsages">Exactly these, in this order.</param>
/// <param name="HasHosts">A TLS server: names and addresses stand in the subject alternative name.</param>
internal sealed record ProfileRules(CertificateProfile Profile, string Kind, X509KeyUsageFlags Usage, string[] ExtendedUsages, bool HasHosts, TimeSpan Lifetime, KeyKind DefaultKey)
{
    private const X509KeyUsageFlags Sign = X509KeyUsageFlags.DigitalSignature;

    public static IReadOnlyList<ProfileRules> All { get; } =
    [
        new(CertificateProfile.Broker, "broker", Sign, [Oids.ServerAuth], true, PkiLimits.OtherLifetime, KeyKind.P256),
        new(CertificateProfile.Center, "center", Sign, [Oids.ServerAuth, Oids.ClientAuth], true, PkiLimits.OtherLifetime, KeyKind.P256),
        new(CertificateProfile.CenterSign, "center-sign", Sign, [Oids.CommandSigning], false, PkiLimits.OtherLifetime, KeyKind.Rsa2048),
        new(CertificateProfile.Device, "device", Sign, [Oids.ClientAuth], false, PkiLimits.DeviceLifetime, KeyKind.P256),
        new(CertificateProfile.DeviceSealing, "device-sealing", X509KeyUsageFlags.KeyAgreement, [Oids.Sealing], false, PkiLimits.DeviceLifetime, KeyKind.P256),
        new(CertificateProfile.User, "user", Sign, [Oids.ClientAuth], false, PkiLimits.OtherLifetime, KeyKind.P256),
        new(CertificateProfile.CheckpointSigner, "checkpoint-signer", Sign, [Oids.CheckpointSigning], false, PkiLimits.OtherLifetime, KeyKind.P256),
        new(CertificateProfile.Proxy, "proxy", Sign, [Oids.ServerAuth, Oids.ClientAuth], true, PkiLimits.OtherLifetime, KeyKind.P256),
        new(CertificateProfile.OcspSigner, "ocsp-signer", Sign, [Oids.OcspSigning], false, PkiLimits.OtherLifetime, KeyKind.P256),
    ];

    private static readonly FrozenDictionary<CertificateProfile, ProfileRules> ByProfile = All.ToFrozenDictionary(r => r.Profile);
    private static readonly FrozenDictionary<string, ProfileRules> ByKind = All.ToFrozenDictionary(r => r.Kind, StringComparer.Ordinal);

    public static ProfileRules Of(CertificateProfile profile) => ByProfile.TryGetValue(profile, out var rules)
        ? rules : throw new ArgumentException($"{profile} is not a leaf profile", nameof(profile));

    public static ProfileRules? OfKind(string kind) => ByKind.GetValueOrDefault(kind);

    public bool IsDevice => Profile is CertificateProfile.Device or CertificateProfile.DeviceSealing;

    /// <summary>An RSA key cannot agree on a key, it is encrypted to.</summary>
    public X509KeyUsageFlags UsageFor(KeyKind key)
        => Usage == X509KeyUsageFlags.KeyAgreement && key is not (KeyKind.P256 or KeyKind.P384) ? X509KeyUsageFlags.KeyEncipherment : Usage;

    public static string RequiredUsage(CertificatePurpose purpose) => purpose switch
    {
        CertificatePurpose.TlsServer => Oids.ServerAuth,
        CertificatePurpose.TlsClient => Oids.ClientAuth,
        CertificatePurpose.CommandSigning => Oids.CommandSigning,
        CertificatePurpose.Sealing => Oids.Sealing,
        CertificatePurpose.CheckpointSigning => Oids.CheckpointSigning,
        CertificatePurpose.OcspSigning => Oids.OcspSigning,
        _ => throw new ArgumentOutOfRangeException(nameof(purpose)),
    };
}
