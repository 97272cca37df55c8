using System.Runtime.InteropServices;

namespace Signet.Pki;

/// <summary>Flushes a directory, so that a file that was made or renamed in it is still there after the power went. The platform has no call for it; on Windows none is needed.</summary>
internal static partial class DurableDirectory
{
    private const int ReadOnly = 0;

    public static void Flush(string path)
    {
        if (!OperatingSystem.IsLinux() && !OperatingSystem.IsMacOS()) return;
        var directory = Open(path, ReadOnly);
        if (directory < 0) return; // nothing more can be done here; the file itself is flushed
        _ = Fsync(directory);
        _ = Close(directory);
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Fsync(int file);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Close(int file);
}
