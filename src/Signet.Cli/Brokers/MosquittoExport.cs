using System.CommandLine;
using System.Text;
using System.Text.Json.Nodes;
using Signet.Cli.Shell;
using Signet.Pki;

namespace Signet.Cli.Brokers;

/// <summary><c>signet broker export passwords|acl FILE</c>: what an existing Mosquitto keeps in its own files, for one that goes on without Signet's plugin, certificates or go-auth.</summary>
internal static class MosquittoExport
{
    public static Command Build() => Verb.Noun("export", "Write Mosquitto's password and ACL files", Passwords(), Acl());

    private static Argument<string> Target => new("FILE") { Description = "Where to; a file that is there is replaced" };

    private static Command Passwords()
    {
        var target = Target;
        return Verb.Make("passwords", "Password hashes in the format of mosquitto_passwd: accounts whose password came from such a file", [target], async (parsed, printer, cancellation) =>
        {
            using var center = CenterClient.Connect(parsed);
            var done = await center.PostAsync("/api/v1/totp-accounts/export-passwords", null, cancellation);
            var given = (done["passwords"] as JsonArray ?? []).OfType<JsonObject>().ToList();
            var left = (done["left"] as JsonArray ?? []).Select(Query.Text).ToList();
            var file = Path.GetFullPath(parsed.GetValue(target)!);
            KeyFile.WritePrivate(file, Encoding.UTF8.GetBytes(string.Concat(given.Select(one => $"{Query.Text(one["name"])}:{Query.Text(one["hash"])}\n"))));
            if (printer.Json)
                printer.Object(new JsonObject { ["file"] = file, ["passwords"] = given.Count, ["left"] = new JsonArray([.. left.Select(line => JsonValue.Create(line))]) });
            printer.Line($"wrote {given.Count} of {given.Count + left.Count} passwords to {file} (0600); with them a client comes in without a one-time code");
            foreach (var line in left)
                printer.Fail(line);
            return left.Count == 0 ? ExitCode.Done : ExitCode.Refused;
        });
    }

    private static Command Acl()
    {
        var target = Target;
        return Verb.Make("acl", "The access policy as an ACL file, for devices, people and accounts as they are now", [target], async (parsed, printer, cancellation) =>
        {
            using var center = CenterClient.Connect(parsed);
            var file = Path.GetFullPath(parsed.GetValue(target)!);
            MosquittoFiles.WriteShared(file, await MosquittoFiles.AclAsync(center, withAccounts: true, cancellation));
            if (printer.Json)
                printer.Object(new JsonObject { ["file"] = file });
            printer.Line($"wrote {file}; where Mosquitto cannot say what the policy says it allows less");
            return ExitCode.Done;
        });
    }
}
