using System.Formats.Asn1;
using System.Security.Cryptography.X509Certificates;

namespace Signet.Pki;

/// <summary>A published certificate revocation list (RFC 5280, section 5): its DER and the fields one asks about.</summary>
/// <param name="Der">Shared: do not change.</param>
/// <param name="Issuer">Key of the issuing authority, as in <see cref="RevokedCertificate"/>.</param>
public sealed record RevocationList(byte[] Der, string Issuer, long Number, DateTimeOffset ThisUpdate, DateTimeOffset NextUpdate)
{
    /// <summary>For files that Mosquitto, nginx and openssl read.</summary>
    public string Pem => System.Security.Cryptography.PemEncoding.WriteString("X509 CRL", Der) + "\n";

    private static readonly Asn1Tag Extensions = new(TagClass.ContextSpecific, 0);

    /// <summary>Reads the fields of a list this house or another wrote; null when it is not one. The signature is not looked at.</summary>
    public static RevocationList? TryRead(byte[] der)
    {
        try
        {
            var whole = new AsnReader(der, AsnEncodingRules.DER).ReadSequence();
            var list = whole.ReadSequence();
            if (list.PeekTag().HasSameClassAndValue(Asn1Tag.Integer)) list.ReadInteger();
            list.ReadSequence();
            var issuer = DistinguishedNames.Id(new X500DistinguishedName(list.ReadEncodedValue().Span));
            var thisUpdate = ReadTime(list);
            var nextUpdate = list.HasData && IsTime(list) ? ReadTime(list) : DateTimeOffset.MaxValue;
            if (list.HasData && list.PeekTag().HasSameClassAndValue(Asn1Tag.Sequence)) list.ReadSequence();
            var number = list.HasData ? ReadNumber(list.ReadSequence(Extensions).ReadSequence()) : 0;
            return new(der, issuer, number, thisUpdate, nextUpdate);
        }
        catch (Exception e) when (e is AsnContentException or System.Security.Cryptography.CryptographicException or OverflowException)
        {
            return null;
        }
    }

    internal static bool IsTime(AsnReader reader) => reader.PeekTag().HasSameClassAndValue(Asn1Tag.UtcTime) || reader.PeekTag().HasSameClassAndValue(Asn1Tag.GeneralizedTime);

    internal static DateTimeOffset ReadTime(AsnReader reader) => reader.PeekTag().HasSameClassAndValue(Asn1Tag.UtcTime) ? reader.ReadUtcTime() : reader.ReadGeneralizedTime();

    private static long ReadNumber(AsnReader extensions)
    {
        while (extensions.HasData)
        {
            var extension = extensions.ReadSequence();
            if (extension.ReadObjectIdentifier() != Oids.CrlNumber) continue;
            var number = new AsnReader(extension.ReadOctetString(), AsnEncodingRules.DER).ReadInteger();
            return number > long.MaxValue || number < 0 ? 0 : (long)number;
        }

        return 0;
    }
}
