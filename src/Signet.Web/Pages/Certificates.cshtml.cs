using Microsoft.AspNetCore.Mvc;
using Signet.Access;
using Signet.Control;
using Signet.Pki;
using Signet.Web.Api;
using Signet.Web.Security;

namespace Signet.Web.Pages;

[Requires(Act.ViewCertificates)]
public sealed class CertificatesModel(CommandCenter center, TimeProvider time) : ConsolePage(center)
{
    [BindProperty(SupportsGet = true, Name = "q")]
    public string? Search { get; set; }

    [BindProperty(SupportsGet = true)]
    public string? State { get; set; }

    [BindProperty(SupportsGet = true)]
    public int From { get; set; }

    public IReadOnlyList<CertificateJson> Rows { get; private set; } = [];
    public int Found { get; private set; }
    public Refusal? Refusal { get; private set; }
    public RevocationReport? Revoked { get; private set; }

    /// <summary>SHA-256 of the root's DER.</summary>
    public byte[] RootFingerprint => Center.Authority.Root.GetCertHash(System.Security.Cryptography.HashAlgorithmName.SHA256);

    public void OnGet() => Load();

    [Requires(Act.RevokeCertificate)]
    public async Task OnPostRevokeAsync([FromForm] string serial, [FromForm] RevocationReason reason, [FromForm] bool confirm, CancellationToken stop)
    {
        var outcome = await Center.Certificates.RevokeAsync(serial ?? "", reason, HttpContext.Actor(), confirm, stop);
        if (outcome.TryGet(out var report, out var refusal)) Revoked = report;
        else Refusal = refusal;
        Load();
    }

    private void Load()
    {
        var found = Center.Certificates.List().Select(entry => CertificateJson.Of(entry, time.GetUtcNow()))
            .Where(one => (string.IsNullOrWhiteSpace(Search) || one.Name.Contains(Search.Trim(), StringComparison.OrdinalIgnoreCase) || one.Serial.Contains(Search.Trim(), StringComparison.OrdinalIgnoreCase))
                && (string.IsNullOrEmpty(State) || one.State == State)).ToList();
        Found = found.Count;
        From = Math.Clamp(From, 0, Math.Max(0, found.Count - 1));
        Rows = [.. found.Skip(From).Take(WebLimits.PageSize)];
    }
}
