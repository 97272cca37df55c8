using System.CommandLine;
using System.Text.Json.Nodes;
using Signet.Cli.Shell;

namespace Signet.Cli.Verbs;

/// <summary><c>signet status</c>: is everything well, in one screen. Exit 0 when it is, 1 when something needs a person.</summary>
internal static class StatusVerb
{
    public static Command Build() => Verb.Make("status", "Is everything well?", [], async (parsed, printer, cancellation) =>
    {
        using var center = CenterClient.Connect(parsed);
        var status = await center.GetAsync("/api/v1/status", cancellation);
        var ready = (bool?)status["isReady"] ?? false;
        if (printer.Json)
        {
            printer.Object(status);
            return ready ? ExitCode.Done : ExitCode.Refused;
        }

        printer.Markup(ready ? "[green]Everything is well.[/]" : "[red]Something needs attention.[/]");
        printer.Facts(
            ("console", center.Url.AbsoluteUri),
            ("version", Query.Text(status["version"])),
            ("broker", BrokerLine(status["broker"] as JsonObject ?? [])),
            ("devices", $"{Query.Text(status["devicesOnline"])} of {Query.Text(status["devicesKnown"])} online"),
            ("commands", $"{Query.Text(status["commandsOpen"])} without a final answer"),
            ("audit log", AuditLine(status["audit"] as JsonObject ?? [])));
        printer.Line();
        printer.Table(["certificate", "profile", "ends", "serial"], Query.Rows(status, "certificates", "name", "profile", "ends", "serial").Take(5));
        return ready ? ExitCode.Done : ExitCode.Refused;
    });

    private static string BrokerLine(JsonObject broker) =>
        (bool?)broker["listening"] != true ? "not listening" : $"{Query.Text(broker["endPoint"])}, {Query.Text(broker["connections"])} connections{((bool?)broker["linked"] == true ? "" : ", the center's own link is down")}";

    private static string AuditLine(JsonObject audit) =>
        (bool?)audit["writable"] == true ? $"{Query.Text(audit["entries"])} entries, {Query.Text(audit["checkpointSize"])} under a signed checkpoint" : $"CANNOT BE WRITTEN: {Query.Text(audit["message"])}";
}
