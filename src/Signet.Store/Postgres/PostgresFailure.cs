using System.Security.Authentication;
using Npgsql;

namespace Signet.Store;

/// <summary>Names what PostgreSQL or the way to it reported. SQLSTATE: PostgreSQL 15 documentation, appendix A.</summary>
internal static class PostgresFailure
{
    /// <returns>Null when the failure lies in the statement or its values.</returns>
    public static StoreException? From(NpgsqlException e, string name) => e is PostgresException answer ? FromServer(answer, name) : FromWay(e, name);

    private static StoreException? FromServer(PostgresException e, string name) => e.SqlState switch
    {
        PostgresErrorCodes.DiskFull => new(StoreFailure.DiskFull, $"{name}: the server's disk is full. Free some space; nothing that was acknowledged is lost.", e),
        PostgresErrorCodes.ReadOnlySqlTransaction => new(StoreFailure.ReadOnly, $"{name}: read-only: a standby, or default_transaction_read_only is on. Name the primary server.", e),
        PostgresErrorCodes.InsufficientPrivilege => new(StoreFailure.CannotOpen, $"{name}: the user may not do this: {Line(e)}. Grant it (docs/operations.md, \"PostgreSQL\").", e),
        PostgresErrorCodes.InvalidCatalogName => new(StoreFailure.CannotOpen, $"{name}: there is no such database. Make it with: CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0", e),
        PostgresErrorCodes.TooManyConnections => new(StoreFailure.Unavailable, $"{name}: the server has no free connection (max_connections).", e),
        PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.QueryCanceled
            => new(StoreFailure.Locked, $"{name}: held up by another session: {Line(e)}.", e),
        PostgresErrorCodes.DataCorrupted or PostgresErrorCodes.IndexCorrupted => new(StoreFailure.Corrupt, $"{name}: damaged pages: {Line(e)}. Keep a copy, then restore a backup.", e),
        { Length: 5 } state => state[..2] switch
        {
            "28" => new(StoreFailure.CannotOpen, $"{name}: the server refuses the user: {Line(e)}. Check user name, password or client certificate and the server's pg_hba.conf.", e),
            "08" or "57" or "53" or "58" => new(StoreFailure.Unavailable, $"{name}: {Line(e)}. It is tried again by itself.", e),
            _ => null,
        },
        _ => null,
    };

    private static StoreException FromWay(NpgsqlException e, string name)
    {
        for (Exception? cause = e; cause is not null; cause = cause.InnerException)
            if (cause is AuthenticationException)
                return new(StoreFailure.CannotOpen, $"{name}: the TLS connection is refused: {cause.Message.Split('\n')[0].TrimEnd('.')}. Check Root Certificate, the server's name and the client certificate.", e);
        return new(StoreFailure.Unavailable, $"{name}: not reachable: {(e.InnerException ?? e).Message.Split('\n')[0].TrimEnd('.')}. Check that the server runs; it is tried again by itself.", e);
    }

    private static string Line(PostgresException e) => e.MessageText.Split('\n')[0].TrimEnd('.');
}
