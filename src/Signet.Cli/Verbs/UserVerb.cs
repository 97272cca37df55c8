using System.CommandLine;
using System.Text.Json.Nodes;
using Signet.Access;
using Signet.Cli.Shell;

namespace Signet.Cli.Verbs;

/// <summary><c>signet user add|list|role|disable|enable|remove|reset-mfa|reset-password|invite</c>: who may sign in to the console.</summary>
internal static class UserVerb
{
    private static readonly string[] Roles = ["viewer", "operator", "admin"];
    private static readonly Argument<string> Name = new("NAME") { Description = "The person's name" };

    public static Command Build() => Verb.Noun("user", "People who may sign in: add, list, change, reset",
        Add(), List(), SetRole(), SetScope(), Enabled("disable", "Disable somebody: their sessions end at once", false), Enabled("enable", "Enable somebody again", true), Remove(),
        Reset("reset-mfa", "Take every second factor of somebody away who lost theirs", "reset-mfa"),
        Reset("reset-password", "Take somebody's password away and print a one-time link to a new one", "reset-password"), Invite(), UserLinkVerbs.Links(), UserLinkVerbs.Unlink(), RolesVerb())
        .WithExamples("signet user add maria --role operator", "signet user invite --role viewer --note \"night shift\"", "signet user reset-mfa maria --yes");

    private static Option<string> RoleOption()
    {
        var role = new Option<string>("--role") { Description = "viewer, operator or admin", HelpName = "ROLE", DefaultValueFactory = _ => "viewer" };
        role.AcceptOnlyFromAmong(Roles);
        return role;
    }

    private static Option<string[]> GroupsOption() => new("--groups") { Description = "Only devices of these groups; left out: all devices", HelpName = "GROUP", AllowMultipleArgumentsPerToken = true };

    private static JsonArray Groups(string[]? groups) => new([.. (groups ?? []).Select(group => JsonValue.Create(group))]);

    private static Command Add()
    {
        var role = RoleOption();
        var groups = GroupsOption();
        var stdin = new Option<bool>("--password-stdin") { Description = "Read the password from standard input instead of printing a link where they choose it" };
        return Verb.Make("add", "Add a person; prints a one-time link where they choose their password", [Name, role, groups, stdin], async (parsed, printer, cancellation) =>
        {
            using var center = CenterClient.Connect(parsed);
            var body = new JsonObject { ["name"] = parsed.GetValue(Name), ["role"] = parsed.GetValue(role), ["groups"] = Groups(parsed.GetValue(groups)) };
            if (parsed.GetValue(stdin)) body["password"] = (await Console.In.ReadLineAsync(cancellation) ?? "").TrimEnd('\r');
            Told(printer, await center.PostAsync("/api/v1/users", body, cancellation), $"added {parsed.GetValue(Name)} as {parsed.GetValue(role)}");
            return ExitCode.Done;
        }).WithExamples("signet user add maria --role operator", "signet user add maria --role operator --groups heating", "echo \"$PASSWORD\" | signet user add maria --password-stdin");
    }

    private static Command List() => Verb.Make("list", "All people: role, second factor, last sign-in", [GlobalOptions.Limit], async (parsed, printer, cancellation) =>
    {
        using var center = CenterClient.Connect(parsed);
        var answer = await center.GetAllAsync("/api/v1/users", "users", parsed.GetValue(GlobalOptions.Limit), cancellation);
        if (printer.Json) printer.Object(answer);
        printer.Table(["name", "role", "groups", "second factor", "enabled", "last sign-in"], (answer["users"] as JsonArray ?? []).OfType<JsonObject>().Select(person => (IReadOnlyList<string>)
            [Query.Text(person["name"]), Query.Text(person["role"]), Query.Text(person["groups"]), Factors(person), Query.Text(person["enabled"]), Query.Text(person["lastSignIn"])]));
        return ExitCode.Done;
    }).WithExamples("signet user list", "signet user list --json");

    private static Command SetRole()
    {
        var role = new Argument<string>("ROLE") { Description = "viewer, operator or admin" };
        role.AcceptOnlyFromAmong(Roles);
        return Verb.Make("role", "Change somebody's role: their sessions end at once", [Name, role], async (parsed, printer, cancellation) =>
        {
            using var center = CenterClient.Connect(parsed);
            Told(printer, await center.PatchAsync(Path(parsed), new JsonObject { ["role"] = parsed.GetValue(role) }, cancellation), $"{parsed.GetValue(Name)} is {parsed.GetValue(role)} now");
            return ExitCode.Done;
        }).WithExamples("signet user role maria admin");
    }

