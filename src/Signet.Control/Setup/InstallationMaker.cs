using System.Security.Cryptography;
using Signet.Audit;
using Signet.Pki;

namespace Signet.Control;

/// <summary>Fills a new data directory: authorities and leaves, databases, the first audit entries, and the demo's devices.</summary>
internal static class InstallationMaker
{
    /// <summary>The devices of the demo, one of each kind.</summary>
    public static IReadOnlyList<NewDevice> DemoDevices { get; } =
    [
        new("thermostat-1", "thermostat", Title: "Living room thermostat"),
        new("door-1", "door", Title: "Front door"),
        new("valve-1", "valve", Title: "Water valve"),
    ];

    public static async Task FillAsync(Installation installation, InstallationOptions options, TimeProvider time, RandomNumberGenerator random, CancellationToken cancellationToken)
    {
        var pki = PkiOptions(installation, options.PkiUrl) with { RootKeyUri = options.RootKeyUri, IntermediateKeyUri = options.IntermediateKeyUri };
        using var authority = options.Authority is { } foreign ? CertificateAuthority.Import(installation.PkiDirectory, pki, foreign, time, random) : CertificateAuthority.Create(installation.PkiDirectory, pki, time, random);
        ServerCertificates.Create(authority, installation.PkiDirectory, installation.Hosts);
        foreach (var directory in new[] { installation.BrokerDirectory, Path.GetDirectoryName(installation.DeviceDirectory("any"))! }) PrivateDirectory.Create(directory);

        // Before the log: on a server its rows say whether a making was finished.
        await using var database = ControlDatabase.Create(installation.Databases);
        await using var audit = await AuditLog.OpenAsync(AuditOptions(installation) with { KeepFirstKey = options.Demo, ExportFirstKey = options.ExportAuditKey }, time, random, cancellationToken);
        await audit.AppendAsync(AuditTrail.Of(AuditTypes.System, Actor.Center, installation.Id, "installation-made", details: new()
        {
            ["root"] = CertificateFacts.Fingerprint(authority.Root), ["demo"] = options.Demo,
        }), cancellationToken);

        foreach (var device in options.Demo ? DemoDevices : [])
        {
            await audit.AppendAsync(AuditTrail.Of(AuditTypes.Device, Actor.Center, device.Name, "device-added", details: new() { ["kind"] = device.Kind }), cancellationToken);
            var member = Fleet.Bear(device, null, installation, authority, time, DeviceHomeFiles.BrokerAddress(System.Net.IPAddress.Loopback, 8883), null);
            await database.WriteAsync(c => FleetStore.Insert(c, member), cancellationToken);
        }
        await database.OwnAsync(installation.Id, cancellationToken);
    }

    public static AuthorityOptions PkiOptions(Installation installation, Uri? url)
        => new() { Organization = installation.Organization, PublicUrl = url, AuthorityKey = installation.AuthorityKey, Constraints = installation.Constraints };

    public static AuditOptions AuditOptions(Installation installation) => new() { Directory = installation.AuditDirectory, Database = installation.Databases.Audit };
}
