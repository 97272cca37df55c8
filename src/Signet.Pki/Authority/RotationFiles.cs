using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Signet.Pki;

/// <summary>
/// Replaces several files of the PKI directory as one step. Everything is written to <c>rotating/</c> first; the file <c>commit</c>, written last, decides:
/// with it a later opening finishes the renames, without it the opening throws the preparation away. So a crash leaves the old authorities or the new ones.
/// </summary>
internal sealed class RotationFiles(AuthorityFiles files)
{
    private string Staging => files.In("rotating");

    private string Marker => Path.Combine(Staging, "commit");

    /// <summary>Call before anything is read.</summary>
    public void Recover()
    {
        if (!Directory.Exists(Staging)) return;
        if (File.Exists(Marker)) Finish();
        else Directory.Delete(Staging, recursive: true);
    }

    public void Begin()
    {
        Recover();
        var options = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(Staging);
            Directory.CreateDirectory(files.Former);
        }
        else
        {
            Directory.CreateDirectory(Staging, options);
            Directory.CreateDirectory(files.Former, options);
        }
    }

    /// <param name="place">Name below the PKI directory, <c>/</c> written as <c>%</c>.</param>
    public void Stage(string place, X509Certificate2 certificate) => PemFile.Write(Path.Combine(Staging, place), PemFile.Encode(certificate));

    public void Stage(string place, AsymmetricAlgorithm key) => KeyFile.Save(Path.Combine(Staging, place), key);

    /// <summary>The present file moves on to another place.</summary>
    public void StageCopy(string from, string place, UnixFileMode mode)
    {
        if (File.Exists(from)) AtomicFile.Write(Path.Combine(Staging, place), File.ReadAllBytes(from), mode);
    }

    public void Commit()
    {
        AtomicFile.Write(Marker, [], AtomicFile.Private);
        Finish();
    }

    private void Finish()
    {
        foreach (var path in Directory.GetFiles(Staging))
        {
            if (path != Marker) File.Move(path, files.In(Path.GetFileName(path).Replace('%', Path.DirectorySeparatorChar)), overwrite: true);
        }

        Directory.Delete(Staging, recursive: true);
    }
}
