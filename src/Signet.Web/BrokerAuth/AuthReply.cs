using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace Signet.Web.BrokerAuth;

/// <summary>The forms in which an answer is expected. They are told apart by the path, never guessed: what says no in one says yes in another.</summary>
internal enum ReplyForm
{
    /// <summary>go-auth <c>json</c>: 200 and <c>{"Ok":bool,"Error":"..."}</c>, for a denial too.</summary>
    Json,

    /// <summary>go-auth <c>text</c>: 200 and <c>ok</c>, or the reason.</summary>
    Text,

    /// <summary>go-auth <c>status</c>: 200, or 403.</summary>
    Status,

    /// <summary>RabbitMQ: 200 and <c>allow</c> or <c>deny</c>.</summary>
    AllowDeny,

    /// <summary>EMQX 5: 200 and <c>{"result":"allow|deny"}</c>.</summary>
    Result,
}

/// <summary>Writes one answer.</summary>
internal static class AuthReply
{
    private static readonly byte[] Ok = "{\"Ok\":true,\"Error\":\"\"}"u8.ToArray();
    private static readonly byte[] OkText = "ok"u8.ToArray();
    private static readonly byte[] Allow = "allow"u8.ToArray(), Deny = "deny"u8.ToArray();
    private static readonly byte[] AllowResult = "{\"result\":\"allow\",\"is_superuser\":false}"u8.ToArray(), DenyResult = "{\"result\":\"deny\"}"u8.ToArray();

    /// <param name="reason">Null: allowed.</param>
    public static ValueTask WriteAsync(HttpContext context, ReplyForm form, string? reason)
    {
        var (type, body) = form switch
        {
            ReplyForm.Json => ("application/json", reason is null ? Ok : Denial(reason)),
            ReplyForm.Text => ("text/plain", reason is null ? OkText : System.Text.Encoding.UTF8.GetBytes(reason)),
            ReplyForm.Status => ("text/plain", reason is null ? OkText : System.Text.Encoding.UTF8.GetBytes(reason)),
            ReplyForm.AllowDeny => ("text/plain", reason is null ? Allow : Deny),
            _ => ("application/json", reason is null ? AllowResult : DenyResult),
        };
        var response = context.Response;
        if (form == ReplyForm.Status && reason is not null) response.StatusCode = StatusCodes.Status403Forbidden;
        response.ContentType = type;
        response.ContentLength = body.Length;
        response.BodyWriter.Write(body);
        return FlushAsync(response);
    }

    private static async ValueTask FlushAsync(HttpResponse response) => await response.BodyWriter.FlushAsync();

    private static void Write(this System.IO.Pipelines.PipeWriter writer, byte[] body) => System.Buffers.BuffersExtensions.Write(writer, body);

    private static byte[] Denial(string reason) => JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, object>(StringComparer.Ordinal) { ["Ok"] = false, ["Error"] = reason });
}
