using Microsoft.AspNetCore.Mvc;
using Signet.Access;
using Signet.Control;
using Signet.Web.Security;

namespace Signet.Web.Pages.Devices;

[Requires(Act.ViewFleet), WithinGroups]
public sealed class IndexModel(CommandCenter center) : ConsolePage(center)
{
    [BindProperty(SupportsGet = true, Name = "q")]
    public string? Search { get; set; }

    [BindProperty(SupportsGet = true)]
    public string? State { get; set; }

    [BindProperty(SupportsGet = true)]
    public string? Group { get; set; }

    [BindProperty(SupportsGet = true)]
    public string? Tag { get; set; }

    public IReadOnlyDictionary<string, int> Groups { get; private set; } = new Dictionary<string, int>(StringComparer.Ordinal);
    public IReadOnlyDictionary<string, int> Tags { get; private set; } = new Dictionary<string, int>(StringComparer.Ordinal);

    [BindProperty(SupportsGet = true)]
    public int From { get; set; }

    public IReadOnlyList<DeviceRecord> Rows { get; private set; } = [];
    public int Known { get; private set; }
    public int Found { get; private set; }

    public void OnGet()
    {
        Live("device");
        var all = Sight.Devices();
        var found = DeviceSearch.Search(all, Search).Where(device => string.IsNullOrEmpty(State) || Looks.Tone.Word(device) == State)
            .Where(device => (string.IsNullOrEmpty(Group) || device.Groups.Contains(Group, StringComparer.Ordinal)) && (string.IsNullOrEmpty(Tag) || device.Tags.Contains(Tag, StringComparer.Ordinal))).ToList();
        (Groups, Tags) = (Fleet.Count(all, d => d.Groups), Fleet.Count(all, d => d.Tags));
        (Known, Found) = (all.Count, found.Count);
        From = Math.Clamp(From, 0, Math.Max(0, found.Count - 1));
        Rows = [.. found.Skip(From).Take(WebLimits.PageSize)];
    }
}
