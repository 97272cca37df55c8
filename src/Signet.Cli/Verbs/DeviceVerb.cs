using System.CommandLine;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Signet.Agent;
using Signet.Cli.Shell;

namespace Signet.Cli.Verbs;

/// <summary><c>signet device add|list|show|remove|run</c>: the fleet, and one device of it.</summary>
internal static class DeviceVerb
{
    private static readonly Argument<string> Name = new("NAME") { Description = "The device's name" };

    public static Command Build() => Verb.Noun("device", "Add, list and run devices", Add(), List(), Show(), Label(), DeviceChangeVerb.Build(), Remove(), Run(), SimulateVerb.Build(), DeviceWitnessVerb.Build(),
        EnrolVerbs.Invite(), EnrolVerbs.Enroll(), EnrolVerbs.Import(), EnrolVerbs.Waiting(), EnrolVerbs.Decide(approve: true), EnrolVerbs.Decide(approve: false), EnrolVerbs.Maker());

    private static Command Add()
    {
        var kind = new Option<string>("--kind") { Description = "What it is: thermostat, door, valve, or a word of your own", HelpName = "KIND", DefaultValueFactory = _ => "device" };
        var allow = new Option<string[]>("--allow") { Description = "A command it takes (may be repeated; default: those of its kind)", HelpName = "COMMAND" };
        var shared = new Option<bool>("--shared-key") { Description = "It shares HMAC keys with the center instead of signing (for the smallest devices; its receipts prove nothing to others)" };
        var sealing = new Option<bool>("--sealing") { Description = "It gets a key of its own that commands are sealed to: only it can read them" };
        return Verb.Make("add", "Add a device: certificate, key and a folder that `device run` starts from", [Name, kind, allow, shared, sealing, TotpDevices.Totp, TotpDevices.PasswordStdin, TotpDevices.Password, TotpDevices.Reconnects, TotpDevices.Groups], async (parsed, printer, cancellation) =>
        {
            if (parsed.GetValue(TotpDevices.Totp))
                return await TotpDevices.AddAsync(parsed.GetValue(Name)!, parsed, printer, cancellation);
            using var center = CenterClient.Connect(parsed);
            var body = new JsonObject { ["name"] = parsed.GetValue(Name), ["kind"] = parsed.GetValue(kind), ["sharedKey"] = parsed.GetValue(shared), ["sealing"] = parsed.GetValue(sealing) };
            if (parsed.GetValue(allow) is { Length: > 0 } commands)
                body["commands"] = new JsonArray([.. commands.Select(command => JsonValue.Create(command))]);
            var device = await center.PostAsync("/api/v1/devices", body, cancellation);
            if (printer.Json)
                printer.Object(device);
            printer.Line($"added {parsed.GetValue(Name)}; start it with `signet device run {parsed.GetValue(Name)}`");
            return ExitCode.Done;
        });
    }

    private static Command List()
    {
        var select = new Option<string?>("--select") { Description = "Only these: a name, group:NAME, tag:NAME, kind:KIND, search:WORD; several with commas between", HelpName = "DEVICES" };
        var suite = new Option<string?>("--suite") { Description = "What suites their messages use; with a name (signet-hs256-1), only the devices that still use that one", HelpName = "SUITE", Arity = ArgumentArity.ZeroOrOne };
        return Verb.Make("list", "All devices with their presence", [select, suite, GlobalOptions.Limit], (parsed, printer, cancellation) => parsed.GetResult(suite) is null
            ? ListAsync(parsed, printer, parsed.GetValue(select), cancellation)
            : SuitesAsync(parsed, printer, parsed.GetValue(select), parsed.GetValue(suite), cancellation));
    }

    private static async Task<ExitCode> SuitesAsync(ParseResult parsed, Printer printer, string? select, string? suite, CancellationToken cancellation)
    {
        using var center = CenterClient.Connect(parsed);
        var page = await center.GetAsync("/api/v1/suites" + Query.Of(("select", select), ("suite", suite)), cancellation);
        if (printer.Json)
            printer.Object(page);
        printer.Table(["device", "commands", "messages", "sealed in", "its manifest takes"], (page["devices"] as JsonArray ?? []).OfType<JsonObject>().Select(device => (IReadOnlyList<string>)
            [Query.Text(device["device"]), Query.Text(device["commands"]), Query.Text(device["messages"]), Query.Text(device["sealing"]),
                device["granted"] is JsonObject granted ? string.Join(", ", granted.Select(one => one.Value is { } until ? $"{one.Key} until {Query.Text(until)}" : one.Key)) : "no manifest: any"]));
        return ExitCode.Done;
    }

    private static async Task<ExitCode> ListAsync(ParseResult parsed, Printer printer, string? select, CancellationToken cancellation)
    {
        using var center = CenterClient.Connect(parsed);
        var page = await center.GetAllAsync("/api/v1/devices" + Query.Of(("select", select)), "devices", parsed.GetValue(GlobalOptions.Limit), cancellation);
        var accounts = select is null ? await AccountsAsync(center, cancellation) : [];
        page["accounts"] = accounts.DeepClone();
        if (printer.Json)
            printer.Object(page);
        printer.Table(["device", "kind", "presence", "since", "enabled", "groups", "tags", "certificate ends"], (page["devices"] as JsonArray ?? []).OfType<JsonObject>().Select(device => (IReadOnlyList<string>)
            [Query.Text(device["name"]), Query.Text(device["kind"]), Presence(device), Query.Text(device["since"]), Query.Text(device["enabled"]), Query.Text(device["groups"]), Query.Text(device["tags"]), Query.Text(device["certificateEnds"])])
            .Concat(accounts.OfType<JsonObject>().Select(account => (IReadOnlyList<string>)[Query.Text(account["name"]), "totp account", "", Query.Text(account["lastLogin"]), Query.Text(account["enabled"]), Query.Text(account["groups"]), "", ""])));
        return ExitCode.Done;
    }

