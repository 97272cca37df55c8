using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Nodes;
using Signet.Pki;
using Signet.Store;

namespace Signet.Control;

/// <summary>Where a device finds the broker.</summary>
/// <param name="Address">HOST:PORT.</param>
/// <param name="Mqtt">The version it speaks (<c>3.1.1</c>); null: 5.</param>
/// <param name="IsElsewhere">Somebody else runs it: not beside the center.</param>
internal readonly record struct DeviceBroker(string Address, string? Mqtt = null, bool IsElsewhere = false);

/// <summary>
/// Writes the directory a device runs from (docs/spec/device-home.md): <c>device.json</c>, its key (0600) and certificate, the root it trusts and the command signer it pins.
/// Made beside its place and renamed, so a home is whole or not there.
/// </summary>
internal static class DeviceHomeFiles
{
    private const UnixFileMode Readable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    public static void Create(Installation installation, Member member, IssuedCertificate certificate, IssuedCertificate? sealing, CertificateAuthority authority, DeviceBroker broker, string? renewal)
    {
        var home = installation.DeviceDirectory(member.Name);
        var beside = home + ".making";
        if (Directory.Exists(beside)) Directory.Delete(beside, recursive: true);
        if (Directory.Exists(home)) Directory.Delete(home, recursive: true); // of a device that was never finished: the fleet does not know it
        PrivateDirectory.Create(beside);
        certificate.Save(beside);
        PemFile.Write(Path.Combine(beside, "root.crt"), authority.TrustBundlePem);
        File.Copy(Path.Combine(installation.PkiDirectory, "center_sign.crt"), Path.Combine(beside, "center_sign.crt"));
        sealing?.Save(beside, "sealing");
        if (member.Shared is { } shared) DurableFile.Replace(Path.Combine(beside, "shared.json"), System.Text.Encoding.UTF8.GetBytes(shared.Home + "\n"), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        PrivateDirectory.Create(Path.Combine(beside, "state"));
        WriteLogKey(beside, installation);
        WriteSettings(beside, member.ToRecord(), broker, renewal);
        Directory.Move(beside, home);
        DurableFile.SyncDirectory(Path.GetDirectoryName(home)!);
    }

    /// <summary>Replaces key and certificate of a home on this machine.</summary>
    public static void Renew(Installation installation, IssuedCertificate certificate) => certificate.Save(installation.DeviceDirectory(certificate.Name));

    /// <summary>Writes <c>device.json</c> anew when the home is on this machine and says something else.</summary>
    /// <param name="renewal">Where it renews; null: not known yet, what it says stays.</param>
    public static void Refresh(Installation installation, DeviceRecord device, DeviceBroker broker, string? renewal)
    {
        var home = installation.DeviceDirectory(device.Name);
        if (Directory.Exists(home)) WriteSettings(home, device, broker, renewal);
    }

    /// <summary>Whose word about the audit log counts besides a device's own: the content of <c>witnesses.json</c>, the same in every home.</summary>
    /// <param name="witnesses">Name and certificate (DER) of each; the quorum is more than half of them.</param>
    /// <returns>Null: there is nobody to compare with.</returns>
    public static byte[]? WitnessList(IReadOnlyList<(string Name, byte[] Der)> witnesses) => witnesses.Count < 2 ? null : JsonSerializer.SerializeToUtf8Bytes(new JsonObject
    {
        ["version"] = 1, ["quorum"] = witnesses.Count / 2 + 1,
        ["witnesses"] = new JsonArray([.. witnesses.Select(witness => new JsonObject { ["name"] = witness.Name, ["key"] = Convert.ToBase64String(KeyOf(witness.Der)) })]),
    }, Indented);

    /// <summary>The key of the audit log, and whose word counts about it besides the device's own, into a home on this machine.</summary>
    public static void RefreshWitnesses(Installation installation, string name, byte[]? list)
    {
        var home = installation.DeviceDirectory(name);
        if (!Directory.Exists(home)) return;
        WriteLogKey(home, installation);
        var path = Path.Combine(home, "witnesses.json");
        if (list is null) File.Delete(path);
        else if (!File.Exists(path) || !File.ReadAllBytes(path).AsSpan().SequenceEqual(list)) DurableFile.Replace(path, list, Readable);
    }

    private static void WriteLogKey(string home, Installation installation)
    {
        // The first word stays: a key that came later is not believed only because it lies in the audit log's directory now.
        var log = Path.Combine(installation.AuditDirectory, "checkpoint.pub");
        var key = Path.Combine(home, "checkpoint.pub");
        if (!File.Exists(key) && File.Exists(log)) DurableFile.Replace(key, File.ReadAllBytes(log), Readable);
    }

    private static byte[] KeyOf(byte[] der)
    {
        using var certificate = X509CertificateLoader.LoadCertificate(der);
        return certificate.PublicKey.ExportSubjectPublicKeyInfo();
    }

    /// <summary>The roots that are relied on, into a home on this machine.</summary>
    public static void RefreshTrust(Installation installation, string name, CertificateAuthority authority)
    {
        var home = installation.DeviceDirectory(name);
        if (!Directory.Exists(home)) return;
        // At every start, of every device: what is there already is not written and synced again.
        var path = Path.Combine(home, "root.crt");
        if (!File.Exists(path) || File.ReadAllText(path) != authority.TrustBundlePem) PemFile.Write(path, authority.TrustBundlePem);
    }

    public static void Delete(Installation installation, string name)
    {
        var home = installation.DeviceDirectory(name);
        if (Directory.Exists(home)) Directory.Delete(home, recursive: true);
    }

    /// <summary>Where a device of this machine, or of the network when the center listens there, finds the broker.</summary>
    public static DeviceBroker BrokerAddress(IPAddress listen, int port) => new($"{(IPAddress.IsLoopback(listen) ? "localhost" : Dns.GetHostName())}:{port}");

    private static void WriteSettings(string home, DeviceRecord device, DeviceBroker broker, string? renewal)
    {
        var settings = new JsonObject
        {
            ["version"] = 1,
            ["name"] = device.Name,
            ["kind"] = device.Kind,
            ["broker"] = broker.Address,
            ["center"] = Actor.Center.Name,
            ["commands"] = new JsonArray([.. device.AllowedCommands.Select(c => JsonValue.Create(c))]),
        };
        if (broker.Mqtt is { } version) settings["mqtt"] = version;
        var path = Path.Combine(home, "device.json");
        var there = File.Exists(path) ? File.ReadAllBytes(path) : null;
        if ((renewal ?? RenewalOf(there)) is { } address) settings["renewal"] = address;
        var bytes = JsonSerializer.SerializeToUtf8Bytes(settings, Indented);
        // At every start, of every device: a write is two syncs of the disk.
        if (there is null || !there.AsSpan().SequenceEqual(bytes)) DurableFile.Replace(path, bytes, Readable);
    }

    private static string? RenewalOf(byte[]? settings)
    {
        if (settings is null) return null;
        try
        {
            return (JsonNode.Parse(settings) as JsonObject)?["renewal"] is JsonValue value && value.TryGetValue<string>(out var address) ? address : null;
        }
        catch (JsonException)
        {
            return null; // somebody edited it: written anew
        }
    }
}
