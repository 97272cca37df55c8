using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Signet.Access;
using Signet.Control;
using Signet.Web.Api;
using Signet.Web.Security;

namespace Signet.Web.Pages.Devices;

[Requires(Act.ViewFleet), WithinGroups]
public sealed class IndexModel(CommandCenter center) : ListPage(center, "/devices")
{
    [BindProperty(SupportsGet = true, Name = "q")]
    public string? Search { get; set; }

    [BindProperty(SupportsGet = true)]
    public string? State { get; set; }

    [BindProperty(SupportsGet = true)]
    public string? Group { get; set; }

    [BindProperty(SupportsGet = true)]
    public string? Tag { get; set; }

    protected override IEnumerable<KeyValuePair<string, string?>> Filters => [new("q", Search), new("state", State), new("group", Group), new("tag", Tag)];

    public FleetLabels Labels { get; private set; } = null!;
    public PartOfList<DeviceRecord> Part { get; private set; } = PartOfList<DeviceRecord>.Empty;
    public int Known { get; private set; }

    public BulkReport? Report { get; private set; }
    public Refusal? Refusal { get; private set; }

    /// <summary>What the reader may do to many devices.</summary>
    public IReadOnlyList<BulkChange> Changes { get; private set; } = [];

    public bool MayRevoke => HttpContext.May(Act.RevokeCertificate);

    public void OnGet() => Load();

    /// <summary>Which devices the filter found when the page was made: <see cref="BulkChanges.DigestOf"/>.</summary>
    public string FoundDigest { get; private set; } = "";

    [Requires(Act.QuarantineDevice)]
    public Task OnPostChangeAsync([FromForm] string[]? device, [FromForm] bool whole, [FromForm] string? found, [FromForm] BulkChange change, [FromForm] string? value, CancellationToken stop)
        => DoAsync(Meant(device, whole), whole ? found ?? "" : null, change == BulkChange.Revoke ? default : change, value, stop);

    [Requires(Act.RevokeCertificate), Confirmed]
    public async Task OnPostRevokeAsync([FromForm] string[]? device, [FromForm] bool whole, [FromForm] string? found, [FromForm] string? count, CancellationToken stop)
    {
        // For good: whoever means them has counted them, with or without a script that asks.
        var names = Meant(device, whole);
        if (names.Length > 0 && count?.Trim() != names.Length.ToString(CultureInfo.InvariantCulture))
        {
            Refusal = new(RefusalCode.ConfirmationNeeded, $"{names.Length} devices are meant: to revoke their certificates for good, type this number beside the button; nothing was revoked");
            Load();
            return;
        }

        await DoAsync(names, whole ? found ?? "" : null, BulkChange.Revoke, null, stop);
    }

    // The devices that are ticked, or all that the filter finds.
    private string[] Meant(string[]? ticked, bool whole) => whole ? [.. Matching(Sight.Devices()).Select(one => one.Name)] : [.. (ticked ?? []).Distinct(StringComparer.Ordinal)];

    /// <param name="names">Which.</param>
    /// <param name="shown">Digest of those that the reader was shown as found; null: they were ticked one by one.</param>
    private async Task DoAsync(string[] names, string? shown, BulkChange change, string? value, CancellationToken stop)
    {
        if (names.Length > ControlLimits.BulkDevices) Refusal = new(RefusalCode.BadInput, $"{names.Length} devices fit; {ControlLimits.BulkDevices} are changed at once: narrow the filter");
        else if (names.Length == 0) Refusal = new(RefusalCode.BadInput, "Nothing was changed: tick the devices that are meant.");
        else if (shown is not null && shown != BulkChanges.DigestOf(names)) Refusal = new(RefusalCode.Conflict, $"Nothing was changed: the filter finds other devices now than when you were shown them. These are the {names.Length} of now; look at them and ask again.");
        else
        {
            var outcome = await Center.Bulk.ChangeAsync(new($"{names.Length} ticked", change, change <= BulkChange.RemoveGroup ? value?.Trim() : null) { Names = names }, HttpContext.Actor(), stop);
            if (outcome.TryGet(out var report, out var refusal)) Report = report;
            else Refusal = refusal;
        }

        Load();
    }

    private IReadOnlyList<DeviceRecord> Matching(IReadOnlyList<DeviceRecord> all)
    {
        var found = DeviceSearch.Search(all, Search);
        if (!string.IsNullOrEmpty(State)) found = found.Where(device => Looks.Tone.Word(device) == State);
        if (!string.IsNullOrEmpty(Group)) found = found.Where(device => device.Groups.Contains(Group, StringComparer.Ordinal));
        if (!string.IsNullOrEmpty(Tag)) found = found.Where(device => device.Tags.Contains(Tag, StringComparer.Ordinal));
        return found as IReadOnlyList<DeviceRecord> ?? [.. found];
    }

    private void Load()
    {
        Live("device");
        var all = Sight.Devices();
        var found = Matching(all);
        (Known, Labels) = (all.Count, Sight.Labels());
        Changes = [.. Enum.GetValues<BulkChange>().Where(change => change != BulkChange.Revoke && HttpContext.May(BulkChanges.ActOf(change)))];
        // Of more than may be changed at once nothing is asked for.
        if (Changes.Count > 0 && found.Count <= ControlLimits.BulkDevices) FoundDigest = BulkChanges.DigestOf(found.Select(device => device.Name));
        Part = Paging.Around(found, device => device.Name, After, Before, WebLimits.PageSize);
    }
}
