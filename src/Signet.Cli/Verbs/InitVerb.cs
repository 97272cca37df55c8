using System.CommandLine;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Signet.Audit;
using Signet.Cli.Shell;
using Signet.Cli.Up;
using Signet.Control;
using Signet.Pki;

namespace Signet.Cli.Verbs;

/// <summary><c>signet init</c>: makes the certificate authority, the databases and the keys, and starts nothing.</summary>
internal static class InitVerb
{
    public static Command Build()
    {
        var keyOut = new Option<string?>("--audit-key-out") { Description = "Write the audit log's first key here (0600) and keep it away from this machine: with it every entry can be checked, or forged", HelpName = "FILE" };
        var hosts = new Option<string[]>("--host") { Description = "Further name or address of this machine, for the servers' certificates (may be repeated)", HelpName = "HOST" };
        var authority = new ForeignAuthorityFiles();
        var kind = new Option<string>("--authority-key") { Description = "Kind of the authorities' keys, now and at rotations: p256, p384, rsa2048, rsa3072 or rsa4096", HelpName = "KIND", DefaultValueFactory = _ => "p256" };
        kind.AcceptOnlyFromAmong("p256", "p384", "rsa2048", "rsa3072", "rsa4096");
        var rootUri = new Option<string?>("--root-key") { Description = "PKCS#11 URI of a root key that is in a token already (with pin-source, never pin-value)", HelpName = "URI" };
        var intermediateUri = new Option<string?>("--intermediate-key") { Description = "PKCS#11 URI of the intermediate's key", HelpName = "URI" };
        var domains = new Option<string[]>("--permit-domain") { Description = "Hosts in certificates only under this domain (name constraint; may be repeated)", HelpName = "DOMAIN" };
        var networks = new Option<string[]>("--permit-network") { Description = "Addresses in certificates only in this network (may be repeated)", HelpName = "CIDR" };
        var free = new Option<bool>("--no-name-constraints") { Description = "For clients that cannot read name constraints (Go, some Mbed TLS)" };
        return Verb.Make("init", "Make certificate authority (or take over one of yours), databases and keys; start nothing", [keyOut, hosts, kind, rootUri, intermediateUri, domains, networks, free, .. authority.Options], async (parsed, printer, cancellation) =>
        {
            var directory = GlobalOptions.DataDirectory(parsed);
            if (Installation.Exists(directory))
                throw new CliException(ExitCode.Refused, $"{directory} holds an installation already. Name another directory with --data, or start this one with `signet up`.");
            var keyFile = parsed.GetValue(keyOut);
            if (keyFile is not null && File.Exists(keyFile))
                throw new CliException(ExitCode.Refused, $"{keyFile} exists already, and keys are not overwritten.");

            using var random = RandomNumberGenerator.Create();
            var foreign = await authority.ReadAsync(parsed, cancellation);
            var options = new InstallationOptions
            {
                Authority = foreign,
                AuthorityKey = Enum.Parse<KeyKind>(parsed.GetValue(kind)!, ignoreCase: true),
                RootKeyUri = parsed.GetValue(rootUri),
                IntermediateKeyUri = parsed.GetValue(intermediateUri),
                Constraints = Constraints(parsed.GetValue(domains) ?? [], parsed.GetValue(networks) ?? [], parsed.GetValue(free)),
                Organization = authority.Organization(parsed, foreign),
                Hosts = parsed.GetValue(hosts) ?? [],
                Postgres = SignetSettings.Of(directory).Postgres,
                ExportAuditKey = keyFile is null ? null : key => AuditFirstKey.Write(keyFile, key.Span),
            };
            await Installation.CreateAsync(directory, options, TimeProvider.System, random, cancellation);
            var root = Path.Combine(directory, "pki", "root.crt");
            using var certificate = System.Security.Cryptography.X509Certificates.X509CertificateLoader.LoadCertificateFromFile(root);
            if (printer.Json)
                printer.Object(new JsonObject { ["data"] = directory, ["rootCertificate"] = root, ["fingerprint"] = CertificateFacts.Fingerprint(certificate), ["auditKey"] = keyFile });
            printer.Line(foreign is null ? "made a new installation; start it with `signet up`" : $"made a new installation under your authority {certificate.GetNameInfo(System.Security.Cryptography.X509Certificates.X509NameType.SimpleName, false)}; start it with `signet up`");
            if (!printer.Json)
                printer.Facts(("data", directory), ("root certificate", root), ("SHA-256", CertificateFacts.Fingerprint(certificate)), ("audit key", keyFile ?? "destroyed (--audit-key-out keeps it)"));
            return ExitCode.Done;
        });
    }

    private static NameConstraints Constraints(string[] domains, string[] networks, bool free)
    {
        if (free && (domains.Length > 0 || networks.Length > 0))
            throw new CliException(ExitCode.WrongUsage, "--no-name-constraints and --permit-... contradict each other.");
        if (domains.FirstOrDefault(d => Uri.CheckHostName(d) != UriHostNameType.Dns) is { } domain)
            throw new CliException(ExitCode.WrongUsage, $"{Printer.Inert(domain)} is no domain name.");
        if (networks.FirstOrDefault(n => !System.Net.IPNetwork.TryParse(n, out _)) is { } network)
            throw new CliException(ExitCode.WrongUsage, $"{Printer.Inert(network)} is no network: write it like 192.0.2.0/24.");
        return free ? NameConstraints.None : domains.Length + networks.Length == 0 ? NameConstraints.Organization : new(true, [.. domains.Select(d => d.ToLowerInvariant())], networks);
    }
}
