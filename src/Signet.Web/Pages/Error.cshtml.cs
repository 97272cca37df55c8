using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using Signet.Web.Security;

namespace Signet.Web.Pages;

/// <summary>What a person reads instead of a page: one sentence and a way on. Nothing of the inside of the program.</summary>
[Public, IgnoreAntiforgeryToken, ResponseCache(NoStore = true)]
public sealed class ErrorModel : PageModel
{
    [BindProperty(SupportsGet = true)]
    public int Code { get; set; }

    public string Heading => Code switch
    {
        403 => "Not allowed",
        404 => "Nothing here",
        400 => "That did not work",
        429 => "Too many requests",
        503 => "Not available",
        _ => "Something went wrong",
    };

    public string Words => Code switch
    {
        403 => "Your role does not allow this. An administrator can change it.",
        404 => "This page, device or command does not exist, or no longer.",
        400 => "The request was not complete, or the page was open for too long. Go back, load it again and retry.",
        429 => "Wait a moment and try again.",
        503 => "A part of the center is not available right now. Try again in a moment.",
        _ => "The center could not answer. The reason is in its log.",
    };

    public void OnGet() => Response.StatusCode = Code is >= 400 and <= 599 ? Code : 404;

    public void OnPost() => OnGet();
}
