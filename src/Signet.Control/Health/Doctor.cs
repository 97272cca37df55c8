using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Signet.Audit;
using Signet.Pki;
using Signet.Store;

namespace Signet.Control;

/// <summary>How bad something is.</summary>
public enum FindingState
{
    Ok = 0,

    /// <summary>Works now; will not for ever.</summary>
    Warning = 1,

    /// <summary>Does not work, or is not safe.</summary>
    Problem = 2,
}

/// <summary>One thing that was looked at.</summary>
/// <param name="Check">What, in a word or two.</param>
/// <param name="State">How it is.</param>
/// <param name="Says">What was found, with its figures.</param>
/// <param name="Remedy">What to do; "" when nothing.</param>
public sealed record Finding(string Check, FindingState State, string Says, string Remedy = "");

/// <summary>What the doctor is told.</summary>
/// <param name="Directory">Data directory; need not exist.</param>
/// <param name="Postgres">The server, when the settings name one.</param>
/// <param name="Ports">Name and number of each port that <c>up</c> will open.</param>
/// <param name="Listen">Address of the listeners.</param>
public sealed record DoctorQuestion(string Directory, PostgresAddress? Postgres, IReadOnlyList<(string Name, int Port)> Ports, IPAddress Listen);

/// <summary>Looks at this machine and a data directory, read-only, whether a center runs or not, and says what is wrong and what to do.</summary>
public static class Doctor
{
    // Guesses with a reason: an administrator who reads this once a week must have time to act.
    private static readonly TimeSpan Soon = TimeSpan.FromDays(30), ServerSoon = TimeSpan.FromDays(2), ClockTolerance = TimeSpan.FromSeconds(5);
    private const long LowDisk = 1L << 30, NoDisk = 64L << 20;
    private const long FilesForASmallHouse = 4_096;
    private const int VerifiedEntries = 200_000;   // some seconds

    public static IReadOnlyList<Finding> Examine(DoctorQuestion question, TimeProvider time, CancellationToken cancellationToken = default)
    {
        var running = IsRunning(question.Directory);
        var findings = new List<Finding>();
        findings.AddRange(Guarded("versions", () => Versions(question.Postgres)));
        findings.AddRange(Guarded("open files", OpenFiles));
        findings.AddRange(Guarded("disk", () => Disk(question.Directory)));
        findings.AddRange(Guarded("ports", () => running ? [new("ports", FindingState.Ok, "a center runs on this directory and holds its ports")] : Ports(question)));
        if (!Installation.Exists(question.Directory))
        {
            findings.Add(new("data directory", FindingState.Warning, $"there is no installation in {question.Directory}", "make one with: signet init, or signet up"));
            return findings;
        }
        findings.AddRange(Guarded("data directory", () => DataDirectory(question)));
        findings.AddRange(Guarded("keys", () => Keys(question.Directory)));
        findings.AddRange(Guarded("certificates", () => Certificates(question.Directory, time.GetUtcNow())));
        findings.AddRange(Guarded("revocation lists", () => RevocationLists(question.Directory, time.GetUtcNow())));
        findings.AddRange(Guarded("database", () => Databases(question)));
        findings.AddRange(Guarded("audit log", () => Log(question, running, time.GetUtcNow(), cancellationToken)));
        return findings;
    }

    private static IEnumerable<Finding> Guarded(string check, Func<IEnumerable<Finding>> look)
    {
        try
        {
            return [.. look()];
        }
        catch (Exception e) when (e is StoreException or ControlException or PkiException or IOException or UnauthorizedAccessException or CryptographicException or SocketException)
        {
            return [new(check, FindingState.Problem, e.Message.Split('\n')[0])];
        }
    }

    private static IEnumerable<Finding> Versions(PostgresAddress? postgres)
    {
        yield return new("versions", FindingState.Ok, $"Signet {CommandCenter.Version}, {RuntimeInformation.FrameworkDescription}, OpenSSL {OpenSsl()}, SQLite {SqliteRuntime.Version}"
            + (postgres is null ? "" : $", {PostgresVersion.Of(postgres)}") + $", {RuntimeInformation.OSDescription}");
        if (!OperatingSystem.IsWindows() && SafeEvpPKeyHandle.OpenSslVersion < 0x30000000L)
            yield return new("OpenSSL", FindingState.Problem, $"{OpenSsl()} no longer gets security fixes", "install OpenSSL 3");
    }

    // OPENSSL_VERSION_NUMBER is 0xMNN00PP0 since 3.0: major, minor, patch.
    private static string OpenSsl()
    {
        if (OperatingSystem.IsWindows()) return "(not used)";
        var number = SafeEvpPKeyHandle.OpenSslVersion;
        return string.Create(CultureInfo.InvariantCulture, $"{number >> 28}.{(number >> 20) & 0xff}.{(number >> 4) & 0xff}");
    }

