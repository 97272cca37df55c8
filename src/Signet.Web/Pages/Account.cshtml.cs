using System.Buffers.Text;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.Filters;
using Microsoft.AspNetCore.Mvc.RazorPages;
using Signet.Control;
using Signet.Web.Looks;
using Signet.Web.Security;
using Signet.Web.SignIn;

namespace Signet.Web.Pages;

/// <summary>What people change about their own account.</summary>
[SignedIn]
internal sealed partial class AccountModel(CommandCenter center, WebOptions options, Sessions sessions, SignInDesk desk, Trail trail, BreachedPasswords breaches, Phrases phrases) : PageModel
{
    public Account Account { get; private set; } = null!;
    public IReadOnlyList<Passkey> Passkeys { get; private set; } = [];
    public IReadOnlyList<OpenSession> Sessions { get; private set; } = [];
    public int CodesLeft { get; private set; }
    public NewBackupCodes? Fresh { get; private set; }
    public string Message { get; private set; } = "";
    public bool Good { get; private set; }
    public string Mark => HttpContext.SessionMark() ?? "";

    public override async Task OnPageHandlerExecutionAsync(PageHandlerExecutingContext context, PageHandlerExecutionDelegate next)
    {
        // A token has no account of its own.
        if (HttpContext.Account() is not { } account) context.Result = Redirect("/");
        else
        {
            Account = account;
            await next();
        }
    }

    public Task OnGetAsync() => LoadAsync();

    public async Task<IActionResult> OnPostPasswordAsync([FromForm] string? current, [FromForm] string? fresh, CancellationToken stop)
    {
        var asked = await desk.ConfirmAsync(HttpContext, Account, current ?? "");
        if (asked.Account is null) return await SayAsync(asked.Message, false);
        if (Passwords.Fault(fresh ?? "", Account.Name, breaches) is { } fault) return await SayAsync(phrases.Said(fault), false);
        var hash = await Task.Run(() => Passwords.Hash(fresh!), stop);
        var changed = await center.Accounts.SetPasswordAsync(Account.Id, hash, "changed", HttpContext.Actor(), stop);
        if (!changed.TryGet(out var account, out var refusal)) return await SayAsync(phrases.Said(refusal.Message), false);
        // The new stamp has ended every session; this browser goes on in a new one.
        await sessions.BeginAsync(HttpContext, account, "password-change");
        return await SayAsync(phrases["The password is changed. Your other sessions have ended."], true);
    }

    [Confirmed]
    public async Task<IActionResult> OnPostDisableTotpAsync(CancellationToken stop)
    {
        if (IsLastFactor(Account.Passkeys > 0)) return await SayAsync(phrases["Your role needs a second factor: add another before you remove this one."], false);
        var done = await center.SecondFactors.DisableTotpAsync(Account, HttpContext.Actor(), stop);
        return await SayAsync(done.Refusal is { } refusal ? phrases.Said(refusal.Message) : phrases["The authenticator app is removed."], done.Refusal is null);
    }

    [Confirmed]
    public async Task<IActionResult> OnPostRemovePasskeyAsync([FromForm] string? passkey, CancellationToken stop)
    {
        if (IsLastFactor(Account.TotpSince is not null || Account.Passkeys > 1)) return await SayAsync(phrases["Your role needs a second factor: add another before you remove this one."], false);
        if (passkey is not { Length: > 0 and <= 1400 } || !Base64Url.IsValid(passkey)) return await SayAsync(phrases["you have no such passkey"], false);
        var done = await center.SecondFactors.RemovePasskeyAsync(Account, Base64Url.DecodeFromChars(passkey), HttpContext.Actor(), stop);
        return await SayAsync(done.Refusal is { } refusal ? phrases.Said(refusal.Message) : phrases["The passkey is removed."], done.Refusal is null);
    }

    /// <summary>What a manifest's author needs to let this person approve with the passkey: nothing of it is secret.</summary>
    public async Task<IActionResult> OnGetPasskeyKeyAsync(string? passkey, CancellationToken stop)
    {
        var mine = (await center.SecondFactors.PasskeysAsync(Account.Id, stop)).FirstOrDefault(p => p.Handle == passkey);
        if (mine is null) return NotFound();
        if (Control.Commands.PublicKeyOf(mine) is not { } key) return await SayAsync(phrases["This passkey is of a kind that devices do not check: they take P-256."], false);
        var file = new System.Text.Json.Nodes.JsonObject
        {
            ["person"] = Account.Name, ["key"] = Base64Url.EncodeToString(key), ["origin"] = $"https://{Request.Host}", ["rp"] = Request.Host.Host,
        };
        return File(System.Text.Encoding.UTF8.GetBytes(file.ToJsonString() + "\n"), "application/json", $"{Account.Name}-passkey.json");
    }

    [Confirmed]
    public async Task<IActionResult> OnPostBackupCodesAsync(CancellationToken stop)
    {
        if (!Account.HasSecondFactor) return await SayAsync(phrases["Set up a second factor first."], false);
        var made = await center.SecondFactors.RenewBackupCodesAsync(Account, HttpContext.Actor(), stop);
        if (!made.TryGet(out var codes, out var refusal)) return await SayAsync(phrases.Said(refusal.Message), false);
        Fresh = codes;
        return await SayAsync("", true);
    }

    [Confirmed]
    public async Task<IActionResult> OnPostEndSessionAsync([FromForm] string? session)
    {
        var ended = sessions.End(Account.Id, session ?? "");
        if (ended) await trail.SessionEndedAsync(HttpContext, Account.Name, "revoked");
        return await SayAsync(ended ? phrases["The session has ended."] : phrases["There is no such session."], ended);
    }

    [Confirmed]
    public async Task<IActionResult> OnPostEndOthersAsync()
    {
        if (sessions.EndOthers(Account.Id, Mark) > 0) await trail.SessionEndedAsync(HttpContext, Account.Name, "revoked");
        return await SayAsync(phrases["Your other sessions have ended."], true);
    }

    private bool IsLastFactor(bool another) => !another && options.SecondFactorFor.Contains(Account.Role);

    private async Task<IActionResult> SayAsync(string message, bool good)
    {
        (Message, Good) = (message, good);
        await LoadAsync();
        return Page();
    }

    private async Task LoadAsync()
    {
        var stop = HttpContext.RequestAborted;
        Account = await center.Accounts.FindAsync(Account.Id, stop) ?? Account;
        Passkeys = await center.SecondFactors.PasskeysAsync(Account.Id, stop);
        CodesLeft = await center.SecondFactors.BackupCodesLeftAsync(Account.Id, stop);
        Sessions = sessions.Of(Account.Id);
        Identities = await center.ProviderLinks.OfAsync(Account.Id, stop);
    }
}
