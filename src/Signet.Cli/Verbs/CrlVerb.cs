using System.CommandLine;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Signet.Cli.Shell;
using Signet.Pki;

namespace Signet.Cli.Verbs;

/// <summary><c>signet crl show|publish|verify</c>: the revocation lists.</summary>
internal static class CrlVerb
{
    public static Command Build() => Verb.Noun("crl", "Show, publish and verify certificate revocation lists", Show(), Publish(), Verify());

    private static Command Show()
    {
        var pem = new Option<string?>("--out") { Description = "Write all lists here, PEM: as Mosquitto, nginx and openssl read them", HelpName = "FILE" };
        return Verb.Make("show", "The lists in force", [pem], async (parsed, printer, cancellation) =>
        {
            using var center = CenterClient.Connect(parsed);
            var page = await center.GetAsync("/api/v1/crls", cancellation);
            if (parsed.GetValue(pem) is { } path)
                await File.WriteAllTextAsync(path, string.Concat((page["crls"] as JsonArray ?? []).Select(list => Query.Text(list?["pem"]))), cancellation);
            Print(printer, page);
            return ExitCode.Done;
        });
    }

    private static Command Publish() => Verb.Make("publish", "Sign and publish every list anew whose key is here", [], async (parsed, printer, cancellation) =>
    {
        using var center = CenterClient.Connect(parsed);
        Print(printer, await center.PostAsync("/api/v1/crls", null, cancellation));
        return ExitCode.Done;
    });

    private static Command Verify()
    {
        var file = new Argument<string?>("FILE") { Description = "A list, or several in PEM (default: those of the running center)", Arity = ArgumentArity.ZeroOrOne };
        var trust = new Option<string?>("--trust") { Description = "Certificates of the authorities, PEM (default: those of the running center)", HelpName = "FILE" };
        return Verb.Make("verify", "Check signatures and ages of lists; exit code 4 when one is not good", [file, trust], async (parsed, printer, cancellation) =>
        {
            using var center = parsed.GetValue(trust) is null || parsed.GetValue(file) is null ? CenterClient.Connect(parsed) : null;
            var authorities = new X509Certificate2Collection();
            if (parsed.GetValue(trust) is { } given)
                authorities = PemFile.Read(given);
            else
                authorities.ImportFromPem(string.Concat(((await center!.GetAsync("/api/v1/authorities", cancellation))["authorities"] as JsonArray ?? []).Select(one => Query.Text(one?["pem"]))));
            var path = parsed.GetValue(file);
            var temporary = path is null ? Path.GetTempFileName() : null;
            try
            {
                if (temporary is not null)
                    await File.WriteAllTextAsync(temporary, string.Concat(((await center!.GetAsync("/api/v1/crls", cancellation))["crls"] as JsonArray ?? []).Select(one => Query.Text(one?["pem"]))), cancellation);
                return Check(printer, path ?? temporary!, authorities);
            }
            finally
            {
                if (temporary is not null)
                    File.Delete(temporary);
            }
        });
    }

    private static ExitCode Check(Printer printer, string path, X509Certificate2Collection authorities)
    {
        RevocationState state;
        DateTimeOffset nextUpdate;
        try
        {
            state = ForeignLists.Load(path, new TrustStore(authorities), out nextUpdate);
        }
        catch (PkiException problem)
        {
            if (printer.Json)
                printer.Object(new JsonObject { ["valid"] = false, ["problem"] = problem.Message });
            printer.Fail(problem.Message);
            return ExitCode.VerificationFailed;
        }

        var isOld = TimeProvider.System.GetUtcNow() > nextUpdate;
        if (printer.Json)
            printer.Object(new JsonObject { ["valid"] = !isOld, ["problem"] = isOld ? "a list has expired" : "", ["entries"] = state.Count, ["nextUpdate"] = nextUpdate.ToString("O") });
        if (isOld)
        {
            printer.Fail($"a list has expired, on {nextUpdate:u}: publish a new one with `signet crl publish`");
            return ExitCode.VerificationFailed;
        }

        printer.Line($"good: {state.Count} revoked certificates, next update by {nextUpdate:u}");
        return ExitCode.Done;
    }

    private static void Print(Printer printer, JsonObject page)
    {
        if (printer.Json)
            printer.Object(page);
        printer.Table(["issuer", "number", "state", "entries", "since", "next update", "delta", "address"], Query.Rows(page, "crls", "issuer", "number", "state", "entries", "thisUpdate", "nextUpdate", "delta", "path"));
    }
}
