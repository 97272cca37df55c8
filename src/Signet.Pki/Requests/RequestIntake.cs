using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Signet.Pki;

/// <summary>Holds a request against what its sender was admitted for: profile, name and hosts are decided before, by token, old certificate or operator; the request may ask for less, never for other.</summary>
internal static class RequestIntake
{
    // Text that only repeats what the certificate says anyway.
    private const string KeyUsage = "2.5.29.15", ExtendedKeyUsage = "2.5.29.37", BasicConstraints = "2.5.29.19", SubjectKeyIdentifier = "2.5.29.14";

    /// <returns><see cref="RequestRefusal.None"/> when a certificate for <paramref name="admitted"/> may be issued for the request's key.</returns>
    public static RequestRefusal Check(SigningRequest request, CertificateRequestSpec admitted, string organization, out string detail)
    {
        try
        {
            return CheckAll(request, admitted, organization, out detail);
        }
        catch (Exception e) when (e is AsnContentException or CryptographicException)
        {
            return Refuse(RequestRefusal.Malformed, "an extension of the request cannot be read", out detail);
        }
    }

    private static RequestRefusal CheckAll(SigningRequest request, CertificateRequestSpec admitted, string organization, out string detail)
    {
        var rules = ProfileRules.Of(admitted.Profile);
        var refusal = CheckSubject(request, admitted.Name, organization, out detail);
        if (refusal != RequestRefusal.None) return refusal;
        foreach (var extension in request.Extensions)
        {
            refusal = extension.Oid switch
            {
                Oids.SubjectAltName => CheckNames(extension.Value, rules, admitted, out detail),
                KeyUsage => CheckUsage(extension, rules, request.Kind, out detail),
                ExtendedKeyUsage => CheckExtendedUsage(extension, rules, out detail),
                BasicConstraints => CheckConstraints(extension, out detail),
                SubjectKeyIdentifier => RequestRefusal.None,
                _ => Refuse(RequestRefusal.ForbiddenExtension, $"extension {extension.Oid} is never issued here", out detail),
            };
            if (refusal != RequestRefusal.None) return refusal;
        }

        return RequestRefusal.None;
    }

    // RFC 5280, appendix A: ub-common-name and ub-organization-name are both 64.
    private static RequestRefusal CheckSubject(SigningRequest request, string name, string organization, out string detail)
    {
        foreach (var (type, value) in request.Subject)
        {
            if (value.Contains('\0')) return Refuse(RequestRefusal.EmbeddedNul, "the subject holds a NUL", out detail);
            if (value.Length > PkiLimits.MaximumNameLength) return Refuse(RequestRefusal.TooLong, $"a field of the subject is longer than {PkiLimits.MaximumNameLength} characters", out detail);
            if (type == Oids.CommonName ? value != name : type != Oids.Organization || value != organization)
                return Refuse(RequestRefusal.ForeignSubject, type == Oids.CommonName ? $"the common name is not \"{name}\"" : $"the subject says more than the common name and O={organization}", out detail);
        }

        // An empty subject leaves the name to us (RFC 7030, section 4.2.1); a common name given twice is no longer one name.
        return request.Subject.GroupBy(p => p.Type, StringComparer.Ordinal).Any(g => g.Count() > 1)
            ? Refuse(RequestRefusal.Duplicate, "a field of the subject stands twice", out detail)
            : Refuse(RequestRefusal.None, "", out detail);
    }

    private static RequestRefusal CheckNames(ReadOnlyMemory<byte> value, ProfileRules rules, CertificateRequestSpec admitted, out string detail)
    {
        if (!AlternativeNames.TryRead(value, out var names)) return Refuse(RequestRefusal.Malformed, "the subject alternative name cannot be read", out detail);
        var all = names.Dns.Concat(names.Uris).ToList();
        if (all.Exists(n => n.Contains('\0'))) return Refuse(RequestRefusal.EmbeddedNul, "an alternative name holds a NUL", out detail);
        if (all.Exists(n => n.Length > 253)) return Refuse(RequestRefusal.TooLong, "an alternative name is longer than 253 characters", out detail);
        if (names.Dns.Any(n => n.Contains('*'))) return Refuse(RequestRefusal.Wildcard, "an alternative name is a wildcard", out detail);
        if (names.Others > 0) return Refuse(RequestRefusal.ForeignName, "an alternative name is of a kind that is never issued here", out detail);
        if (names.Uris.FirstOrDefault(u => u != CertificateNames.Urn(rules, admitted.Name)) is { } uri) return Refuse(RequestRefusal.ForeignName, $"\"{uri}\" is not the sender's own name", out detail);

        var hosts = rules.HasHosts ? (admitted.Hosts ?? []).ToHashSet(StringComparer.OrdinalIgnoreCase) : [];
        // Many tools repeat the common name as a DNS name; it adds nothing and is not written.
        var foreign = names.Dns.FirstOrDefault(d => d != admitted.Name && !hosts.Contains(d)) ?? names.Addresses.Select(a => a.ToString()).FirstOrDefault(a => !hosts.Contains(a));
        return foreign is null ? Refuse(RequestRefusal.None, "", out detail) : Refuse(RequestRefusal.ForeignName, $"\"{foreign}\" is not a host the sender was admitted for", out detail);
    }

    private static RequestRefusal CheckUsage(SigningRequest.RequestedExtension extension, ProfileRules rules, KeyKind kind, out string detail)
    {
        var asked = new X509KeyUsageExtension(new AsnEncodedData(extension.Value.ToArray()), extension.Critical).KeyUsages;
        // Tools of the RSA age ask for both; only what the profile gives is written.
        var harmless = X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.KeyEncipherment | X509KeyUsageFlags.NonRepudiation | X509KeyUsageFlags.KeyAgreement | X509KeyUsageFlags.DataEncipherment;
        return (asked & ~(rules.UsageFor(kind) | harmless)) == X509KeyUsageFlags.None
            ? Refuse(RequestRefusal.None, "", out detail) : Refuse(RequestRefusal.ForbiddenExtension, "it asks for the key usage of an authority", out detail);
    }

    private static RequestRefusal CheckExtendedUsage(SigningRequest.RequestedExtension extension, ProfileRules rules, out string detail)
    {
        var reader = new AsnReader(extension.Value, AsnEncodingRules.DER).ReadSequence();
        while (reader.HasData)
        {
            var usage = reader.ReadObjectIdentifier();
            if (!rules.ExtendedUsages.Contains(usage, StringComparer.Ordinal)) return Refuse(RequestRefusal.ForbiddenExtension, $"extended key usage {usage} is not a {rules.Kind}'s", out detail);
        }

        return Refuse(RequestRefusal.None, "", out detail);
    }

    private static RequestRefusal CheckConstraints(SigningRequest.RequestedExtension extension, out string detail)
        => new X509BasicConstraintsExtension(new AsnEncodedData(extension.Value.ToArray()), extension.Critical).CertificateAuthority
            ? Refuse(RequestRefusal.ForbiddenExtension, "it asks to be an authority", out detail) : Refuse(RequestRefusal.None, "", out detail);

    private static RequestRefusal Refuse(RequestRefusal refusal, string what, out string detail)
    {
        detail = what;
        return refusal;
    }
}
