using System.CommandLine;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Signet.Cli.Shell;
using Signet.Pki;

namespace Signet.Cli.Verbs;

/// <summary><c>signet ca show|rotate|trust|export|import|sign</c>: roots and intermediates.</summary>
internal static class CaVerb
{
    public static Command Build() => Verb.Noun("ca", "Show and rotate authorities, hand out the roots, work with an offline root", Show(), Rotate(), Trust(), Export(), Import(), Sign());

    private static Command Show() => Verb.Make("show", "Roots and intermediates", [], async (parsed, printer, cancellation) =>
    {
        using var center = CenterClient.Connect(parsed);
        var page = await center.GetAsync("/api/v1/authorities", cancellation);
        if (printer.Json)
            printer.Object(page);
        printer.Table(["authority", "kind", "state", "key", "key here", "ends", "serial"], Query.Rows(page, "authorities", "name", "kind", "state", "key", "keyHere", "notAfter", "serial"));
        printer.Table(["command signer", "state", "devices that believe it", "ends"], Query.Rows(page, "signers", "serial", "state", "devices", "notAfter"));
        if (!printer.Json)
            printer.Facts([.. (page["authorities"] as JsonArray ?? []).Where(one => Query.Text(one?["kind"]) == "root").Select(one => ("SHA-256 of " + Query.Text(one?["name"]), Query.Text(one?["fingerprint"])))]);
        return ExitCode.Done;
    });

    private static Command Rotate()
    {
        var root = new Option<bool>("--root") { Description = "A new root too, beside the former one" };
        var yes = new Option<bool>("--yes") { Description = "Do it without asking" };
        var signer = new Option<bool>("--signer") { Description = "Instead: a new key that signs commands; devices take it one by one, and each is commanded with the one it believes" };
        return Verb.Make("rotate", "A new intermediate (or root) issues from now on; what the former ones signed stays good", [root, signer, yes], async (parsed, printer, cancellation) =>
        {
            if (!parsed.GetValue(yes))
                throw new CliException(ExitCode.WrongUsage, "Nothing was done. Add --yes to rotate.");
            if (parsed.GetValue(signer) && parsed.GetValue(root))
                throw new CliException(ExitCode.WrongUsage, "Rotate the root or the command signer, one at a time.");
            using var center = CenterClient.Connect(parsed);
            if (parsed.GetValue(signer))
            {
                var signers = await center.PostAsync("/api/v1/authorities/signer", null, cancellation);
                if (printer.Json)
                    printer.Object(signers);
                printer.Table(["command signer", "state", "devices that believe it", "ends"], Query.Rows(signers, "signers", "serial", "state", "devices", "notAfter"));
                printer.Line("devices take the new key within seconds, those that are away when they come back; `signet ca show` counts them, and the former key is destroyed after the last one. Was it stolen? Then `signet cert revoke SERIAL --reason key-compromise --yes`");
                return ExitCode.Done;
            }

            var made = await center.PostAsync("/api/v1/authorities/rotate", new JsonObject { ["what"] = parsed.GetValue(root) ? "root" : "intermediate" }, cancellation);
            if (printer.Json)
                printer.Object(made);
            printer.Line($"{Query.Text(made["name"])} signs from now on, until {Query.Text(made["notAfter"])}");
            if (parsed.GetValue(root))
                printer.Line("hand the new bundle to every client with `signet ca trust --out FILE`; devices take it when they renew; then end the overlap with `signet ca trust --retire SERIAL --yes`");
            return ExitCode.Done;
        });
    }

    private static Command Trust()
    {
        var file = new Option<string?>("--out") { Description = "Write the bundle here, PEM", HelpName = "FILE" };
        var retire = new Option<string?>("--retire") { Description = "Rely on this former root no more", HelpName = "SERIAL" };
        var yes = new Option<bool>("--yes") { Description = "Every peer has taken the new bundle" };
        return Verb.Make("trust", "The roots that peers should rely on; or end the overlap with a former one", [file, retire, yes], async (parsed, printer, cancellation) =>
        {
            using var center = CenterClient.Connect(parsed);
            if (parsed.GetValue(retire) is { } serial)
            {
                var retired = await center.PostAsync("/api/v1/authorities/retire", new JsonObject { ["serial"] = serial, ["confirm"] = parsed.GetValue(yes) }, cancellation);
                if (printer.Json)
                    printer.Object(retired);
                printer.Line($"{Query.Text(retired["name"])} is relied on no more");
                return ExitCode.Done;
            }

            var page = await center.GetAsync("/api/v1/authorities", cancellation);
            var bundle = Query.Text(page["trust"]);
            if (parsed.GetValue(file) is { } path)
                await File.WriteAllTextAsync(path, bundle, cancellation);
            if (printer.Json)
                printer.Object(new JsonObject { ["trust"] = bundle, ["file"] = parsed.GetValue(file) });
            printer.Line(parsed.GetValue(file) is { } written ? $"wrote {written}" : bundle.TrimEnd());
            return ExitCode.Done;
        });
    }

