using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using Signet.Pki;
using Signet.Store;

namespace Signet.Control;

/// <summary>
/// The data directory of one center: <c>pki/ signet.db audit/ broker/ device/NAME/ installation.json signet.lock profile.json</c>.
/// An open one holds the lock: one center at a time.
/// </summary>
public sealed class Installation : IDisposable
{
    private readonly DirectoryLock _lock;
    private readonly InstallationRecord _record;

    private Installation(string directory, DirectoryLock held, InstallationRecord record, PostgresAddress? postgres)
        => (Directory, _lock, _record, Databases) = (directory, held, record, InstallationDatabases.Of(directory, postgres));

    public string Directory { get; }
    public string PkiDirectory => Path.Combine(Directory, "pki");

    /// <summary>Where fleet, commands, people and the audit log's rows are kept.</summary>
    public InstallationDatabases Databases { get; }
    public string AuditDirectory => Path.Combine(Directory, "audit");
    public string BrokerDirectory => Path.Combine(Directory, "broker");

    /// <summary>Where the command line finds address and token of the running center; mode 0600, written by <c>up</c>.</summary>
    public string ProfilePath => Path.Combine(Directory, "profile.json");

    /// <summary>The home of a device of this machine.</summary>
    public string DeviceDirectory(string name) => Path.Combine(Directory, "device", name);

    /// <summary>Random, made once: tells one center from another.</summary>
    public string Id => _record.Id;
    public DateTimeOffset Created => _record.Created;
    public bool IsDemo => _record.Demo;
    public IReadOnlyList<string> Hosts => _record.Hosts;
    public string Organization => _record.Organization;

    /// <summary>Kind of the authorities' keys.</summary>
    public KeyKind AuthorityKey => _record.AuthorityKey ?? KeyKind.P256;

    /// <summary>What intermediates may name.</summary>
    public NameConstraints Constraints => _record.Constraints is { } held ? new(held.Organization, held.Domains, held.Networks) : NameConstraints.Organization;

    /// <summary>Is there a whole data directory?</summary>
    public static bool Exists(string directory) => File.Exists(InstallationRecord.PathIn(directory));

    /// <summary>
    /// Makes PKI, databases and audit log in a directory beside the target (<c>DIR.making</c>), then renames it: after kill -9 at any moment there is the
    /// whole directory or none, and the next call begins anew.
    /// </summary>
    /// <exception cref="ControlException">The target exists and is not empty, cannot be written, or another process is making it.</exception>
    public static async Task CreateAsync(string directory, InstallationOptions options, TimeProvider time, RandomNumberGenerator random, CancellationToken cancellationToken = default)
    {
        directory = Path.GetFullPath(directory);
        if (Exists(directory)) throw new ControlException($"{directory} is a data directory already");
        if (File.Exists(directory)) throw new ControlException($"{directory} is a file; choose another place with --data");
        if (System.IO.Directory.Exists(directory) && System.IO.Directory.EnumerateFileSystemEntries(directory).Any(entry => Path.GetFileName(entry) != SettingsName)) throw Foreign(directory);
        await Clearly.DoAsync(async () =>
        {
            var beside = directory + ".making";
            PrivateDirectory.Create(beside);
            using var held = Lock(beside);
            Empty(beside);
            var record = InstallationRecord.New(options, time, random);
            using (var making = new Installation(beside, held, record, options.Postgres)) await InstallationMaker.FillAsync(making, options, time, random, cancellationToken);
            // Last, because it is what makes a directory whole.
            record.Write(beside);
            // Settings may be there before the data are.
            if (File.Exists(Path.Combine(directory, SettingsName))) File.Copy(Path.Combine(directory, SettingsName), Path.Combine(beside, SettingsName), overwrite: true);
            if (System.IO.Directory.Exists(directory)) System.IO.Directory.Delete(directory, recursive: true);
            System.IO.Directory.Move(beside, directory);
            DurableFile.SyncDirectory(Path.GetDirectoryName(directory)!);
            return true;
        });
    }

    /// <summary>Takes the lock on a whole directory. Format, file modes and contents are checked.</summary>
    /// <exception cref="ControlException">In use by another process (named), half-made, of a newer format, or with a readable key.</exception>
    /// <param name="directory">Made by <see cref="CreateAsync"/>.</param>
    /// <param name="postgres">The server, when the settings name one; must agree with how the directory was made.</param>
    public static Installation Open(string directory, PostgresAddress? postgres = null)
    {
        directory = Path.GetFullPath(directory);
        if (!System.IO.Directory.Exists(directory)) throw new ControlException($"there is no data directory {directory}; make one with: signet init --data {directory}");
        if (!Exists(directory)) throw Foreign(directory);
        return Clearly.Do(() =>
        {
            var record = InstallationRecord.Read(directory);
            record.RequireKind(directory, postgres);
            var held = Lock(directory);
            try
            {
                var installation = new Installation(directory, held, record, postgres);
                foreach (var (missing, what) in new[] { (installation.PkiDirectory, "the keys and certificates"), (installation.AuditDirectory, "the audit log"), (installation.Databases.Control.Path ?? directory, "fleet, commands and people") })
                    if (!Path.Exists(missing)) throw new ControlException($"{missing} ({what}) is missing: the data directory was copied in part; restore it from a backup");
                foreach (var key in System.IO.Directory.EnumerateFiles(installation.PkiDirectory, "*.key")) KeyFile.RequirePrivate(key);
                return installation;
            }
            catch
            {
                held.Dispose();
                throw;
            }
        });
    }

    /// <summary>Gives the lock free.</summary>
    public void Dispose() => _lock.Dispose();

    private const string SettingsName = "signet.json";

