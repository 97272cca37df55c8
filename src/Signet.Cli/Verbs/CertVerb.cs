using System.CommandLine;
using System.Text;
using System.Text.Json.Nodes;
using Signet.Cli.Shell;
using Signet.Pki;

namespace Signet.Cli.Verbs;

/// <summary><c>signet cert issue|list|show|renew|verify|revoke|release|evidence</c>: certificates of the running command center's authority.</summary>
internal static class CertVerb
{
    private static readonly string[] Profiles = ["device", "user", "broker", "proxy", "center-sign", "device-sealing"];
    private static readonly Argument<string> Which = new("NAME|SERIAL") { Description = "A serial, or a name (its newest certificate)" };

    public static Command Build() => Verb.Noun("cert", "Issue, list, renew, verify and revoke certificates",
        Issue(), List(), Show(), Renew(), CertVerifyVerb.Build(), Revoke(), Release(), Evidence());

    private static Command Issue()
    {
        var profile = new Option<string>("--profile") { Description = "What the certificate is for", Required = true };
        profile.AcceptOnlyFromAmong(Profiles);
        var name = new Option<string>("--name") { Description = "Whom it names", HelpName = "NAME", Required = true };
        var hosts = new Option<string[]>("--host") { Description = "DNS name or address in the certificate (may be repeated)", HelpName = "NAME|IP" };
        var days = new Option<int?>("--days") { Description = "Days it lives (default: 30 for devices, 90 for others)", HelpName = "N" };
        var request = new Option<string?>("--request") { Description = "A request (PKCS#10) whose key stays with its owner, instead of a new key", HelpName = "FILE" };
        var kind = new Option<string?>("--key") { Description = "Kind of the new key: p256 (default; commands are signed with RSA), p384, rsa2048, rsa3072 or rsa4096", HelpName = "KIND" };
        kind.AcceptOnlyFromAmong("p256", "p384", "rsa2048", "rsa3072", "rsa4096");
        var files = new IssuedFiles();
        return Verb.Make("issue", "Issue a certificate with a new key, or for the key of a request", [profile, name, hosts, days, kind, request, .. files.Options], async (parsed, printer, cancellation) =>
        {
            using var center = CenterClient.Connect(parsed);
            var wanted = new JsonObject
            {
                ["profile"] = parsed.GetValue(profile),
                ["name"] = parsed.GetValue(name),
                ["hosts"] = new JsonArray([.. (parsed.GetValue(hosts) ?? []).Select(host => JsonValue.Create(host))]),
                ["days"] = parsed.GetValue(days),
                ["key"] = parsed.GetValue(kind),
                ["request"] = parsed.GetValue(request) is { } file ? await RequestAsync(file, cancellation) : null,
            };
            if (parsed.GetValue(request) is not null && files.WantsPkcs12(parsed))
                throw new CliException(ExitCode.WrongUsage, "A PKCS#12 file needs the key, and the key of a request is not here: use --out DIR.");
            return await files.WriteAsync(await center.PostAsync("/api/v1/certificates", wanted, cancellation), parsed, printer, cancellation);
        });
    }

    // PEM as it is, DER in base64.
    private static async Task<string> RequestAsync(string file, CancellationToken cancellation)
    {
        var bytes = await File.ReadAllBytesAsync(file, cancellation);
        return bytes.AsSpan().StartsWith("-----"u8) ? Encoding.ASCII.GetString(bytes) : Convert.ToBase64String(bytes);
    }

    private static Command List()
    {
        var state = new Option<string?>("--state") { Description = "Only these: valid, expired, revoked", HelpName = "STATE" };
        var profile = new Option<string?>("--profile") { Description = "Only this profile", HelpName = "P" };
        var name = new Option<string?>("--name") { Description = "Only this name", HelpName = "NAME" };
        return Verb.Make("list", "Every certificate that was issued, newest first", [state, profile, name, GlobalOptions.Limit], async (parsed, printer, cancellation) =>
        {
            using var center = CenterClient.Connect(parsed);
            var page = await center.GetAllAsync("/api/v1/certificates" + Query.Of(("state", parsed.GetValue(state)), ("profile", parsed.GetValue(profile)), ("name", parsed.GetValue(name))), "certificates", parsed.GetValue(GlobalOptions.Limit), cancellation);
            if (printer.Json)
                printer.Object(page);
            printer.Table(["name", "profile", "state", "ends", "serial"], Query.Rows(page, "certificates", "name", "profile", "state", "notAfter", "serial"));
            return ExitCode.Done;
        });
    }

