using System.CommandLine;
using System.Text.Json.Nodes;
using Signet.Audit;
using Signet.Cli.Shell;
using Signet.Cli.Up;
using Signet.Control;
using Signet.Proof;
using Signet.Store;

namespace Signet.Cli.Verbs;

/// <summary>
/// <c>signet audit verify</c>: live, on a stopped log (<c>--offline</c>), or on an export (<c>--file</c>; no server, no network, no data directory).
/// Exit 0: intact. Exit 4: not; the first bad entry is named. Progress on a terminal; <c>--resume FILE</c> keeps it, so that an interrupted run goes on.
/// </summary>
internal static class AuditVerifyVerb
{
    private static readonly TimeSpan AskAgain = TimeSpan.FromMilliseconds(250); // chosen: a person sees it move
    private static readonly TimeSpan KeepMark = TimeSpan.FromSeconds(1); // chosen: what an interruption costs at most

    private static readonly Option<bool> Offline = new("--offline") { Description = "Check the stopped log in the data directory, read-only, without a server" };
    private static readonly Option<string?> ExportFile = new("--file") { Description = "Check an export: no server, no network", HelpName = "EXPORT" };
    private static readonly Option<string?> Trust = new("--trust") { Description = "Checkpoint public keys that are believed (PEM); with --offline the default is the one in the data directory", HelpName = "FILE" };
    private static readonly Option<string?> HmacKey = new("--hmac-key") { Description = "The first HMAC key (`init --audit-key-out`): every HMAC is checked too", HelpName = "FILE" };
    private static readonly Option<string[]> Known = new("--known") { Description = "A checkpoint kept elsewhere (`audit checkpoint --out`): the history must contain it (may be repeated)", HelpName = "FILE" };
    private static readonly Option<string?> Resume = new("--resume") { Description = "Keep progress in this file and go on from it", HelpName = "FILE" };

    private static readonly Option<bool> Witnesses = new("--witnesses") { Description = "Also count the devices' cosignatures against a quorum; with --file give --witness-keys and --known" };
    private static readonly Option<string?> WitnessKeys = new("--witness-keys") { Description = "The witnesses whose word counts: `witnesses.json` of a device home; with --offline the default is the stopped center's own rows", HelpName = "FILE" };
    private static readonly Option<int?> Quorum = new("--quorum") { Description = "How many devices must confirm it (default: more than half of those that ever did)", HelpName = "N" };

    public static Command Build() => Verb.Make("verify", "Check every entry, the chain, the tree and the signed checkpoints; names the first bad entry", [Offline, ExportFile, Trust, HmacKey, Known, Resume, Witnesses, WitnessKeys, Quorum], async (parsed, printer, cancellation) =>
    {
        if (parsed.GetValue(Quorum) is < 1)
            throw new CliException(ExitCode.WrongUsage, "--quorum takes a number from 1.");
        if (parsed.GetValue(WitnessKeys) is not null && !parsed.GetValue(Witnesses))
            throw new CliException(ExitCode.WrongUsage, "--witness-keys goes with --witnesses.");
        if (parsed.GetValue(ExportFile) is { } export)
            return VerifyFile(export, parsed, printer, cancellation);
        if (parsed.GetValue(Offline))
            return VerifyOffline(parsed, printer, cancellation);
        foreach (var option in new Option[] { Trust, HmacKey, Resume, Known, WitnessKeys })
            if (parsed.GetResult(option) is not null)
                throw new CliException(ExitCode.WrongUsage, $"{option.Name} goes with --offline or --file: the running center verifies with its own keys.");
        return await VerifyLiveAsync(parsed, printer, cancellation);
    });

    private static async Task<ExitCode> VerifyLiveAsync(ParseResult parsed, Printer printer, CancellationToken cancellation)
    {
        using var center = CenterClient.Connect(parsed);
        var run = await center.PostAsync("/api/v1/audit/verify?wait=false", null, cancellation);
        using (var progress = new ProgressLine(printer, "verified", null))
            while ((bool?)run["running"] == true)
            {
                progress.Report((long?)run["done"] ?? 0, (long?)run["total"]);
                await Task.Delay(AskAgain, cancellation);
                run = await center.GetAsync("/api/v1/audit/verify", cancellation);
            }
        if (run["trouble"] is { } trouble)
            throw new CliException(ExitCode.Refused, $"the log could not be verified: {Query.Text(trouble)}");
        if (!parsed.GetValue(Witnesses))
            return Tell(printer, run);
        var count = await center.GetAsync("/api/v1/audit/witnesses" + Query.Of(("quorum", parsed.GetValue(Quorum)?.ToString(System.Globalization.CultureInfo.InvariantCulture))), cancellation);
        count.Remove("witnesses");
        run["witnesses"] = count.DeepClone();
        var exit = Tell(printer, run);
        return AuditWitnessVerb.Tell(printer, count) ? exit : ExitCode.VerificationFailed;
    }

