namespace Signet.Pki;

/// <summary>What to issue.</summary>
/// <param name="Profile">A leaf profile; authorities are made by <see cref="CertificateAuthority"/> itself.</param>
/// <param name="Name">Common name: <c>[a-z0-9][a-z0-9._-]{0,62}</c>, and <c>_</c>, capitals, <c>@</c> and inner spaces for people.</param>
/// <param name="Hosts">DNS names and IP addresses for the subject alternative name; only for profiles that are TLS servers.</param>
/// <param name="Lifetime">Null: the profile's own (<see cref="PkiLimits"/>). Never beyond the issuer's end.</param>
/// <param name="Key">Null: the profile's own (P-256; RSA-2048 for <see cref="CertificateProfile.CenterSign"/>).</param>
public sealed record CertificateRequestSpec(CertificateProfile Profile, string Name, IReadOnlyList<string>? Hosts = null, TimeSpan? Lifetime = null, KeyKind? Key = null);
