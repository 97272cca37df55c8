using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Signet.Cli.PubSub;
using Signet.Cli.Shell;
using Signet.Wire;

namespace Signet.Cli.Verbs;

/// <summary>
/// <c>signet command approve</c>: shows what a command would do, and signs the approver's yes with a key that only the approver holds. What is shown is what is
/// signed: both come from the same fields here, not from a page.
/// </summary>
internal static class ApproveVerb
{
    public static Command Build()
    {
        var id = new Argument<string>("ID") { Description = "The id of a command, a rollout or a proposal" };
        var cert = new Option<string>("--cert") { Description = "The approver's own certificate, as the manifest lists it", HelpName = "FILE", Required = true };
        var key = new Option<string>("--key") { Description = "Its private key: a file (0600) or a PKCS#11 URI", HelpName = "FILE|URI", Required = true };
        var name = new Option<string?>("--name") { Description = "The approver's name in the manifest (default: the certificate's)", HelpName = "NAME" };
        var yes = new Option<bool>("--yes") { Description = "Sign without asking" };
        return Verb.Make("approve", "See exactly what a command would do, and sign an approval with your own key", [id, cert, key, name, yes], async (parsed, printer, cancellation) =>
        {
            using var center = CenterClient.Connect(parsed);
            using var certificate = BrokerOptionsOf.ReadPair(parsed.GetValue(cert)!, parsed.GetValue(key)!);
            using var signing = MessageKeys.SignWith(certificate);
            var person = parsed.GetValue(name) ?? MessageKeys.NameOf(certificate);
            var waiting = (await center.GetAsync("/api/v1/approvals?id=" + Uri.EscapeDataString(parsed.GetValue(id)!), cancellation))["proposals"] as JsonArray ?? [];
            if (waiting.Count == 0)
                throw new CliException(ExitCode.Refused, $"Nothing with the id {Printer.Inert(parsed.GetValue(id)!)} waits for an approval.");
            foreach (var proposal in waiting.OfType<JsonObject>())
                await ApproveAsync(center, proposal, person, signing, parsed.GetValue(yes), printer, cancellation);
            return ExitCode.Done;
        });
    }

    private static async Task ApproveAsync(CenterClient center, JsonObject proposal, string person, SigningKey key, bool yes, Printer printer, CancellationToken cancellation)
    {
        var claims = Claims(proposal, person);
        if (!printer.Json)
        {
            printer.Line("You are asked to sign that this may be done:");
            printer.Facts(
                ("command", claims.Command),
                ("arguments", claims.Arguments.ToJsonString()),
                ("devices", $"{claims.Devices.Count}: {string.Join(", ", claims.Devices)}"),
                ("asked by", claims.Requester),
                ("class", claims.Class),
                ("not after", claims.NotAfter.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture)),
                ("as", $"{person}, key {key.KeyId}"));
        }

        if (!yes)
        {
            if (Console.IsInputRedirected)
                throw new CliException(ExitCode.WrongUsage, "Nobody is there to say yes: run it on a terminal, or give --yes.");
            await printer.Error.WriteAsync("Type yes to sign: ");
            if (!string.Equals(Console.ReadLine()?.Trim(), "yes", StringComparison.Ordinal))
                throw new CliException(ExitCode.Refused, "Nothing was signed.");
        }

        var signed = Encoding.ASCII.GetString(ApprovalMessage.Sign(claims, key));
        var after = await center.PostAsync("/api/v1/approvals/" + Uri.EscapeDataString(claims.Proposal), new JsonObject { ["approval"] = signed }, cancellation);
        if (printer.Json)
            printer.Object(after);
        var approved = (after["approved"] as JsonArray)?.Count ?? 0;
        printer.Line($"approved by {Query.Text(after["approved"])}: {approved} of {after["needed"]}{(approved >= (int?)after["needed"] ? ", it is on its way" : "")}");
    }

    // The center's answer is only a suggestion: everything in it is checked for its form, shown, and signed as shown.
    private static ApprovalClaims Claims(JsonObject proposal, string person)
    {
        try
        {
            using var random = RandomNumberGenerator.Create();
            var now = TimeProvider.System.GetUtcNow();
            return new()
            {
                Issuer = person, Id = MessageId.New(TimeProvider.System, random), IssuedAt = now,
                Proposal = (string)proposal["id"]!, Class = (string)proposal["class"]!, Devices = [.. proposal["devices"]!.AsArray().Select(d => (string)d!)],
                Command = (string)proposal["command"]!, Arguments = proposal["arguments"]!.AsObject().DeepClone().AsObject(), Requester = (string)proposal["requester"]!,
                NotAfter = DateTimeOffset.FromUnixTimeSeconds(DateTimeOffset.Parse((string)proposal["notAfter"]!, CultureInfo.InvariantCulture).ToUnixTimeSeconds()),
            };
        }
        catch (Exception problem) when (problem is NullReferenceException or InvalidOperationException or FormatException or ArgumentNullException)
        {
            throw new CliException(ExitCode.Refused, "The center's answer is not a proposal. Is it of the same version as this program?");
        }
    }
}
