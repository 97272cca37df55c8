using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.AspNetCore.Routing;
using Signet.Access;
using Signet.Web.Security;

namespace Signet.Web.Api;

/// <summary>The REST API: <c>/api/v1</c>. Each route names what it demands; each calls the same method of Control as the page does.</summary>
internal static class ApiRoutes
{
    public const string Prefix = "/api/v1", OpenApi = "/api/v1/openapi.json";

    public static bool IsApi(HttpContext context) => context.Request.Path.StartsWithSegments("/api") || context.Request.Path.StartsWithSegments("/healthz");

    public static void Map(IEndpointRouteBuilder routes)
    {
        var api = routes.MapGroup(Prefix);
        api.AddEndpointFilter(EntityTags.FilterAsync);
        DevicesApi.Map(api);
        BulkApi.Map(api);
        CommandsApi.Map(api);
        RolloutsApi.Map(api);
        AuditApi.Map(api);
        CertificatesApi.Map(api);
        AuthoritiesApi.Map(api);
        EnrolmentApi.Map(api);
        BrokerApi.Map(api);
        PeopleApi.Map(api);
        ProviderApi.Map(api);
        TotpAccountsApi.Map(api);
        PolicyApi.Map(api);
        StatusApi.Map(api);
        EventsApi.Map(api);
        HealthApi.Map(routes);
        routes.MapOpenApi(OpenApi).WithMetadata(new PublicAttribute());
    }

    public static void ConfigureJson(JsonOptions json)
    {
        json.SerializerOptions.Converters.Add(new JsonStringEnumConverter(JsonNamingPolicy.KebabCaseLower));
        json.SerializerOptions.UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow;
        json.SerializerOptions.MaxDepth = 16;
        // A member that is missing or null is the caller's mistake and told as one. Answers are ours: a null in them is not held against the caller.
        json.SerializerOptions.RespectRequiredConstructorParameters = true;
        json.SerializerOptions.RespectNullableAnnotations = true;
        json.SerializerOptions.TypeInfoResolver = (json.SerializerOptions.TypeInfoResolver ?? new DefaultJsonTypeInfoResolver()).WithAddedModifier(type =>
        {
            foreach (var property in type.Properties.Where(property => !property.PropertyType.IsValueType)) property.IsGetNullable = true;
        });
    }

    public static RouteHandlerBuilder Requires(this RouteHandlerBuilder route, Act act) => route.WithMetadata(new RequiresAttribute(act)).ProducesProblem(401).ProducesProblem(403);

    /// <summary>A dangerous act: a browser's session must have shown its password lately (<see cref="ConfirmedAttribute"/>).</summary>
    public static RouteHandlerBuilder Confirmed(this RouteHandlerBuilder route) => route.WithMetadata(new ConfirmedAttribute());

    /// <summary>The answer is held to the groups of whoever asks: see <see cref="WithinGroupsAttribute"/>.</summary>
    public static RouteHandlerBuilder WithinGroups(this RouteHandlerBuilder route) => route.WithMetadata(new WithinGroupsAttribute());

    /// <summary>Rows of a page: as asked, within the bounds.</summary>
    public static int Limit(int? asked) => Math.Clamp(asked ?? WebLimits.PageSize, 1, WebLimits.LargestPage);
}