    private static IEnumerable<Finding> OpenFiles()
    {
        if (!OperatingSystem.IsLinux()) yield break;
        var line = File.ReadLines("/proc/self/limits").First(l => l.StartsWith("Max open files", StringComparison.Ordinal));
        var soft = line["Max open files".Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[0];
        var enough = soft == "unlimited" || long.Parse(soft, CultureInfo.InvariantCulture) >= FilesForASmallHouse;
        yield return new("open files", enough ? FindingState.Ok : FindingState.Warning, $"limit {soft}; one for each connected device, and some hundred more", enough ? "" : "raise it: LimitNOFILE=65536 in the service, or ulimit -n");
    }

    private static IEnumerable<Finding> Disk(string directory)
    {
        var at = directory;
        while (!Directory.Exists(at)) at = Path.GetDirectoryName(at) ?? "/";
        var free = new DriveInfo(at).AvailableFreeSpace;
        yield return new("disk", free < NoDisk ? FindingState.Problem : free < LowDisk ? FindingState.Warning : FindingState.Ok, string.Create(CultureInfo.InvariantCulture, $"{free / 1048576.0:N0} MiB free where {directory} is"),
            free < LowDisk ? "free some space: a full disk stops every command, because nothing is done that cannot be recorded" : "");
    }

    private static IEnumerable<Finding> Ports(DoctorQuestion question)
    {
        foreach (var (name, port) in question.Ports)
        {
            if (port == 0) continue;
            using var socket = new Socket(question.Listen.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            Finding found;
            try
            {
                socket.Bind(new IPEndPoint(question.Listen, port));
                found = new("ports", FindingState.Ok, $"{name} {port.ToString(CultureInfo.InvariantCulture)} is free");
            }
            catch (SocketException e)
            {
                found = new("ports", FindingState.Problem, $"{name} {port.ToString(CultureInfo.InvariantCulture)} cannot be opened ({e.SocketErrorCode})", "stop the program that has it, or choose another with --port-...");
            }
            yield return found;
        }
    }

    private static IEnumerable<Finding> DataDirectory(DoctorQuestion question)
    {
        var record = InstallationRecord.Read(question.Directory);
        record.RequireKind(question.Directory, question.Postgres);
        if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(question.Directory) & (UnixFileMode.GroupWrite | UnixFileMode.OtherWrite | UnixFileMode.OtherRead)) != UnixFileMode.None)
            yield return new("data directory", FindingState.Warning, $"{question.Directory} can be entered by others", $"chmod 700 {question.Directory}");
        else
            yield return new("data directory", FindingState.Ok, $"installation {record.Id}, rows in {(record.Kind == DatabaseKind.Postgres ? "PostgreSQL" : "SQLite files")}");
    }

