using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Signet.Store;

/// <summary>
/// Makes one process the owner of a data directory. The lock is the operating system's (flock on <c>signet.lock</c>), so it ends with the process however that ends;
/// a leftover file means nothing. <c>signet.pid</c> beside it only serves the message to whoever comes second.
/// </summary>
public sealed class DirectoryLock : IDisposable
{
    private const string LockName = "signet.lock", PidName = "signet.pid";
    private readonly FileStream _stream;
    private readonly string _pidFile;

    private DirectoryLock(FileStream stream, string pidFile) => (_stream, _pidFile) = (stream, pidFile);

    /// <summary>Takes the lock, or tells which process holds it.</summary>
    /// <param name="directory">Must exist.</param>
    /// <param name="held">The lock; dispose it to give the directory free.</param>
    /// <param name="holderPid">Process id of the present holder, null when it cannot be told.</param>
    /// <exception cref="StoreException">The directory is missing or may not be written.</exception>
    public static bool TryAcquire(string directory, [NotNullWhen(true)] out DirectoryLock? held, out int? holderPid)
    {
        (held, holderPid) = (null, null);
        var path = Path.Combine(directory, LockName);
        var pidFile = Path.Combine(directory, PidName);
        try
        {
            // FileShare.None is flock(LOCK_EX) on Unix, released by the kernel when the process dies; .NET opens with O_CLOEXEC, so children do not keep it.
            var stream = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            File.WriteAllText(pidFile, Environment.ProcessId.ToString(CultureInfo.InvariantCulture) + "\n");
            held = new DirectoryLock(stream, pidFile);
            return true;
        }
        catch (Exception e) when (e is DirectoryNotFoundException)
        {
            throw new StoreException(StoreFailure.CannotOpen, $"{directory}: does not exist.", e);
        }
        catch (UnauthorizedAccessException e)
        {
            throw StoreException.From(e, path)!;
        }
        catch (IOException e) when ((e.HResult & 0xffff) == WouldBlock)
        {
            holderPid = ReadPid(pidFile);
            return false;
        }
        catch (IOException e)
        {
            throw StoreException.From(e, path)!;
        }
    }

    public void Dispose()
    {
        // While the lock is still held, so that nobody else's note is removed.
        try { File.Delete(_pidFile); }
        catch (IOException) { /* a read-only disk keeps the note; it means nothing without the lock */ }
        catch (UnauthorizedAccessException) { /* as above */ }
        _stream.Dispose();
    }

    // EWOULDBLOCK: flock refused because another open file description holds it.
    private const int WouldBlock = 11;

    private static int? ReadPid(string path)
    {
        try
        {
            return int.TryParse(File.ReadAllText(path).AsSpan().Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var pid) ? pid : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
