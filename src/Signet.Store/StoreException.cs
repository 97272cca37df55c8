using System.Data.Common;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace Signet.Store;

/// <summary>Why stored data cannot be used. Each has one meaning for the person who must mend it.</summary>
public enum StoreFailure
{
    /// <summary>Another process holds the write lock for longer than the busy timeout.</summary>
    Locked = 1,

    /// <summary>Not a database of ours: another format, or another program's.</summary>
    NotADatabase = 2,

    /// <summary>The file, its directory or its file system may not be written.</summary>
    ReadOnly = 3,

    /// <summary>No space left. What was acknowledged before is safe.</summary>
    DiskFull = 4,

    /// <summary>A newer version of the program has written the schema.</summary>
    NewerSchema = 5,

    /// <summary>The file is a database with damaged pages.</summary>
    Corrupt = 6,

    /// <summary>The file cannot be opened (missing directory, no permission).</summary>
    CannotOpen = 7,

    /// <summary>The device answered with an input/output error, the server cannot be reached, or the store was closed.</summary>
    Unavailable = 8,

    /// <summary>A schema migration could not be applied; nothing of it is there.</summary>
    MigrationFailed = 9,
}

/// <summary>
/// Stored data cannot be read or written. The message is one line that names the file or server and what to do.
/// A mistake in a statement or a violated constraint is not a <see cref="StoreException"/>: it stays the driver's own <see cref="DbException"/>.
/// </summary>
public sealed class StoreException : Exception
{
    public StoreException(StoreFailure failure, string message, Exception? inner = null)
        : base(message, inner) => Failure = failure;

    public StoreFailure Failure { get; }

    /// <summary>True when trying again later can succeed without anybody repairing the file.</summary>
    public bool IsTransient => Failure is StoreFailure.Locked or StoreFailure.ReadOnly or StoreFailure.DiskFull or StoreFailure.CannotOpen or StoreFailure.Unavailable;

    /// <summary>Names what the driver reported, or returns null when the failure lies in the statement or its values and not in the file.</summary>
    public static StoreException? From(Exception exception, string path) => exception switch
    {
        StoreException known => known,
        SqliteException sqlite => FromSqlite(sqlite, path),
        NpgsqlException postgres => PostgresFailure.From(postgres, path),
        UnauthorizedAccessException => new(StoreFailure.ReadOnly, $"{path}: may not be written. Check the owner and mode of the file and its directory.", exception),
        IOException io when (io.HResult & 0xffff) == LinuxNoSpace => DiskFull(path, exception),
        IOException => new(StoreFailure.Unavailable, $"{path}: {FirstLine(exception.Message)}", exception),
        _ => null,
    };

    // ENOSPC; .NET puts errno into the low word of HResult on Unix.
    private const int LinuxNoSpace = 28;

    private static StoreException? FromSqlite(SqliteException e, string path) => e.SqliteErrorCode switch
    {
        SQLitePCL.raw.SQLITE_BUSY or SQLitePCL.raw.SQLITE_LOCKED => new(StoreFailure.Locked, $"{path}: locked by another process. Stop the program that holds it, then try again.", e),
        SQLitePCL.raw.SQLITE_NOTADB => new(StoreFailure.NotADatabase, $"{path}: not a database. Move the file away or restore it from a backup.", e),
        SQLitePCL.raw.SQLITE_READONLY => new(StoreFailure.ReadOnly, $"{path}: read-only. Check the mode of the file and whether its file system is mounted read-only.", e),
        SQLitePCL.raw.SQLITE_FULL => DiskFull(path, e),
        SQLitePCL.raw.SQLITE_CORRUPT => new(StoreFailure.Corrupt, $"{path}: damaged database pages. Keep a copy, then restore it from a backup.", e),
        SQLitePCL.raw.SQLITE_CANTOPEN or SQLitePCL.raw.SQLITE_PERM or SQLitePCL.raw.SQLITE_AUTH => new(StoreFailure.CannotOpen, $"{path}: cannot be opened. Check that its directory exists and may be entered.", e),
        SQLitePCL.raw.SQLITE_IOERR => new(StoreFailure.Unavailable, $"{path}: input/output error. Check the disk.", e),
        _ => null,
    };

    private static StoreException DiskFull(string path, Exception e) => new(StoreFailure.DiskFull, $"{path}: disk full. Free some space; nothing that was acknowledged is lost.", e);

    private static string FirstLine(string message) => message.Split('\n', 2)[0].TrimEnd();
}
