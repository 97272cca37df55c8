using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Signet.Access;
using Signet.Audit;
using Signet.Control;
using Signet.Web.Security;

namespace Signet.Web.Pages;

[Requires(Act.ViewAudit), WithinGroups]
public sealed class AuditModel(CommandCenter center) : ConsolePage(center)
{
    [BindProperty(SupportsGet = true)]
    public string? Type { get; set; }

    [BindProperty(SupportsGet = true)]
    public string? Actor { get; set; }

    [BindProperty(SupportsGet = true)]
    public string? Subject { get; set; }

    [BindProperty(SupportsGet = true)]
    public string? Outcome { get; set; }

    [BindProperty(SupportsGet = true, Name = "q")]
    public string? Text { get; set; }

    [BindProperty(SupportsGet = true)]
    public long? Before { get; set; }

    /// <summary>UTC, as the browser's field writes it: 2026-11-25T20:00.</summary>
    [BindProperty(SupportsGet = true)]
    public string? From { get; set; }

    [BindProperty(SupportsGet = true)]
    public string? To { get; set; }

    public AuditPage Found { get; private set; } = null!;

    /// <summary>The page ended before it was full: so many entries had to be looked at.</summary>
    public bool IsCutShort => Found.Next is not null && Found.Entries.Count < WebLimits.PageSize;

    /// <summary>Entries that retention has taken out.</summary>
    public long Retired { get; private set; }

    public AuditHealth Health => Center.Audit.Health;

    /// <summary>What the button "Verify log integrity" began or found; null before it was pressed.</summary>
    public Verification? Run { get; private set; }

    public IReadOnlyList<WitnessRecord> Witnesses => Sight.Witnesses();

    public bool IsFiltered => new[] { Type, Actor, Subject, Outcome, Text, From, To }.Any(value => !string.IsNullOrWhiteSpace(value));

    /// <summary>Where the same filter is exported.</summary>
    public string Export(string form) => "/api/v1/audit/export" + QueryString.Create(new KeyValuePair<string, string?>[]
    {
        new("form", form), new("type", Type), new("actor", Actor), new("subject", Subject), new("outcome", Outcome), new("text", Text), new("from", Time(From)?.ToString("O")), new("to", Time(To)?.ToString("O")),
    }.Where(pair => !string.IsNullOrWhiteSpace(pair.Value)));

    public Task OnGetAsync(CancellationToken stop) => LoadAsync(stop);

    [Requires(Act.VerifyAudit)]
    public async Task OnPostVerifyAsync(CancellationToken stop)
    {
        var begun = await Center.AuditDesk.VerifyAsync(HttpContext.Actor(), stop);
        if (begun.TryGet(out var run, out _)) Run = run;
        // A small log is verified before a reader could see it move.
        if (Run is not null) await Task.WhenAny(Run.Completed, Task.Delay(TimeSpan.FromMilliseconds(300), Center.Time, stop));
        await LoadAsync(stop);
    }

    [Requires(Act.VerifyAudit)]
    public Task OnGetProgressAsync(CancellationToken stop)
    {
        Run = Center.AuditDesk.Latest;
        return LoadAsync(stop);
    }

    private async Task LoadAsync(CancellationToken stop)
    {
        // Older pages stand still: what is new belongs to the first one.
        if (Before is null) Live("audit");
        Retired = Center.Audit.Retired;
        Found = await Center.Audit.QueryAsync(Sight.Within(new()
        {
            Type = AuditTypes.All.Contains(Type) ? Type : null, Actor = Filled(Actor), Subject = Filled(Subject), Outcome = Filled(Outcome), Text = Filled(Text), From = Time(From), To = Time(To), Before = Before, Limit = WebLimits.PageSize,
        }), stop);
    }

    private static DateTimeOffset? Time(string? text) => DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time) ? time : null;

    private static string? Filled(string? text) => string.IsNullOrWhiteSpace(text) ? null : text.Trim();
}
