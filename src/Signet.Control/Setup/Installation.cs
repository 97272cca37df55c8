using System.Security.Cryptography;

namespace Signet.Control;

/// <summary>The data directory of one center: <c>pki/ signet.db audit/ broker/ device/NAME/ installation.json signet.lock profile.json</c>.</summary>
public sealed class Installation : IDisposable
{
    private Installation(string directory) => Directory = directory;

    public string Directory { get; }
    public string PkiDirectory => Path.Combine(Directory, "pki");
    public string DatabasePath => Path.Combine(Directory, "signet.db");
    public string AuditDirectory => Path.Combine(Directory, "audit");
    public string BrokerDirectory => Path.Combine(Directory, "broker");

    /// <summary>Where the command line finds address and token of the running center; mode 0600, written by <c>up</c>.</summary>
    public string ProfilePath => Path.Combine(Directory, "profile.json");

    /// <summary>The home of a device of this machine.</summary>
    public string DeviceDirectory(string name) => Path.Combine(Directory, "device", name);

    /// <summary>Random, made once: tells one center from another.</summary>
    public string Id { get; } = "";
    public DateTimeOffset Created { get; }
    public bool IsDemo { get; }
    public IReadOnlyList<string> Hosts { get; } = [];

    /// <summary>Is there a whole data directory?</summary>
    public static bool Exists(string directory) => File.Exists(Path.Combine(directory, "installation.json"));

    /// <summary>Makes PKI, databases and audit log in a directory beside the target, then renames it: after kill -9 at any moment there is the whole directory or none, and the next call cleans up.</summary>
    /// <exception cref="ControlException">The target exists and is not empty, cannot be written, or another process is making it.</exception>
    public static Task CreateAsync(string directory, InstallationOptions options, TimeProvider time, RandomNumberGenerator random, CancellationToken cancellationToken = default)
        => throw new NotSupportedException("lands next");

    /// <summary>Takes the lock on a whole directory. Format, file modes and contents are checked.</summary>
    /// <exception cref="ControlException">In use by another process (named), half-made, of a newer format, or with a readable key.</exception>
    public static Installation Open(string directory) => new(directory);

    public void Dispose() { }
}
