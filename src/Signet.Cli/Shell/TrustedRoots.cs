using System.Security.Cryptography.X509Certificates;
using Signet.Pki;

namespace Signet.Cli.Shell;

/// <summary>What <c>--trust</c> names: only self-signed certificates become anchors, so an intermediate that lies about is none.</summary>
internal static class TrustedRoots
{
    private const int MaximumFiles = 1000; // chosen: a folder with more is not a folder of roots

    /// <param name="path">A file with one or more roots, or a directory whose <c>root*.crt</c> are meant.</param>
    /// <exception cref="CliException">Nothing there, or no root in it.</exception>
    public static List<X509Certificate2> Load(string path)
    {
        if (!Directory.Exists(path) && !File.Exists(path))
            throw new CliException(ExitCode.WrongUsage, $"There is nothing at {path} to trust.");
        var files = Directory.Exists(path) ? Directory.EnumerateFiles(path, "root*.crt").Take(MaximumFiles) : [path];
        var roots = new List<X509Certificate2>();
        foreach (var file in files)
        {
            try
            {
                roots.AddRange(PemFile.Read(file).Where(certificate => certificate.SubjectName.RawData.AsSpan().SequenceEqual(certificate.IssuerName.RawData)));
            }
            catch (PkiException)
            {
                throw new CliException(ExitCode.WrongUsage, $"{file} is not a certificate.");
            }
        }

        return roots.Count > 0 ? roots : throw new CliException(ExitCode.WrongUsage, $"{path} holds no self-signed root certificate (root*.crt).");
    }
}
