using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Signet.Control;
using Signet.Pki;

namespace Signet.Web.Enrolment;

/// <summary>What a client certificate on the console's port is good for.</summary>
internal enum CertificateGrade
{
    /// <summary>None of what follows: refused.</summary>
    Refused = 0,

    /// <summary>One of this house, valid now.</summary>
    Good = 1,

    /// <summary>Of a device that was away too long: it may renew, and nothing else.</summary>
    Absent = 2,

    /// <summary>Of a maker of devices: it may enrol, and nothing else.</summary>
    Made = 3,
}

/// <summary>
/// The one place where the console's port judges client certificates: at the handshake, when a connection opens, and again at every request, because a revocation must bite a connection that is open.
/// Nothing here asks the network.
/// </summary>
internal sealed class CertificateDoor(CommandCenter center, WebOptions options)
{
    private const string Listener = "https";

    public CertificateGrade GradeOf(X509Certificate2 certificate)
    {
        var verdict = center.Judge.Judge(certificate, null, CertificatePurpose.TlsClient);
        if (verdict.Accepted) return CertificateGrade.Good;
        return verdict.Refusal switch
        {
            CertificateRefusal.Expired when center.Enrolments.JudgeAbsent(certificate).Accepted => CertificateGrade.Absent,
            CertificateRefusal.Untrusted when center.Enrolments.IsMade(certificate) => CertificateGrade.Made,
            _ => CertificateGrade.Refused,
        };
    }

    /// <summary>Asks for a certificate, and takes "none" for an answer unless the setting says otherwise.</summary>
    public void AskFor(SslServerAuthenticationOptions tls)
    {
        // Whoever resumes a session shows no certificate: there is nothing to resume on a port that asks for one.
        tls.AllowTlsResume = false;
        if (options.ClientCertificate == ClientCertificateMode.Off) return;
        tls.ClientCertificateRequired = true;
        tls.CertificateRevocationCheckMode = X509RevocationMode.NoCheck;
        tls.CertificateChainPolicy = new() { RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true, TrustMode = X509ChainTrustMode.CustomRootTrust };
        tls.RemoteCertificateValidationCallback = (_, certificate, chain, _) => certificate is null || IsWelcome((X509Certificate2)certificate, chain);
    }

    /// <summary>Every connection with a certificate is known to the center while it is open, so that a revocation ends it.</summary>
    public ConnectionDelegate Watch(ConnectionDelegate next) => async connection =>
    {
        if (connection.Features.Get<ITlsConnectionFeature>()?.ClientCertificate is not { } certificate)
        {
            await next(connection);
            return;
        }

        using var open = center.CertificateConnections.Add(certificate, Listener, () => connection.Abort(new ConnectionAbortedException("the client certificate was revoked")));
        // Revoked between the handshake and this line: nobody else would end it.
        if (GradeOf(certificate) == CertificateGrade.Refused) connection.Abort();
        else await next(connection);
    };

    /// <summary>What a request may do with the certificate of its connection.</summary>
    public async Task PassAsync(HttpContext context, RequestDelegate next)
    {
        var certificate = context.Connection.ClientCertificate;
        var grade = certificate is null ? CertificateGrade.Good : GradeOf(certificate);
        var path = context.Request.Path;
        var isAllowed = grade switch
        {
            CertificateGrade.Good => certificate is not null || options.ClientCertificate != ClientCertificateMode.Require || (EstEndpoints.IsEst(path) && path != EstEndpoints.Renew),
            CertificateGrade.Absent => path == EstEndpoints.Renew && HttpMethods.IsPost(context.Request.Method),
            CertificateGrade.Made => EstEndpoints.IsEst(path) && path != EstEndpoints.Renew,
            _ => false,
        };
        if (isAllowed)
        {
            await next(context);
            return;
        }

        context.Response.StatusCode = StatusCodes.Status403Forbidden;
        context.Response.ContentType = "text/plain; charset=utf-8";
        await context.Response.WriteAsync(grade switch
        {
            CertificateGrade.Good => "this console is only for those who bring a certificate of this house\n",
            CertificateGrade.Absent => $"this certificate has expired: it is good for POST {EstEndpoints.Renew} and for nothing else\n",
            CertificateGrade.Made => $"a maker's certificate is good for {EstEndpoints.Enrol} and for nothing else\n",
            _ => "this certificate is not accepted here\n",
        });
        // A proxy's connection carries others too, and one that is cut before the answer has left is a 502 to its client.
        if (grade == CertificateGrade.Refused && !Hosting.ForwardedIdentity.IsForwarded(context)) context.Abort();
    }

    private bool IsWelcome(X509Certificate2 certificate, X509Chain? chain)
    {
        // What it sends beside it helps the judge to find a path; the path is remembered.
        var verdict = center.Judge.Judge(certificate, chain?.ChainPolicy.ExtraStore, CertificatePurpose.TlsClient);
        if (verdict.Refusal == CertificateRefusal.Revoked) center.Certificates.Returned(certificate, Listener);
        return GradeOf(certificate) != CertificateGrade.Refused;
    }
}
