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

    /// <summary>The value as JSON, or the refusal as a problem.</summary>
    public static IResult Answer<T>(Outcome<T> outcome, Func<T, IResult> ok) where T : class
        => outcome.TryGet(out var value, out var refusal) ? ok(value) : Of(refusal);

    private static string Title(string reason)
    {
        var words = reason.Replace('-', ' ');
        return char.ToUpperInvariant(words[0]) + words[1..];
    }
}
