using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Signet.Access;
using Signet.Audit;
using Signet.Control;

namespace Signet.Web.Security;

/// <summary>What the console itself puts on record: who came, who was refused, who left. Acts on devices and people are recorded by Control.</summary>
internal sealed class Trail(CommandCenter center)
{
    private const int LongestName = 64;

    /// <exception cref="AuditUnavailableException">The log takes nothing, not even from its reserve.</exception>
    public async Task SignedInAsync(HttpContext context, Account account, string with)
        => await center.Audit.AppendAsync(Of(context, AuditTypes.Auth, account.Name, account.Name, "sign-in", "success", "", new() { ["with"] = with, ["role"] = Word(account.Role) })
            with { Emergency = account.Role == Role.Admin });

    public Task SignedOutAsync(HttpContext context, string name) => TryAsync(Of(context, AuditTypes.Auth, name, name, "sign-out", "success"));

    public Task SessionEndedAsync(HttpContext context, string name, string reason) => TryAsync(Of(context, AuditTypes.Auth, name, name, "session-ended", "success", reason));

    /// <summary>Anybody can cause these: the first of their kind from one network stand in full, the rest as a count, and all of them together have a limit (<see cref="FailureFold"/>).</summary>
    /// <param name="context">The request.</param>
    /// <param name="name">As typed: it may be anything.</param>
    /// <param name="reason"><c>bad-credentials, disabled, too-many-attempts, bad-token, bad-setup-link</c>.</param>
    public async Task SignInFailedAsync(HttpContext context, string name, string reason)
    {
        try
        {
            await center.Failures.RecordAsync(Of(context, AuditTypes.AuthFail, Shortened(name), Shortened(name), "sign-in", "refused", reason), context.Network());
        }
        catch (AuditUnavailableException)
        {
            // as in TryAsync
        }
    }

    /// <summary>A sign-in by way of the provider that came to nothing. Anybody can cause these without showing anything: equal ones from one network are counted.</summary>
    /// <param name="name">As the provider says it: it may be anything.</param>
    public void ProviderRefused(HttpContext context, string name, string reason)
        => center.ProviderLinks.Refused(Shortened(name), reason, context.Address(), context.Network());

    public Task DeniedAsync(HttpContext context, Actor actor, Act act, Decision decision)
        => TryAsync(Of(context, AuditTypes.Authorization, actor.Name, Shortened(context.Request.Path.Value ?? ""), "request-refused", "refused", decision.Rule,
            new() { ["method"] = context.Request.Method, ["act"] = act.ToString(), ["role"] = Word(actor.Role), ["by"] = actor.Kind }));

    // A refusal stands even when it cannot be written down.
    private async Task TryAsync(AuditRecord record)
    {
        try
        {
            await center.Audit.AppendAsync(record);
        }
        catch (AuditUnavailableException)
        {
        }
    }

    private static AuditRecord Of(HttpContext context, string type, string actor, string subject, string action, string outcome, string reason = "", JsonObject? details = null)
        => new(type, actor, subject, action, outcome, reason, details ?? []) { Personal = new JsonObject { ["from"] = context.Address() } };

    private static string Word(Role role) => role.ToString().ToLowerInvariant();

    private static string Shortened(string text)
    {
        var clean = new string([.. text.Take(LongestName).Select(c => char.IsControl(c) || char.IsSurrogate(c) ? '?' : c)]);
        return clean.Length == 0 ? "(empty)" : clean;
    }
}
