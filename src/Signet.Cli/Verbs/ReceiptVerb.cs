using System.CommandLine;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Signet.Cli.Shell;
using Signet.Control;
using Signet.Pki;

namespace Signet.Cli.Verbs;

/// <summary><c>signet receipt export|verify</c>: the proof of one command in one file, checked offline by anybody who has the roots.</summary>
internal static class ReceiptVerb
{
    private const int MaximumFileBytes = 4 * 1024 * 1024; // chosen: a receipt file is some 10 KiB

    public static Command Build() => Verb.Noun("receipt", "Keep and check the proof of a command", Export(), Verify());

    private static Command Export()
    {
        var id = new Argument<string>("ID") { Description = "The command's id" };
        var file = new Option<string>("--out") { Description = "Where to write it", HelpName = "FILE", Required = true };
        return Verb.Make("export", "Write command, receipt and proofs into one file", [id, file], async (parsed, printer, cancellation) =>
        {
            using var center = CenterClient.Connect(parsed);
            var path = Path.GetFullPath(parsed.GetValue(file)!);
            await using (var answer = await center.OpenAsync($"/api/v1/commands/{Uri.EscapeDataString(parsed.GetValue(id)!)}/receipt", cancellation))
            await using (var target = File.Create(path))
                await answer.CopyToAsync(target, cancellation);
            if (printer.Json)
                printer.Object(new JsonObject { ["id"] = parsed.GetValue(id), ["file"] = path });
            printer.Line($"wrote {path}; check it anywhere with `signet receipt verify {path} --trust ROOT.crt`");
            return ExitCode.Done;
        });
    }

    private static Command Verify()
    {
        var file = new Argument<string>("FILE") { Description = "A file that `receipt export` wrote" };
        var trust = new Option<string>("--trust") { Description = "Root certificate, or a directory: only its self-signed root*.crt are trusted", HelpName = "FILE|DIR", Required = true };
        var crl = new Option<string[]>("--crl") { Description = "Revocation list (may be repeated): tells whether who signed was revoked later, and changes nothing else", HelpName = "FILE" };
        return Verb.Make("verify", "Check a receipt offline: no server, no network", [file, trust, crl], (parsed, printer, _) =>
        {
            var bytes = Read(parsed.GetValue(file)!);
            var roots = TrustedRoots.Load(parsed.GetValue(trust)!);
            var verdict = ReceiptVerifier.Verify(bytes, roots);
            var lists = parsed.GetValue(crl) ?? [];
            var revoked = verdict.Valid && lists.Length > 0 ? Revoked(bytes, roots, lists) : [];
            if (printer.Json)
                printer.Object(Describe(verdict, lists.Length > 0 ? revoked : null));
            else
                Print(printer, verdict, revoked);
            return Task.FromResult(verdict.Valid ? ExitCode.Done : ExitCode.VerificationFailed);
        });
    }

    private static IReadOnlyList<RevokedSigner> Revoked(byte[] file, List<X509Certificate2> roots, string[] lists)
    {
        try
        {
            return ReceiptRevocations.Find(file, roots, lists);
        }
        catch (PkiException e)
        {
            // Not a word about the receipt; but "nothing is revoked" would be one.
            throw new CliException(ExitCode.WrongUsage, e.Message);
        }
    }

    private static JsonObject Describe(ReceiptVerdict verdict, IReadOnlyList<RevokedSigner>? revoked) => new()
    {
        ["valid"] = verdict.Valid,
        ["problem"] = verdict.Problem.Length == 0 ? null : verdict.Problem,
        ["checks"] = new JsonArray([.. verdict.Checks.Select(check => JsonValue.Create(check))]),
        ["receipt"] = verdict.Summary is not { } summary ? null : new JsonObject
        {
            ["id"] = summary.Id,
            ["device"] = summary.Device,
            ["command"] = summary.Command,
            ["by"] = summary.By,
            ["state"] = summary.State,
            ["reason"] = summary.Reason.Length == 0 ? null : summary.Reason,
            ["issuedAt"] = summary.IssuedAt.ToString("O"),
            ["answeredAt"] = summary.AnsweredAt.ToString("O"),
        },
        // Null: nobody gave a list.
        ["revoked"] = revoked is null ? null : new JsonArray([.. revoked.Select(one => new JsonObject { ["certificate"] = one.Part, ["at"] = one.At.ToString("O"), ["reason"] = one.Reason, ["afterCheckpoint"] = one.IsLater })]),
    };

    private static void Print(Printer printer, ReceiptVerdict verdict, IReadOnlyList<RevokedSigner> revoked)
    {
        foreach (var check in verdict.Checks)
            printer.Line(Printer.Inert($"  {(!verdict.Valid && ReferenceEquals(check, verdict.Checks[^1]) ? "FAILED" : "ok    ")}  {check}"));
        if (!verdict.Valid)
            printer.Fail($"not a valid receipt: {verdict.Problem}");
        else if (verdict.Summary is { } summary)
            printer.Line(Printer.Inert($"valid: {summary.Device} signed that it {summary.State} {summary.Command}, asked by {summary.By} at {summary.IssuedAt:u}"));
        foreach (var one in revoked)
            printer.Line(Printer.Inert($"revoked: the certificate of the {one.Part.Replace('-', ' ')}, at {one.At:u} ({one.Reason}), {(one.IsLater ? "after" : "before")} the checkpoint; the receipt was judged at the checkpoint"));
    }

    private static byte[] Read(string path)
    {
        var info = new FileInfo(path);
        if (!info.Exists)
            throw new CliException(ExitCode.WrongUsage, $"There is no file {path}.");
        if (info.Length > MaximumFileBytes)
            throw new CliException(ExitCode.VerificationFailed, $"{path} is larger than any receipt ({MaximumFileBytes / 1024 / 1024} MiB).");
        return File.ReadAllBytes(path);
    }
}
