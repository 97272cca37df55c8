using System.CommandLine;
using System.Text.Json.Nodes;
using Signet.Cli.Shell;
using Signet.Control;

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
        return Verb.Make("verify", "Check a receipt offline: no server, no network", [file, trust], (parsed, printer, _) =>
        {
            var bytes = Read(parsed.GetValue(file)!);
            var verdict = ReceiptVerifier.Verify(bytes, TrustedRoots.Load(parsed.GetValue(trust)!));
            if (printer.Json)
                printer.Object(Describe(verdict));
            else
                Print(printer, verdict);
            return Task.FromResult(verdict.Valid ? ExitCode.Done : ExitCode.VerificationFailed);
        });
    }

    private static JsonObject Describe(ReceiptVerdict verdict) => new()
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
    };

    private static void Print(Printer printer, ReceiptVerdict verdict)
    {
        foreach (var check in verdict.Checks)
            printer.Line(Printer.Inert($"  {(!verdict.Valid && ReferenceEquals(check, verdict.Checks[^1]) ? "FAILED" : "ok    ")}  {check}"));
        if (!verdict.Valid)
            printer.Fail($"not a valid receipt: {verdict.Problem}");
        else if (verdict.Summary is { } summary)
            printer.Line(Printer.Inert($"valid: {summary.Device} signed that it {summary.State} {summary.Command}, asked by {summary.By} at {summary.IssuedAt:u}"));
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
