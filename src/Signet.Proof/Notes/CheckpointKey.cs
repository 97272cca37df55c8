using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Signet.Proof;

/// <summary>
/// A P-256 public key whose signatures on checkpoints are believed. C2SP signed-note signature type 0x02:
/// ECDSA with SHA-256 over the note's text, DER encoded; key id = the first four bytes of SHA-256 over the SubjectPublicKeyInfo.
/// </summary>
public sealed class CheckpointKey : IDisposable
{
    public const int IdLength = 4;
    private readonly ECDsa _key;

    private CheckpointKey(ECDsa key)
    {
        _key = key;
        var der = key.ExportSubjectPublicKeyInfo();
        SubjectPublicKeyInfo = der;
        Fingerprint = Digest.Sha256(der);
        Id = Fingerprint.ToArray().AsMemory(0, IdLength);
    }

    public ReadOnlyMemory<byte> SubjectPublicKeyInfo { get; }

    /// <summary>SHA-256 of the SubjectPublicKeyInfo.</summary>
    public Digest Fingerprint { get; }

    /// <summary>Four bytes that stand in front of each signature.</summary>
    public ReadOnlyMemory<byte> Id { get; }

    /// <summary>Takes the public half of a key.</summary>
    public static CheckpointKey Of(ECDsa key) => FromSubjectPublicKeyInfo(key.ExportSubjectPublicKeyInfo());

    /// <exception cref="CryptographicException">Not a P-256 public key.</exception>
    public static CheckpointKey FromSubjectPublicKeyInfo(ReadOnlySpan<byte> der)
    {
        var key = ECDsa.Create();
        try
        {
            key.ImportSubjectPublicKeyInfo(der, out var read);
            if (read != der.Length || key.KeySize != 256) throw new CryptographicException("A checkpoint key is a P-256 key.");
            return new CheckpointKey(key);
        }
        catch (PlatformNotSupportedException e)
        {
            key.Dispose();
            throw new CryptographicException("A checkpoint key is a P-256 key.", e); // the platform's answer to a curve it does not have
        }
        catch
        {
            key.Dispose();
            throw;
        }
    }

    /// <summary>Reads a trust file: any number of PEM blocks PUBLIC KEY or CERTIFICATE. Other blocks (a private key by mistake) are refused.</summary>
    public static bool TryReadPem(ReadOnlySpan<char> pem, [NotNullWhen(true)] out IReadOnlyList<CheckpointKey>? keys, out string why)
    {
        keys = null;
        var found = new List<CheckpointKey>();
        try
        {
            while (PemEncoding.TryFind(pem, out var block))
            {
                var label = pem[block.Label];
                var bytes = Convert.FromBase64String(pem[block.Base64Data].ToString());
                if (label is "PUBLIC KEY") found.Add(FromSubjectPublicKeyInfo(bytes));
                else if (label is "CERTIFICATE")
                {
                    using var certificate = X509CertificateLoader.LoadCertificate(bytes);
                    found.Add(FromSubjectPublicKeyInfo(certificate.PublicKey.ExportSubjectPublicKeyInfo()));
                }
                else
                {
                    why = $"holds a block \"{label}\"; a trust file has only PUBLIC KEY and CERTIFICATE";
                    return false;
                }
                pem = pem[block.Location.End..];
            }
        }
        catch (Exception e) when (e is CryptographicException or FormatException)
        {
            why = "holds a key that is not a P-256 public key";
            return false;
        }
        why = found.Count == 0 ? "holds no PEM block PUBLIC KEY or CERTIFICATE" : "";
        if (found.Count == 0) return false;
        keys = found;
        return true;
    }

    public string ToPem() => PemEncoding.WriteString("PUBLIC KEY", SubjectPublicKeyInfo.Span) + "\n";

    /// <summary>Never throws, whatever the signature's bytes.</summary>
    public bool Verify(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        try
        {
            return _key.VerifyData(data, signature, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    public void Dispose() => _key.Dispose();
}
