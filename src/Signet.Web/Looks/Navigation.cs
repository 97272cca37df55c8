using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Signet.Access;
using Signet.Web.Security;

namespace Signet.Web.Looks;

/// <summary>A page in the navigation.</summary>
/// <param name="Act">Who may not do this does not see it; null: everybody who is signed in.</param>
public sealed record Place(string Path, string Icon, string Title, Act? Act);

/// <summary>The places of the console, and which of them exist.</summary>
public sealed class Navigation(EndpointDataSource endpoints)
{
    public static IReadOnlyList<Place> Places { get; } =
    [
        new("/", "home", "Home", null),
        new("/devices", "devices", "Devices", Act.ViewFleet),
        new("/commands", "command", "Commands", Act.ViewCommands),
        new("/certificates", "certificate", "Certificates", Act.ViewCertificates),
        new("/people", "people", "People", Act.ManageUsers),
        new("/audit", "audit", "Audit log", Act.ViewAudit),
        new("/broker", "broker", "Broker", Act.ViewBroker),
        new("/policy", "policy", "Policy", Act.ViewPolicy),
        new("/lab", "lab", "Lab", Act.ViewAudit),
        new("/settings", "settings", "Settings", Act.ViewSettings),
        new("/about", "about", "About", Act.ViewFleet),
    ];

    private readonly Lazy<Dictionary<string, Endpoint>> known = new(() => endpoints.Endpoints.OfType<RouteEndpoint>().GroupBy(endpoint => "/" + endpoint.RoutePattern.RawText?.TrimStart('/')).ToDictionary(same => same.Key, Endpoint (same) => same.First(), StringComparer.Ordinal));

    /// <summary>There is such a page, and who is limited to groups of devices gets in.</summary>
    public bool IsOpenTo(HttpContext context, string path) => known.Value.TryGetValue(path, out var endpoint) && AccessGate.IsOpenTo(context, endpoint);
}