    private static Command Show()
    {
        var pem = new Option<bool>("--pem") { Description = "Print the certificate and the intermediates as PEM" };
        return Verb.Make("show", "One certificate", [Which, pem], async (parsed, printer, cancellation) =>
        {
            using var center = CenterClient.Connect(parsed);
            var found = await FindAsync(center, parsed.GetValue(Which)!, cancellation);
            if (printer.Json)
            {
                printer.Object(found);
                return ExitCode.Done;
            }

            if (parsed.GetValue(pem))
            {
                printer.Line(Query.Text(found["chain"]).TrimEnd());
                return ExitCode.Done;
            }

            var one = found["certificate"] as JsonObject ?? [];
            printer.Facts(
                ("name", Query.Text(one["name"])), ("profile", Query.Text(one["profile"])),
                ("state", Query.Text(one["state"]) + (one["reason"] is { } reason ? $", {Query.Text(reason)} since {Query.Text(one["revokedAt"])}" : "")),
                ("subject", Query.Text(found["subject"])), ("hosts", Query.Text(found["hosts"])), ("key", Query.Text(found["key"])),
                ("valid", $"{Query.Text(one["notBefore"])} to {Query.Text(one["notAfter"])}"), ("serial", Query.Text(one["serial"])), ("issued by", Query.Text(found["path"])), ("SHA-256", Query.Text(found["fingerprint"])));
            return ExitCode.Done;
        });
    }

    private static Command Renew()
    {
        var files = new IssuedFiles(outIsNeeded: false);
        return Verb.Make("renew", "A new certificate like the newest of that name; the center's own are taken into use at once", [Which, .. files.Options], async (parsed, printer, cancellation) =>
        {
            using var center = CenterClient.Connect(parsed);
            var which = parsed.GetValue(Which)!;
            var found = await FindAsync(center, which, cancellation);
            var isOurs = Query.Text(found["certificate"]?["profile"]) is "center" or "broker" && Query.Text(found["certificate"]?["name"]) is "command_center" or "mqtt_broker";
            if (!isOurs && !files.HasPlace(parsed))
                throw new CliException(ExitCode.WrongUsage, "The new key is handed out once: say where to with --out DIR or --p12 FILE.");
            var renewed = await center.PostAsync("/api/v1/certificates/renew", new JsonObject { ["certificate"] = which }, cancellation);
            if (Query.Text(renewed["key"]).Length > 0)
                return await files.WriteAsync(renewed, parsed, printer, cancellation);
            if (printer.Json)
                printer.Object(new JsonObject { ["name"] = Query.Text(renewed["name"]), ["serial"] = Query.Text(renewed["serial"]), ["notAfter"] = renewed["notAfter"]?.DeepClone() });
            printer.Line($"renewed {Query.Text(renewed["name"])}: serial {Query.Text(renewed["serial"])}, ends {Query.Text(renewed["notAfter"])}; open connections stay");
            return ExitCode.Done;
        });
    }

