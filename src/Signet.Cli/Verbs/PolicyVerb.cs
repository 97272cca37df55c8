using System.CommandLine;
using System.Text.Json.Nodes;
using Signet.Access;
using Signet.Cli.Shell;

namespace Signet.Cli.Verbs;

/// <summary><c>signet policy explain|who-can|test|diff|apply|export|import</c>: who may do what on the broker, why, and changing it.</summary>
internal static class PolicyVerb
{
    private const int MaximumBytes = 16 * 1024 * 1024;
    private static readonly Option<string?> PolicyFile = new("--policy") { Description = "Ask this policy file instead of the policy in force", HelpName = "FILE" };

    public static Command Build() => Verb.Noun("policy", "Who may do what on the broker", Explain(), WhoCan(), Test(), Diff(), Apply(), Export(), Import());

    private static Command Explain()
    {
        var who = new Argument<string>("WHO") { Description = "A device's name, or device:NAME, person:NAME, service:NAME, account:NAME" };
        var action = new Argument<string>("ACTION") { Description = "publish, subscribe, deliver, retain or will" };
        var topic = new Argument<string>("TOPIC") { Description = "A topic, or for subscribe a filter" };
        var groups = new Option<string[]>("--group") { Description = "As if in this group (may be repeated)", HelpName = "GROUP" };
        return Verb.Make("explain", "Every rule in order, the one that decides, and the smallest change that would flip it", [who, action, topic, groups, PolicyFile], async (parsed, printer, cancellation) =>
        {
            using var center = CenterClient.Connect(parsed);
            var body = new JsonObject { ["who"] = parsed.GetValue(who), ["action"] = parsed.GetValue(action), ["topic"] = parsed.GetValue(topic), ["policy"] = Read(parsed.GetValue(PolicyFile)) };
            if (parsed.GetValue(groups) is { Length: > 0 } given)
                body["groups"] = new JsonArray([.. given.Select(group => JsonValue.Create(group))]);
            var answer = await center.PostAsync("/api/v1/policy/explain", body, cancellation);
            var allowed = (bool)answer["allowed"]!;
            if (printer.Json)
            {
                printer.Object(answer);
                return allowed ? ExitCode.Done : ExitCode.Refused;
            }

            printer.Line($"{(allowed ? "allowed" : "denied")} by {Query.Text(answer["rule"])} (policy version {Query.Text(answer["version"])})");
            printer.Line(Printer.Inert($"  {Query.Text(answer["who"])}{(answer["groups"] is JsonArray { Count: > 0 } inGroups ? $" in {Query.Text(inGroups)}" : "")} {Query.Text(answer["action"])} {Query.Text(answer["topic"])}"));
            if (!(bool)answer["admitted"]!)
                printer.Line("  but nobody of this kind and name is admitted now: unknown, disabled or revoked, it never gets to ask");
            printer.Table(["rule", "effect", "part", "why"], Query.Rows(answer, "rules", "rule", "effect", "outcome", "why"));
            if (Query.Text(answer["flip"]) is { Length: > 0 } flip)
                printer.Line(Printer.Inert("smallest change that would turn it round: " + flip));
            if (Query.Text(answer["flipGroup"]) is { Length: > 0 } group)
                printer.Line(Printer.Inert($"membership of the group {group} would do too, with everything else that group may do"));
            return allowed ? ExitCode.Done : ExitCode.Refused;
        });
    }

    private static Command WhoCan()
    {
        var action = new Argument<string>("ACTION") { Description = "publish, subscribe, deliver, retain or will" };
        var topic = new Argument<string>("TOPIC") { Description = "A topic, or for subscribe a filter" };
        return Verb.Make("who-can", "Everybody who may, with the rule that lets them", [action, topic, PolicyFile], async (parsed, printer, cancellation) =>
        {
            using var center = CenterClient.Connect(parsed);
            var answer = await center.PostAsync("/api/v1/policy/who-can", new JsonObject { ["action"] = parsed.GetValue(action), ["topic"] = parsed.GetValue(topic), ["policy"] = Read(parsed.GetValue(PolicyFile)) }, cancellation);
            if (printer.Json)
                printer.Object(answer);
            printer.Table(["who", "rule"], Query.Rows(answer, "who", "who", "rule"));
            printer.Line($"{(answer["who"] as JsonArray)?.Count ?? 0} of {Query.Text(answer["asked"])}");
            return ExitCode.Done;
        });
    }

