using System.Globalization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using Signet.Web.Looks;
using Signet.Web.Security;

namespace Signet.Web.Pages;

/// <summary>What a person reads instead of a page: one sentence and a way on. Nothing of the inside of the program.</summary>
[Public, IgnoreAntiforgeryToken, ResponseCache(NoStore = true)]
internal sealed class ErrorModel(Phrases phrases) : PageModel
{
    /// <summary>From the path alone: nothing is bound, or the body that was refused would be read again.</summary>
    public int Code => int.TryParse(RouteData.Values["code"] as string, NumberStyles.None, CultureInfo.InvariantCulture, out var code) ? code : 404;

    public string Heading => Code switch
    {
        403 => phrases["Not allowed"],
        404 => phrases["Nothing here"],
        400 => phrases["That did not work"],
        413 => phrases["Too much at once"],
        429 => phrases["Too many requests"],
        503 => phrases["Not available"],
        _ => phrases["Something went wrong"],
    };

    public string Words => Code switch
    {
        403 => phrases["Your role does not allow this. An administrator can change it."],
        404 => phrases["This page, device or command does not exist, or no longer."],
        400 => phrases["The request was not complete, or the page was open for too long. Go back, load it again and retry."],
        413 => phrases["What was sent is larger than anything this console takes."],
        429 => phrases["Wait a moment and try again."],
        503 => phrases["A part of the center is not available right now. Try again in a moment."],
        _ => phrases["The center could not answer. The reason is in its log."],
    };

    public void OnGet() => Response.StatusCode = Code is >= 400 and <= 599 ? Code : 404;

    public void OnPost() => OnGet();
}
