using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging.Abstractions;
using Signet.Testing;

namespace Signet.Control.Tests;

/// <summary>What the doctor says of an installation that ailed one thing at a time; the command line around it is in House.Tests.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")] // looks at file modes
public sealed class DoctorSpecs : IDisposable
{
    private readonly TempDirectory _temp = new();
    private readonly RandomNumberGenerator _random = RandomNumberGenerator.Create();
    private readonly Store.PostgresAddress? _postgres = TestDatabase.New();

    private string Data => _temp.File("data");

    public void Dispose()
    {
        _temp.Dispose();
        _random.Dispose();
    }

    private Task MakeAsync() => Installation.CreateAsync(Data, new() { Postgres = _postgres }, TimeProvider.System, _random);

    private IReadOnlyList<Finding> Examine(TimeSpan ahead = default, params (string Name, int Port)[] ports)
        => Doctor.Examine(new(Data, _postgres, ports, IPAddress.Loopback), new ManualTimeProvider(TimeProvider.System.GetUtcNow() + ahead), TestContext.Current.CancellationToken);

    // Disk and open files are this machine's; the tests' own PostgreSQL flushes nothing, which the doctor has to say.
    private List<Finding> Ills(IEnumerable<Finding> findings) => [.. findings.Where(f => f.State != FindingState.Ok && f.Check is not ("disk" or "open files") && (_postgres is null || f is not { Check: "database" } || !f.Says.Contains("fsync = off", StringComparison.Ordinal)))];

    [Fact]
    public async Task A_new_installation_is_well_and_every_part_was_looked_at()
    {
        await MakeAsync();
        var findings = Examine();
        Ills(findings).ShouldBeEmpty();
        foreach (var check in new[] { "versions", "open files", "disk", "data directory", "keys", "certificates", "revocation lists", "database", "clock", "audit log" }) findings.ShouldContain(f => f.Check == check, check);
        findings.Count(f => f is { Check: "database", State: FindingState.Ok }).ShouldBe(2, "control and audit");
    }

    [Fact]
    public async Task A_clock_before_the_logs_newest_entry_is_a_problem_and_one_a_second_behind_is_not()
    {
        await MakeAsync();
        var ill = Ills(Examine(TimeSpan.FromHours(-1))).Where(f => f.Check == "clock").ShouldHaveSingleItem();
        ill.State.ShouldBe(FindingState.Problem);
        ill.Says.ShouldContain("the log's newest entry is from");
        ill.Remedy.ShouldContain("NTP");
        Ills(Examine(TimeSpan.FromSeconds(-1))).ShouldNotContain(f => f.Check == "clock");
    }

    [Fact]
    public async Task Certificates_and_lists_are_told_before_and_after_they_end()
    {
        await MakeAsync();
        var lists = Ills(Examine(TimeSpan.FromDays(366))).Where(f => f.Check == "revocation lists").ToList();
        lists.ShouldNotBeEmpty();
        lists.ShouldAllBe(f => f.State == FindingState.Problem && f.Remedy.Contains("start the center", StringComparison.Ordinal));

        foreach (var name in new[] { "mqtt_broker", "intermediate", "root" })
        {
            using var certificate = System.Security.Cryptography.X509Certificates.X509CertificateLoader.LoadCertificateFromFile(Path.Combine(Data, "pki", name + ".crt"));
            var left = certificate.NotAfter.ToUniversalTime() - TimeProvider.System.GetUtcNow().UtcDateTime;
            StateOf(left + TimeSpan.FromDays(1)).ShouldBe(FindingState.Problem, name);
            StateOf(left - TimeSpan.FromDays(1)).ShouldBe(FindingState.Warning, name);
            StateOf(left - TimeSpan.FromDays(40)).ShouldBe(FindingState.Ok, name);

            FindingState StateOf(TimeSpan ahead) => Examine(ahead).Single(f => f.Check == "certificates" && f.Says.StartsWith(name + ".crt ", StringComparison.Ordinal)).State;
        }
    }

    [Fact]
    public async Task A_taken_port_a_list_that_is_none_and_a_directory_that_others_enter_are_named()
    {
        await MakeAsync();
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;
        var list = Directory.EnumerateFiles(Path.Combine(Data, "pki"), "*.crl").Order(StringComparer.Ordinal).First();
        File.WriteAllText(list, "nothing");
        File.SetUnixFileMode(Data, File.GetUnixFileMode(Data) | UnixFileMode.OtherRead);

        var ills = Ills(Examine(default, ("console", port), ("mqtt", 0)));

        ills.Single(f => f.Check == "ports").Says.ShouldBe($"console {port} cannot be opened (AddressAlreadyInUse)");
        ills.Single(f => f.Check == "revocation lists").Says.ShouldContain($"{Path.GetFileName(list)} is not a revocation list");
        ills.Single(f => f.Check == "data directory").Remedy.ShouldBe($"chmod 700 {Data}");
        ills.Count.ShouldBe(3);
    }

    [Fact]
    public async Task Of_a_running_center_neither_ports_nor_log_are_tried()
    {
        await MakeAsync();
        await using var center = await CommandCenter.OpenAsync(new() { DataDirectory = Data, Postgres = _postgres, MqttPort = 0 }, TimeProvider.System, _random, NullLoggerFactory.Instance, TestContext.Current.CancellationToken);
        var findings = Examine(default, ("console", 1));
        Ills(findings).ShouldBeEmpty();
        findings.Single(f => f.Check == "ports").Says.ShouldContain("a center runs on this directory");
        findings.Single(f => f.Check == "audit log").Says.ShouldContain("signet audit verify checks all of them");
    }
}
