using Microsoft.AspNetCore.Mvc;
using Signet.Access;
using Signet.Control;
using Signet.Pki;
using Signet.Web.Api;
using Signet.Web.Looks;
using Signet.Web.Security;

namespace Signet.Web.Pages;

/// <summary>One certificate: what it says, the path above it, and what can be done with it.</summary>
[Requires(Act.ViewCertificates), WithinGroups]
public sealed class CertificateModel(CommandCenter center, TimeProvider time, Phrases phrases) : ConsolePage(center)
{
    public LedgerEntry Entry { get; private set; } = null!;
    public string State { get; private set; } = "";
    public string Subject { get; private set; } = "";
    public IReadOnlyList<string> Hosts { get; private set; } = [];
    public byte[] Fingerprint { get; private set; } = [];
    public string Pem { get; private set; } = "";

    /// <summary>The issuer first.</summary>
    public IReadOnlyList<AuthorityView> Path { get; private set; } = [];

    public Refusal? Refusal { get; private set; }
    public RevocationReport? Revoked { get; private set; }
    public string Done { get; private set; } = "";

    public bool IsHeld => Entry.Reason == RevocationReason.CertificateHold;

    /// <summary>The center's own TLS leaves, which are renewed in place.</summary>
    public bool IsServer => Entry.Profile is CertificateProfile.Center or CertificateProfile.Broker or CertificateProfile.Proxy;

    public bool IsOurs => Entry.Profile is not (CertificateProfile.Device or CertificateProfile.DeviceSealing or CertificateProfile.User);

    public IActionResult OnGet(string serial) => Load(serial);

    [Requires(Act.RevokeCertificate), Confirmed]
    public async Task<IActionResult> OnPostRevokeAsync(string serial, [FromForm] RevocationReason reason, [FromForm] string? typed, CancellationToken stop)
    {
        if (Load(serial) is NotFoundResult gone) return gone;
        if (typed?.Trim() != Entry.Name)
        {
            Refusal = new(RefusalCode.ConfirmationNeeded, phrases["Nothing was revoked: type the name {0} to confirm.", Entry.Name]);
            return Page();
        }

        var outcome = await Center.Certificates.RevokeAsync(serial, reason, HttpContext.Actor(), confirmed: true, stop);
        if (outcome.TryGet(out var report, out var refusal)) Revoked = report;
        else Refusal = refusal;
        return Load(serial);
    }

    [Requires(Act.RevokeCertificate), Confirmed]
    public async Task<IActionResult> OnPostReleaseAsync(string serial, CancellationToken stop)
    {
        var outcome = await Center.Certificates.ReleaseAsync(serial, HttpContext.Actor(), stop);
        if (outcome.TryGet(out _, out var refusal)) Done = phrases["The hold is undone; the certificate is good again."];
        else Refusal = refusal;
        return Load(serial);
    }

    [Requires(Act.IssueCertificate), Confirmed]
    public async Task<IActionResult> OnPostRenewAsync(string serial, CancellationToken stop)
    {
        if (Load(serial) is NotFoundResult gone) return gone;
        if (!IsServer) return BadRequest();
        var outcome = await Center.Certificates.RenewAsync(serial, HttpContext.Actor(), stop);
        if (!outcome.TryGet(out var renewed, out var refusal)) Refusal = refusal;
        else
        {
            renewed.Issued?.Dispose();
            Done = phrases["Renewed: the new certificate has serial {0} and is shown from the next handshake on. Open connections stay.", renewed.Entry.Serial];
        }

        return Load(serial);
    }

    [Requires(Act.IssueCertificate), Confirmed]
    public async Task<IActionResult> OnPostRenewPersonAsync(string serial, [FromForm] string? password, CancellationToken stop)
    {
        if (Load(serial) is NotFoundResult gone) return gone;
        if (Entry.Profile != CertificateProfile.User) return BadRequest();
        if (CertificateNewModel.WhyNot(phrases, password) is { } why)
        {
            Refusal = new(RefusalCode.BadInput, why);
            return Page();
        }

        var outcome = await Center.Certificates.RenewAsync(serial, HttpContext.Actor(), stop);
        if (outcome.TryGet(out var renewed, out var refusal)) return CertificateNewModel.Sealed(this, renewed.Issued!, password!);
        Refusal = refusal;
        return Page();
    }

    private IActionResult Load(string serial)
    {
        if (Center.Authority.Find(serial) is not { } entry || !Sight.Sees(entry)) return NotFound();
        (Entry, State) = (entry, CertificateJson.StateOf(entry, time.GetUtcNow()));
        using var certificate = Center.Authority.Certificate(serial);
        if (certificate is null) return Page();
        (Subject, Hosts, Pem, Path) = (certificate.Subject, CertificateAuthority.HostsOf(certificate), PemFile.Encode(certificate), Center.Authority.PathOf(certificate));
        Fingerprint = certificate.GetCertHash(System.Security.Cryptography.HashAlgorithmName.SHA256);
        return Page();
    }
}
