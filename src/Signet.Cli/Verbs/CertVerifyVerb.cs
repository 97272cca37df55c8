using System.CommandLine;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Signet.Cli.Shell;
using Signet.Control;
using Signet.Pki;

namespace Signet.Cli.Verbs;

/// <summary><c>signet cert verify</c>: a certificate, or the evidence of a revocation, against trusted roots. Files are checked without any command center.</summary>
internal static class CertVerifyVerb
{
    public static Command Build()
    {
        var what = new Argument<string>("FILE|NAME|SERIAL") { Description = "A certificate file (PEM), a revocation's evidence, or a certificate of the running center" };
        var trust = new Option<string?>("--trust") { Description = "A root, or a directory whose root*.crt are meant (default: the data directory's)", HelpName = "FILE|DIR" };
        var crl = new Option<string[]>("--crl") { Description = "Revocation lists to check against (may be repeated)", HelpName = "FILE" };
        var purpose = new Option<string>("--purpose") { Description = "What it is to be good for", DefaultValueFactory = _ => "client" };
        purpose.AcceptOnlyFromAmong("client", "server", "command-signing", "sealing", "checkpoint-signing", "ocsp-signing");
        return Verb.Make("verify", "Check a certificate or a revocation's evidence; exit code 4 when it is not good", [what, trust, crl, purpose], async (parsed, printer, cancellation) =>
        {
            var given = parsed.GetValue(what)!;
            var roots = TrustedRoots.Load(parsed.GetValue(trust) ?? DefaultTrust(parsed));
            if (!File.Exists(given))
            {
                using var center = CenterClient.Connect(parsed);
                var chain = new X509Certificate2Collection();
                var found = await CertVerb.FindAsync(center, given, cancellation);
                chain.ImportFromPem(Query.Text(found["chain"]));
                var lists = await center.GetAsync("/api/v1/crls", cancellation);
                // Every authority there is: the lists of former ones are looked at too.
                chain.ImportFromPem(string.Concat(((await center.GetAsync("/api/v1/authorities", cancellation))["authorities"] as JsonArray ?? []).Select(one => Query.Text(one?["pem"]))));
                return Judge(printer, chain, roots, [.. (lists["crls"] as JsonArray ?? []).Select(list => Temporary(Query.Text(list?["pem"])))], Purpose(parsed.GetValue(purpose)!), deleteLists: true);
            }

            if (new FileInfo(given).Length > EvidenceVerifier.MaximumBytes)
                throw new CliException(ExitCode.VerificationFailed, $"{given} is larger than any evidence.");
            var bytes = await File.ReadAllBytesAsync(given, cancellation);
            return bytes.AsSpan().StartsWith("eyJ"u8) ? Evidence(printer, bytes, roots) : Judge(printer, PemFile.Read(given), roots, parsed.GetValue(crl) ?? [], Purpose(parsed.GetValue(purpose)!), deleteLists: false);
        });
    }

    private static string DefaultTrust(ParseResult parsed)
    {
        var pki = Path.Combine(GlobalOptions.DataDirectory(parsed), "pki");
        return File.Exists(Path.Combine(pki, Authorities.TrustFile)) ? Path.Combine(pki, Authorities.TrustFile) : Path.Combine(pki, "root.crt");
    }

    private static ExitCode Evidence(Printer printer, byte[] bytes, List<X509Certificate2> roots)
    {
        var verdict = EvidenceVerifier.Verify(bytes, roots);
        var (certificates, sessions, refused) = (verdict.Parts.Sum(p => p.Certificates.Count), verdict.Parts.Sum(p => p.Sessions.Count), verdict.Parts.Sum(p => p.Refused.Count));
        var part = verdict.IsGenuine ? verdict.Parts[0] : null;
        if (printer.Json)
        {
            printer.Object(new JsonObject
            {
                ["valid"] = verdict.IsGenuine, ["problem"] = verdict.Problem, ["revocation"] = part?.Act, ["reason"] = part?.Reason,
                ["requested"] = part?.Requested.ToString("O"), ["certificates"] = certificates, ["sessions"] = sessions, ["refused"] = refused,
            });
        }

        if (!verdict.IsGenuine)
        {
            printer.Fail($"not genuine evidence: {verdict.Problem}");
            return ExitCode.VerificationFailed;
        }

        var first = verdict.Parts[0];
        printer.Line(Printer.Inert($"genuine: {certificates} certificates revoked by {first.OriginatorName} ({first.Reason}), asked at {first.Requested:O}, in force at {first.Effective:O}, CRL number {first.CrlNumber}"));
        printer.Table(["serial", "client", "listener", "closed", "last message"], verdict.Parts.SelectMany(p => p.Sessions).Select(s =>
            (IReadOnlyList<string>)[s.Serial, Printer.Inert(s.Client), s.Listener, s.Closed is { } closed ? $"+{(closed - first.Requested).TotalMilliseconds:0} ms" : "not seen", s.LastMessage?.ToString("O") ?? "none"]));
        if (refused > 0)
            printer.Table(["serial", "came back", "at"], verdict.Parts.SelectMany(p => p.Refused).Select(r => (IReadOnlyList<string>)[r.Serial, r.At.ToString("O"), r.Listener]));
        return ExitCode.Done;
    }

    private static ExitCode Judge(Printer printer, X509Certificate2Collection chain, List<X509Certificate2> roots, string[] lists, CertificatePurpose purpose, bool deleteLists)
    {
        try
        {
            var trust = new TrustStore(roots, chain.Skip(1));
            var revocations = RevocationState.Empty;
            var oldest = DateTimeOffset.MaxValue;
            foreach (var list in lists)
            {
                revocations = revocations.With(ForeignLists.Load(list, trust, out var nextUpdate).All);
                oldest = nextUpdate < oldest ? nextUpdate : oldest;
            }

            var verdict = new CertificateJudge(() => trust, () => revocations, TimeProvider.System).Judge(chain[0], chain, purpose);
            var stale = TimeProvider.System.GetUtcNow() > oldest ? $" (a revocation list ended on {oldest:u})" : "";
            if (printer.Json)
                printer.Object(new JsonObject { ["valid"] = verdict.Accepted, ["refusal"] = verdict.Accepted ? null : verdict.Refusal.ToString().ToLowerInvariant(), ["detail"] = verdict.Detail + stale, ["name"] = verdict.Identity?.Name, ["serial"] = CertificateFacts.Serial(chain[0]) });
            if (!verdict.Accepted)
            {
                printer.Fail($"not good: {verdict.Detail}{stale}");
                return ExitCode.VerificationFailed;
            }

            printer.Line($"good: {Printer.Inert(verdict.Identity!.Name)}, serial {verdict.Identity.Serial}, until {verdict.Identity.NotAfter:u}{(lists.Length == 0 ? "; no revocation list was looked at (--crl FILE)" : stale)}");
            return ExitCode.Done;
        }
        finally
        {
            foreach (var list in deleteLists ? lists : [])
                File.Delete(list);
        }
    }

    private static string Temporary(string pem)
    {
        var path = Path.GetTempFileName();
        File.WriteAllText(path, pem);
        return path;
    }

    private static CertificatePurpose Purpose(string name) => name switch
    {
        "server" => CertificatePurpose.TlsServer,
        "command-signing" => CertificatePurpose.CommandSigning,
        "sealing" => CertificatePurpose.Sealing,
        "checkpoint-signing" => CertificatePurpose.CheckpointSigning,
        "ocsp-signing" => CertificatePurpose.OcspSigning,
        _ => CertificatePurpose.TlsClient,
    };
}
