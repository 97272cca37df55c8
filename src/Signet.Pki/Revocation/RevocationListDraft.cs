using System.Formats.Asn1;
using System.Security.Cryptography.X509Certificates;

namespace Signet.Pki;

/// <summary>A revocation list to be signed. Written by hand because the platform's builder takes seconds for a hundred thousand entries.</summary>
/// <param name="OfAuthorities">The scope: certificates of authorities (a root's list) or of users (an intermediate's).</param>
/// <param name="DeltaAddress">Where deltas are published; stands in complete lists. Null: nowhere.</param>
/// <param name="Base">Not null: a delta on top of this complete list.</param>
internal sealed record RevocationListDraft(long Number, DateTimeOffset Now, TimeSpan Lifetime, bool OfAuthorities, string? DeltaAddress = null, long? Base = null)
{
    private const int BytesAnEntry = 64;
    private static readonly Asn1Tag Extensions = new(TagClass.ContextSpecific, 0);

    public RevocationList Sign(SigningAuthority issuer, IReadOnlyCollection<RevokedCertificate> revoked)
    {
        // A reader whose clock is slow would refuse everybody with a list that begins later.
        var thisUpdate = Seconds(Now - PkiLimits.Backdate);
        var nextUpdate = thisUpdate + Lifetime;
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
                WriteExtension(list, Oids.CrlNumber, critical: false, Integer(Number));
                WriteExtension(list, Oids.IssuingDistributionPoint, critical: true, Scope(OfAuthorities));
                if (Base is { } first) WriteExtension(list, Oids.DeltaCrlIndicator, critical: true, Integer(first));
                else if (DeltaAddress is { } address) WriteExtension(list, Oids.FreshestCrl, critical: false, Points(address));
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

        return new(whole.Encode(), issuer.Id, Number, thisUpdate, nextUpdate);
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

    // The same syntax as a CRL distribution point (section 5.2.6).
    private static byte[] Points(string address) => CertificateRevocationListBuilder.BuildCrlDistributionPointExtension([address]).RawData;

    private static DateTimeOffset Seconds(DateTimeOffset time) => DateTimeOffset.FromUnixTimeSeconds(time.ToUnixTimeSeconds());
}