    private static Command SetScope()
    {
        var groups = new Argument<string[]>("GROUP") { Description = "Groups of devices; none: all devices", Arity = ArgumentArity.ZeroOrMore };
        return Verb.Make("scope", "Limit an operator to some groups of devices, or to none of them no longer", [Name, groups], async (parsed, printer, cancellation) =>
        {
            using var center = CenterClient.Connect(parsed);
            var wanted = parsed.GetValue(groups) ?? [];
            Told(printer, await center.PatchAsync(Path(parsed), new JsonObject { ["groups"] = new JsonArray([.. wanted.Select(group => JsonValue.Create(group))]) }, cancellation),
                wanted.Length == 0 ? $"{parsed.GetValue(Name)} may act on all devices" : $"{parsed.GetValue(Name)} may act on devices of {string.Join(", ", wanted)}");
            return ExitCode.Done;
        }).WithExamples("signet user scope maria heating building-2", "signet user scope maria");
    }

    private static Command Enabled(string verb, string description, bool enabled) => Verb.Make(verb, description, [Name], async (parsed, printer, cancellation) =>
    {
        using var center = CenterClient.Connect(parsed);
        Told(printer, await center.PatchAsync(Path(parsed), new JsonObject { ["enabled"] = enabled }, cancellation), $"{verb}d {parsed.GetValue(Name)}");
        return ExitCode.Done;
    }).WithExamples($"signet user {verb} maria");

    private static Command Remove()
    {
        var yes = Yes();
        return Verb.Make("remove", "Remove somebody; what they did stays in the audit log", [Name, yes], async (parsed, printer, cancellation) =>
        {
            using var center = CenterClient.Connect(parsed);
            Told(printer, await center.DeleteAsync(Path(parsed), cancellation), $"removed {parsed.GetValue(Name)}");
            return ExitCode.Done;
        }).WithExamples("signet user remove maria --yes");
    }

    private static Command Reset(string verb, string description, string route)
    {
        var yes = Yes();
        return Verb.Make(verb, description, [Name, yes], async (parsed, printer, cancellation) =>
        {
            using var center = CenterClient.Connect(parsed);
            Told(printer, await center.PostAsync($"{Path(parsed)}/{route}", null, cancellation), $"done for {parsed.GetValue(Name)}: their sessions have ended");
            return ExitCode.Done;
        }).WithExamples($"signet user {verb} maria --yes");
    }

    private static Command Invite()
    {
        var role = RoleOption();
        var groups = GroupsOption();
        var note = new Option<string>("--note") { Description = "For whom it is, in your words", HelpName = "TEXT", DefaultValueFactory = _ => "" };
        return Verb.Make("invite", "Print a one-time link with which somebody makes their own account, within 7 days", [role, note, groups], async (parsed, printer, cancellation) =>
        {
            using var center = CenterClient.Connect(parsed);
            var made = await center.PostAsync("/api/v1/invitations", new JsonObject { ["role"] = parsed.GetValue(role), ["note"] = parsed.GetValue(note), ["groups"] = Groups(parsed.GetValue(groups)) }, cancellation);
            if (printer.Json) printer.Object(made);
            printer.Line($"{Query.Text(made["url"])}   (once, within 7 days)");
            return ExitCode.Done;
        }).WithExamples("signet user invite --role operator --note maria", "signet user invite --role operator --groups heating building-2");
    }

    private static Command RolesVerb()
    {
        var markdown = new Option<bool>("--markdown") { Description = "As docs/roles.md" };
        return Verb.Make("roles", "What each role may do: the one table that pages, API and command line ask", [markdown], (parsed, printer, _) =>
        {
            if (parsed.GetValue(markdown)) printer.Output.Write(RoleTable.Markdown());
            else if (printer.Json) printer.Object(new JsonObject { ["rules"] = new JsonArray([.. RoleTable.Rows.Select(row => new JsonObject { ["rule"] = row.Name, ["least"] = Word(row.Least), ["meaning"] = row.Meaning })]) });
            else printer.Table(["rule", "least role", "what"], RoleTable.Rows.OrderBy(row => row.Least).Select(row => (IReadOnlyList<string>)[row.Name, Word(row.Least), row.Meaning]));
            return Task.FromResult(ExitCode.Done);
        }).WithExamples("signet user roles");
    }

    private static string Word(Role role) => role.ToString().ToLowerInvariant();

    private static Option<bool> Yes() => new("--yes") { Description = "Do it without asking", Required = true };

    private static string Path(ParseResult parsed) => "/api/v1/users/" + Uri.EscapeDataString(parsed.GetValue(Name)!);

    private static string Factors(JsonObject person)
    {
        var passkeys = (int?)person["passkeys"] ?? 0;
        var app = (bool?)person["totp"] == true;
        return (app, passkeys) switch { (true, 0) => "app", (true, _) => $"app, {passkeys} passkeys", (false, 0) => "none", _ => $"{passkeys} passkeys" };
    }

    private static void Told(Printer printer, JsonObject person, string words)
    {
        if (printer.Json) printer.Object(person);
        printer.Line(words);
        if ((string?)person["link"] is { } link) printer.Line($"{link}   (choose a password there, once, within 24 hours)");
    }
}
