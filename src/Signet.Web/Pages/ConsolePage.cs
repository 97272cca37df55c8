using Microsoft.AspNetCore.Mvc.RazorPages;
using Signet.Control;
using Signet.Web.Security;

namespace Signet.Web.Pages;

/// <summary>What every page of the console has at hand.</summary>
public abstract class ConsolePage(CommandCenter center) : PageModel
{
    public CommandCenter Center { get; } = center;

    /// <summary>What the reader gets to see.</summary>
    protected Sight Sight => HttpContext.Sight(Center);

    /// <summary>Where the live feed stood before the page read anything: what happens while it is drawn is not lost.</summary>
    private readonly long before = center.Feed.Latest;

    /// <summary>The reader's browser runs no htmx: answer with whole pages and redirects.</summary>
    protected bool IsPlain => !Request.Headers.ContainsKey("HX-Request");

    /// <summary>This page's own address, for fragments that draw themselves anew.</summary>
    public string Here => Request.Path + Request.QueryString;

    /// <summary>Opens the live feed for the page.</summary>
    /// <param name="kinds">Comma separated.</param>
    /// <param name="subject">Only about this one.</param>
    public void Live(string kinds, string? subject = null)
        => ViewData["Live"] = $"/api/v1/events?kinds={kinds}&after={before}" + (subject is null ? "" : $"&subject={Uri.EscapeDataString(subject)}");
}
