using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Signet.Access;
using Signet.Control;
using Signet.Web.Security;

namespace Signet.Web.Api;

public sealed record TotpAccountListJson(IReadOnlyList<TotpAccount> Accounts);

/// <summary>An account to add.</summary>
/// <param name="Secret">Base32; left out: a new one of 160 bits.</param>
/// <param name="Groups">Left out: <c>metrics</c>.</param>
/// <param name="Reconnects">The same client may come back with its code within the 30 s step, on the embedded broker.</param>
public sealed record NewTotpAccountJson(string Name, string Password, string? Secret = null, IReadOnlyList<string>? Groups = null, bool Reconnects = false);

/// <summary>The account with what is shown this once.</summary>
public sealed record IssuedTotpAccountJson(string Name, IReadOnlyList<string> Groups, string TotpSecret, string OtpauthUri, string? Warning);

/// <summary>What to change; a member that is left out stays as it is.</summary>
public sealed record TotpAccountChangeJson(bool? Enabled = null, string? Password = null, bool? Reconnects = null);

/// <summary>One row of an existing users table.</summary>
/// <param name="Password">bcrypt hash.</param>
/// <param name="TotpSecret">Base32.</param>
public sealed record TotpUserRowJson(string Username, string Password, string TotpSecret);

public sealed record TotpImportJson(IReadOnlyList<TotpUserRowJson> Users);

internal static class TotpAccountsApi
{
    public static void Map(RouteGroupBuilder api)
    {
        api.MapGet("/totp-accounts", (CommandCenter center) => Results.Ok(new TotpAccountListJson(center.TotpAccounts.List()))).Requires(Act.ViewFleet).Produces<TotpAccountListJson>()
            .WithSummary("Accounts that log in with name, one-time code and password.");
        api.MapPost("/totp-accounts", AddAsync).Requires(Act.ManageDevices).Confirmed().Produces<IssuedTotpAccountJson>(201).ProducesProblem(409).ProducesProblem(422).WithSummary("Adds an account; its secret is in this answer and nowhere else.");
        api.MapPost("/totp-accounts/import", ImportAsync).Requires(Act.ManageDevices).Confirmed().Produces<TotpImport>().ProducesProblem(422).WithSummary("Takes the rows of an existing users table: bcrypt hashes and TOTP secrets.");
        api.MapPost("/totp-accounts/export-passwords", async (CommandCenter center, HttpContext context) => Problems.Answer(await center.TotpAccounts.ExportPasswordsAsync(context.Actor(), context.RequestAborted), Results.Ok))
            .Requires(Act.ManageDevices).Confirmed().Produces<PasswordExport>().WithSummary("Password hashes for a Mosquitto's own password file: those that it can check.");
        api.MapPatch("/totp-accounts/{name}", ChangeAsync).Requires(Act.ManageDevices).Confirmed().Produces<TotpAccount>().ProducesProblem(404).WithSummary("Enables, disables, or gives a new password; open sessions end.");
        api.MapDelete("/totp-accounts/{name}", RemoveAsync).Requires(Act.ManageDevices).Confirmed().Produces<TotpAccount>().ProducesProblem(404).WithSummary("Removes an account and cuts its sessions.");
    }

    private static async Task<IResult> AddAsync(NewTotpAccountJson wanted, CommandCenter center, HttpContext context)
        => Problems.Answer(await center.TotpAccounts.AddAsync(new(wanted.Name ?? "", wanted.Password, null, wanted.Secret, wanted.Groups, wanted.Reconnects), context.Actor(), context.RequestAborted),
            issued => Results.Created($"{ApiRoutes.Prefix}/totp-accounts/{issued.Account.Name}", new IssuedTotpAccountJson(issued.Account.Name, issued.Account.Groups, issued.TotpSecret, issued.OtpauthUri, issued.Warning)));

    private static async Task<IResult> ImportAsync(TotpImportJson wanted, CommandCenter center, HttpContext context)
        => Problems.Answer(await center.TotpAccounts.ImportAsync([.. (wanted.Users ?? []).Select(u => new NewTotpAccount(u.Username ?? "", null, u.Password ?? "", u.TotpSecret ?? ""))], context.Actor(), context.RequestAborted), Results.Ok);

    private static async Task<IResult> ChangeAsync(string name, TotpAccountChangeJson change, CommandCenter center, HttpContext context)
    {
        if (change is { Enabled: null, Password: null, Reconnects: null }) return Problems.BadInput("Nothing to change: give `enabled`, `password` or `reconnects`.");
        Outcome<TotpAccount> outcome = default;
        if (change.Enabled is { } enabled) outcome = await center.TotpAccounts.SetEnabledAsync(name, enabled, context.Actor(), context.RequestAborted);
        if (outcome.Refusal is null && change.Password is { } password) outcome = await center.TotpAccounts.SetPasswordAsync(name, password, context.Actor(), context.RequestAborted);
        if (outcome.Refusal is null && change.Reconnects is { } reconnects) outcome = await center.TotpAccounts.SetReconnectsAsync(name, reconnects, context.Actor(), context.RequestAborted);
        return Problems.Answer(outcome, Results.Ok);
    }

    private static async Task<IResult> RemoveAsync(string name, CommandCenter center, HttpContext context)
        => Problems.Answer(await center.TotpAccounts.RemoveAsync(name, context.Actor(), context.RequestAborted), Results.Ok);
}
