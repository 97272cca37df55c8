using System.Runtime.InteropServices;

namespace Signet.Store;

/// <summary>The few calls of SQLite that are made for every row: without the driver's safe handles, which cost more than the calls. The statement must be kept alive by its owner meanwhile.</summary>
internal static partial class SqliteNative
{
    // The name that SqliteRuntime resolves to the operating system's library.
    private const string Library = "e_sqlite3";

    [LibraryImport(Library, EntryPoint = "sqlite3_step")]
    internal static partial int Step(nint statement);

    // These only look into a row that is there already: the runtime need not be told of the call.
    [LibraryImport(Library, EntryPoint = "sqlite3_column_int64")]
    [SuppressGCTransition]
    internal static partial long ColumnNumber(nint statement, int column);

    [LibraryImport(Library, EntryPoint = "sqlite3_column_blob")]
    [SuppressGCTransition]
    internal static unsafe partial byte* ColumnBytes(nint statement, int column);

    [LibraryImport(Library, EntryPoint = "sqlite3_column_bytes")]
    [SuppressGCTransition]
    internal static partial int ColumnLength(nint statement, int column);
}
