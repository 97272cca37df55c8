using System.Reflection;
using System.Runtime.InteropServices;
using SQLitePCL;

namespace Signet.Store;

/// <summary>
/// Binds the managed driver to the operating system's own SQLite, which the system's maintainers patch. A library bundled in a package would stay as old as the package.
/// </summary>
public static class SqliteRuntime
{
    private const int SqliteMemoryStatus = 9;   // SQLITE_CONFIG_MEMSTATUS

    // A second resolver for the same assembly throws, so the work is done once per process whoever asks first.
    private static readonly Lazy<string> Loaded = new(Load);

    /// <summary>Call before the first connection. Safe from any thread, any number of times.</summary>
    /// <exception cref="StoreException">The system has no SQLite library.</exception>
    public static void EnsureLoaded() => _ = Loaded.Value;

    /// <summary>Version of the library that was loaded, for example "3.40.1".</summary>
    public static string Version => Loaded.Value;

    private static string Load()
    {
        NativeLibrary.SetDllImportResolver(typeof(SQLite3Provider_e_sqlite3).Assembly, Resolve);
        NativeLibrary.SetDllImportResolver(typeof(SqliteRuntime).Assembly, Resolve);
        try
        {
            raw.SetProvider(new SQLite3Provider_e_sqlite3());
            // No count of all memory in use: it is one lock for every allocation of every connection, and nobody asks for it. Too late (somebody used SQLite before us) is no harm.
            _ = raw.sqlite3_config(SqliteMemoryStatus, 0);
            return raw.sqlite3_libversion().utf8_to_string();
        }
        catch (DllNotFoundException e)
        {
            throw new StoreException(StoreFailure.Unavailable, "SQLite is not installed: install the package libsqlite3-0 (Debian) or sqlite (others).", e);
        }
    }

    private static nint Resolve(string library, Assembly assembly, DllImportSearchPath? search)
    {
        if (library != "e_sqlite3") return 0;
        string[] names = OperatingSystem.IsWindows() ? ["winsqlite3.dll"] : OperatingSystem.IsMacOS() ? ["libsqlite3.dylib"] : ["libsqlite3.so.0", "libsqlite3.so"];
        foreach (var name in names)
            if (NativeLibrary.TryLoad(name, out var handle))
                return handle;
        return 0;
    }
}
