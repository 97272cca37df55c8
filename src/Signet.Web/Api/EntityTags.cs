using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;
using Signet.Control;

namespace Signet.Web.Api;

/// <summary>Something that two people could change at the same time.</summary>
internal interface IRevised
{
    /// <summary>Another one as soon as anything was changed by people; what changes by itself (presence, last sign-in) does not count.</summary>
    string Revision { get; }
}

/// <summary>
/// Entity tags (RFC 9110, sections 8.8.3 and 13.1): every JSON answer to a GET carries one over its bytes, and is 304 without a body for who has it already. What can be changed carries the revision in front:
/// <c>"REVISION.BYTES"</c>; <c>If-Match</c> on the change compares the revision alone, so a device that has come online meanwhile spoils nobody's change.
/// </summary>
internal static class EntityTags
{
    private const int Characters = 22;

    /// <summary>For all routes of the API.</summary>
    public static async ValueTask<object?> FilterAsync(EndpointFilterInvocationContext invocation, EndpointFilterDelegate next)
    {
        var result = await next(invocation);
        var context = invocation.HttpContext;
        if (!HttpMethods.IsGet(context.Request.Method) || result is not IStatusCodeHttpResult { StatusCode: StatusCodes.Status200OK } || result is not IValueHttpResult { Value: { } value } || value is string) return result;
        var bytes = JsonSerializer.SerializeToUtf8Bytes(value, value.GetType(), context.RequestServices.GetRequiredService<IOptions<JsonOptions>>().Value.SerializerOptions);
        var tag = $"\"{(value is IRevised revised ? revised.Revision + "." : "")}{Hash(bytes)}\"";
        context.Response.Headers.ETag = tag;
        return Known(context.Request, tag) ? Results.StatusCode(StatusCodes.Status304NotModified) : Results.Bytes(bytes, "application/json; charset=utf-8");
    }

    /// <summary>Null when the change may go on; the refusal (412, RFC 9110 section 15.5.13) when somebody else was faster.</summary>
    /// <param name="request">Without <c>If-Match</c> nothing is compared.</param>
    /// <param name="present">What would be changed.</param>
    public static Refusal? Late(HttpRequest request, IRevised present)
    {
        if (request.Headers.IfMatch.Count == 0) return null;
        if (!EntityTagHeaderValue.TryParseStrictList([.. request.Headers.IfMatch.OfType<string>()], out var wanted)) return new(RefusalCode.BadInput, "`If-Match` takes entity tags in quotes, as `ETag` gave them.");
        return wanted.Any(one => EntityTagHeaderValue.Any.Equals(one) || (!one.IsWeak && one.Tag.AsSpan().Trim('"').StartsWith(present.Revision + ".", StringComparison.Ordinal))) ? null
            : Changed;
    }

    public static Refusal Changed { get; } = new(RefusalCode.ChangedMeanwhile, "Somebody changed it after you read it. Read it again, and change what is there now.");

    /// <summary>The same, as an answer.</summary>
    /// <param name="request">As above.</param>
    /// <param name="present">Null: it is not there, and the change will say so.</param>
    public static IResult? Unmatched(HttpRequest request, IRevised? present) => present is not null && Late(request, present) is { } late ? Problems.Of(late) : null;

    /// <summary>Of the members that people change.</summary>
    public static string Revision(params ReadOnlySpan<string> members) => Hash(Encoding.UTF8.GetBytes(string.Join('\u0001', members!)));

    private static string Hash(ReadOnlySpan<byte> bytes)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(bytes, hash);
        return System.Buffers.Text.Base64Url.EncodeToString(hash)[..Characters];
    }

    // Weak comparison, RFC 9110 section 13.1.2. What cannot be read matches nothing.
    private static bool Known(HttpRequest request, string tag)
        => request.Headers.IfNoneMatch.Count > 0 && EntityTagHeaderValue.TryParseStrictList([.. request.Headers.IfNoneMatch.OfType<string>()], out var known)
            && known.Any(one => EntityTagHeaderValue.Any.Equals(one) || one.Tag.Equals(tag, StringComparison.Ordinal));
}
