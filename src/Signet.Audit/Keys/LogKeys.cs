using System.Security.Cryptography;
using System.Text;
using Signet.Proof;
using Signet.Store;

namespace Signet.Audit;

/// <summary>
/// The keys of one log, as files in its directory: <c>checkpoint.key</c> (P-256, PKCS#8 PEM, 0600) signs checkpoints, <c>checkpoint.pub</c> is what an auditor gets,
/// <c>hmac.key</c> is the moving HMAC key, <c>checkpoint</c> the newest note, kept outside the database so that a rolled-back database is noticed.
/// </summary>
internal sealed class LogKeys : IDisposable
{
    public const string SignerFile = "checkpoint.key", TrustFile = "checkpoint.pub", NewestFile = "checkpoint", FirstKeyFile = "first.key";
    private readonly string _directory;
    private readonly KeySlots _slots;

    private LogKeys(string directory, ECDsa signer, KeySlots slots, ForwardKey hmac)
    {
        (_directory, Signer, _slots, Hmac) = (directory, signer, slots, hmac);
        Public = CheckpointKey.Of(signer);
    }

    public ECDsa Signer { get; }
    public CheckpointKey Public { get; }
    public ForwardKey Hmac { get; private set; }

    public string Origin => OriginOf(Public);

    public static string OriginOf(CheckpointKey key) => "signet/audit/" + key.Fingerprint.ToString()[..16];

    /// <summary>Makes the keys of a new log. Doing it again after a crash is harmless: nothing was signed or keyed with them yet.</summary>
    public static LogKeys Create(AuditOptions options, RandomNumberGenerator random)
    {
        var signer = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        DurableFile.Replace(Path.Combine(options.Directory, SignerFile), Encoding.ASCII.GetBytes(signer.ExportPkcs8PrivateKeyPem() + "\n"));
        using (var publicKey = CheckpointKey.Of(signer))
            DurableFile.Replace(Path.Combine(options.Directory, TrustFile), Encoding.ASCII.GetBytes(publicKey.ToPem()), PublicMode);
        var first = new byte[ForwardKey.Size];
        random.GetBytes(first);
        var hmac = new ForwardKey(first, 0);
        var slots = KeySlots.Create(options.Directory, hmac);
        options.ExportFirstKey?.Invoke(first);
        if (options.KeepFirstKey) AuditFirstKey.Write(Path.Combine(options.Directory, FirstKeyFile), first);
        CryptographicOperations.ZeroMemory(first);
        return new LogKeys(options.Directory, signer, slots, hmac);
    }

    /// <exception cref="StoreException">A key file is missing, unreadable or open to others.</exception>
    public static LogKeys Open(string directory)
    {
        var path = Path.Combine(directory, SignerFile);
        RequirePrivate(path);
        RequirePrivate(Path.Combine(directory, KeySlots.FileName));
        var signer = ECDsa.Create();
        try
        {
            signer.ImportFromPem(File.ReadAllText(path));
            var slots = KeySlots.TryOpen(directory, readOnly: false, out var hmac) ?? throw new StoreException(StoreFailure.Corrupt, $"{Path.Combine(directory, KeySlots.FileName)}: holds no key. Restore it from a backup.");
            return new LogKeys(directory, signer, slots, hmac!);
        }
        catch (Exception e)
        {
            signer.Dispose();
            if (e is not (ArgumentException or CryptographicException)) throw;
            throw new StoreException(StoreFailure.Corrupt, $"{path}: not a P-256 private key in PEM. Restore it from a backup.", e);
        }
    }

    /// <summary>Moves the HMAC key on to the given epoch; the files are changed once, however far it goes.</summary>
    public void AdvanceTo(long epoch)
    {
        while (Hmac.Epoch < epoch) Hmac.Advance();
        if (_slots.Epoch < Hmac.Epoch) _slots.Replace(Hmac);
    }

    public void KeepNewest(Checkpoint checkpoint) =>
        DurableFile.Replace(Path.Combine(_directory, NewestFile), Encoding.UTF8.GetBytes(checkpoint.Note), PublicMode);

    public static string? ReadNewest(string directory)
    {
        var path = Path.Combine(directory, NewestFile);
        return File.Exists(path) ? File.ReadAllText(path) : null;
    }

    public void Dispose()
    {
        Signer.Dispose();
        Public.Dispose();
        Hmac.Dispose();
        _slots.Dispose();
    }

    private const UnixFileMode PublicMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    private static void RequirePrivate(string path)
    {
        if (!File.Exists(path)) throw new StoreException(StoreFailure.CannotOpen, $"{path}: is missing. Restore it from a backup.");
        if (OperatingSystem.IsWindows()) return;
        const UnixFileMode others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;
        if ((File.GetUnixFileMode(path) & others) != UnixFileMode.None) throw new StoreException(StoreFailure.CannotOpen, $"{path}: a private key that others can read or write. Run: chmod 600 {path}");
    }
}