    private static ExitCode VerifyOffline(ParseResult parsed, Printer printer, CancellationToken cancellation)
    {
        var data = GlobalOptions.DataDirectory(parsed);
        var directory = Path.Combine(data, "audit");
        if (!Directory.Exists(directory))
            throw new CliException(ExitCode.WrongUsage, $"There is no audit log in {directory}.");
        var trust = ReadTrust(parsed.GetValue(Trust) ?? Path.Combine(directory, "checkpoint.pub"));
        using var mark = new MarkFile(parsed.GetValue(Resume), trust);
        using var progress = new ProgressLine(printer, "verified", null);
        var databases = InstallationDatabases.Of(data, SignetSettings.Of(data).Postgres);
        var known = ReadKnown(parsed);
        var witnesses = parsed.GetValue(Witnesses) ? ReadWitnesses(parsed, known, databases) : null;
        var verdict = AuditOffline.Verify(directory, trust, ReadKey(parsed), witnesses?.Notes ?? known, databases.Audit, progress, mark.Read(), mark.Keep, cancellation);
        mark.Finish();
        progress.Dispose();
        return Tell(parsed, printer, verdict, witnesses, 0, verdict.Latest?.Size ?? 0);
    }

    private static ExitCode VerifyFile(string file, ParseResult parsed, Printer printer, CancellationToken cancellation)
    {
        if (parsed.GetValue(Trust) is not { } trustFile)
            throw new CliException(ExitCode.WrongUsage, "--file needs --trust FILE: the checkpoints' public key, from somewhere else than the export.");
        if (!File.Exists(file))
            throw new CliException(ExitCode.WrongUsage, $"There is no file {file}.");
        var trust = ReadTrust(trustFile);
        using var mark = new MarkFile(parsed.GetValue(Resume), trust);
        using var export = new FileStream(file, new FileStreamOptions { Mode = FileMode.Open, Access = FileAccess.Read, Share = FileShare.Read, BufferSize = 0, Options = FileOptions.SequentialScan });
        using var progress = new ProgressLine(printer, "verified", null);
        var known = ReadKnown(parsed);
        var witnesses = parsed.GetValue(Witnesses) ? ReadWitnesses(parsed, known, null) : null;
        var (kind, first) = ExportVerification.Head(export);
        if (kind == "selection" && known.Count > 0)
            throw new CliException(ExitCode.WrongUsage, "--known and --witnesses go with an export of the whole log: one of chosen entries holds a single checkpoint and cannot be compared with others.");
        var verdict = ExportVerification.Verify(export, trust, ReadKey(parsed), progress, mark.Read(), mark.Keep, known, cancellation);
        mark.Finish();
        progress.Dispose();
        return Tell(parsed, printer, verdict, witnesses, first - 1, verdict.Latest?.Size ?? 0);
    }

    private static KeptWitnesses ReadWitnesses(ParseResult parsed, IReadOnlyList<string> known, InstallationDatabases? stopped)
    {
        KeptWitnesses witnesses;
        if (parsed.GetValue(WitnessKeys) is { } path)
        {
            if (!File.Exists(path)) throw new CliException(ExitCode.WrongUsage, $"There is no file {path}.");
            if (!KeptWitnesses.TryRead(File.ReadAllBytes(path), out witnesses)) throw new CliException(ExitCode.WrongUsage, $"{path} is no list of witnesses: it is `witnesses.json` of a device home.");
        }
        else if (stopped is not null)
        {
            try
            {
                witnesses = KeptWitnesses.Read(stopped.Control);
            }
            catch (StoreException wrong)
            {
                throw new CliException(ExitCode.WrongUsage, $"the devices' cosignatures cannot be read: {wrong.Message} Give --witness-keys FILE and --known FILE instead.");
            }
        }
        else
        {
            throw new CliException(ExitCode.WrongUsage, "--witnesses with --file needs --witness-keys FILE (`witnesses.json` of a device home) and --known FILE with what they cosigned (`audit witnesses --out DIR`, or a device's state/checkpoint).");
        }
        foreach (var note in known) witnesses.Add(note);
        return witnesses;
    }

