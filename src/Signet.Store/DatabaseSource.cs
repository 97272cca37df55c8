namespace Signet.Store;

/// <summary>Where one database is: a file, or a schema on a PostgreSQL server.</summary>
public sealed record DatabaseSource
{
    private DatabaseSource() { }

    /// <summary>The SQLite file; null for PostgreSQL.</summary>
    public string? Path { get; private init; }

    /// <summary>The server; null for SQLite.</summary>
    public PostgresAddress? Address { get; private init; }

    /// <summary>Schema that holds the tables; null for SQLite.</summary>
    public string? Schema { get; private init; }

    public DatabaseKind Kind => Path is null ? DatabaseKind.Postgres : DatabaseKind.Sqlite;

    public static DatabaseSource Sqlite(string path) => new() { Path = path };

    /// <param name="address">The server and database.</param>
    /// <param name="schema">Lower-case letters, digits and underscores, at most 63; not starting with a digit.</param>
    /// <exception cref="ArgumentException">Another name.</exception>
    public static DatabaseSource Postgres(PostgresAddress address, string schema)
    {
        if (schema.Length is 0 or > 63 || char.IsAsciiDigit(schema[0]) || !schema.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '_'))
            throw new ArgumentException($"\"{schema}\" is no schema name of ours.", nameof(schema));
        return new() { Address = address, Schema = schema };
    }

    /// <summary>For messages; never a secret.</summary>
    public override string ToString() => Path ?? $"{Address}/{Schema}";
}
