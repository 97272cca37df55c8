using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Signet.Access;
using Signet.Control;
using Signet.Pki;
using Signet.Web.Api;
using Signet.Web.Looks;
using Signet.Web.Security;

namespace Signet.Web.Pages;

/// <summary>The three ways to a certificate: a device that makes its own key and claims it, a request whose key stays with its owner, and a person's file for the browser.</summary>
[Requires(Act.IssueCertificate)]
public sealed class CertificateNewModel(CommandCenter center, Phrases phrases) : ConsolePage(center)
{
    public Refusal? Refusal { get; private set; }

    /// <summary>What a device needs, in one line; shown this once.</summary>
    public string? Claim { get; private set; }

    public string Qr { get; private set; } = "";
    public EnrolmentInvitation? Invited { get; private set; }

    /// <summary>Of a certificate that was just issued for a request.</summary>
    public string? Chain { get; private set; }

    public string Serial { get; private set; } = "";
    public string Name { get; private set; } = "";

    public void OnGet(string? name) => Name = name ?? "";

    [Requires(Act.ManageDevices), Confirmed]
    public async Task OnPostInviteAsync([FromForm] string? name, [FromForm] string? kind, [FromForm] bool approval, CancellationToken stop)
    {
        var outcome = await Center.Enrolments.InviteAsync(new((name ?? "").Trim(), string.IsNullOrWhiteSpace(kind) ? "device" : kind.Trim(), NeedsApproval: approval), HttpContext.Actor(), stop);
        if (!outcome.TryGet(out var made, out var refusal))
        {
            Refusal = refusal;
            return;
        }

        (Invited, Claim) = (made, EnrolmentApi.ClaimOf(Center, HttpContext, made));
        Qr = QrPicture.DataUri(Claim);
    }

    [Confirmed]
    public async Task OnPostRequestAsync([FromForm] CertificateProfile profile, [FromForm] string? name, [FromForm] string? hosts, [FromForm] string? request, IFormFile? file, CancellationToken stop)
    {
        if (profile is not (CertificateProfile.Device or CertificateProfile.User or CertificateProfile.Broker)) profile = CertificateProfile.Device;
        if (file?.Length > WebLimits.RequestCharacters || request?.Length > WebLimits.RequestCharacters)
        {
            Refusal = new(RefusalCode.BadInput, phrases["The request is too large."]);
            return;
        }

        using var body = new MemoryStream();
        if (file is { Length: > 0 }) await file.CopyToAsync(body, stop);
        else body.Write(System.Text.Encoding.UTF8.GetBytes(request ?? ""));
        var names = (hosts ?? "").Split([',', ' ', '\n'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var spec = new CertificateRequestSpec(profile, (name ?? "").Trim(), profile == CertificateProfile.Broker && names.Length > 0 ? names : null);
        var outcome = await Center.Certificates.IssueForAsync(spec, body.ToArray(), HttpContext.Actor(), stop);
        if (!outcome.TryGet(out var issued, out var refusal))
        {
            Refusal = refusal;
            return;
        }

        using (issued) (Chain, Serial, Name) = (issued.ChainPem, issued.Serial, issued.Name);
    }

    [Confirmed]
    public async Task<IActionResult> OnPostPersonAsync([FromForm] string? name, [FromForm] string? password, CancellationToken stop)
    {
        if (WhyNot(phrases, password) is { } why)
        {
            Refusal = new(RefusalCode.BadInput, why);
            return Page();
        }

        var outcome = await Center.Certificates.IssueAsync(new(CertificateProfile.User, (name ?? "").Trim()), HttpContext.Actor(), stop);
        if (outcome.TryGet(out var issued, out var refusal)) return Sealed(this, issued, password!);
        Refusal = refusal;
        return Page();
    }

    internal static string? WhyNot(Phrases phrases, string? password) => password?.Length is >= WebLimits.Pkcs12PasswordLeast and <= WebLimits.Pkcs12PasswordMost ? null
        : phrases["Choose a password of {0} to {1} characters: whoever finds the file may guess at any speed.", WebLimits.Pkcs12PasswordLeast, WebLimits.Pkcs12PasswordMost];

    /// <summary>Certificate and key as a download; they are kept nowhere.</summary>
    internal static IActionResult Sealed(ConsolePage page, IssuedCertificate issued, string password)
    {
        using (issued)
        {
            page.Response.Headers.CacheControl = "no-store";
            return page.File(Pkcs12File.Make(issued.ChainPem, issued.KeyPem, password), "application/x-pkcs12", issued.Name + ".p12");
        }
    }
}
