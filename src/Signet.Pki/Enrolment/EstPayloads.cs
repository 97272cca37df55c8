using System.Formats.Asn1;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Signet.Pki;

/// <summary>
/// Bodies of Enrolment over Secure Transport (RFC 7030 with RFC 8951): base64 with line breaks and <c>Content-Transfer-Encoding: base64</c>.
/// </summary>
public static class EstPayloads
{
    public const string CertificatesType = "application/pkcs7-mime; smime-type=certs-only";
    public const string RequestType = "application/pkcs10";
    public const string AttributesType = "application/csrattrs";

    private const string SignedData = "1.2.840.113549.1.7.2", Data = "1.2.840.113549.1.7.1";
    private const string EcPublicKey = "1.2.840.10045.2.1", P256 = "1.2.840.10045.3.1.7", EcdsaWithSha256 = "1.2.840.10045.4.3.2";

    /// <summary>Body of <c>cacerts</c> and of an enrolment's answer: a degenerate SignedData with certificates and no signature (RFC 5652, section 5.1).</summary>
    public static string CertsOnly(params IEnumerable<X509Certificate2> certificates)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier(SignedData);
            using (writer.PushSequence(Context(0)))
            using (writer.PushSequence())
            {
                writer.WriteInteger(1);
                using (writer.PushSetOf()) { }
                using (writer.PushSequence()) writer.WriteObjectIdentifier(Data);
                using (writer.PushSetOf(Context(0)))
                {
                    foreach (var certificate in certificates) writer.WriteEncodedValue(certificate.RawData);
                }

                using (writer.PushSetOf()) { }
            }
        }

        return Lines(writer.Encode());
    }

    /// <summary>Body of <c>csrattrs</c> (RFC 7030, section 4.5.2): we like P-256 keys and ECDSA with SHA-256.</summary>
    public static string RequestAttributes()
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            using (writer.PushSequence())
            {
                writer.WriteObjectIdentifier(EcPublicKey);
                using (writer.PushSetOf()) writer.WriteObjectIdentifier(P256);
            }

            writer.WriteObjectIdentifier(EcdsaWithSha256);
        }

        return Lines(writer.Encode());
    }

    /// <summary>Reads a <c>certs-only</c> answer; empty when it is none. The device's side uses it.</summary>
    public static X509Certificate2Collection ReadCertsOnly(ReadOnlySpan<byte> body)
    {
        var found = new X509Certificate2Collection();
        try
        {
            var text = Encoding.ASCII.GetString(body);
            var content = new AsnReader(Convert.FromBase64String(text), AsnEncodingRules.BER).ReadSequence();
            if (content.ReadObjectIdentifier() != SignedData) return found;
            var signed = content.ReadSequence(Context(0)).ReadSequence();
            signed.ReadInteger();
            signed.ReadSetOf();
            signed.ReadSequence();
            var certificates = signed.ReadSetOf(skipSortOrderValidation: true, Context(0));
            while (certificates.HasData) found.Add(X509CertificateLoader.LoadCertificate(certificates.ReadEncodedValue().Span));
        }
        catch (Exception e) when (e is AsnContentException or FormatException or System.Security.Cryptography.CryptographicException)
        {
            found.Clear();
        }

        return found;
    }

    private static string Lines(byte[] der) => Convert.ToBase64String(der, Base64FormattingOptions.InsertLineBreaks) + "\r\n";

    private static Asn1Tag Context(int number) => new(TagClass.ContextSpecific, number, isConstructed: true);
}
