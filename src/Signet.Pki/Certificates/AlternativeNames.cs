using System.Formats.Asn1;
using System.Net;
using System.Security.Cryptography.X509Certificates;

namespace Signet.Pki;

/// <summary>A subject alternative name (RFC 5280, section 4.2.1.6). The platform's own reader passes over URIs, which are our identities.</summary>
/// <param name="Others">How many names of other kinds it holds (mail, directory, other name ...).</param>
internal sealed record AlternativeNames(IReadOnlyList<string> Dns, IReadOnlyList<IPAddress> Addresses, IReadOnlyList<string> Uris, int Others = 0)
{
    private static readonly Asn1Tag DnsTag = new(TagClass.ContextSpecific, 2);
    private static readonly Asn1Tag UriTag = new(TagClass.ContextSpecific, 6);
    private static readonly Asn1Tag AddressTag = new(TagClass.ContextSpecific, 7);

    public static AlternativeNames Empty { get; } = new([], [], []);

    public bool IsEmpty => Dns.Count == 0 && Addresses.Count == 0 && Uris.Count == 0 && Others == 0;

    /// <summary>Not critical: the subject is never empty here.</summary>
    public X509Extension Encode()
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            foreach (var dns in Dns) writer.WriteCharacterString(UniversalTagNumber.IA5String, dns, DnsTag);
            foreach (var address in Addresses) writer.WriteOctetString(address.GetAddressBytes(), AddressTag);
            foreach (var uri in Uris) writer.WriteCharacterString(UniversalTagNumber.IA5String, uri, UriTag);
        }

        return new X509Extension(Oids.SubjectAltName, writer.Encode(), critical: false);
    }

    /// <summary>False for anything that is not a well-formed list of names.</summary>
    public static bool TryRead(ReadOnlyMemory<byte> der, out AlternativeNames names)
    {
        names = Empty;
        List<string> dns = [], uris = [];
        List<IPAddress> addresses = [];
        var others = 0;
        try
        {
            var reader = new AsnReader(der, AsnEncodingRules.DER);
            var sequence = reader.ReadSequence();
            reader.ThrowIfNotEmpty();
            while (sequence.HasData)
            {
                var tag = sequence.PeekTag();
                if (tag.HasSameClassAndValue(DnsTag)) dns.Add(sequence.ReadCharacterString(UniversalTagNumber.IA5String, DnsTag));
                else if (tag.HasSameClassAndValue(UriTag)) uris.Add(sequence.ReadCharacterString(UniversalTagNumber.IA5String, UriTag));
                else if (tag.HasSameClassAndValue(AddressTag)) addresses.Add(new IPAddress(sequence.ReadOctetString(AddressTag)));
                else
                {
                    sequence.ReadEncodedValue();
                    others++;
                }
            }
        }
        catch (Exception e) when (e is AsnContentException or ArgumentException)
        {
            return false;
        }

        names = new(dns, addresses, uris, others);
        return true;
    }

    /// <summary>Of a certificate; empty when it has none, null when it cannot be read.</summary>
    public static AlternativeNames? Of(X509Certificate2 certificate)
    {
        foreach (var extension in certificate.Extensions)
        {
            if (extension.Oid?.Value == Oids.SubjectAltName) return TryRead(extension.RawData, out var names) ? names : null;
        }

        return Empty;
    }
}
