using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Signet.Control;
using Signet.Pki;
using Signet.Web.Security;

namespace Signet.Web.Enrolment;

/// <summary>
/// Enrolment over Secure Transport (RFC 7030 with RFC 8951) at <c>/.well-known/est</c>: <c>cacerts</c>, <c>csrattrs</c>, <c>simpleenroll</c> (one-time token as HTTP Basic password, or a maker's certificate)
/// and <c>simplereenroll</c> (the certificate that is renewed). Any EST client works; so do curl and openssl alone (docs/spec/enrolment.md).
/// </summary>
internal static class EstEndpoints
{
    public const string Prefix = "/.well-known/est", Enrol = Prefix + "/simpleenroll", Renew = Prefix + "/simplereenroll";

    public static bool IsEst(PathString path) => path.StartsWithSegments(Prefix, StringComparison.Ordinal);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet(Prefix + "/cacerts", (Delegate)((CommandCenter center, HttpContext context) => SendAsync(context, 200, EstPayloads.CertificatesType, EstPayloads.CertsOnly(center.Authority.BundleToHandOut())))).Open();
        routes.MapGet(Prefix + "/csrattrs", (Delegate)((HttpContext context) => SendAsync(context, 200, EstPayloads.AttributesType, EstPayloads.RequestAttributes()))).Open();
        routes.MapPost(Enrol, (Delegate)EnrolAsync).Open();
        routes.MapPost(Renew, (Delegate)RenewAsync).Open();
    }

    private static async Task EnrolAsync(CommandCenter center, CertificateDoor door, HttpContext context)
    {
        if (await ReadAsync(context) is not { } request) return;
        if (Token(context.Request) is { } token)
            await AnswerAsync(context, await center.Enrolments.EnrolAsync(request, token, context.Address(), context.RequestAborted));
        else if (context.Connection.ClientCertificate is { } made && door.GradeOf(made) == CertificateGrade.Made)
            await AnswerAsync(context, await center.Enrolments.EnrolMadeAsync(request, made, context.Address(), context.RequestAborted));
        else
            await RefuseAsync(context, 401, "send the one-time token as the password of HTTP Basic authentication, or come with a certificate of the device's maker");
    }

    private static async Task RenewAsync(CommandCenter center, HttpContext context)
    {
        if (context.Connection.ClientCertificate is not { } present)
            await RefuseAsync(context, 403, "renewing needs the certificate that is to be renewed, as TLS client certificate");
        else if (await ReadAsync(context) is { } request)
            await AnswerAsync(context, await center.Enrolments.RenewAsync(request, present, context.Address(), context.RequestAborted));
    }

    // RFC 7617. The password is the token; the user name is anything, or the token's id when the password is only its secret.
    private static string? Token(HttpRequest request)
    {
        const string Basic = "Basic ";
        var header = request.Headers.Authorization.ToString();
        if (!header.StartsWith(Basic, StringComparison.OrdinalIgnoreCase)) return null;
        Span<byte> decoded = stackalloc byte[512];
        if (header.Length > 512 || !Convert.TryFromBase64String(header[Basic.Length..].Trim(), decoded, out var written)) return null;
        var pair = Encoding.UTF8.GetString(decoded[..written]).Split(':', 2);
        if (pair.Length != 2) return null;
        return pair[1].Contains('.', StringComparison.Ordinal) ? pair[1] : $"{pair[0]}.{pair[1]}";
    }

    private static async Task<byte[]?> ReadAsync(HttpContext context)
    {
        var type = context.Request.ContentType?.Split(';')[0].Trim();
        if (type is not null && !type.Equals(EstPayloads.RequestType, StringComparison.OrdinalIgnoreCase))
        {
            await RefuseAsync(context, 415, $"send a certificate request: Content-Type: {EstPayloads.RequestType}");
            return null;
        }

        // Base64 with line breaks takes more bytes than the request itself.
        var longest = PkiLimits.MaximumRequestBytes * 3 / 2;
        if (context.Request.ContentLength > longest)
        {
            await RefuseAsync(context, 413, $"a request has at most {PkiLimits.MaximumRequestBytes} bytes");
            return null;
        }

        var buffer = new byte[longest + 1];
        var filled = await context.Request.Body.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, context.RequestAborted);
        if (filled <= longest) return buffer[..filled];
        await RefuseAsync(context, 413, $"a request has at most {PkiLimits.MaximumRequestBytes} bytes");
        return null;
    }

    private static Task AnswerAsync(HttpContext context, EnrolmentAnswer answer)
    {
        if (answer.RetryAfter is { } after)
        {
            context.Response.Headers.RetryAfter = ((int)after.TotalSeconds).ToString(CultureInfo.InvariantCulture);
            return SendAsync(context, StatusCodes.Status202Accepted, "text/plain; charset=utf-8", answer.Detail + "\n");
        }

        if (answer.Issued is not { } issued) return RefuseAsync(context, answer.Status, $"{answer.Reason}: {answer.Detail}");
        var body = EstPayloads.CertsOnly(issued);
        issued.Dispose();
        return SendAsync(context, 200, EstPayloads.CertificatesType, body);
    }

    private static Task RefuseAsync(HttpContext context, int status, string detail)
    {
        if (status == 401) context.Response.Headers.WWWAuthenticate = "Basic realm=\"signet enrolment\", charset=\"UTF-8\"";
        if (status == 429) context.Response.Headers.RetryAfter = "900";
        return SendAsync(context, status, "text/plain; charset=utf-8", detail + "\n");
    }

    private static async Task SendAsync(HttpContext context, int status, string type, string body)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = type;
        if (!type.StartsWith("text/", StringComparison.Ordinal)) context.Response.Headers["Content-Transfer-Encoding"] = "base64";
        var bytes = Encoding.UTF8.GetBytes(body);
        context.Response.ContentLength = bytes.Length;
        await context.Response.Body.WriteAsync(bytes, context.RequestAborted);
    }

    // The gate lets everybody here: each route asks for what it needs itself. It is no part of the API's description.
    private static void Open(this IEndpointConventionBuilder route) => route.WithMetadata(new PublicAttribute(), new ExcludeFromDescriptionAttribute());
}
