using System.Globalization;
using System.Runtime.InteropServices;

namespace Signet.Bench;

/// <summary>Whose the resident memory of this process is, in bytes: the garbage collector's, the C library's allocator's (OpenSSL, SQLite), mapped files'. Linux with glibc only.</summary>
/// <param name="Resident">All of it.</param>
/// <param name="Managed">Committed by the garbage collector, whether used or not.</param>
/// <param name="Used">What the allocator has handed out and not got back.</param>
/// <param name="Kept">What it got back and holds, resident or not.</param>
/// <param name="Arenas">Resident of the allocator's heaps.</param>
/// <param name="Heaps">How many of those there are.</param>
/// <param name="Files">Resident of mapped files.</param>
internal sealed partial record MemoryAccount(long Resident, long Managed, long Used, long Kept, long Arenas, int Heaps, long Files)
{
    /// <summary>HEAP_MAX_SIZE of malloc's arenas on 64 bits: each heap begins at a multiple of it.</summary>
    private const ulong HeapSize = 64UL << 20;

    public static MemoryAccount Take()
    {
        var (resident, arenas, heaps, files) = (0L, 0L, 0, 0L);
        var (begin, path) = (0UL, "");
        foreach (var line in File.ReadLines("/proc/self/smaps"))
        {
            var dash = line.IndexOf('-', StringComparison.Ordinal);
            if (dash > 0 && ulong.TryParse(line.AsSpan(0, dash), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out begin))
            {
                path = line.Split(' ', 6) is [_, _, _, _, _, var last] ? last.Trim() : "";
                continue;
            }
            if (!line.StartsWith("Rss:", StringComparison.Ordinal)) continue;
            var bytes = long.Parse(line.AsSpan(4, line.Length - 4 - "kB".Length), CultureInfo.InvariantCulture) * 1024;
            resident += bytes;
            if (path is "[heap]" || (path.Length == 0 && begin % HeapSize == 0 && bytes > 0))
            {
                arenas += bytes;
                heaps++;
            }
            else if (path.StartsWith('/')) files += bytes;
        }
        var info = mallinfo2();
        return new(resident, GC.GetGCMemoryInfo(GCKind.Any).TotalCommittedBytes, (long)(info.Used + info.Mapped), (long)info.Free, arenas, heaps, files);
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"resident {Resident / 1e6:0} MB: collector {Managed / 1e6:0}, allocator {Arenas / 1e6:0} in {Heaps} heaps ({Used / 1e6:0} in use, {Kept / 1e6:0} free), files {Files / 1e6:0}");

    /// <summary>Gives free pages of the allocator back to the system; an experiment.</summary>
    public static void Trim() => _ = malloc_trim(0);

    [DllImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern MallInfo mallinfo2();

    [DllImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int malloc_trim(nuint pad);

    // struct mallinfo2 of malloc.h.
    [StructLayout(LayoutKind.Sequential)]
    private readonly struct MallInfo
    {
        public readonly nuint Arena, FreeChunks, FastChunks, MappedChunks, Mapped, Unused, FastFree, Used, Free, Top;
    }
}
