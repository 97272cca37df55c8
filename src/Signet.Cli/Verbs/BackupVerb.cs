using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Signet.Cli.Shell;
using Signet.Cli.Up;

namespace Signet.Cli.Verbs;

/// <summary><c>signet backup</c> and <c>signet restore</c>: one sealed file of an installation, and back.</summary>
internal static class BackupVerb
{
    public static Command Backup()
    {
        var output = new Option<string?>("--out") { Description = "The file to make (default: DIR/backup/signet-TIME.backup)", HelpName = "FILE" };
        var keys = new Option<bool>("--with-keys") { Description = "Private keys too: who has the file and its passphrase can be this center" };
        var passphrase = new Passphrase();
        return Verb.Make("backup", "Make one sealed file of everything, while the center runs", [output, keys, .. passphrase.Symbols], async (parsed, printer, cancellation) =>
        {
            var directory = GlobalOptions.DataDirectory(parsed);
            var words = passphrase.Read(parsed, isNew: true);
            var now = TimeProvider.System.GetUtcNow();
            var file = Path.GetFullPath(parsed.GetValue(output) ?? Path.Combine(directory, "backup", $"signet-{now.ToString("yyyyMMdd-HHmmss", CultureInfo.InvariantCulture)}.backup"));
            using var random = RandomNumberGenerator.Create();
            var manifest = await Control.Backup.CreateAsync(directory, SignetSettings.Of(directory).Postgres, file, words, parsed.GetValue(keys), TimeProvider.System, random, null, cancellation);
            if (printer.Json)
                printer.Object(new JsonObject { ["file"] = file, ["bytes"] = new FileInfo(file).Length, ["files"] = manifest.Files.Count, ["auditEntries"] = manifest.AuditEntries, ["keys"] = manifest.Keys, ["made"] = manifest.Made.ToString("O") });
            printer.Line($"backup made: {Printer.Inert(file)}");
            if (!printer.Json)
            {
                printer.Facts(("files", manifest.Files.Count.ToString(CultureInfo.InvariantCulture)), ("audit entries", manifest.AuditEntries.ToString(CultureInfo.InvariantCulture)),
                    ("bytes", new FileInfo(file).Length.ToString(CultureInfo.InvariantCulture)), ("private keys", manifest.Keys ? "included" : "NOT included; keep pki/*.key and audit/*.key elsewhere, copied before each backup (the log's key moves on), or use --with-keys"));
                printer.Line("keep the passphrase apart from the file: without it the backup is lost");
            }
            return ExitCode.Done;
        });
    }

    public static Command Restore()
    {
        var file = new Argument<string>("FILE") { Description = "A file made by `signet backup`" };
        var passphrase = new Passphrase();
        return Verb.Make("restore", "Make a data directory out of a backup", [file, .. passphrase.Symbols], async (parsed, printer, cancellation) =>
        {
            var directory = GlobalOptions.DataDirectory(parsed);
            // The directory is not there yet: where the rows go is said by the environment alone.
            var postgres = SignetSettings.Of(directory).Postgres;
            var report = await Control.Restore.RunAsync(Path.GetFullPath(parsed.GetValue(file)!), directory, postgres, passphrase.Read(parsed, isNew: false), TimeProvider.System, null, cancellation);
            if (printer.Json)
            {
                printer.Object(new JsonObject
                {
                    ["data"] = directory, ["made"] = report.Manifest.Made.ToString("O"), ["auditEntries"] = report.Manifest.AuditEntries, ["audit"] = report.Audit.Summary,
                    ["missingKeys"] = new JsonArray([.. report.MissingKeys.Select(key => JsonValue.Create(key))]),
                });
                return ExitCode.Done;
            }
            printer.Line($"restored {report.Manifest.Files.Count.ToString(CultureInfo.InvariantCulture)} files into {Printer.Inert(directory)}; the audit log is {Printer.Inert(report.Audit.Summary)}");
            printer.Line($"this is the state of {report.Manifest.Made.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture)} UTC: revocations, accounts and devices changed after it must be changed again");
            if (report.MissingKeys.Count > 0) printer.Line($"the backup holds no private keys; put these files in place before `signet up`: {string.Join(", ", report.MissingKeys)}");
            else printer.Line("stop the old center for good before you start this one: signet up");
            return ExitCode.Done;
        });
    }
}
