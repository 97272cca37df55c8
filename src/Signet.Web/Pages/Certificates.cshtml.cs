using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Signet.Access;
using Signet.Control;
using Signet.Pki;
using Signet.Web.Api;
using Signet.Web.Looks;
using Signet.Web.Security;

namespace Signet.Web.Pages;

[Requires(Act.ViewCertificates), WithinGroups]
public sealed class CertificatesModel(CommandCenter center, TimeProvider time, Phrases phrases) : ListPage(center, "/certificates")
{
    [BindProperty(SupportsGet = true, Name = "q")]
    public string? Search { get; set; }

    [BindProperty(SupportsGet = true)]
    public string? State { get; set; }

    protected override IEnumerable<KeyValuePair<string, string?>> Filters => [new("q", Search), new("state", State)];

    public PartOfList<LedgerEntry> Part { get; private set; } = PartOfList<LedgerEntry>.Empty;

    public CertificateJson Shown(LedgerEntry entry) => CertificateJson.Of(entry, time.GetUtcNow());

    public Refusal? Refusal { get; private set; }
    public string Done { get; private set; } = "";
    public IReadOnlyList<CrlJson> Lists { get; private set; } = [];
    public IReadOnlyList<AuthorityView> Authorities { get; private set; } = [];

    /// <summary>Requests that wait for a person; empty for those who may not decide.</summary>
    public IReadOnlyList<WaitingRequest> Waiting { get; private set; } = [];

    /// <summary>Certificates past two thirds of their life that end within a month and have no successor.</summary>
    public IReadOnlyList<LedgerEntry> Ending { get; private set; } = [];

    /// <summary>SHA-256 of the root's DER.</summary>
    public byte[] RootFingerprint => Center.Authority.Root.GetCertHash(System.Security.Cryptography.HashAlgorithmName.SHA256);

    public void OnGet() => Load();

    [Requires(Act.RevokeCertificate)]
    public async Task OnPostPublishAsync(CancellationToken stop)
    {
        var outcome = await Center.Authorities.PublishAsync(HttpContext.Actor(), stop);
        if (outcome.TryGet(out _, out var refusal)) Done = phrases["Every list whose key is here was signed anew and is published."];
        else Refusal = refusal;
        Load();
    }

    [Requires(Act.ManageDevices), Confirmed]
    public async Task OnPostDecideAsync([FromForm] string id, [FromForm] bool approve, CancellationToken stop)
    {
        var outcome = await Center.Enrolments.DecideAsync(id ?? "", approve, HttpContext.Actor(), stop);
        if (outcome.TryGet(out var decided, out var refusal)) Done = approve ? phrases["{0} gets its certificate when it asks again.", decided.Name] : phrases["{0} was turned away.", decided.Name];
        else Refusal = refusal;
        Load();
    }

    private void Load()
    {
        var now = time.GetUtcNow();
        var wanted = Search?.Trim() ?? "";
        var all = Sight.Certificates();
        IReadOnlyList<LedgerEntry> found = wanted.Length == 0 && string.IsNullOrEmpty(State) ? all : [.. all
            .Where(one => (wanted.Length == 0 || one.Name.Contains(wanted, StringComparison.OrdinalIgnoreCase) || one.Serial.Contains(wanted, StringComparison.OrdinalIgnoreCase))
                && (string.IsNullOrEmpty(State) || CertificateJson.StateOf(one, now) == State))];
        Lists = [.. Center.Authorities.Lists().Select(list => CrlJson.Of(list, now))];
        Authorities = Center.Authorities.List();
        Waiting = HttpContext.May(Act.ManageDevices) ? [.. Center.Enrolments.Waiting().Where(request => request.State == "waiting")] : [];
        Ending = [.. Center.Certificates.Ending().Where(Sight.Sees).Take(5)];
        Part = Paging.Around(found, CertificatesApi.Place, After, Before, WebLimits.PageSize);
    }
}
