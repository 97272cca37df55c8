using System.CommandLine;
using System.Text.Json.Nodes;
using Signet.Cli.Shell;

namespace Signet.Cli.Verbs;

/// <summary><c>signet token create|list|revoke</c>: bearer tokens for the API.</summary>
internal static class TokenVerb
{
    public static Command Build() => Verb.Noun("token", "API tokens: create, list, revoke", Create(), List(), Revoke())
        .WithExamples("signet token create ci --role operator --days 30", "signet token list", "signet token revoke 3f9ac2d1e0b47586 --yes");

    private static Command Create()
    {
        var name = new Argument<string>("NAME") { Description = "What it is for" };
        var role = new Option<string>("--role") { Description = "viewer, operator or admin", HelpName = "ROLE", DefaultValueFactory = _ => "viewer" };
        role.AcceptOnlyFromAmong("viewer", "operator", "admin");
        var days = new Option<int>("--days") { Description = "Days until it ends, 1 to 366", HelpName = "N", DefaultValueFactory = _ => 90 };
        var group = new Option<string[]>("--group") { Description = "Limit its acts to devices of this group (may be repeated)", HelpName = "GROUP" };
        return Verb.Make("create", "Create a token; its secret is printed once, alone on stdout", [name, role, days, group], async (parsed, printer, cancellation) =>
        {
            using var center = CenterClient.Connect(parsed);
            var wanted = new JsonObject { ["name"] = parsed.GetValue(name), ["role"] = parsed.GetValue(role), ["days"] = parsed.GetValue(days) };
            if (parsed.GetValue(group) is { Length: > 0 } groups) wanted["groups"] = new JsonArray([.. groups.Select(one => JsonValue.Create(one))]);
            var made = await center.PostAsync("/api/v1/tokens", wanted, cancellation);
            if (printer.Json) printer.Object(made);
            printer.Line(Query.Text(made["secret"]));
            return ExitCode.Done;
        }).WithExamples("signet token create ci --role operator --days 30", "SIGNET_TOKEN=$(signet token create ci)");
    }

    private static Command List() => Verb.Make("list", "All tokens: role, last use, end", [GlobalOptions.Limit], async (parsed, printer, cancellation) =>
    {
        using var center = CenterClient.Connect(parsed);
        var answer = await center.GetAllAsync("/api/v1/tokens", "tokens", parsed.GetValue(GlobalOptions.Limit), cancellation);
        if (printer.Json) printer.Object(answer);
        printer.Table(["id", "name", "role", "groups", "kind", "by", "last use", "ends"], Query.Rows(answer, "tokens", "id", "name", "role", "groups", "kind", "by", "lastUse", "expires"));
        return ExitCode.Done;
    }).WithExamples("signet token list --json");

    private static Command Revoke()
    {
        var id = new Argument<string>("ID") { Description = "Of `signet token list`" };
        var yes = new Option<bool>("--yes") { Description = "Do it without asking", Required = true };
        return Verb.Make("revoke", "Revoke a token: the next request with it is refused", [id, yes], async (parsed, printer, cancellation) =>
        {
            using var center = CenterClient.Connect(parsed);
            var gone = await center.DeleteAsync("/api/v1/tokens/" + Uri.EscapeDataString(parsed.GetValue(id)!), cancellation);
            if (printer.Json) printer.Object(gone);
            printer.Line($"revoked {Query.Text(gone["name"])}");
            return ExitCode.Done;
        }).WithExamples("signet token revoke 3f9ac2d1e0b47586 --yes");
    }
}
