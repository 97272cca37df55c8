using System.Formats.Asn1;
using System.Security.Cryptography.X509Certificates;

namespace Signet.Pki;

/// <summary>Writes OCSP responses (RFC 6960, section 4.2).</summary>
internal static class OcspAnswer
{
    private const string Basic = "1.3.6.1.5.5.7.48.1.1";
    private const string NonceOid = "1.3.6.1.5.5.7.48.1.2";

    /// <param name="Revoked">Null with <paramref name="Known"/>: good.</param>
    internal readonly record struct Single(ReadOnlyMemory<byte> Id, bool Known, RevokedCertificate? Revoked);

    public static byte[] Error(OcspStatus status) => [0x30, 0x03, 0x0a, 0x01, (byte)status];

    /// <param name="signer">The delegated responder, or the authority itself.</param>
    /// <param name="certificate">Sent along for a delegated responder; null when the authority itself signs.</param>
    public static byte[] Sign(SigningAuthority signer, X509Certificate2? certificate, IReadOnlyList<Single> answers, ReadOnlyMemory<byte>? nonce, DateTimeOffset now, DateTimeOffset nextUpdate)
    {
        var data = ResponseData(signer.Certificate.SubjectName, answers, nonce, now, nextUpdate);
        var basic = new AsnWriter(AsnEncodingRules.DER);
        using (basic.PushSequence())
        {
            basic.WriteEncodedValue(data);
            basic.WriteEncodedValue(signer.SignatureAlgorithm());
            basic.WriteBitString(signer.SignBytes(data));
            if (certificate is not null)
            {
                using (basic.PushSequence(Context(0)))
                using (basic.PushSequence()) basic.WriteEncodedValue(certificate.RawData);
            }
        }

        var whole = new AsnWriter(AsnEncodingRules.DER);
        using (whole.PushSequence())
        {
            whole.WriteEncodedValue([0x0a, 0x01, (byte)OcspStatus.Successful]);
            using (whole.PushSequence(Context(0)))
            using (whole.PushSequence())
            {
                whole.WriteObjectIdentifier(Basic);
                whole.WriteOctetString(basic.Encode());
            }
        }

        return whole.Encode();
    }

    private static byte[] ResponseData(X500DistinguishedName responder, IReadOnlyList<Single> answers, ReadOnlyMemory<byte>? nonce, DateTimeOffset now, DateTimeOffset nextUpdate)
    {
        var data = new AsnWriter(AsnEncodingRules.DER);
        using (data.PushSequence())
        {
            using (data.PushSequence(Context(1))) data.WriteEncodedValue(responder.RawData); // byName
            data.WriteGeneralizedTime(now, omitFractionalSeconds: true); // producedAt
            using (data.PushSequence())
            {
                foreach (var answer in answers) Write(data, answer, now, nextUpdate);
            }

            if (nonce is { } value)
            {
                using (data.PushSequence(Context(1)))
                using (data.PushSequence())
                using (data.PushSequence())
                {
                    data.WriteObjectIdentifier(NonceOid);
                    data.WriteOctetString(value.Span);
                }
            }
        }

        return data.Encode();
    }

    private static void Write(AsnWriter data, Single answer, DateTimeOffset now, DateTimeOffset nextUpdate)
    {
        using (data.PushSequence())
        {
            data.WriteEncodedValue(answer.Id.Span);
            if (!answer.Known) data.WriteNull(new Asn1Tag(TagClass.ContextSpecific, 2)); // unknown is not good
            else if (answer.Revoked is { } revoked)
            {
                using (data.PushSequence(Context(1)))
                {
                    data.WriteGeneralizedTime(revoked.At, omitFractionalSeconds: true);
                    if (revoked.Reason != RevocationReason.Unspecified)
                    {
                        using (data.PushSequence(Context(0))) data.WriteEncodedValue([0x0a, 0x01, (byte)revoked.Reason]);
                    }
                }
            }
            else data.WriteNull(new Asn1Tag(TagClass.ContextSpecific, 0)); // good

            data.WriteGeneralizedTime(now, omitFractionalSeconds: true);
            using (data.PushSequence(Context(0))) data.WriteGeneralizedTime(nextUpdate, omitFractionalSeconds: true);
        }
    }

    private static Asn1Tag Context(int number) => new(TagClass.ContextSpecific, number, isConstructed: true);
}
