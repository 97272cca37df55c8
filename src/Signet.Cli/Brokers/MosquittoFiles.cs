using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Signet.Access;
using Signet.Cli.Shell;
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
        await File.WriteAllTextAsync(Path.Combine(folder, "mosquitto.conf"), $"""
            # Mosquitto 2 for a Signet installation. Written by `signet broker config mosquitto`.
            # Who: the common name of a client certificate of this installation. What: the ACL, made from the access policy.
            per_listener_settings false

            listener {port}
            protocol mqtt
            cafile {folder}/ca.crt
            certfile {folder}/mosquitto.crt
            keyfile {folder}/mosquitto.key
            require_certificate true
            use_identity_as_username true
            tls_version tlsv1.3

            # Mosquitto fails open: with a missing, empty or broken file at SIGHUP it accepts revoked certificates again. Never edit it by hand;
            # `signet broker sync mosquitto {folder}` verifies, renames, signals and probes with a revoked certificate.
            crlfile {folder}/crl.pem

            allow_anonymous false
            acl_file {folder}/acl

            persistence true
            persistence_location {folder}/persistence/
            autosave_interval 30

            pid_file {folder}/mosquitto.pid
            log_dest stderr
            log_type error
            log_type warning
            log_type notice
            connection_messages true

            # Bounds for clients that misbehave.
            max_packet_size 262144
            max_inflight_messages 20
            max_queued_messages 1000
            persistent_client_expiration 1d

            """, cancellation);
    }

    public static async Task WriteAclAsync(CenterClient center, string folder, CancellationToken cancellation)
    {
        var file = Encoding.UTF8.GetBytes(Query.Text((await center.GetAsync("/api/v1/policy", cancellation))["file"]));
        if (!PolicyFile.TryRead(file, out var policy, out var errors))
            throw new CliException(ExitCode.Refused, $"The center's policy cannot be read by this program: {errors[0]}");
        var askers = new List<Principal> { Principal.Service("command_center") };
        for (string? after = null; ;)
        {
            var page = await center.GetAsync("/api/v1/devices" + Query.Of(("limit", "500"), ("after", after)), cancellation);
            foreach (var device in (page["devices"] as JsonArray ?? []).OfType<JsonObject>().Where(device => (bool?)device["enabled"] == true))
                askers.Add(Principal.Device(Query.Text(device["name"]), [.. (device["groups"] as JsonArray ?? []).Select(Query.Text)]));
            if ((after = (string?)page["next"]) is null)
                break;
        }

        foreach (var person in ((await center.GetAsync("/api/v1/users", cancellation))["users"] as JsonArray ?? []).OfType<JsonObject>().Where(person => (bool?)person["enabled"] == true))
            askers.Add(Principal.Person(Query.Text(person["name"]), Enum.Parse<Role>(Query.Text(person["role"]), ignoreCase: true)));
        Replace(Path.Combine(folder, "acl"), Encoding.UTF8.GetBytes(MosquittoAcl.Write(policy, askers)));
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(Path.Combine(folder, "acl"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
    }

    /// <summary>ca.crt (root and intermediate) and crl.pem (a list of each), the lists verified before they take the place of the old ones.</summary>
    /// <exception cref="CliException">A list does not verify, or has ended; nothing was replaced.</exception>
    public static void CopyTrust(string data, string folder)
    {
        var pki = Path.Combine(data, "pki");
        if (!File.Exists(Path.Combine(pki, "root.crl")))
            throw new CliException(ExitCode.Refused, $"{pki} holds no revocation lists: run this where the data directory is, or name it with --data.");
        var (certificates, lists) = (new StringBuilder(), new StringBuilder());
        using var root = X509CertificateLoader.LoadCertificateFromFile(Path.Combine(pki, "root.crt"));
        using var intermediate = X509CertificateLoader.LoadCertificateFromFile(Path.Combine(pki, "intermediate.crt"));
        foreach (var (name, authority) in new[] { ("root", root), ("intermediate", intermediate) })
        {
            certificates.Append(authority.ExportCertificatePem()).Append('\n');
            var stored = File.ReadAllBytes(Path.Combine(pki, name + ".crl"));
            lists.Append(stored is [0x30, ..] ? new string(PemEncoding.Write("X509 CRL", stored)) : Encoding.ASCII.GetString(stored).Trim()).Append('\n');
        }

        var next = Path.Combine(folder, "crl.pem.verify");
        File.WriteAllText(next, lists.ToString());
        try
        {
            // The reader that other people's lists go through: signature, form, and not a single entry that is not understood.
            ForeignLists.Load(next, new TrustStore([root], [intermediate]), out var ends);
            if (ends <= TimeProvider.System.GetUtcNow())
                throw new CliException(ExitCode.VerificationFailed, $"The revocation lists in {pki} ended at {ends:u}, and Mosquitto would refuse everybody; nothing was replaced. A running center renews them.");
        }
        catch (PkiException problem)
        {
            throw new CliException(ExitCode.VerificationFailed, $"{problem.Message}; nothing was replaced.");
        }
        finally
        {
            File.Delete(next);
        }

        Replace(Path.Combine(folder, "ca.crt"), Encoding.ASCII.GetBytes(certificates.ToString()));
        Replace(Path.Combine(folder, "crl.pem"), Encoding.ASCII.GetBytes(lists.ToString()));
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
