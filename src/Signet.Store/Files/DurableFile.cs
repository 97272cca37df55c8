using System.Runtime.InteropServices;

namespace Signet.Store;

/// <summary>Small files that are either the old one or the new one after any crash, and on the disk when the call returns.</summary>
public static partial class DurableFile
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Replaces (or creates) a file: temporary file beside it, fsync, rename, fsync of the directory. Mode 0600 unless <paramref name="mode"/> says otherwise.</summary>
    /// <exception cref="IOException">Nothing was changed.</exception>
    public static void Replace(string path, ReadOnlySpan<byte> content, UnixFileMode mode = Private)
    {
        var temporary = path + ".new";
        File.Delete(temporary);   // left behind by a crash
        using (var stream = Create(temporary, mode))
        {
            stream.Write(content);
            stream.Flush(flushToDisk: true);
        }
        File.Move(temporary, path, overwrite: true);
        SyncDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
    }

    /// <summary>A new file with its mode from the first moment. Fails when it exists.</summary>
    public static FileStream Create(string path, UnixFileMode mode = Private)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, Share = FileShare.None };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = mode;
        return new FileStream(path, options);
    }

    /// <summary>Opens a file for reading although another process of ours holds its lock (.NET locks whatever it opens; on Unix that binds only those who ask).</summary>
    /// <exception cref="IOException">It cannot be opened.</exception>
    public static FileStream OpenHeld(string path)
    {
        if (OperatingSystem.IsWindows()) return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var handle = OpenFile(path, CloseOnExec);
        return handle >= 0 ? new FileStream(new Microsoft.Win32.SafeHandles.SafeFileHandle(handle, ownsHandle: true), FileAccess.Read) : throw new IOException($"{path}: cannot be opened (errno {Marshal.GetLastPInvokeError()}).");
    }

    // O_RDONLY is 0; O_CLOEXEC of <fcntl.h> on Linux and on macOS.
    private static readonly int CloseOnExec = OperatingSystem.IsMacOS() ? 0x1000000 : 0x80000;

    /// <summary>Makes creations, renames and removals in a directory durable: on Linux fsync of a file does not cover its name.</summary>
    public static void SyncDirectory(string directory)
    {
        if (OperatingSystem.IsWindows()) return;
        var handle = OpenFile(directory, 0);
        if (handle < 0) throw new IOException($"{directory}: cannot be opened to sync it (errno {Marshal.GetLastPInvokeError()}).");
        try
        {
            if (Fsync(handle) != 0) throw new IOException($"{directory}: cannot be synced (errno {Marshal.GetLastPInvokeError()}).");
        }
        finally
        {
            _ = CloseFile(handle);
        }
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int OpenFile(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Fsync(int handle);

    [LibraryImport("libc", EntryPoint = "close")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int CloseFile(int handle);
}
