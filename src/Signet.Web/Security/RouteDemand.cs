using System.Reflection;
using Microsoft.AspNetCore.Mvc.RazorPages;
using Microsoft.AspNetCore.Routing;
using Signet.Access;

namespace Signet.Web.Security;

/// <summary>One door of the console and what it demands: for the walk that tries every door as everybody.</summary>
/// <param name="Method">HTTP method.</param>
/// <param name="Path">Route pattern; a page's handler stands behind it as <c>?handler=Name</c>.</param>
/// <param name="Acts">All of them are demanded; empty: signed in is enough, or <paramref name="IsPublic"/>.</param>
/// <param name="IsPage">A Razor page: signed out it leads to the sign-in page, and its forms carry a token.</param>
/// <param name="IsWithinGroups">Answers who is limited to groups of devices, within these.</param>
/// <param name="IsShut">Carries nothing at all, and so answers nobody.</param>
public sealed record RouteDemand(string Method, string Path, IReadOnlyList<Act> Acts, bool IsPublic, bool IsPage, bool IsWithinGroups, bool IsShut)
{
    /// <summary>Whoever comes with a session is asked for the password again.</summary>
    public bool IsConfirmed { get; init; }

    internal static IReadOnlyList<RouteDemand> Of(EndpointDataSource endpoints)
        => [.. endpoints.Endpoints.OfType<RouteEndpoint>().SelectMany(Of).DistinctBy(one => (one.Method, one.Path)).OrderBy(one => one.Path, StringComparer.Ordinal).ThenBy(one => one.Method, StringComparer.Ordinal)];

    private static IEnumerable<RouteDemand> Of(RouteEndpoint endpoint)
    {
        var path = "/" + endpoint.RoutePattern.RawText?.TrimStart('/');
        var acts = endpoint.Metadata.GetOrderedMetadata<RequiresAttribute>().Select(one => one.Act).ToList();
        var isPublic = endpoint.Metadata.GetMetadata<PublicAttribute>() is not null;
        var isShut = acts.Count == 0 && !isPublic && endpoint.Metadata.GetMetadata<SignedInAttribute>() is null;
        var isWithinGroups = isPublic || endpoint.Metadata.GetMetadata<WithinGroupsAttribute>() is not null || endpoint.Metadata.GetMetadata<SignedInAttribute>() is not null;
        if (endpoint.Metadata.GetMetadata<CompiledPageActionDescriptor>() is not { } page)
        {
            foreach (var method in endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? ["GET"]) yield return new(method, path, acts, isPublic, false, isWithinGroups, isShut) { IsConfirmed = endpoint.Metadata.GetMetadata<ConfirmedAttribute>() is not null };
            yield break;
        }
        foreach (var handler in page.HandlerMethods)
        {
            var more = handler.MethodInfo.GetCustomAttributes<RequiresAttribute>().Select(one => one.Act);
            yield return new(handler.HttpMethod.ToUpperInvariant(), handler.Name is null ? path : $"{path}?handler={handler.Name}", [.. acts, .. more], isPublic, true, isWithinGroups, isShut) { IsConfirmed = handler.MethodInfo.IsDefined(typeof(ConfirmedAttribute), inherit: false) };
        }
    }
}
