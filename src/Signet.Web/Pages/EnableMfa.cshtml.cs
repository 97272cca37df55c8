using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using Signet.Control;
using Signet.Web.Looks;
using Signet.Web.Security;
using Signet.Web.SignIn;

namespace Signet.Web.Pages;

/// <summary>Where a person sets up one-time codes and passkeys. Backup codes are shown in the answer that makes them, and nowhere else.</summary>
[SignedIn]
internal sealed class EnableMfaModel(CommandCenter center, WebOptions options, ShortMemory memory, PasskeyDesk passkeys, Sessions sessions, Phrases phrases) : PageModel
{
    private sealed record NewSecret(byte[] Bytes);

    public Account Account { get; private set; } = null!;

    /// <summary>QR code of the otpauth address, as a data URI of an SVG.</summary>
    public string Qr { get; private set; } = "";

    /// <summary>The secret in base32, in groups of four.</summary>
    public string Key { get; private set; } = "";

    public string PasskeyOptions { get; private set; } = "";
    public string PasskeyName { get; private set; } = "";
    public NewBackupCodes? Fresh { get; private set; }

    /// <summary>When the role's second factor is due; null when there is one, or none is needed.</summary>
    public DateTimeOffset? Due { get; private set; }

    public bool Overdue => Due <= options.Time.GetUtcNow();
    public string Message { get; private set; } = "";

    public async Task<IActionResult> OnGetAsync() => HttpContext.Account() is null ? Redirect("/") : await DrawAsync();

    [Confirmed]
    public async Task<IActionResult> OnPostAsync([FromForm] string? code, CancellationToken stop)
    {
        if (HttpContext.Account() is not { } account) return Redirect("/");
        if (memory.Find<NewSecret>(Mark) is not { } secret) return await AgainAsync(phrases["The key was shown too long ago. Here is a new one: scan it again."]);
        var enabled = await center.SecondFactors.EnableTotpAsync(account, secret.Bytes, code ?? "", HttpContext.Actor(), stop);
        if (!enabled.TryGet(out var codes, out var refusal)) return await AgainAsync(phrases.Said(refusal.Message));
        memory.Take<NewSecret>(Mark);
        return await DoneAsync(account, codes);
    }

    [Confirmed]
    public async Task<IActionResult> OnPostPasskeyAsync([FromForm] string? credential, [FromForm] string? name, CancellationToken stop)
    {
        if (HttpContext.Account() is not { } account) return Redirect("/");
        if (await passkeys.AttestAsync(HttpContext, account, credential ?? "", (name ?? "").Trim()) is not { } passkey) return await AgainAsync(phrases["The passkey was not accepted."]);
        var added = await center.SecondFactors.AddPasskeyAsync(account, passkey, HttpContext.Actor(), stop);
        if (!added.TryGet(out var codes, out var refusal)) return await AgainAsync(phrases.Said(refusal.Message));
        return await DoneAsync(account, codes);
    }

    // Whoever knew only the password until now is out.
    private async Task<IActionResult> DoneAsync(Account account, NewBackupCodes codes)
    {
        sessions.EndOthers(account.Id, Mark);
        if (codes.Codes.Count == 0) return Redirect("/account");
        (Account, Fresh) = ((await center.Accounts.FindAsync(account.Id, HttpContext.RequestAborted))!, codes);
        return Page();
    }

    private Task<IActionResult> AgainAsync(string message)
    {
        Message = message;
        return DrawAsync();
    }

    private async Task<IActionResult> DrawAsync()
    {
        Account = HttpContext.Account()!;
        if (!Account.HasSecondFactor && options.SecondFactorFor.Contains(Account.Role)) Due = AccessGate.FactorDue(Account, center);
        // The same key until it is confirmed: a reload must not void what was scanned.
        var secret = memory.Find<NewSecret>(Mark) ?? new NewSecret(center.SecondFactors.NewSecret());
        memory.Put(Mark, secret, WebLimits.FactorSetup);
        Key = string.Join(' ', Base32.Encode(secret.Bytes).Chunk(4).Select(four => new string(four)));
        Qr = QrPicture.DataUri(OneTimeCode.Uri($"Signet {Request.Host.Host}", Account.Name, secret.Bytes));
        PasskeyOptions = await passkeys.CreationOptionsAsync(HttpContext, Account);
        PasskeyName = Browsers.Name(Request.Headers.UserAgent.ToString());
        return Page();
    }

    private string Mark => HttpContext.SessionMark() ?? "";
}
