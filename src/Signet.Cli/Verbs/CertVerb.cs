using System.CommandLine;
using System.Text;
using System.Text.Json.Nodes;
using Signet.Cli.Shell;
using Signet.Pki;

namespace Signet.Cli.Verbs;

/// <summary><c>signet cert issue|list|revoke</c>: certificates of the running command center's authority.</summary>
internal static class CertVerb
{
    private static readonly string[] Profiles = ["device", "user", "broker", "center-sign"];

    public static Command Build() => Verb.Noun("cert", "Issue, list and revoke certificates", Issue(), List(), Revoke());

    private static Command Issue()
    {
        var profile = new Option<string>("--profile") { Description = "What the certificate is for", Required = true };
        profile.AcceptOnlyFromAmong(Profiles);
        var name = new Option<string>("--name") { Description = "Whom it names", HelpName = "NAME", Required = true };
        var hosts = new Option<string[]>("--host") { Description = "DNS name or address in the certificate (may be repeated)", HelpName = "NAME|IP" };
        var folder = new Option<string>("--out") { Description = "Folder for NAME.crt (leaf and intermediate), NAME.key (0600) and root.crt", HelpName = "DIR", Required = true };
        return Verb.Make("issue", "Issue a certificate with a new key", [profile, name, hosts, folder], async (parsed, printer, cancellation) =>
        {
            using var center = CenterClient.Connect(parsed);
            var target = Path.GetFullPath(parsed.GetValue(folder)!);
            var wanted = new JsonObject
            {
                ["profile"] = parsed.GetValue(profile),
                ["name"] = parsed.GetValue(name),
                ["hosts"] = new JsonArray([.. (parsed.GetValue(hosts) ?? []).Select(host => JsonValue.Create(host))]),
            };
            var issued = await center.PostAsync("/api/v1/certificates", wanted, cancellation);
            var file = Path.Combine(target, Path.GetFileName(parsed.GetValue(name)!));
            Directory.CreateDirectory(target);
            KeyFile.WritePrivate(file + ".key", Encoding.ASCII.GetBytes(Query.Text(issued["key"])));
            await File.WriteAllTextAsync(file + ".crt", Query.Text(issued["chain"]), cancellation);
            await File.WriteAllTextAsync(Path.Combine(target, "root.crt"), Query.Text(issued["root"]), cancellation);
            if (printer.Json)
                printer.Object(new JsonObject { ["name"] = parsed.GetValue(name), ["serial"] = Query.Text(issued["serial"]), ["certificate"] = file + ".crt", ["key"] = file + ".key", ["rootCertificate"] = Path.Combine(target, "root.crt") });
            printer.Line($"wrote {file}.crt, {file}.key and {Path.Combine(target, "root.crt")}");
            return ExitCode.Done;
        });
    }

    private static Command List() => Verb.Make("list", "Every certificate that was issued", [], async (parsed, printer, cancellation) =>
    {
        using var center = CenterClient.Connect(parsed);
        var page = await center.GetAsync("/api/v1/certificates", cancellation);
        if (printer.Json)
            printer.Object(page);
        printer.Table(["name", "profile", "state", "ends", "serial"], Query.Rows(page, "certificates", "name", "profile", "state", "notAfter", "serial"));
        return ExitCode.Done;
    });

    private static Command Revoke()
    {
        var which = new Argument<string>("NAME|SERIAL") { Description = "A serial, or a name for all its certificates" };
        var reason = new Option<string>("--reason") { Description = "Why", HelpName = "R", DefaultValueFactory = _ => "unspecified" };
        var yes = new Option<bool>("--yes") { Description = "Do it without asking" };
        return Verb.Make("revoke", "Revoke now: open sessions are cut, the next handshake is refused", [which, reason, yes], async (parsed, printer, cancellation) =>
        {
            var name = parsed.GetValue(which)!;
            if (!parsed.GetValue(yes) && !Confirmed(name))
                throw new CliException(ExitCode.Refused, "Nothing was revoked. Add --yes to revoke without being asked.");
            using var center = CenterClient.Connect(parsed);
            var report = await center.PostAsync("/api/v1/certificates/revoke", new JsonObject { ["certificate"] = name, ["reason"] = Kebab(parsed.GetValue(reason)!), ["confirm"] = parsed.GetValue(yes) }, cancellation);
            if (printer.Json)
                printer.Object(report);
            printer.Line($"revoked {Query.Text(report["serials"])}; {Query.Text(report["closed"])} open sessions were cut; CRL number {Query.Text(report["crlNumber"])}");
            return ExitCode.Done;
        });
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
