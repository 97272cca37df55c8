using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using Signet.Web.Looks;
using Signet.Web.Security;
using Signet.Web.SignIn;

namespace Signet.Web.Pages;

/// <summary>Between the password and the session: one-time code, backup code or passkey.</summary>
[Public]
internal sealed class SecondFactorModel(SignInDesk desk, PasskeyDesk passkeys, Phrases phrases) : PageModel
{
    [BindProperty(SupportsGet = true)]
    public string? Next { get; set; }

    /// <summary>Whose password was right; null: nobody's, or too long ago.</summary>
    public string? Name { get; private set; }

    public bool HasTotp { get; private set; }

    /// <summary>For <c>navigator.credentials.get</c>; null when there is no passkey.</summary>
    public string? Options { get; private set; }

    public string Message { get; private set; } = "";

    public async Task OnGetAsync() => await LoadAsync();

    public async Task<IActionResult> OnPostAsync([FromForm] string? code) => await AnswerAsync(await desk.SecondAsync(HttpContext, code ?? ""));

    public async Task<IActionResult> OnPostPasskeyAsync([FromForm] string? credential)
    {
        if (await desk.HalfAsync(HttpContext) is not var (half, account)) return await AnswerAsync(new(null, ""));
        // Asked once, answered once.
        var state = half.PasskeyState;
        half.PasskeyState = null;
        return await AnswerAsync(state is not null && !string.IsNullOrEmpty(credential) && await passkeys.AssertAsync(HttpContext, account, credential, state)
            ? await desk.SecondByPasskeyAsync(HttpContext, account)
            : await desk.PasskeyFailedAsync(HttpContext, half.Name));
    }

    private async Task<IActionResult> AnswerAsync(SignInOutcome outcome)
    {
        if (outcome.Account is not null) return Url.IsLocalUrl(Next) ? LocalRedirect(Next!) : Redirect("/");
        Message = outcome.Message;
        await LoadAsync();
        return Page();
    }

    private async Task LoadAsync()
    {
        if (await desk.HalfAsync(HttpContext) is not var (half, account))
        {
            if (Message.Length == 0) Message = phrases["That took too long. Sign in again."];
            return;
        }
        (Name, HasTotp) = (half.Name, account.TotpSince is not null);
        if (account.Passkeys > 0) (Options, half.PasskeyState) = await passkeys.RequestOptionsAsync(HttpContext, account);
    }
}
