using System.CommandLine;
using Signet.Cli.Shell;

namespace Signet.Cli.Verbs;

/// <summary><c>signet user links|unlink</c>: identities at the OpenID Connect provider. Only their owner links one, in the console.</summary>
internal static class UserLinkVerbs
{
    private static readonly Argument<string> Name = new("NAME") { Description = "The person's name" };

    public static Command Links() => Verb.Make("links", "Which identities at the OpenID Connect provider sign in to an account", [Name], async (parsed, printer, cancellation) =>
    {
        using var center = CenterClient.Connect(parsed);
        var answer = await center.GetAsync(Path(parsed), cancellation);
        if (printer.Json) printer.Object(answer);
        printer.Table(["issuer", "subject", "since", "last use", "barred"], Query.Rows(answer, "links", "issuer", "subject", "created", "lastUse", "barred"));
        return ExitCode.Done;
    }).WithExamples("signet user links maria");

    public static Command Unlink()
    {
        var yes = new Option<bool>("--yes") { Description = "Do it without asking", Required = true };
        return Verb.Make("unlink", "The provider no longer signs somebody in; their sessions end. Of somebody who was removed: their identity is a stranger again", [Name, yes], async (parsed, printer, cancellation) =>
        {
            using var center = CenterClient.Connect(parsed);
            var person = await center.DeleteAsync(Path(parsed), cancellation);
            if (printer.Json) printer.Object(person);
            if (person["links"] is not null) printer.Line($"admitted again: the identity of {parsed.GetValue(Name)}, whose account was removed, is a stranger now and may get a new account");
            else printer.Line($"unlinked {parsed.GetValue(Name)}: they sign in with a password now{((bool?)person["hasPassword"] == true ? "" : ", and have none; signet user reset-password makes a link to one")}");
            return ExitCode.Done;
        }).WithExamples("signet user unlink maria --yes");
    }

    private static string Path(ParseResult parsed) => $"/api/v1/users/{Uri.EscapeDataString(parsed.GetValue(Name)!)}/links";
}