    private static Command Revoke()
    {
        var which = new Argument<string[]>("NAME|SERIAL") { Description = "Serials, or names for all their certificates", Arity = ArgumentArity.ZeroOrMore };
        var device = new Option<string?>("--device") { Description = "Everything of this device", HelpName = "NAME" };
        var user = new Option<string?>("--user") { Description = "Everything of this person", HelpName = "NAME" };
        var under = new Option<string?>("--under") { Description = "Everything this intermediate has issued", HelpName = "SERIAL" };
        var reason = new Option<string>("--reason") { Description = "keyCompromise, cessationOfOperation, superseded, affiliationChanged, privilegeWithdrawn, certificateHold, unspecified", HelpName = "R", DefaultValueFactory = _ => "unspecified" };
        var evidence = new Option<string?>("--evidence-out") { Description = "Write the signed evidence here", HelpName = "FILE" };
        var yes = new Option<bool>("--yes") { Description = "Do it without asking" };
        return Verb.Make("revoke", "Revoke now: open sessions are cut, the next handshake is refused", [which, device, user, under, reason, evidence, yes], async (parsed, printer, cancellation) =>
        {
            var names = parsed.GetValue(which) ?? [];
            var meant = names.Concat(((string?[])[parsed.GetValue(device), parsed.GetValue(user), parsed.GetValue(under)]).OfType<string>()).ToList();
            if (meant.Count == 0)
                throw new CliException(ExitCode.WrongUsage, "Say what to revoke: serials or names, --device NAME, --user NAME or --under SERIAL.");
            if (!parsed.GetValue(yes) && !Confirmed(meant[0]))
                throw new CliException(ExitCode.Refused, "Nothing was revoked. Add --yes to revoke without being asked.");
            using var center = CenterClient.Connect(parsed);
            var report = await center.PostAsync("/api/v1/certificates/revoke", new JsonObject
            {
                ["certificates"] = new JsonArray([.. names.Select(name => JsonValue.Create(name))]), ["device"] = parsed.GetValue(device), ["user"] = parsed.GetValue(user), ["under"] = parsed.GetValue(under),
                ["reason"] = Kebab(parsed.GetValue(reason)!), ["confirm"] = parsed.GetValue(yes),
            }, cancellation);
            if (parsed.GetValue(evidence) is { } path)
                await File.WriteAllTextAsync(path, Query.Text(report["evidence"]) + "\n", cancellation);
            if (printer.Json)
                printer.Object(report);
            var serials = report["serials"] as JsonArray ?? [];
            printer.Line($"revoked {(serials.Count == 1 ? Query.Text(serials[0]) : $"{serials.Count} certificates")}; {Query.Text(report["closed"])} open sessions were cut; CRL number {Query.Text(report["crlNumber"])}");
            if (Query.Text(report["detail"]) is { Length: > 0 } detail)
                printer.Line(detail);
            printer.Line($"evidence: signet cert evidence {Query.Text(report["id"])}{(parsed.GetValue(evidence) is { } written ? $" (written to {written})" : "")}");
            return ExitCode.Done;
        });
    }

    private static Command Release() => Verb.Make("release", "Undo a hold: the certificate is good again", [Which], async (parsed, printer, cancellation) =>
    {
        using var center = CenterClient.Connect(parsed);
        var released = await center.PostAsync("/api/v1/certificates/release", new JsonObject { ["certificate"] = parsed.GetValue(Which) }, cancellation);
        if (printer.Json)
            printer.Object(released);
        printer.Line($"{Query.Text(released["name"])} ({Query.Text(released["serial"])}) is {Query.Text(released["state"])} again");
        return ExitCode.Done;
    });

    private static Command Evidence()
    {
        var id = new Argument<string?>("ID") { Description = "A revocation; without it the latest are listed", Arity = ArgumentArity.ZeroOrOne };
        var file = new Option<string?>("--out") { Description = "Write the signed evidence here", HelpName = "FILE" };
        return Verb.Make("evidence", "What a revocation did, signed by the center", [id, file], async (parsed, printer, cancellation) =>
        {
            using var center = CenterClient.Connect(parsed);
            if (parsed.GetValue(id) is not { } one)
            {
                var page = await center.GetAsync("/api/v1/revocations", cancellation);
                if (printer.Json)
                    printer.Object(page);
                printer.Table(["revocation", "requested", "reason", "by", "version"], Query.Rows(page, "revocations", "id", "requested", "reason", "by", "version"));
                return ExitCode.Done;
            }

            var found = await center.GetAsync("/api/v1/revocations/" + Uri.EscapeDataString(one), cancellation);
            if (parsed.GetValue(file) is { } path)
                await File.WriteAllTextAsync(path, Query.Text(found["evidence"]) + "\n", cancellation);
            if (printer.Json)
                printer.Object(found);
            else if (parsed.GetValue(file) is { } written)
                printer.Line($"wrote {written}; check it anywhere with `signet cert verify {written} --trust root.crt`");
            else
                printer.Line(Query.Text(found["evidence"]));
            return ExitCode.Done;
        });
    }