    private static Command Export()
    {
        var file = new Option<string>("--request") { Description = "Where the request goes", HelpName = "FILE", Required = true };
        return Verb.Make("export", "Begin an intermediate whose root is offline: writes the request to carry there; the key stays here", [file], async (parsed, printer, cancellation) =>
        {
            using var center = CenterClient.Connect(parsed);
            var request = await center.PostAsync("/api/v1/authorities/request", null, cancellation);
            await File.WriteAllTextAsync(parsed.GetValue(file)!, Query.Text(request["pem"]), cancellation);
            if (printer.Json)
                printer.Object(new JsonObject { ["request"] = Path.GetFullPath(parsed.GetValue(file)!) });
            printer.Line($"wrote {parsed.GetValue(file)}; where the root's key is: signet ca sign --request FILE --root root.crt --root-key root.key --out FILE; then here: signet ca import FILE");
            return ExitCode.Done;
        });
    }

    private static Command Import()
    {
        var file = new Argument<string>("FILE") { Description = "The root's answer, PEM: one certificate from each root that is relied on" };
        return Verb.Make("import", "Take the offline root's answer: the new intermediate issues from now on (to take over a whole authority see `signet init --ca-root`)", [file], async (parsed, printer, cancellation) =>
        {
            using var center = CenterClient.Connect(parsed);
            var taken = await center.PostAsync("/api/v1/authorities/answer", new JsonObject { ["pem"] = await File.ReadAllTextAsync(parsed.GetValue(file)!, cancellation) }, cancellation);
            if (printer.Json)
                printer.Object(taken);
            printer.Line($"{Query.Text(taken["name"])} signs from now on, until {Query.Text(taken["notAfter"])}");
            return ExitCode.Done;
        });
    }

    private static Command Sign()
    {
        var request = new Option<string>("--request") { Description = "What `signet ca export` wrote", HelpName = "FILE", Required = true };
        var root = new Option<string>("--root") { Description = "The root's certificate", HelpName = "FILE", Required = true };
        var key = new Option<string>("--root-key") { Description = "The root's key: a file (0600) or a PKCS#11 URI", HelpName = "FILE|URI", Required = true };
        var answer = new Option<string>("--out") { Description = "Where the answer goes", HelpName = "FILE", Required = true };
        var organization = new Option<string?>("--organization") { Description = "As in the root (default: taken from it)", HelpName = "NAME" };
        var url = new Option<string?>("--public-url") { Description = "Address of the PKI endpoint (default: none is written)", HelpName = "URL" };
        return Verb.Make("sign", "On the machine with the root's key, no command center needed: sign a request for an intermediate", [request, root, key, answer, organization, url], async (parsed, printer, cancellation) =>
        {
            using var certificate = PemFile.Read(parsed.GetValue(root)!)[0];
            using var rootKey = KeyFile.Open(parsed.GetValue(key)!);
            using var random = RandomNumberGenerator.Create();
            var options = new AuthorityOptions
            {
                Organization = parsed.GetValue(organization) ?? certificate.SubjectName.EnumerateRelativeDistinguishedNames().FirstOrDefault(part => part.GetSingleElementType().Value == "2.5.4.10")?.GetSingleElementValue() ?? "Signet",
                PublicUrl = parsed.GetValue(url) is { } address ? new Uri(address) : null,
            };
            var pem = CertificateAuthority.SignIntermediate(certificate, rootKey, await File.ReadAllBytesAsync(parsed.GetValue(request)!, cancellation), options, TimeProvider.System, random);
            await File.WriteAllTextAsync(parsed.GetValue(answer)!, pem, cancellation);
            if (printer.Json)
                printer.Object(new JsonObject { ["certificate"] = Path.GetFullPath(parsed.GetValue(answer)!) });
            printer.Line($"wrote {parsed.GetValue(answer)}; carry it back and take it with `signet ca import`");
            return ExitCode.Done;
        });
    }
}
