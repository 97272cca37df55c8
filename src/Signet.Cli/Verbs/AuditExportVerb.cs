using System.CommandLine;
using System.Text.Json.Nodes;
using Signet.Cli.Shell;

namespace Signet.Cli.Verbs;

/// <summary><c>signet audit export|checkpoint</c>: what leaves the machine, for auditors and other programs.</summary>
internal static class AuditExportVerb
{
    public static Command Export()
    {
        var filters = AuditVerb.Filters();
        var file = new Option<string>("--out") { Description = "Where to write it", HelpName = "FILE", Required = true };
        var form = new Option<string>("--form") { Description = "ndjson: with proofs, verifiable offline; csv and syslog: for other tools, without proofs", HelpName = "FORM", DefaultValueFactory = _ => "ndjson" };
        form.AcceptOnlyFromAmong("ndjson", "csv", "syslog");
        var trust = new Option<string?>("--trust-out") { Description = "Also write the checkpoints' public key here: an auditor must get it by a way of its own", HelpName = "FILE" };
        return Verb.Make("export", "Write the log, or the entries that a filter wants", [file, form, trust, .. filters], async (parsed, printer, cancellation) =>
        {
            using var center = CenterClient.Connect(parsed);
            var path = Path.GetFullPath(parsed.GetValue(file)!);
            var beside = path + ".part";
            var query = Query.Of([("form", parsed.GetValue(form)), .. AuditVerb.Given(parsed, filters)]);
            long bytes = 0, lines = 0;
            using (var progress = new ProgressLine(printer, "exported bytes:", null))
            await using (var answer = await center.OpenAsync("/api/v1/audit/export" + query, cancellation))
            await using (var target = File.Create(beside))
            {
                var buffer = new byte[128 * 1024];
                for (int read; (read = await answer.ReadAsync(buffer, cancellation)) > 0; bytes += read)
                {
                    await target.WriteAsync(buffer.AsMemory(0, read), cancellation);
                    lines += buffer.AsSpan(0, read).Count((byte)'\n');
                    progress.Report(bytes + read);
                }
            }
            // Whole or not there: a broken line must not leave a file that looks finished.
            File.Move(beside, path, overwrite: true);
            if (parsed.GetValue(trust) is { } trustFile)
            {
                await using var pem = await center.OpenAsync("/api/v1/audit/trust", cancellation);
                await using var target = File.Create(trustFile);
                await pem.CopyToAsync(target, cancellation);
            }
            if (printer.Json)
                printer.Object(new JsonObject { ["file"] = path, ["form"] = parsed.GetValue(form), ["bytes"] = bytes, ["lines"] = lines, ["trust"] = parsed.GetValue(trust) });
            printer.Line(parsed.GetValue(form) == "ndjson"
                ? $"wrote {path}; check it anywhere with `signet audit verify --file {path} --trust {parsed.GetValue(trust) ?? "checkpoint.pub"}`"
                : $"wrote {path} ({lines} lines)");
            return ExitCode.Done;
        });
    }

    public static Command Checkpoint()
    {
        var file = new Option<string?>("--out") { Description = "Also write the note into a file: kept elsewhere, it shows a log that was rolled back", HelpName = "FILE" };
        return Verb.Make("checkpoint", "Sign a checkpoint over everything up to now", [file], async (parsed, printer, cancellation) =>
        {
            using var center = CenterClient.Connect(parsed);
            var checkpoint = await center.PostAsync("/api/v1/audit/checkpoint", null, cancellation);
            if (parsed.GetValue(file) is { } path)
                await File.WriteAllTextAsync(path, (string)checkpoint["note"]!, cancellation);
            if (printer.Json)
                printer.Object(checkpoint);
            printer.Line((string)checkpoint["note"]!);
            return ExitCode.Done;
        });
    }
}
