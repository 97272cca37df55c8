using Signet.Store;

namespace Signet.Testing;

/// <summary>
/// Which database the suites run over: <c>SIGNET_TEST_DATABASE=postgres</c> for the second round, SQLite without it. One suite, both databases.
/// </summary>
public static class TestDatabase
{
    /// <summary>Tests that look at the files of SQLite carry this trait, and the second round leaves them out.</summary>
    public const string Trait = "database", SqliteOnly = "sqlite";

    public static bool IsPostgres { get; } = Environment.GetEnvironmentVariable("SIGNET_TEST_DATABASE") switch
    {
        "postgres" => true,
        null or "" or "sqlite" => false,
        var other => throw new InvalidOperationException($"SIGNET_TEST_DATABASE is {other}; sqlite or postgres"),
    };

    /// <summary>Connection string of an empty database on the shared server in the second round; null (files) in the first.</summary>
    public static string? NewConnection() => IsPostgres ? PostgresServer.SharedAsync().GetAwaiter().GetResult().NewDatabase() : null;

    public static PostgresAddress? New() => NewConnection() is { } connection ? PostgresAddress.Parse(connection) : null;
}
