using System.Diagnostics.CodeAnalysis;
using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Signet.Pki;

/// <summary>
/// A PKCS#10 request (RFC 2986) whose sender has proved to hold the key. What it wishes for is data to hold against a
/// profile (<see cref="RequestIntake"/>); the certificate's own contents come from the profile, never from the request.
/// </summary>
public sealed class SigningRequest
{
    private const string ExtensionRequest = "1.2.840.113549.1.9.14";
    private const string ChallengePasswordOid = "1.2.840.113549.1.9.7";
    private static readonly Asn1Tag Attributes = new(TagClass.ContextSpecific, 0, isConstructed: true);

    private SigningRequest(byte[] der, PublicKey key, KeyKind kind) => (Der, Key, Kind) = (der, key, kind);

    public ReadOnlyMemory<byte> Der { get; }

    public PublicKey Key { get; }

    public KeyKind Kind { get; }

    /// <summary>Subject as pairs of type and value, in order.</summary>
    internal IReadOnlyList<(string Type, string Value)> Subject { get; private init; } = [];

    internal IReadOnlyList<RequestedExtension> Extensions { get; private init; } = [];

    /// <summary>RFC 7030's channel binding and enrolment secrets travel here; null when absent. A secret: never log it.</summary>
    internal string? ChallengePassword { get; private init; }

    internal sealed record RequestedExtension(string Oid, bool Critical, ReadOnlyMemory<byte> Value);

    /// <summary>Takes DER, PEM or bare base64 (EST). Never throws on any bytes.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out SigningRequest? request, out RequestRefusal refusal, out string detail)
    {
        request = null;
        if (bytes.Length > PkiLimits.MaximumRequestBytes) return Refuse(RequestRefusal.TooLarge, $"a request has at most {PkiLimits.MaximumRequestBytes} bytes", out refusal, out detail);
        if (RequestBytes.ToDer(bytes) is not { } der) return Refuse(RequestRefusal.Malformed, "neither DER, PEM nor base64", out refusal, out detail);
        try
        {
            return Read(der, out request, out refusal, out detail);
        }
        catch (Exception e) when (e is AsnContentException or CryptographicException or ArgumentException or DecoderFallbackException)
        {
            return Refuse(RequestRefusal.Malformed, "not a PKCS#10 request", out refusal, out detail);
        }
    }

    private static bool Read(byte[] der, out SigningRequest? request, out RequestRefusal refusal, out string detail)
    {
        request = null;
        var outer = new AsnReader(der, AsnEncodingRules.DER);
        var whole = outer.ReadSequence();
        outer.ThrowIfNotEmpty();
        var signed = whole.PeekEncodedValue();
        var info = whole.ReadSequence();
        var algorithm = whole.ReadEncodedValue();
        var signature = whole.ReadBitString(out var unused);
        whole.ThrowIfNotEmpty();
        if (unused != 0 || info.ReadInteger() != 0) return Refuse(RequestRefusal.Malformed, "not version 1", out refusal, out detail);

        var subject = ReadSubject(info.ReadSequence());
        var keyBytes = info.ReadEncodedValue();
        var key = PublicKey.CreateFromSubjectPublicKeyInfo(keyBytes.Span, out _);
        if (KeyKinds.Of(key) is not { } kind) return Refuse(RequestRefusal.WeakKey, "keys are P-256, P-384 or RSA of 2048, 3072 or 4096 bits", out refusal, out detail);
        switch (PublicSignature.Check(key, algorithm, signed.Span, signature))
        {
            case PublicSignature.Outcome.NotTaken: return Refuse(RequestRefusal.WeakSignature, "requests are signed with SHA-256, SHA-384 or SHA-512", out refusal, out detail);
            case PublicSignature.Outcome.Wrong: return Refuse(RequestRefusal.BadSignature, "the request is not signed by the key it asks a certificate for", out refusal, out detail);
        }

        var extensions = new List<RequestedExtension>();
        string? challenge = null;
        if (!ReadAttributes(info, extensions, ref challenge, out detail)) return Refuse(RequestRefusal.Duplicate, detail, out refusal, out detail);
        request = new(der, key, kind) { Subject = subject, Extensions = extensions, ChallengePassword = challenge };
        refusal = RequestRefusal.None;
        return true;
    }

    private static List<(string Type, string Value)> ReadSubject(AsnReader names)
    {
        var subject = new List<(string Type, string Value)>();
        while (names.HasData)
        {
            var set = names.ReadSetOf();
            while (set.HasData)
            {
                var pair = set.ReadSequence();
                var type = pair.ReadObjectIdentifier();
                var tag = pair.PeekTag();
                if (tag.TagClass != TagClass.Universal) throw new AsnContentException("not a string");
                subject.Add((type, pair.ReadCharacterString((UniversalTagNumber)tag.TagValue)));
                pair.ThrowIfNotEmpty();
            }
        }

        return subject;
    }

    private static bool ReadAttributes(AsnReader info, List<RequestedExtension> extensions, ref string? challenge, out string detail)
    {
        detail = "";
        if (!info.HasData) return true; // RFC 2986 wants an empty set, old tools leave it out
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var attributes = info.ReadSetOf(skipSortOrderValidation: true, Attributes);
        while (attributes.HasData)
        {
            var attribute = attributes.ReadSequence();
            var oid = attribute.ReadObjectIdentifier();
            if (!seen.Add(oid))
            {
                detail = $"attribute {oid} stands twice";
                return false;
            }

            var values = attribute.ReadSetOf();
            if (oid == ChallengePasswordOid)
            {
                challenge = values.ReadCharacterString((UniversalTagNumber)values.PeekTag().TagValue);
            }
            else if (oid == ExtensionRequest && !ReadExtensions(values.ReadSequence(), extensions, out detail))
            {
                return false;
            }
        }

        return true;
    }

    private static bool ReadExtensions(AsnReader list, List<RequestedExtension> extensions, out string detail)
    {
        detail = "";
        while (list.HasData)
        {
            var extension = list.ReadSequence();
            var oid = extension.ReadObjectIdentifier();
            var critical = extension.PeekTag().HasSameClassAndValue(Asn1Tag.Boolean) && extension.ReadBoolean();
            if (extensions.Any(e => e.Oid == oid))
            {
                detail = $"extension {oid} stands twice";
                return false;
            }

            extensions.Add(new(oid, critical, extension.ReadOctetString()));
            extension.ThrowIfNotEmpty();
        }

        return true;
    }

    private static bool Refuse(RequestRefusal why, string what, out RequestRefusal refusal, out string detail)
    {
        (refusal, detail) = (why, what);
        return false;
    }
}
