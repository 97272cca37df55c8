using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Signet.Access;
using Signet.Cli.Shell;
using Signet.Control;
using Signet.Pki;

namespace Signet.Cli.Brokers;

/// <summary>The files of a Mosquitto that enforces this installation's certificates and policy.</summary>
internal static class MosquittoFiles
{
    public static async Task WriteAsync(CenterClient center, string folder, string data, int port, CancellationToken cancellation)
    {
        CopyTrust(data, folder);
        await WriteAclAsync(center, folder, cancellation);
        Directory.CreateDirectory(Path.Combine(folder, "persistence"));
        await File.WriteAllTextAsync(Path.Combine(folder, "mosquitto.conf"), MosquittoConf.Write(folder, port.ToString(CultureInfo.InvariantCulture), folder + "/mosquitto", plugin: null, keepsUser: false), cancellation);
    }

    /// <summary>For a Mosquitto with Signet's plugin that somebody else starts and the center drives. Without rules the plugin lets nobody in, so nothing is open before the center comes.</summary>
    public static async Task WriteDrivenAsync(string folder, string data, int port, string plugin, string host, CancellationToken cancellation)
    {
        CopyTrust(data, folder);
        Directory.CreateDirectory(Path.Combine(folder, "persistence"));
        await File.WriteAllTextAsync(Path.Combine(folder, "mosquitto.conf"), MosquittoConf.Write(folder, port.ToString(CultureInfo.InvariantCulture), folder + "/mosquitto", plugin, keepsUser: false), cancellation);
        await File.WriteAllTextAsync(Path.Combine(folder, "signet.json"), $$"""
            {
              "broker": {
                "kind": "mosquitto",
                "address": "{{(host.Contains(':', StringComparison.Ordinal) ? $"[{host}]" : host)}}:{{port}}",
                "directory": "{{folder}}"
              }
            }

            """, cancellation);
    }

    public static async Task WriteAclAsync(CenterClient center, string folder, CancellationToken cancellation) => WriteShared(Path.Combine(folder, "acl"), await AclAsync(center, withAccounts: false, cancellation));

    /// <summary>For a program that runs as another user of the same group.</summary>
    public static void WriteShared(string path, string text)
    {
        Replace(path, Encoding.UTF8.GetBytes(text));
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
    }

    /// <param name="center">Has policy, fleet and people.</param>
    /// <param name="withAccounts">Also those who log in with a password; a broker that asks for certificates has none.</param>
    /// <param name="cancellation">Stops it.</param>
    public static async Task<string> AclAsync(CenterClient center, bool withAccounts, CancellationToken cancellation)
    {
        var file = Encoding.UTF8.GetBytes(Query.Text((await center.GetAsync("/api/v1/policy", cancellation))["file"]));
        if (!PolicyFile.TryRead(file, out var policy, out var errors))
            throw new CliException(ExitCode.Refused, $"The center's policy cannot be read by this program: {errors[0]}");
        var askers = new List<Principal> { Principal.Service("command_center") };
        foreach (var device in ((await center.GetAllAsync("/api/v1/devices", "devices", null, cancellation))["devices"] as JsonArray ?? []).OfType<JsonObject>().Where(device => (bool?)device["enabled"] == true))
            askers.Add(Principal.Device(Query.Text(device["name"]), [.. (device["groups"] as JsonArray ?? []).Select(Query.Text)]));

        // A file of rules knows no groups of devices: who is limited to some gets none.
        foreach (var person in ((await center.GetAllAsync("/api/v1/users", "users", null, cancellation))["users"] as JsonArray ?? []).OfType<JsonObject>().Where(person => (bool?)person["enabled"] == true && person["groups"] is not JsonArray { Count: > 0 }))
            askers.Add(Principal.Person(Query.Text(person["name"]), Enum.Parse<Role>(Query.Text(person["role"]), ignoreCase: true)));
        if (withAccounts)
            foreach (var account in ((await center.GetAsync("/api/v1/totp-accounts", cancellation))["accounts"] as JsonArray ?? []).OfType<JsonObject>().Where(account => (bool?)account["enabled"] == true))
                askers.Add(Principal.Account(Query.Text(account["name"]), [.. (account["groups"] as JsonArray ?? []).Select(Query.Text)]));
        return MosquittoAcl.Write(policy, askers);
    }

    /// <summary>ca.crt (root and intermediate) and crl.pem (a list of each), the lists verified before they take the place of the old ones.</summary>
    /// <exception cref="CliException">A list does not verify, or has ended; nothing was replaced.</exception>
    public static void CopyTrust(string data, string folder)
    {
        var pki = Path.Combine(data, "pki");
        if (!File.Exists(Path.Combine(pki, "root.crl")))
            throw new CliException(ExitCode.Refused, $"{pki} holds no revocation lists: run this where the data directory is, or name it with --data.");
        try
        {
            BrokerTrust.Write(pki, folder, TimeProvider.System);
        }
        catch (PkiException problem)
        {
            throw new CliException(ExitCode.VerificationFailed, $"{problem.Message}; nothing was replaced. A running center renews its lists.");
        }
    }

    private static void Replace(string path, byte[] content)
    {
        var next = path + ".next";
        using (var file = new FileStream(next, FileMode.Create, FileAccess.Write))
        {
            file.Write(content);
            file.Flush(flushToDisk: true);
        }

        File.Move(next, path, overwrite: true);
    }
}