    /// <summary>The verdict, and behind an intact one how many witnesses stand by it.</summary>
    private static ExitCode Tell(ParseResult parsed, Printer printer, AuditVerdict verdict, KeptWitnesses? witnesses, long first, long last)
    {
        var told = Describe(verdict);
        if (witnesses is null || !verdict.IsIntact) return Tell(printer, told);
        var count = witnesses.Count(parsed.GetValue(Quorum), first, last);
        var counted = new JsonObject
        {
            ["reached"] = count.IsReached, ["quorum"] = count.Quorum, ["confirmed"] = count.Confirmed, ["by"] = Names(count.By), ["strangers"] = Names(count.Strangers), ["alarms"] = Names(count.Alarms), ["known"] = count.Witnesses, ["size"] = last,
        };
        told["witnesses"] = counted.DeepClone();
        var exit = Tell(printer, told);
        return AuditWitnessVerb.Tell(printer, counted) ? exit : ExitCode.VerificationFailed;

        static JsonArray Names(IReadOnlyList<string> names) => new([.. names.Select(name => (JsonNode)name)]);
    }

    private static IReadOnlyList<CheckpointKey> ReadTrust(string path)
    {
        try
        {
            return AuditOffline.ReadTrust(path);
        }
        catch (StoreException wrong)
        {
            throw new CliException(ExitCode.WrongUsage, wrong.Message);
        }
    }

    private static byte[] ReadKey(ParseResult parsed)
    {
        if (parsed.GetValue(HmacKey) is not { } path) return [];
        if (!File.Exists(path)) throw new CliException(ExitCode.WrongUsage, $"There is no file {path}.");
        return AuditFirstKey.TryRead(path, out var key) ? key : throw new CliException(ExitCode.WrongUsage, $"{path} holds no audit key: it is the file that `signet init --audit-key-out` wrote.");
    }

    private static List<string> ReadKnown(ParseResult parsed)
    {
        var notes = new List<string>();
        foreach (var path in parsed.GetValue(Known) ?? [])
            notes.Add(File.Exists(path) ? File.ReadAllText(path) : throw new CliException(ExitCode.WrongUsage, $"There is no file {path}."));
        return notes;
    }

    /// <summary>The same shape as the API's answer.</summary>
    private static JsonObject Describe(AuditVerdict verdict) => new()
    {
        ["intact"] = verdict.IsIntact,
        ["summary"] = verdict.Summary,
        ["entries"] = verdict.Entries,
        ["checkpoints"] = verdict.Checkpoints,
        ["firstBad"] = verdict.Fault?.First,
        ["lastBad"] = verdict.Fault?.Last,
        ["kind"] = verdict.Fault?.Kind.ToString(),
        ["gaps"] = new JsonArray([.. verdict.Gaps.Select(gap => JsonValue.Create(gap))]),
    };

    private static ExitCode Tell(Printer printer, JsonObject verdict)
    {
        var intact = (bool?)verdict["intact"] ?? false;
        if (printer.Json)
        {
            printer.Object(verdict);
        }
        else if (intact)
        {
            printer.Markup($"[green]{Spectre.Console.Markup.Escape(Query.Text(verdict["summary"]))}[/]");
            foreach (var gap in verdict["gaps"] as JsonArray ?? [])
                printer.Line("  not checked: " + Printer.Inert(Query.Text(gap)));
        }
        else
        {
            printer.Fail($"the audit log is {Query.Text(verdict["summary"])}");
        }

        return intact ? ExitCode.Done : ExitCode.VerificationFailed;
    }

    /// <summary>The file of <c>--resume</c>: replaced about every second, removed when a run has come to its end.</summary>
    private sealed class MarkFile(string? path, IReadOnlyList<CheckpointKey> trust) : IDisposable
    {
        private VerificationMark? _latest;
        private long _kept = Environment.TickCount64;
        private bool _isFinished;

        public VerificationMark? Read()
        {
            if (path is null || !File.Exists(path)) return null;
            return VerificationMark.TryRead(File.ReadAllBytes(path), trust, out var mark) ? mark
                : throw new CliException(ExitCode.WrongUsage, $"{path} is no mark of a verification with these keys. Remove it to begin anew.");
        }

        public void Keep(VerificationMark mark)
        {
            _latest = mark;
            if (Environment.TickCount64 - _kept < KeepMark.TotalMilliseconds) return;
            _kept = Environment.TickCount64;
            Write();
        }

        public void Finish()
        {
            _isFinished = true;
            if (path is not null) File.Delete(path);
        }

        public void Dispose()
        {
            if (!_isFinished) Write();
        }

        private void Write()
        {
            if (path is not null && _latest is { } mark) DurableFile.Replace(path, mark.ToBytes());
        }
    }
}
