using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Signet.Pki;

/// <summary>Revocation lists that other authorities' tools made, read into our own state. Nothing unverified gets in, and nothing unreadable passes for "nothing revoked".</summary>
public static class ForeignLists
{
    private static readonly Asn1Tag Extensions = new(TagClass.ContextSpecific, 0, isConstructed: true);

    /// <summary>Reads a file of one list in DER, or of any number in PEM.</summary>
    /// <param name="trust">Each list must be signed by one of these authorities.</param>
    /// <param name="nextUpdate">The earliest nextUpdate among them: when the state is too old to rely on.</param>
    /// <exception cref="PkiException">Empty, unreadable, not signed by an authority trusted here, or a list of a kind that is not understood.</exception>
    public static RevocationState Load(string path, TrustStore trust, out DateTimeOffset nextUpdate)
    {
        var state = RevocationState.Empty;
        nextUpdate = DateTimeOffset.MaxValue;
        foreach (var der in Lists(path))
        {
            if (RevocationList.TryRead(der) is not { } list) throw new PkiException($"{path} holds something that is not a certificate revocation list");
            if (trust.Roots.Concat(trust.Intermediates).FirstOrDefault(a => DistinguishedNames.Id(a.SubjectName) == list.Issuer && IsSigned(der, a)) is null)
                throw new PkiException($"{path}: a list is not signed by an authority trusted here");
            state = state.With(Entries(path, der, list.Issuer));
            if (list.NextUpdate < nextUpdate) nextUpdate = list.NextUpdate;
        }

        return state;
    }

    /// <summary>Issuer and number of each list in a file that <see cref="Load"/> has accepted.</summary>
    internal static IEnumerable<(string Issuer, long Number)> NumbersOf(string path) => Lists(path).Select(der => RevocationList.TryRead(der)!).Select(l => (l.Issuer, l.Number));

    private static List<byte[]> Lists(string path)
    {
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new PkiException($"cannot read {path}: {e.Message}", e);
        }

        if (bytes is [0x30, ..]) return [bytes];
        List<byte[]> found = [];
        ReadOnlySpan<char> rest = System.Text.Encoding.Latin1.GetString(bytes);
        while (PemEncoding.TryFind(rest, out var fields))
        {
            if (rest[fields.Label] is "X509 CRL") found.Add(Convert.FromBase64String(rest[fields.Base64Data].ToString()));
            rest = rest[fields.Location.End..];
        }

        return found.Count > 0 ? found : throw new PkiException($"{path} holds no certificate revocation list; an empty file is not \"nothing revoked\"");
    }

    private static bool IsSigned(byte[] der, X509Certificate2 authority)
    {
        try
        {
            var whole = new AsnReader(der, AsnEncodingRules.DER).ReadSequence();
            var signed = whole.ReadEncodedValue();
            var algorithm = whole.ReadEncodedValue();
            return PublicSignature.Check(authority.PublicKey, algorithm, signed.Span, whole.ReadBitString(out _)) == PublicSignature.Outcome.Good;
        }
        catch (AsnContentException)
        {
            return false;
        }
    }

    // tbsCertList (RFC 5280, section 5.1.2). The list was parsed before; what can still be wrong is inside the entries.
    private static List<RevokedCertificate> Entries(string path, byte[] der, string issuer)
    {
        try
        {
            var list = new AsnReader(der, AsnEncodingRules.DER).ReadSequence().ReadSequence();
            if (list.PeekTag().HasSameClassAndValue(Asn1Tag.Integer)) list.ReadInteger();
            list.ReadSequence();
            list.ReadSequence();
            RevocationList.ReadTime(list);
            if (list.HasData && RevocationList.IsTime(list)) RevocationList.ReadTime(list);
            List<RevokedCertificate> found = [];
            if (list.HasData && list.PeekTag().HasSameClassAndValue(Asn1Tag.Sequence))
            {
                var entries = list.ReadSequence();
                while (entries.HasData) found.Add(Entry(entries.ReadSequence(), issuer));
            }

            if (list.HasData) RequireUnderstood(path, list.ReadSequence(Extensions).ReadSequence());
            return found;
        }
        catch (AsnContentException e)
        {
            throw new PkiException($"{path}: an entry of the list cannot be read", e);
        }
    }

    private static RevokedCertificate Entry(AsnReader entry, string issuer)
    {
        var serial = CertificateFacts.SerialText(entry.ReadIntegerBytes().Span);
        var at = RevocationList.ReadTime(entry);
        var reason = RevocationReason.Unspecified;
        if (entry.HasData)
        {
            var extensions = entry.ReadSequence();
            while (extensions.HasData)
            {
                var extension = extensions.ReadSequence();
                if (extension.ReadObjectIdentifier() != Oids.CrlReason) continue;
                if (extension.PeekTag().HasSameClassAndValue(Asn1Tag.Boolean)) extension.ReadBoolean();
                reason = new AsnReader(extension.ReadOctetString(), AsnEncodingRules.DER).ReadEnumeratedBytes().Span is [var value] ? (RevocationReason)value : reason;
            }
        }

        return new(issuer, serial, at, reason);
    }

    // A critical extension that is not understood means the list must not be used (section 5.2): a delta, or an indirect list with other issuers' entries.
    private static void RequireUnderstood(string path, AsnReader extensions)
    {
        while (extensions.HasData)
        {
            var extension = extensions.ReadSequence();
            var oid = extension.ReadObjectIdentifier();
            var critical = extension.PeekTag().HasSameClassAndValue(Asn1Tag.Boolean) && extension.ReadBoolean();
            if (oid == Oids.DeltaCrlIndicator) throw new PkiException($"{path} is a delta list; give the complete one");
            if (oid == Oids.IssuingDistributionPoint)
            {
                var point = new AsnReader(extension.ReadOctetString(), AsnEncodingRules.DER).ReadSequence();
                // indirectCRL [4], onlySomeReasons [3]: entries of others, or not all of them.
                while (point.HasData)
                {
                    if (point.PeekTag().TagValue is 3 or 4) throw new PkiException($"{path} is an indirect or partial list; give a complete one");
                    point.ReadEncodedValue();
                }
            }
            else if (critical) throw new PkiException($"{path}: the list has a critical extension that is not understood ({oid})");
        }
    }
}
