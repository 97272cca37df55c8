using System.Net;
using System.Runtime.Versioning;
using Npgsql;

namespace Signet.Store;

/// <summary>
/// Which PostgreSQL database, as whom, and how the way there is protected. Beyond this machine only TLS with a verified server name will do:
/// <c>SSL Mode=VerifyFull;Root Certificate=ca.crt</c>, and with a client certificate <c>SSL Certificate=center.crt;SSL Key=center.key</c>.
/// </summary>
public sealed class PostgresAddress
{
    private readonly NpgsqlConnectionStringBuilder _parts;

    private PostgresAddress(NpgsqlConnectionStringBuilder parts) => _parts = parts;

    public string Host => _parts.Host!;
    public string Database => _parts.Database!;

    /// <summary>Takes a connection string of Npgsql (<c>Host=...;Database=...;Username=...</c>).</summary>
    /// <param name="text">Without a password where possible: it is better read from a file.</param>
    /// <param name="passwordFile">Its first line is the password; mode 0600. Null for none.</param>
    /// <exception cref="StoreException">One clear line: not a connection string, no host or database, not protected, a readable secret.</exception>
    public static PostgresAddress Parse(string text, string? passwordFile = null)
    {
        NpgsqlConnectionStringBuilder parts;
        try
        {
            parts = new(text);
        }
        catch (Exception e) when (e is ArgumentException or FormatException or KeyNotFoundException or InvalidCastException or OverflowException)
        {
            // The driver's message may quote the text, and the text may hold a password: only the name of the part is told.
            throw Wrong($"the connection string cannot be read{(e is ArgumentException { ParamName: { Length: > 0 and < 40 } name } ? $" (at \"{name}\")" : "")}; write it as Host=...;Database=...;Username=...");
        }
        if (string.IsNullOrWhiteSpace(parts.Host)) throw Wrong("the connection string names no Host");
        if (parts.Host.Contains(',', StringComparison.Ordinal)) throw Wrong("the connection string names more than one Host; the center writes to exactly one server");
        if (string.IsNullOrWhiteSpace(parts.Database)) throw Wrong("the connection string names no Database");
        if (!IsHere(parts.Host) && parts.SslMode != SslMode.VerifyFull)
            throw Wrong($"{parts.Host} is another machine, and the connection would not be verified; add SSL Mode=VerifyFull;Root Certificate=FILE");
        foreach (var secret in new[] { parts.SslKey, passwordFile })
            if (!string.IsNullOrEmpty(secret))
                RequirePrivate(secret);
        if (passwordFile is { Length: > 0 }) parts.Password = File.ReadLines(passwordFile).FirstOrDefault()?.Trim();
        foreach (var file in new[] { parts.SslCertificate, parts.RootCertificate })
            if (!string.IsNullOrEmpty(file) && !File.Exists(file))
                throw Wrong($"{file} does not exist");
        return new(parts);
    }

    /// <summary>Server and database, for messages; never the password.</summary>
    public override string ToString() => _parts.Host!.StartsWith('/') ? $"postgres:{_parts.Host}/{_parts.Database}" : $"postgres:{_parts.Host}:{_parts.Port}/{_parts.Database}";

    /// <summary>What the driver is given.</summary>
    /// <param name="schema">Searched for tables, alone.</param>
    /// <param name="pooled">False for the writer: its lock must end with its connection.</param>
    internal string ConnectionString(string schema, bool pooled) => new NpgsqlConnectionStringBuilder(_parts.ConnectionString)
    {
        SearchPath = schema,
        Pooling = pooled,
        MaxPoolSize = StoreLimits.PostgresConnections,
        MaxAutoPrepare = 60,
        ApplicationName = $"signet {Environment.MachineName} {Environment.ProcessId}",
        Timeout = (int)StoreLimits.PostgresConnectTimeout.TotalSeconds,
        CommandTimeout = (int)StoreLimits.PostgresCommandTimeout.TotalSeconds,
        // The server notices within a minute that a center's machine is gone, and gives its lock free.
        Options = $"-c lock_timeout={(long)StoreLimits.BusyTimeout.TotalMilliseconds} -c synchronous_commit=on -c client_min_messages=warning -c tcp_keepalives_idle=20 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3 -c idle_in_transaction_session_timeout=600000",
        TcpKeepAlive = true,
        PersistSecurityInfo = false,
        IncludeErrorDetail = false,
    }.ToString();

    private static bool IsHere(string host) => host.StartsWith('/') || host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || (IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address));

    private static void RequirePrivate(string path)
    {
        if (!File.Exists(path)) throw Wrong($"{path} does not exist");
        if (!OperatingSystem.IsWindows() && IsReadableByOthers(path)) throw Wrong($"{path} can be read by others; run: chmod 600 {path}");
    }

    [UnsupportedOSPlatform("windows")]
    private static bool IsReadableByOthers(string path) =>
        (File.GetUnixFileMode(path) & (UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite)) != UnixFileMode.None;

    private static StoreException Wrong(string message) => new(StoreFailure.CannotOpen, $"PostgreSQL: {message}.");
}
