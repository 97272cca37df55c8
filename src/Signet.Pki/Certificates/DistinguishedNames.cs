using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Signet.Pki;

/// <summary>Subjects of this house: organisation, then common name, both UTF8String, so that the organisation is a prefix a directoryName constraint can match.</summary>
internal static class DistinguishedNames
{
    public static X500DistinguishedName Subject(string organization, string commonName) => new(Encode((Oids.Organization, organization), (Oids.CommonName, commonName)));

    public static X500DistinguishedName Organization(string organization) => new(Encode((Oids.Organization, organization)));

    /// <summary>How ledger and revocation state name an issuer: lower-case hexadecimal SHA-256 of the subject's DER.</summary>
    public static string Id(X500DistinguishedName name) => Convert.ToHexStringLower(SHA256.HashData(name.RawData));

    /// <summary>The value of the only common name; null when there is none or more than one.</summary>
    public static string? CommonName(X500DistinguishedName name)
    {
        string? found = null;
        foreach (var part in name.EnumerateRelativeDistinguishedNames(reversed: false))
        {
            if (part.HasMultipleElements) return null;
            if (part.GetSingleElementType().Value != Oids.CommonName) continue;
            if (found is not null) return null;
            found = part.GetSingleElementValue();
        }

        return found;
    }

    private static byte[] Encode(params ReadOnlySpan<(string Type, string Value)> parts)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            foreach (var (type, value) in parts)
            {
                using (writer.PushSetOf())
                using (writer.PushSequence())
                {
                    writer.WriteObjectIdentifier(type);
                    writer.WriteCharacterString(UniversalTagNumber.UTF8String, value);
                }
            }
        }

        return writer.Encode();
    }
}