    /// <summary>By serial, or the newest of a name.</summary>
    internal static async Task<JsonObject> FindAsync(CenterClient center, string which, CancellationToken cancellation)
    {
        var named = await center.GetAllAsync("/api/v1/certificates" + Query.Of(("name", which)), "certificates", null, cancellation);
        var serial = (named["certificates"] as JsonArray)?.FirstOrDefault()?["serial"] is { } newest ? Query.Text(newest) : which;
        return await center.GetAsync("/api/v1/certificates/" + Uri.EscapeDataString(serial), cancellation);
    }

    /// <summary>RFC 5280 writes <c>keyCompromise</c>; the API writes <c>key-compromise</c>. Both are taken.</summary>
    private static string Kebab(string reason) => string.Concat(reason.Select((letter, at) => char.IsAsciiLetterUpper(letter) ? (at > 0 ? "-" : "") + char.ToLowerInvariant(letter) : letter.ToString()));

    private static bool Confirmed(string name)
    {
        if (Console.IsInputRedirected)
            return false;
        Console.Error.Write($"Type {Printer.Inert(name)} to revoke it: ");
        return Console.ReadLine() == name;
    }
}

/// <summary>Where an issued certificate and its key go: PEM files in a folder, a PKCS#12 file, or both.</summary>
internal sealed class IssuedFiles(bool outIsNeeded = true)
{
    private readonly Option<string?> _folder = new("--out") { Description = "Folder for NAME.crt (leaf and intermediate), NAME.key (0600) and root.crt", HelpName = "DIR", Required = false };
    private readonly Option<string?> _p12 = new("--p12") { Description = "PKCS#12 file (0600) for browsers and phones; its password is random and shown once", HelpName = "FILE" };

    public IEnumerable<Symbol> Options => [_folder, _p12];

    public bool WantsPkcs12(ParseResult parsed) => parsed.GetValue(_p12) is not null;

    public bool HasPlace(ParseResult parsed) => parsed.GetValue(_folder) is not null || parsed.GetValue(_p12) is not null;

    public async Task<ExitCode> WriteAsync(JsonObject issued, ParseResult parsed, Printer printer, CancellationToken cancellation)
    {
        if (outIsNeeded && !HasPlace(parsed))
            throw new CliException(ExitCode.WrongUsage, "Say where the certificate and its key go: --out DIR, --p12 FILE, or both.");
        var said = new JsonObject { ["name"] = Query.Text(issued["name"]), ["serial"] = Query.Text(issued["serial"]) };
        var (chain, key, root) = (Query.Text(issued["chain"]), Query.Text(issued["key"]), Query.Text(issued["root"]));
        if (parsed.GetValue(_folder) is { } folder)
        {
            var target = Path.GetFullPath(folder);
            Directory.CreateDirectory(target);
            var file = Path.Combine(target, Path.GetFileName(Query.Text(issued["name"])));
            if (key.Length > 0)
                KeyFile.WritePrivate(file + ".key", Encoding.ASCII.GetBytes(key));
            await File.WriteAllTextAsync(file + ".crt", chain, cancellation);
            await File.WriteAllTextAsync(Path.Combine(target, "root.crt"), root, cancellation);
            (said["certificate"], said["key"], said["rootCertificate"]) = (file + ".crt", key.Length > 0 ? file + ".key" : null, Path.Combine(target, "root.crt"));
            printer.Line($"wrote {file}.crt, {(key.Length > 0 ? $"{file}.key " : "")}and {Path.Combine(target, "root.crt")}");
        }

        if (parsed.GetValue(_p12) is { } path)
        {
            var password = System.Security.Cryptography.RandomNumberGenerator.GetString("abcdefghijkmnpqrstuvwxyz23456789", 20);
            KeyFile.WritePrivate(path, Pkcs12File.Make(chain, key, password));
            (said["p12"], said["p12Password"]) = (Path.GetFullPath(path), password);
            printer.Line($"wrote {path}; its password, shown this once: {password}");
        }

        if (printer.Json)
            printer.Object(said);
        return ExitCode.Done;
    }
}
