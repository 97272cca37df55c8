using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace Signet.Testing;

/// <summary>
/// A real PostgreSQL 15 in a directory of its own, made by initdb and gone with the test run: over a Unix socket by default, on loopback with TLS when asked.
/// As root it runs as the user postgres, because the server refuses root. When this process ends, however it ends, its standard input closes and with it the server.
/// </summary>
public sealed class PostgresServer : IAsyncDisposable
{
    private const string Programs = "/usr/lib/postgresql/15/bin";
    private static readonly Lazy<Task<PostgresServer>> One = new(() => StartAsync());
    private static int _databases;
    private readonly string _directory;
    private Process? _process;

    private PostgresServer(string directory) => _directory = directory;

    /// <summary>Where initdb put the data; the server's files may be changed while it is stopped.</summary>
    public string DataDirectory => Path.Combine(_directory, "data");

    /// <summary>TCP port, also the name of the socket.</summary>
    public int Port { get; private init; }

    private string[] Extra { get; init; } = [];

    /// <summary>One server for all tests of this process that need no settings of their own.</summary>
    public static Task<PostgresServer> SharedAsync() => One.Value;

    /// <param name="settings">Lines of postgresql.conf.</param>
    /// <param name="prepare">Told the data directory before the start, to put files there (owner is set afterwards).</param>
    public static async Task<PostgresServer> StartAsync(IReadOnlyList<string>? settings = null, Action<string>? prepare = null)
    {
        if (!File.Exists($"{Programs}/initdb")) throw new InvalidOperationException("PostgreSQL 15 is missing: apt-get install postgresql-15");
        var directory = Directory.CreateTempSubdirectory("signet-pg-").FullName;
        var server = new PostgresServer(directory) { Port = FreePort(), Extra = [.. settings ?? []] };
        await OwnAsync(directory);
        var made = await BoundedProcess.RunAsync("/bin/sh", ["-c", $"{AsPostgres}{Programs}/initdb -D {server.DataDirectory} -U signet -A trust -E UTF8 --locale=C --no-sync >/dev/null"], within: TimeSpan.FromSeconds(60), directory: "/");
        if (made.ExitCode != 0) throw new InvalidOperationException($"initdb: {made.Output}{made.Errors}");
        // Durability of the machine is not what these tests are about; the order of writes is the same without fsync.
        await File.AppendAllLinesAsync(Path.Combine(server.DataDirectory, "postgresql.conf"),
            ["listen_addresses = '127.0.0.1'", $"unix_socket_directories = '{directory}'", "fsync = off", "max_connections = 200", "shared_buffers = 64MB", .. server.Extra]);
        prepare?.Invoke(server.DataDirectory);
        await OwnAsync(directory);
        await server.ResumeAsync();
        return server;
    }

    /// <summary>A new empty database, as a connection string over the Unix socket.</summary>
    public string NewDatabase()
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"t{Interlocked.Increment(ref _databases)}");
        Execute("postgres", $"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'");
        return ConnectionString(name);
    }

    /// <summary>A new database with the content of another one, which nobody may be using.</summary>
    public string CopyDatabase(string connection)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"t{Interlocked.Increment(ref _databases)}");
        Execute("postgres", $"CREATE DATABASE {name} TEMPLATE {new NpgsqlConnectionStringBuilder(connection).Database}");
        return ConnectionString(name);
    }

    public string ConnectionString(string database) => string.Create(CultureInfo.InvariantCulture, $"Host={_directory};Port={Port};Database={database};Username=signet");

    /// <summary>Runs a statement as the server's owner.</summary>
    public void Execute(string database, string sql)
    {
        using var connection = new NpgsqlConnection(ConnectionString(database) + ";Pooling=false");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    /// <summary>Ends it at once, as a crash does.</summary>
    public async Task StopAsync()
    {
        if (_process is not { } process) return;
        _process = null;
        await File.WriteAllTextAsync(Keep, "");
        process.StandardInput.Close();
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));
        process.Dispose();
    }

    /// <summary>Starts it (again) on the same data.</summary>
    public async Task ResumeAsync()
    {
        // The shell outlives nothing: when our end of the pipe closes, "cat" ends, the server gets SIGQUIT (immediate shutdown), and its files go unless it was stopped on purpose.
        File.Delete(Keep);
        var script = $"{AsPostgres}{Programs}/postgres -D {DataDirectory} -p {Port.ToString(CultureInfo.InvariantCulture)} >{_directory}/log 2>&1 & pid=$!; cat >/dev/null; kill -QUIT $pid; wait $pid; [ -e {Keep} ] || rm -rf {_directory}";
        _process = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", script]) { RedirectStandardInput = true, UseShellExecute = false, WorkingDirectory = "/" })!;
        var limit = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                Execute("postgres", "SELECT 1");
                return;
            }
            catch (NpgsqlException e) when (limit.Elapsed < TimeSpan.FromSeconds(30))
            {
                if (_process.HasExited) throw new InvalidOperationException($"postgres ended: {await File.ReadAllTextAsync(Path.Combine(_directory, "log"))}", e);
                await Task.Delay(20);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Directory.Delete(_directory, recursive: true);
    }

    private string Keep => Path.Combine(_directory, "keep");

    // setpriv keeps the process (no shell between), so that a signal reaches the server itself.
    private static string AsPostgres => Environment.UserName == "root" ? "setpriv --reuid=postgres --regid=postgres --clear-groups " : "";

    private static async Task OwnAsync(string directory)
    {
        if (Environment.UserName != "root") return;
        var owned = await BoundedProcess.RunAsync("chown", ["-R", "postgres:postgres", directory]);
        if (owned.ExitCode != 0) throw new InvalidOperationException(owned.Errors);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
