using System.Formats.Asn1;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Signet.Pki;

/// <summary>The extensions this house writes, and nothing else (RFC 5280, section 4.2).</summary>
internal static class CertificateExtensions
{
    private const X509KeyUsageFlags AuthorityUsage = X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign;

    /// <param name="pathLength">How many authorities may follow below.</param>
    public static IEnumerable<X509Extension> ForAuthority(PublicKey key, SigningAuthority? issuer, int pathLength, NameConstraints constraints, string organization, PublicAddresses? addresses)
    {
        yield return X509BasicConstraintsExtension.CreateForCertificateAuthority(pathLength);
        yield return new X509KeyUsageExtension(AuthorityUsage, critical: true);
        var ownId = KeyIdentifier(key);
        yield return ownId;
        yield return X509AuthorityKeyIdentifierExtension.CreateFromSubjectKeyIdentifier(issuer?.SubjectKeyIdentifier ?? ownId.SubjectKeyIdentifierBytes.ToArray());
        if (!constraints.IsEmpty) yield return Constraints(constraints, organization);
        if (issuer is not null && addresses is not null)
        {
            foreach (var extension in addresses.For(issuer.Certificate)) yield return extension;
        }
    }

    public static IEnumerable<X509Extension> ForLeaf(ProfileRules rules, PublicKey key, KeyKind kind, AlternativeNames names, SigningAuthority issuer, PublicAddresses? addresses)
    {
        yield return X509BasicConstraintsExtension.CreateForEndEntity(critical: true);
        yield return new X509KeyUsageExtension(rules.UsageFor(kind), critical: true);
        var usages = new OidCollection();
        foreach (var usage in rules.ExtendedUsages) usages.Add(new Oid(usage));
        yield return new X509EnhancedKeyUsageExtension(usages, critical: false);
        yield return KeyIdentifier(key);
        yield return X509AuthorityKeyIdentifierExtension.CreateFromSubjectKeyIdentifier(issuer.SubjectKeyIdentifier);
        yield return names.Encode();
        // A responder's own certificate cannot be asked about at that responder (RFC 6960, section 4.2.2.2.1).
        if (rules.Profile == CertificateProfile.OcspSigner) yield return new X509Extension(Oids.OcspNoCheck, [0x05, 0x00], critical: false);
        if (addresses is null) yield break;
        foreach (var extension in addresses.For(issuer.Certificate)) yield return extension;
    }

    // RFC 7093, method 1: the leftmost 160 bits of the SHA-256 of the key.
    private static X509SubjectKeyIdentifierExtension KeyIdentifier(PublicKey key)
        => new(SHA256.HashData(key.EncodedKeyValue.RawData).AsSpan(0, 20), critical: false);

    private static X509Extension Constraints(NameConstraints constraints, string organization)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        using (writer.PushSequence(new Asn1Tag(TagClass.ContextSpecific, 0)))
        {
            if (constraints.ToOrganization)
            {
                using (writer.PushSequence())
                using (writer.PushSequence(new Asn1Tag(TagClass.ContextSpecific, 4)))
                {
                    writer.WriteEncodedValue(DistinguishedNames.Organization(organization).RawData);
                }
            }

            foreach (var domain in constraints.Domains)
            {
                using (writer.PushSequence()) writer.WriteCharacterString(UniversalTagNumber.IA5String, domain, new Asn1Tag(TagClass.ContextSpecific, 2));
            }

            foreach (var network in constraints.Networks)
            {
                using (writer.PushSequence()) writer.WriteOctetString(AddressAndMask(IPNetwork.Parse(network)), new Asn1Tag(TagClass.ContextSpecific, 7));
            }
        }

        return new X509Extension(Oids.NameConstraints, writer.Encode(), critical: true);
    }

    private static byte[] AddressAndMask(IPNetwork network)
    {
        var address = network.BaseAddress.GetAddressBytes();
        var both = new byte[address.Length * 2];
        address.CopyTo(both, 0);
        for (var bit = 0; bit < network.PrefixLength; bit++) both[address.Length + bit / 8] |= (byte)(0x80 >> bit % 8);
        return both;
    }
}
