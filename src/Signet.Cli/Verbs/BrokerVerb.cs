using System.CommandLine;
using System.Text.Json.Nodes;
using Signet.Cli.Bare;
using Signet.Cli.Brokers;
using Signet.Cli.Shell;

namespace Signet.Cli.Verbs;

/// <summary><c>signet broker run|sessions|kick|config|sync|export</c>: a bare broker, a look into the embedded one, and the files of other people's.</summary>
internal static class BrokerVerb
{
    public static Command Build() => Verb.Noun("broker", "Run a bare MQTT broker, or look into the command center's", BareBroker.Build(), Sessions(), Kick(), BrokerConfig.Build(), MosquittoSync.Build(), MosquittoExport.Build());

    private static Command Sessions() => Verb.Make("sessions", "Sessions of the command center's broker, open or resumable", [GlobalOptions.Limit], async (parsed, printer, cancellation) =>
    {
        using var center = CenterClient.Connect(parsed);
        var page = await center.GetAllAsync("/api/v1/sessions", "sessions", parsed.GetValue(GlobalOptions.Limit), cancellation);
        if (printer.Json)
            printer.Object(page);
        printer.Table(["client", "identity", "connected", "remote", "protocol", "since", "subscriptions", "queued"],
            Query.Rows(page, "sessions", "client", "identity", "connected", "remote", "protocol", "since", "subscriptions", "queued"));
        return ExitCode.Done;
    });

    private static Command Kick()
    {
        var identity = new Argument<string>("IDENTITY") { Description = "Whose sessions to close, as `broker sessions` shows it" };
        var client = new Option<string?>("--client") { Description = "Only this client id", HelpName = "ID" };
        return Verb.Make("kick", "Close sessions now; the client may come back while its certificate is good", [identity, client], async (parsed, printer, cancellation) =>
        {
            using var center = CenterClient.Connect(parsed);
            var body = new JsonObject { ["identity"] = parsed.GetValue(identity), ["client"] = parsed.GetValue(client) };
            var answer = await center.PostAsync("/api/v1/sessions/kick", body, cancellation);
            if (printer.Json)
                printer.Object(answer);
            printer.Line($"closed {Query.Text(answer["closed"])} sessions");
            return ExitCode.Done;
        });
    }
}