    private static Command Test()
    {
        var file = new Argument<string>("FILE") { Description = "Assertions: docs/spec/policy.md" };
        return Verb.Make("test", "Hold a policy against a file of assertions", [file, PolicyFile], async (parsed, printer, cancellation) =>
        {
            using var center = CenterClient.Connect(parsed);
            var answer = await center.PostAsync("/api/v1/policy/test", new JsonObject { ["tests"] = Read(parsed.GetValue(file)), ["policy"] = Read(parsed.GetValue(PolicyFile)) }, cancellation);
            if (printer.Json)
                printer.Object(answer);
            foreach (var failed in (answer["results"] as JsonArray ?? []).OfType<JsonObject>().Where(result => !(bool)result["passed"]!))
                printer.Line(Printer.Inert($"FAILED {Query.Text(failed["name"])}: {Query.Text(failed["why"])}"));
            printer.Line($"{Query.Text(answer["passed"])} passed, {Query.Text(answer["failed"])} failed");
            return (int)answer["failed"]! == 0 ? ExitCode.Done : ExitCode.VerificationFailed;
        });
    }

    private static Command Diff()
    {
        var before = new Argument<string>("A") { Description = "A policy file, a version number, or `current`" };
        var after = new Argument<string?>("B") { Description = "The same; left out: A is compared with the policy in force", Arity = ArgumentArity.ZeroOrOne };
        return Verb.Make("diff", "Who gains and who loses which topics between two policies", [before, after], async (parsed, printer, cancellation) =>
        {
            using var center = CenterClient.Connect(parsed);
            var (a, b) = parsed.GetValue(after) is { } second ? (parsed.GetValue(before)!, second) : ("current", parsed.GetValue(before)!);
            var body = new JsonObject();
            Name(body, "before", a);
            Name(body, "after", b);
            var answer = await center.PostAsync("/api/v1/policy/diff", body, cancellation);
            if (printer.Json)
                printer.Object(answer);
            Changes(printer, answer, "changes");
            printer.Line((int)answer["count"]! == 0 ? "no difference for anybody who is known here" : $"{Query.Text(answer["count"])} differences");
            return ExitCode.Done;
        });
    }

    private static Command Apply()
    {
        var file = new Argument<string>("FILE") { Description = "The policy; its version is the one in force (or the next)" };
        var tests = new Option<string?>("--tests") { Description = "Assertions that must hold (default: FILE with .tests.json, if it is there, else those of the policy in force)", HelpName = "FILE" };
        var yes = new Option<bool>("--yes") { Description = "Apply without asking" };
        return Verb.Make("apply", "Show what would change, then apply it at once and everywhere", [file, tests, yes], async (parsed, printer, cancellation) =>
        {
            using var center = CenterClient.Connect(parsed);
            var path = parsed.GetValue(file)!;
            var beside = Path.ChangeExtension(path, ".tests.json");
            var body = new JsonObject { ["policy"] = Read(path), ["tests"] = Read(parsed.GetValue(tests) ?? (File.Exists(beside) ? beside : null)) };
            var preview = await center.PostAsync("/api/v1/policy/preview", body.DeepClone(), cancellation);
            if (!printer.Json)
                Show(printer, preview);
            if (preview["failed"] is JsonArray { Count: > 0 } failed)
                throw new CliException(ExitCode.VerificationFailed, $"Nothing was applied: {failed.Count} assertions fail, first \"{Query.Text(failed[0]!["name"])}\": {Query.Text(failed[0]!["why"])}.");
            if (!parsed.GetValue(yes) && !Confirmed(Query.Text(preview["version"])))
                throw new CliException(ExitCode.Refused, "Nothing was applied. Add --yes to apply without being asked.");
            var done = await center.PostAsync("/api/v1/policy/apply", body, cancellation);
            if (printer.Json)
                printer.Object(done);
            printer.Line($"policy version {Query.Text(done["version"])} is in force; {Query.Text(done["ended"])} subscriptions ended");
            return ExitCode.Done;
        });
    }

    private static Command Export()
    {
        var version = new Option<long?>("--version") { Description = "A version of the past (default: the one in force)", HelpName = "N" };
        var target = new Option<string?>("--out") { Description = "File to write (default: standard output)", HelpName = "FILE" };
        return Verb.Make("export", "Write the policy as a file, to keep or to edit", [version, target], async (parsed, printer, cancellation) =>
        {
            using var center = CenterClient.Connect(parsed);
            var answer = await center.GetAsync("/api/v1/policy" + Query.Of(("version", parsed.GetValue(version)?.ToString(System.Globalization.CultureInfo.InvariantCulture))), cancellation);
            if (parsed.GetValue(target) is { } path)
            {
                await File.WriteAllTextAsync(path, Query.Text(answer["file"]), cancellation);
                if (answer["tests"] is { } tests)
                    await File.WriteAllTextAsync(Path.ChangeExtension(path, ".tests.json"), Query.Text(tests), cancellation);
                if (printer.Json)
                    printer.Object(new JsonObject { ["version"] = answer["version"]!.DeepClone(), ["file"] = Path.GetFullPath(path) });
                printer.Line($"wrote version {Query.Text(answer["version"])} to {path}; edit it, then: signet policy diff {path}");
            }
            else if (printer.Json)
                printer.Object(answer);
            else
                printer.Output.Write(Query.Text(answer["file"]));
            return ExitCode.Done;
        });
    }

