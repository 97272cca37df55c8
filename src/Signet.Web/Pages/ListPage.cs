using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Signet.Control;

namespace Signet.Web.Pages;

/// <summary>A page with one list, filtered and read part by part.</summary>
public abstract class ListPage(CommandCenter center, string path) : ConsolePage(center)
{
    /// <summary>The part behind this place, or in front of <see cref="Before"/>: places and no counts, so that what comes or goes meanwhile moves nobody's page.</summary>
    [BindProperty(SupportsGet = true)]
    public string? After { get; set; }

    [BindProperty(SupportsGet = true)]
    public string? Before { get; set; }

    /// <summary>What the list is filtered by: the filters' names in the address, with their values.</summary>
    protected abstract IEnumerable<KeyValuePair<string, string?>> Filters { get; }

    /// <summary>The list as it is filtered now, at a place of it.</summary>
    public string ListAt(string? after = null, string? before = null) => path + Query(new("after", after), new("before", before));

    /// <summary>Where a form is sent whose answer is this page at this place.</summary>
    public string Post(string handler) => path + Query(new("after", After), new("before", Before), new("handler", handler));

    private QueryString Query(params IEnumerable<KeyValuePair<string, string?>> more) => QueryString.Create(Filters.Concat(more).Where(pair => !string.IsNullOrEmpty(pair.Value)));
}
