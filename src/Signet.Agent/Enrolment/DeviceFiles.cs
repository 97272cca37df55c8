using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Signet.Pki;

namespace Signet.Agent;

/// <summary>The certificate files of a device's home, as enrolment and renewal write them. A renewed pair is written beside the old one and then moved over it: after any crash there is one whole pair.</summary>
internal static class DeviceFiles
{
    /// <summary>Suffix of a pair that is about to take the present one's place.</summary>
    private const string Next = ".next";

    public static string NextKey(string directory, string name) => Path.Combine(directory, name + Next + ".key");

    /// <summary>Leaf and the intermediate above it; of several (a rotation overlaps) the one from the oldest root, which every peer knows.</summary>
    public static string WithIssuers(X509Certificate2 leaf, X509Certificate2Collection authorities)
    {
        var issuer = authorities.LastOrDefault(a => a.SubjectName.RawData.AsSpan().SequenceEqual(leaf.IssuerName.RawData));
        return PemFile.Encode(leaf) + (issuer is null ? "" : PemFile.Encode(issuer));
    }

    public static X509Certificate2Collection Roots(X509Certificate2Collection authorities) => [.. authorities.Where(a => a.SubjectName.RawData.AsSpan().SequenceEqual(a.IssuerName.RawData))];

    /// <exception cref="AgentException">There is no root among them.</exception>
    public static string RootsOf(X509Certificate2Collection authorities)
        => Roots(authorities) is { Count: > 0 } roots ? string.Concat(roots.Select(PemFile.Encode)) : throw new AgentException("the center hands out no root");

    /// <exception cref="AgentException">The certificate is not for this key, or names somebody else.</exception>
    public static void RequireOwn(X509Certificate2 leaf, ECDsa key, string name)
    {
        if (!leaf.PublicKey.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(key.ExportSubjectPublicKeyInfo())) throw new AgentException("the center answered with a certificate for another key");
        if (leaf.GetNameInfo(X509NameType.SimpleName, forIssuer: false) != name) throw new AgentException("the center answered with a certificate for another name");
    }

    /// <summary>
    /// Pins the command signer. A home that has one takes another only when its certificate is a command center's under the same roots and newer: whoever holds the center's TLS key alone, or an
    /// old copy, cannot change who gives commands.
    /// </summary>
    /// <returns>False: it is the pinned one, or not newer.</returns>
    /// <exception cref="AgentException">Refused, and why.</exception>
    public static bool WriteSigner(string directory, string pem, X509Certificate2Collection roots, TimeProvider time)
    {
        var path = Path.Combine(directory, "center_sign.crt");
        var offered = new X509Certificate2Collection();
        try
        {
            offered.ImportFromPem(pem);
        }
        catch (CryptographicException e)
        {
            throw new AgentException($"the command signer that the center names cannot be read: {e.Message}", e);
        }

        if (offered.Count == 0) throw new AgentException("the center names no command signer");
        var present = File.Exists(path) ? PemFile.Read(path)[0] : null;
        if (present is not null && (present.RawData.AsSpan().SequenceEqual(offered[0].RawData) || offered[0].NotBefore <= present.NotBefore)) return false;
        var verdict = new CertificateJudge(() => new TrustStore(roots), () => RevocationState.Empty, time).Judge(offered[0], offered, CertificatePurpose.CommandSigning);
        if (!verdict.Accepted || verdict.Identity!.Profile != CertificateProfile.CenterSign) throw new AgentException($"the command signer that the center names is refused: {verdict.Detail}");
        if (present is not null && verdict.Identity.Name != present.GetNameInfo(X509NameType.SimpleName, forIssuer: false)) throw new AgentException("the command signer that the center names has another name");
        PemFile.Write(path, pem);
        return true;
    }

    /// <summary>Puts a whole new pair in the present one's place.</summary>
    public static void Replace(string directory, string name, string certificates)
    {
        PemFile.Write(Path.Combine(directory, name + Next + ".crt"), certificates); // from here on it happens, whatever crashes
        Recover(directory, name);
    }

    /// <summary>Finishes what a crash has interrupted.</summary>
    public static void Recover(string directory, string name)
    {
        var file = Path.Combine(directory, name);
        if (!File.Exists(file + Next + ".crt")) return;
        if (File.Exists(file + Next + ".key")) File.Move(file + Next + ".key", file + ".key", overwrite: true);
        File.Move(file + Next + ".crt", file + ".crt", overwrite: true);
    }
}