    private static IEnumerable<Finding> Keys(string directory)
    {
        var keys = Directory.EnumerateFiles(directory, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint }).Where(Backup.IsKey).ToList();
        var open = OperatingSystem.IsWindows() ? [] : keys.Where(IsOpen).ToList();
        foreach (var key in open) yield return new("keys", FindingState.Problem, $"{key} can be read by others", $"chmod 600 {key}; if others use this machine, exchange the key");
        if (open.Count == 0) yield return new("keys", FindingState.Ok, $"{keys.Count.ToString(CultureInfo.InvariantCulture)} key files, readable by their owner only");
    }

    [System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
    private static bool IsOpen(string path) => (File.GetUnixFileMode(path) & (UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite)) != UnixFileMode.None;

    private static IEnumerable<Finding> Certificates(string directory, DateTimeOffset now)
    {
        foreach (var path in Directory.EnumerateFiles(Path.Combine(directory, "pki"), "*.crt").Order(StringComparer.Ordinal))
        {
            using var certificate = X509CertificateLoader.LoadCertificateFromFile(path);
            var left = certificate.NotAfter.ToUniversalTime() - now.UtcDateTime;
            // The center renews its own TLS leaves itself; authorities and the signing key are a person's work.
            var warn = Path.GetFileNameWithoutExtension(path) is "root" or "intermediate" or "center_sign" ? Soon : ServerSoon;
            var state = left <= TimeSpan.Zero ? FindingState.Problem : left < warn ? FindingState.Warning : FindingState.Ok;
            yield return new("certificates", state, string.Create(CultureInfo.InvariantCulture, $"{Path.GetFileName(path)} ends {certificate.NotAfter.ToUniversalTime():yyyy-MM-dd} ({left.TotalDays:N0} days)"),
                state == FindingState.Ok ? "" : "start the center, which renews its own, or: signet ca rotate");
        }
    }

    private static IEnumerable<Finding> RevocationLists(string directory, DateTimeOffset now)
    {
        foreach (var path in Directory.EnumerateFiles(Path.Combine(directory, "pki"), "*.crl").Order(StringComparer.Ordinal))
        {
            if (RevocationList.TryRead(DerOf(File.ReadAllBytes(path))) is not { } list)
            {
                yield return new("revocation lists", FindingState.Problem, $"{Path.GetFileName(path)} is not a revocation list", "restore it from a backup");
                continue;
            }
            var state = list.NextUpdate <= now ? FindingState.Problem : FindingState.Ok;
            yield return new("revocation lists", state, string.Create(CultureInfo.InvariantCulture, $"{Path.GetFileName(path)} number {list.Number}, made {list.ThisUpdate.UtcDateTime:yyyy-MM-dd HH:mm}, next by {list.NextUpdate.UtcDateTime:yyyy-MM-dd HH:mm} UTC"),
                state == FindingState.Ok ? "" : "start the center: it makes a new one; until then those who check lists refuse everyone");
        }
    }

    private static byte[] DerOf(byte[] file)
    {
        var text = System.Text.Encoding.ASCII.GetString(file);
        return PemEncoding.TryFind(text, out var fields) ? Convert.FromBase64String(text[fields.Base64Data]) : file;
    }

    private static IEnumerable<Finding> Databases(DoctorQuestion question)
    {
        var databases = InstallationDatabases.Of(question.Directory, question.Postgres);
        foreach (var (name, source, migrations) in new[] { ("control", databases.Control, Schema.Migrations), ("audit", databases.Audit, AuditOffline.Migrations) })
        {
            var state = Database.Inspect(source, migrations);
            yield return new("database", state.Version == 0 ? FindingState.Problem : FindingState.Ok, state.Version == 0 ? $"{source} is missing" : $"{name}: schema {state.Version.ToString(CultureInfo.InvariantCulture)}"
                + (state.Pending.Count == 0 ? ", up to date" : $"; the next start applies {string.Join(", ", state.Pending.Select(m => m.Name))}"), state.Version == 0 ? "restore it from a backup" : "");
        }
        if (question.Postgres is not null)
            foreach (var (setting, value) in PostgresVersion.UnsafeSettings(question.Postgres))
                yield return new("database", FindingState.Problem, $"the server runs with {setting} = {value}: a power failure may lose what was acknowledged", $"set {setting} = on in postgresql.conf");
    }

    private static IEnumerable<Finding> Log(DoctorQuestion question, bool running, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var source = InstallationDatabases.Of(question.Directory, question.Postgres).Audit;
        var entries = AuditOffline.Count(source);
        var newest = AuditOffline.NewestTime(source);
        if (newest - now > ClockTolerance)
            yield return new("clock", FindingState.Problem, string.Create(CultureInfo.InvariantCulture, $"this clock says {now.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC, and the log's newest entry is from {newest?.UtcDateTime:yyyy-MM-dd HH:mm:ss}"), "set the clock (NTP); with a clock behind, certificates and commands are judged wrongly");
        else
            yield return new("clock", FindingState.Ok, string.Create(CultureInfo.InvariantCulture, $"{now.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC, not before the log's newest entry"));
        if (running)
            yield return new("audit log", FindingState.Ok, $"{entries.ToString(CultureInfo.InvariantCulture)} entries; a center is writing: signet audit verify checks all of them");
        else if (entries > VerifiedEntries)
            yield return new("audit log", FindingState.Ok, $"{entries.ToString(CultureInfo.InvariantCulture)} entries, not verified now: signet audit verify --offline");
        else
        {
            var verdict = AuditOffline.Verify(Path.Combine(question.Directory, "audit"), source: source, cancellationToken: cancellationToken);
            yield return new("audit log", verdict.IsIntact ? FindingState.Ok : FindingState.Problem, verdict.Summary, verdict.IsIntact ? "" : "keep a copy of the directory, then restore a backup; the log tells where it was changed");
        }
    }

    // The lock itself is not tried: taking it for a moment could turn a starting center away.
    private static bool IsRunning(string directory) => File.Exists(Path.Combine(directory, "signet.pid"))
        && int.TryParse(File.ReadAllText(Path.Combine(directory, "signet.pid")), NumberStyles.None | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out var id) && Directory.Exists($"/proc/{id.ToString(CultureInfo.InvariantCulture)}");
}
