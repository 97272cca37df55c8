using Microsoft.AspNetCore.Http;
using Signet.Control;

namespace Signet.Web.Api;

/// <summary>Errors as RFC 9457 problem details: <c>reason</c> is the stable name, <c>detail</c> the line for a person.</summary>
internal static class Problems
{
    public static IResult Of(Refusal refusal) => Of(refusal.HttpStatus, refusal.Name, refusal.Message);

    public static IResult Of(int status, string reason, string detail)
        => Results.Problem(detail, statusCode: status, title: Title(reason), extensions: new Dictionary<string, object?>(StringComparer.Ordinal) { ["reason"] = reason });

    public static IResult NotFound(string what) => Of(StatusCodes.Status404NotFound, "not-found", $"There is no {what}.");

    public static IResult BadInput(string detail) => Of(StatusCodes.Status422UnprocessableEntity, "bad-input", detail);

    /// <summary>What the framework refused without a word (no such route, wrong method, unreadable JSON) in the API's own words.</summary>
    public static IResult OfStatus(int status) => status switch
    {
        StatusCodes.Status400BadRequest => Of(status, "bad-input", "The request could not be read: check the JSON, its member names and the query against " + ApiRoutes.OpenApi + "."),
        StatusCodes.Status404NotFound => Of(status, "not-found", "There is no such route; see " + ApiRoutes.OpenApi + "."),
        StatusCodes.Status405MethodNotAllowed => Of(status, "method-not-allowed", "This route does not take this method; see " + ApiRoutes.OpenApi + "."),
        StatusCodes.Status413PayloadTooLarge => Of(status, "too-large", $"A request body takes at most {WebLimits.RequestBody} bytes."),
        StatusCodes.Status415UnsupportedMediaType => Of(status, "bad-input", "Send JSON, with Content-Type: application/json."),
        _ => Of(status, "failed", "The request was not answered."),
    };

    /// <summary>The value as JSON, or the refusal as a problem.</summary>
    public static IResult Answer<T>(Outcome<T> outcome, Func<T, IResult> ok) where T : class
        => outcome.TryGet(out var value, out var refusal) ? ok(value) : Of(refusal);

    private static string Title(string reason)
    {
        var words = reason.Replace('-', ' ');
        return char.ToUpperInvariant(words[0]) + words[1..];
    }
}
