using Microsoft.AspNetCore.Mvc;
using Signet.Control;
using Signet.Web.Security;
using Signet.Web.SignIn;

namespace Signet.Web.Pages;

/// <summary>Linking one's account with the sign-in provider: only signed in, and after showing again that it is oneself.</summary>
internal sealed partial class AccountModel
{
    /// <summary>Null: there is no provider.</summary>
    public string? ProviderName => options.Provider?.Name;

    public IReadOnlyList<ProviderLink> Identities { get; private set; } = [];

    [Confirmed]
    public async Task<IActionResult> OnPostLinkProviderAsync()
    {
        if (options.Provider is null) return NotFound();
        await ProviderDesk.LeaveAsync(HttpContext, ProviderPurpose.Link, "/account");
        return new EmptyResult();
    }

    [Confirmed]
    public async Task<IActionResult> OnPostUnlinkProviderAsync(CancellationToken stop)
    {
        var done = await center.ProviderLinks.UnlinkAsync(Account, HttpContext.Actor(), options.CertificateSignIn == CertificateSignIn.Alone, stop);
        if (!done.TryGet(out var account, out var refusal)) return await SayAsync(phrases.Said(refusal.Message), false);
        // Every session has ended, also those that the identity opened; this browser goes on in a new one.
        await sessions.BeginAsync(HttpContext, account, "provider-unlinked", User.FindFirst(Who.Certificate)?.Value);
        return await SayAsync(phrases["The provider no longer signs you in. Your other sessions have ended."], true);
    }
}