    // They stand in no group of devices: who is limited to some does not see them.
    private static async Task<JsonArray> AccountsAsync(CenterClient center, CancellationToken cancellation)
    {
        try
        {
            return (await center.GetAsync("/api/v1/totp-accounts", cancellation))["accounts"] as JsonArray ?? [];
        }
        catch (CliException refusal) when (refusal.IsForbidden)
        {
            return [];
        }
    }

    private static string Presence(JsonObject device) => device["trouble"] is { } trouble && trouble.GetValueKind() == System.Text.Json.JsonValueKind.String ? $"{Query.Text(device["state"])} ({trouble})" : Query.Text(device["state"]);

    private static Command Label()
    {
        var groups = new Option<string?>("--groups") { Description = "All its groups, with commas between (\"\" for none); people's and policies' rights can hang on them", HelpName = "A,B" };
        var tags = new Option<string?>("--tags") { Description = "All its tags, with commas between (\"\" for none)", HelpName = "A,B" };
        return Verb.Make("label", "Put a device into groups, and note tags about it", [Name, groups, tags], async (parsed, printer, cancellation) =>
        {
            var body = new JsonObject();
            foreach (var (name, given) in new[] { ("groups", parsed.GetValue(groups)), ("tags", parsed.GetValue(tags)) })
                if (given is not null) body[name] = new JsonArray([.. given.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(word => JsonValue.Create(word))]);
            if (body.Count == 0)
                throw new CliException(ExitCode.WrongUsage, "Say what changes: --groups A,B or --tags A,B.");
            using var center = CenterClient.Connect(parsed);
            var device = await center.PatchAsync("/api/v1/devices/" + Uri.EscapeDataString(parsed.GetValue(Name)!), body, cancellation);
            if (printer.Json)
                printer.Object(device);
            printer.Line($"{parsed.GetValue(Name)}: groups {Query.Text(device["groups"])}; tags {Query.Text(device["tags"])}");
            return ExitCode.Done;
        });
    }

    private static Command Show() => Verb.Make("show", "One device", [Name], async (parsed, printer, cancellation) =>
    {
        using var center = CenterClient.Connect(parsed);
        var device = await center.GetAsync("/api/v1/devices/" + Uri.EscapeDataString(parsed.GetValue(Name)!), cancellation);
        if (printer.Json)
        {
            printer.Object(device);
            return ExitCode.Done;
        }

        printer.Facts(
            ("device", Query.Text(device["name"])),
            ("kind", Query.Text(device["kind"])),
            ("presence", $"{Presence(device)} since {Query.Text(device["since"])}"),
            ("takes", Query.Text(device["commands"])),
            ("groups", Query.Text(device["groups"])),
            ("tags", Query.Text(device["tags"])),
            ("enabled", Query.Text(device["enabled"])),
            ("certificate", $"{Query.Text(device["serial"])}, ends {Query.Text(device["certificateEnds"])}"));
        return ExitCode.Done;
    });

    private static Command Remove()
    {
        var yes = new Option<bool>("--yes") { Description = "Do it without asking", Required = true };
        return Verb.Make("remove", "Remove a device: its certificates are revoked, its sessions cut", [Name, yes], async (parsed, printer, cancellation) =>
        {
            using var center = CenterClient.Connect(parsed);
            var accounts = (await center.GetAsync("/api/v1/totp-accounts", cancellation))["accounts"] as JsonArray ?? [];
            var kind = accounts.OfType<JsonObject>().Any(account => Query.Text(account["name"]) == parsed.GetValue(Name)) ? "totp-accounts" : "devices";
            var device = await center.DeleteAsync($"/api/v1/{kind}/" + Uri.EscapeDataString(parsed.GetValue(Name)!), cancellation);
            if (printer.Json)
                printer.Object(device);
            printer.Line($"removed {parsed.GetValue(Name)}");
            return ExitCode.Done;
        });
    }

    private static Command Run()
    {
        var name = new Argument<string?>("NAME") { Description = "A device of the data directory", Arity = ArgumentArity.ZeroOrOne };
        var home = new Option<string?>("--home") { Description = "The device's own folder, wherever it is", HelpName = "DIR" };
        var untilClosed = new Option<bool>("--until-stdin-closes") { Description = "End when standard input closes", Hidden = true };
        return Verb.Make("run", "Run a simulated device", [name, home, untilClosed], async (parsed, printer, cancellation) =>
        {
            var folder = parsed.GetValue(home)
                ?? (parsed.GetValue(name) is { } given ? Path.Combine(GlobalOptions.DataDirectory(parsed), "device", Path.GetFileName(given)) : null)
                ?? throw new CliException(ExitCode.WrongUsage, "Name a device, or its folder with --home DIR.");
            using var random = RandomNumberGenerator.Create();
            // Not Console.In: its ReadAsync blocks the caller until the pipe closes.
            using var parent = parsed.GetValue(untilClosed) ? new StreamReader(Console.OpenStandardInput()) : null;
            var options = new AgentProgramOptions(Path.GetFullPath(folder), parent, printer.Json);
            return (ExitCode)await AgentProgram.RunAsync(options, printer.Output, printer.Error, TimeProvider.System, random, cancellation);
        });
    }
}
