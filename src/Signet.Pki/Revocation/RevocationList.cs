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

    private const int BytesAnEntry = 64;
    private static readonly Asn1Tag Extensions = new(TagClass.ContextSpecific, 0);

    /// <summary>Makes and signs a list. Written by hand because the platform's builder takes seconds for a hundred thousand entries.</summary>
    /// <param name="authorities">The scope: certificates of authorities (a root's list) or of users (an intermediate's).</param>
    /// <param name="baseNumber">Not null: a delta list on top of this one.</param>
    internal static RevocationList Sign(SigningAuthority issuer, IReadOnlyCollection<RevokedCertificate> revoked, long number, DateTimeOffset now, TimeSpan lifetime, bool authorities, long? baseNumber = null)
    {
        var thisUpdate = Seconds(now);
        var nextUpdate = thisUpdate + lifetime;
        var algorithm = issuer.SignatureAlgorithm();
        // Room from the start: the writer grows by small steps, each a copy of everything.
        var list = new AsnWriter(AsnEncodingRules.DER, 1024 + revoked.Count * BytesAnEntry);
        using (list.PushSequence())
        {
            list.WriteInteger(1); // v2
            list.WriteEncodedValue(algorithm);
            list.WriteEncodedValue(issuer.Certificate.SubjectName.RawData);
            WriteTime(list, thisUpdate);
            WriteTime(list, nextUpdate);
            WriteEntries(list, revoked);
            using (list.PushSequence(Extensions))
            using (list.PushSequence())
            {
                var keyId = X509AuthorityKeyIdentifierExtension.CreateFromSubjectKeyIdentifier(issuer.SubjectKeyIdentifier);
                WriteExtension(list, Oids.AuthorityKeyIdentifier, critical: false, keyId.RawData);
                WriteExtension(list, Oids.CrlNumber, critical: false, Integer(number));
                WriteExtension(list, Oids.IssuingDistributionPoint, critical: true, Scope(authorities));
                if (baseNumber is { } first) WriteExtension(list, Oids.DeltaCrlIndicator, critical: true, Integer(first));
            }
        }

        var toBeSigned = list.Encode();
        var whole = new AsnWriter(AsnEncodingRules.DER, toBeSigned.Length + 1024);
        using (whole.PushSequence())
        {
            whole.WriteEncodedValue(toBeSigned);
            whole.WriteEncodedValue(algorithm);
            whole.WriteBitString(issuer.SignBytes(toBeSigned));
        }

        return new(whole.Encode(), issuer.Id, number, thisUpdate, nextUpdate);
    }

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

    private static void WriteEntries(AsnWriter list, IReadOnlyCollection<RevokedCertificate> revoked)
    {
        if (revoked.Count == 0) return; // an empty list is absent, not empty (section 5.1.2.6)
        using (list.PushSequence())
        {
            foreach (var entry in revoked)
            {
                using (list.PushSequence())
                {
                    list.WriteInteger(new System.Numerics.BigInteger(Convert.FromHexString(entry.Serial), isUnsigned: true, isBigEndian: true));
                    WriteTime(list, Seconds(entry.At));
                    // "unspecified" is said by saying nothing (section 5.3.1).
                    if (entry.Reason == RevocationReason.Unspecified) continue;
                    using (list.PushSequence()) WriteExtension(list, Oids.CrlReason, critical: false, [0x0a, 0x01, (byte)entry.Reason]);
                }
            }
        }
    }

    private static void WriteExtension(AsnWriter writer, string oid, bool critical, ReadOnlySpan<byte> value)
    {
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier(oid);
            if (critical) writer.WriteBoolean(true);
            writer.WriteOctetString(value);
        }
    }

    // onlyContainsUserCerts [1] or onlyContainsCACerts [2]. No distribution point: a list that names one would not cover certificates
    // issued before a public address was configured, or under another one.
    private static byte[] Scope(bool authorities) => [0x30, 0x03, (byte)(authorities ? 0x82 : 0x81), 0x01, 0xff];

    private static byte[] Integer(long value)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        writer.WriteInteger(value);
        return writer.Encode();
    }

    // UTCTime until 2049, GeneralizedTime after (section 4.1.2.5).
    private static void WriteTime(AsnWriter writer, DateTimeOffset time)
    {
        if (time.Year < 2050) writer.WriteUtcTime(time);
        else writer.WriteGeneralizedTime(time, omitFractionalSeconds: true);
    }

    private static DateTimeOffset Seconds(DateTimeOffset time) => DateTimeOffset.FromUnixTimeSeconds(time.ToUnixTimeSeconds());

    private static bool IsTime(AsnReader reader) => reader.PeekTag().HasSameClassAndValue(Asn1Tag.UtcTime) || reader.PeekTag().HasSameClassAndValue(Asn1Tag.GeneralizedTime);

    private static DateTimeOffset ReadTime(AsnReader reader) => reader.PeekTag().HasSameClassAndValue(Asn1Tag.UtcTime) ? reader.ReadUtcTime() : reader.ReadGeneralizedTime();

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