    private static Command Import()
    {
        var acl = new Argument<string>("FILE") { Description = "An ACL file of Mosquitto" };
        var to = new Option<string>("--out") { Description = "The policy to write: these rules before those in force", HelpName = "FILE", Required = true };
        return Verb.Make("import", "Make a policy out of an ACL file of Mosquitto; nothing is applied", [acl, to], async (parsed, printer, cancellation) =>
        {
            if (!MosquittoAclFile.TryRead(Read(parsed.GetValue(acl))!, out var rules, out var problems))
                throw new CliException(ExitCode.Refused, string.Join("; ", problems.Take(10)) + (problems.Count > 10 ? $"; and {problems.Count - 10} more" : ""));
            using var center = CenterClient.Connect(parsed);
            var present = System.Text.Encoding.UTF8.GetBytes(Query.Text((await center.GetAsync("/api/v1/policy", cancellation))["file"]));
            if (!Signet.Access.PolicyFile.TryRead(present, out var policy, out var errors))
                throw new CliException(ExitCode.Refused, $"The center's policy cannot be read by this program: {errors[0]}");
            // Signet's own rules stay: without them no command reaches a device.
            var kept = policy.Rules.Where(rule => !rule.Name.StartsWith("mosquitto-line-", StringComparison.Ordinal));
            var file = parsed.GetValue(to)!;
            await File.WriteAllBytesAsync(file, Signet.Access.PolicyFile.Write(new AccessPolicy(policy.Version, [.. rules, .. kept])), cancellation);
            if (printer.Json)
                printer.Object(new JsonObject { ["file"] = file, ["rules"] = rules.Count });
            printer.Line($"wrote {file}: {rules.Count} rules from Mosquitto before those in force; see what they change: signet policy diff {file}");
            return ExitCode.Done;
        });
    }

    private static void Show(Printer printer, JsonObject preview)
    {
        Changes(printer, preview, "changes");
        printer.Line((int)preview["count"]! == 0 ? "nobody who is known here gains or loses anything" : $"{Query.Text(preview["count"])} differences between versions {Query.Text(preview["base"])} and {Query.Text(preview["version"])}");
        printer.Line($"tried on {Query.Text(preview["questions"])} questions of the last days' real traffic: {((int)preview["trafficCount"]! == 0 ? "all are answered as before" : $"{Query.Text(preview["trafficCount"])} answers differ")}");
        Changes(printer, preview, "traffic");
    }

    private static void Changes(Printer printer, JsonObject answer, string list)
    {
        if (answer[list] is not JsonArray { Count: > 0 } changes)
            return;
        printer.Table(["", "action", "example", "who", "before", "after"], changes.OfType<JsonObject>().Select(change => (IReadOnlyList<string>)
        [
            Query.Text(change["change"]), Query.Text(change["action"]), Query.Text(change["example"]),
            change["who"] is JsonArray who && who.Count > 3 ? $"{Query.Text(new JsonArray([.. who.Take(3).Select(one => one!.DeepClone())]))} and {(int)change["count"]! - 3} more" : Query.Text(change["who"]),
            Query.Text(change["before"]), Query.Text(change["after"]),
        ]));
    }

    private static void Name(JsonObject body, string side, string given)
    {
        if (given == "current")
            return;
        if (!File.Exists(given) && long.TryParse(given, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var version))
            body[side + "Version"] = version;
        else
            body[side] = Read(given);
    }

    private static string? Read(string? file)
    {
        if (file is null)
            return null;
        var info = new FileInfo(file);
        if (!info.Exists)
            throw new CliException(ExitCode.Refused, $"There is no file {file}.");
        return info.Length <= MaximumBytes ? File.ReadAllText(file) : throw new CliException(ExitCode.Refused, $"{file} is larger than {MaximumBytes / 1024 / 1024} MiB: is it a policy?");
    }

    private static bool Confirmed(string version)
    {
        if (Console.IsInputRedirected)
            return false;
        Console.Error.Write($"Type {version} to put version {version} in force: ");
        return Console.ReadLine() == version;
    }
}
