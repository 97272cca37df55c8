using Microsoft.AspNetCore.Mvc;
using Signet.Access;
using Signet.Control;
using Signet.Web.Security;

namespace Signet.Web.Pages;

/// <summary>What the attack lab found last, and how its runs went over time. The lab itself runs beside the center, never inside it.</summary>
[Requires(Act.ViewAudit), WithinGroups]
public sealed class LabModel(CommandCenter center) : ConsolePage(center)
{
    /// <summary>Rows of the trend.</summary>
    private const int Shown = 12;

    private readonly LabHistory history = new(Path.Combine(center.Installation.Directory, "lab"));

    /// <summary>Which run to show; null: the latest that ended.</summary>
    [BindProperty(SupportsGet = true)]
    public string? Run { get; set; }

    [BindProperty(SupportsGet = true)]
    public string? Layer { get; set; }

    public IReadOnlyList<LabOutcome> Runs { get; private set; } = [];
    public LabOutcome? Latest { get; private set; }

    /// <summary>One that has not ended; null: none is under way.</summary>
    public LabOutcome? UnderWay { get; private set; }

    public IEnumerable<LabAttack> Attacks => Latest!.Attacks.Where(a => Layer is null or "" || a.Layer == Layer);

    public string Command => $"signet lab run --data {Center.Installation.Directory}";

    public void OnGet()
    {
        var all = history.List();
        Runs = [.. all.Where(one => one.Ended).Take(Shown)];
        UnderWay = all.FirstOrDefault(one => !one.Ended && Center.Time.GetUtcNow() - one.Started < TimeSpan.FromHours(1));
        Latest = Run is null ? (Runs.Count > 0 ? Runs[0] : null) : Runs.FirstOrDefault(one => one.Name == Run);
    }

    /// <summary>A plot of a run as the lab drew it.</summary>
    public IActionResult OnGetPlot(string? run, string? plot) => history.Plot(run ?? "", plot ?? "") is { } svg ? File(svg, "image/svg+xml") : NotFound();

    /// <summary>Percent with one place where it needs one; a dash for what was not measured.</summary>
    public static string Percent(double share) => double.IsNaN(share) ? "\u2013" : share.ToString("0.# %", System.Globalization.CultureInfo.InvariantCulture);

    public static string Tone(string result, bool wanted) => result switch { "succeeded" => wanted ? "warn" : "bad", "blocked" => wanted ? "bad" : "good", _ => "quiet" };

    /// <summary>What a plot shows, for those who cannot see it.</summary>
    public static string Caption(string plot) => plot switch
    {
        "attack-success" => "Every attack in both houses, and without the control that stops it",
        "attempts-and-blocks" or "attempts-by-layer" => "Attempts against blocks",
        "latency" => "Latency by message suite",
        "security-overhead" => "Security overhead, beside the paper's figures",
        "cost-per-message" => "Bytes and processor time of a message",
        "connections" => "What a connection costs",
        "under-flood" => "The houses under flood",
        "timing" => "Timing of comparisons",
        _ => plot,
    };
}