    private static DirectoryLock Lock(string directory) => DirectoryLock.TryAcquire(directory, out var held, out var pid) ? held
        : throw new ControlException($"{directory} is in use by {(pid is null ? "another process" : $"process {pid}")}; stop it, or choose another directory with --data");

    private static ControlException Foreign(string directory) => new($"{directory} holds files and is not a whole data directory (no installation.json); restore it from a backup, or choose another with --data");

    // What an interrupted run left behind, all but the lock we hold.
    private static void Empty(string directory)
    {
        foreach (var entry in System.IO.Directory.EnumerateFileSystemEntries(directory))
        {
            if (Path.GetFileName(entry) is "signet.lock" or "signet.pid") continue;
            if (System.IO.Directory.Exists(entry)) System.IO.Directory.Delete(entry, recursive: true);
            else File.Delete(entry);
        }
    }
}

/// <summary>installation.json: what was fixed when the directory was made.</summary>
internal sealed record InstallationRecord(int Format, string Id, DateTimeOffset Created, bool Demo, string Organization, IReadOnlyList<string> Hosts)
{
    /// <summary>Null: P-256.</summary>
    [System.Text.Json.Serialization.JsonIgnore(Condition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull)]
    [System.Text.Json.Serialization.JsonConverter(typeof(System.Text.Json.Serialization.JsonStringEnumConverter<KeyKind>))]
    public KeyKind? AuthorityKey { get; init; }

    /// <summary>Null: subjects under the organisation, any host.</summary>
    [System.Text.Json.Serialization.JsonIgnore(Condition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull)]
    public HeldConstraints? Constraints { get; init; }

    internal sealed record HeldConstraints(bool Organization, IReadOnlyList<string> Domains, IReadOnlyList<string> Networks);

    /// <summary>Layout of the directory. Grows when an older program could no longer read it: 2 keeps its rows in PostgreSQL.</summary>
    public const int CurrentFormat = PostgresFormat;

    private const int FileFormat = 1, PostgresFormat = 2;

    [System.Text.Json.Serialization.JsonIgnore]
    public DatabaseKind Kind => Format == PostgresFormat ? DatabaseKind.Postgres : DatabaseKind.Sqlite;

    public InstallationRecord In(DatabaseKind kind) => this with { Format = kind == DatabaseKind.Postgres ? PostgresFormat : FileFormat };

    /// <exception cref="ControlException">The settings name another database than the one that holds the data.</exception>
    public void RequireKind(string directory, PostgresAddress? postgres)
    {
        if (Kind == DatabaseKind.Postgres && postgres is null)
            throw new ControlException($"{directory} keeps its data in PostgreSQL, and the settings name none; set database:kind to postgres and database:connection");
        if (Kind == DatabaseKind.Sqlite && postgres is not null)
            throw new ControlException($"{directory} keeps its data in SQLite files, and the settings name {postgres}; move the data with: signet migrate --from sqlite --to postgres");
    }

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true, UnmappedMemberHandling = System.Text.Json.Serialization.JsonUnmappedMemberHandling.Disallow };

    public static string PathIn(string directory) => Path.Combine(directory, "installation.json");

    public static InstallationRecord New(InstallationOptions options, TimeProvider time, RandomNumberGenerator random)
    {
        Span<byte> id = stackalloc byte[16];
        random.GetBytes(id);
        string[] hosts = ["localhost", "127.0.0.1", "::1", Dns.GetHostName(), .. options.Hosts];
        hosts = [.. hosts.Select(h => h.ToLowerInvariant()).Distinct(StringComparer.Ordinal)];
        return new(options.Postgres is null ? FileFormat : PostgresFormat, Convert.ToHexStringLower(id), time.GetUtcNow(), options.Demo, options.Organization, hosts)
        {
            AuthorityKey = options.AuthorityKey == KeyKind.P256 ? null : options.AuthorityKey,
            Constraints = options.Constraints == NameConstraints.Organization ? null : Held(options.Constraints, hosts),
        };
    }

    // This machine's own names and addresses are always among what may be named: its servers stand under the same intermediate.
    private static HeldConstraints Held(NameConstraints wanted, string[] hosts) => new(
        wanted.ToOrganization,
        wanted.Domains.Count == 0 ? [] : [.. wanted.Domains.Concat(hosts.Where(h => !IPAddress.TryParse(h, out _))).Distinct(StringComparer.Ordinal)],
        wanted.Networks.Count == 0 ? [] : [.. wanted.Networks.Concat(hosts.Where(h => IPAddress.TryParse(h, out _)).Select(h => $"{h}/{(h.Contains(':', StringComparison.Ordinal) ? 128 : 32)}")).Distinct(StringComparer.Ordinal)]);

    public void Write(string directory) => DurableFile.Replace(PathIn(directory), JsonSerializer.SerializeToUtf8Bytes(this, Json));

    /// <exception cref="ControlException">Damaged, or of a newer format.</exception>
    public static InstallationRecord Read(string directory)
    {
        var path = PathIn(directory);
        try
        {
            var bytes = File.ReadAllBytes(path);
            using var document = JsonDocument.Parse(bytes);
            if (!document.RootElement.TryGetProperty("format", out var format) || !format.TryGetInt32(out var number)) throw new JsonException("no \"format\"");
            if (number > CurrentFormat) throw new ControlException($"{directory} was made by a newer version (format {number}, this program knows {CurrentFormat}); use that version or restore a backup");
            return JsonSerializer.Deserialize<InstallationRecord>(bytes, Json) ?? throw new JsonException("empty");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new ControlException($"{path} is damaged ({e.Message.Split('\n')[0]}); restore it from a backup", e);
        }
    }
}
