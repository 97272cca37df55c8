using System.Formats.Asn1;
using System.Security.Cryptography;

namespace Signet.Pki;

/// <summary>What one asks about: RFC 6960, section 4.1.1, CertID.</summary>
/// <param name="Encoded">As it was sent; repeated in the answer.</param>
/// <param name="Hash">Null for a hash this house does not know: then it never is one of our issuers.</param>
internal sealed record OcspCertificateId(ReadOnlyMemory<byte> Encoded, HashAlgorithmName? Hash, ReadOnlyMemory<byte> IssuerNameHash, ReadOnlyMemory<byte> IssuerKeyHash, string Serial);

/// <summary>A parsed OCSP request (RFC 6960, section 4.1). A signature on it is not looked at: anybody may ask.</summary>
internal sealed record OcspRequest(IReadOnlyList<OcspCertificateId> Certificates, ReadOnlyMemory<byte>? Nonce)
{
    private const string NonceOid = "1.3.6.1.5.5.7.48.1.2";
    private static readonly Asn1Tag Version = Context(0), RequestorName = Context(1), Extensions = Context(2), SingleExtensions = Context(0);

    /// <summary>Null for everything that is not a request this house answers. Never throws.</summary>
    public static OcspRequest? TryRead(ReadOnlyMemory<byte> der)
    {
        if (der.Length > PkiLimits.MaximumOcspRequestBytes) return null;
        try
        {
            var outer = new AsnReader(der, AsnEncodingRules.DER);
            var whole = outer.ReadSequence();
            outer.ThrowIfNotEmpty();
            var request = whole.ReadSequence();
            if (Is(request, Version) && request.ReadSequence(Version).ReadInteger() != 0) return null;
            if (Is(request, RequestorName)) request.ReadSequence(RequestorName);
            var list = request.ReadSequence();
            var certificates = new List<OcspCertificateId>();
            while (list.HasData)
            {
                if (certificates.Count == PkiLimits.MaximumOcspQuestions) return null;
                var single = list.ReadSequence();
                certificates.Add(ReadId(single));
                if (Is(single, SingleExtensions)) single.ReadSequence(SingleExtensions);
                single.ThrowIfNotEmpty();
            }

            var nonce = Is(request, Extensions) ? ReadNonce(request.ReadSequence(Extensions).ReadSequence()) : null;
            request.ThrowIfNotEmpty();
            return certificates.Count == 0 ? null : new(certificates, nonce);
        }
        catch (Exception e) when (e is AsnContentException or CryptographicException or OverflowException)
        {
            return null;
        }
    }

    private static OcspCertificateId ReadId(AsnReader single)
    {
        var encoded = single.PeekEncodedValue();
        var id = single.ReadSequence();
        var hash = id.ReadSequence().ReadObjectIdentifier() switch
        {
            "1.3.14.3.2.26" => HashAlgorithmName.SHA1,
            "2.16.840.1.101.3.4.2.1" => HashAlgorithmName.SHA256,
            "2.16.840.1.101.3.4.2.2" => HashAlgorithmName.SHA384,
            "2.16.840.1.101.3.4.2.3" => HashAlgorithmName.SHA512,
            _ => (HashAlgorithmName?)null,
        };
        var name = id.ReadOctetString();
        var key = id.ReadOctetString();
        var serial = id.ReadIntegerBytes();
        id.ThrowIfNotEmpty();
        return new(encoded, hash, name, key, CertificateFacts.SerialText(serial.Span));
    }

    // RFC 9654, section 2.1: 1 to 128 octets; anything else is malformed.
    private static ReadOnlyMemory<byte>? ReadNonce(AsnReader extensions)
    {
        while (extensions.HasData)
        {
            var extension = extensions.ReadSequence();
            if (extension.ReadObjectIdentifier() != NonceOid) continue;
            if (extension.PeekTag().HasSameClassAndValue(Asn1Tag.Boolean)) extension.ReadBoolean();
            var value = extension.ReadOctetString();
            var nonce = new AsnReader(value, AsnEncodingRules.DER).ReadOctetString();
            return nonce.Length is >= 1 and <= 128 ? value : throw new AsnContentException("nonce");
        }

        return null;
    }

    private static bool Is(AsnReader reader, Asn1Tag tag) => reader.HasData && reader.PeekTag().HasSameClassAndValue(tag);

    private static Asn1Tag Context(int number) => new(TagClass.ContextSpecific, number, isConstructed: true);
}
