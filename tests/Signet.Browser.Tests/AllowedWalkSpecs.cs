using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.RegularExpressions;
using Signet.Access;
using Signet.Control;
using Signet.Web.Security;

namespace Signet.Browser;

/// <summary>The other half of the walk (<see cref="RoleWalkSpecs"/>): whoever may do an act is let through to it, and whatever then goes wrong is told as the API promises. In a house of its own, for every button is pressed.</summary>
public sealed partial class AllowedWalkSpecs : IAsyncLifetime
{
    private ProviderHouse house = null!;
    private IReadOnlyList<RouteDemand> routes = [];

    public async ValueTask InitializeAsync()
    {
        house = await ProviderHouse.StartAsync(null);
        routes = [.. house.Console.Routes.Where(route => !route.Path.StartsWith("/assets/", StringComparison.Ordinal))];
    }

    [Fact]
    [Trait("row", "S0-23")]
    public async Task Every_write_of_the_api_lets_every_role_through_that_may_and_answers_in_its_own_words()
    {
        var writes = routes.Where(route => !route.IsPage && route.Method is not ("GET" or "HEAD") && route.Path.StartsWith("/api/", StringComparison.Ordinal)).ToList();
        writes.Count.ShouldBeGreaterThan(40);
        var (wrong, through) = (new List<string>(), 0);
        foreach (var role in Enum.GetValues<Role>())
        {
            using var client = NewClient((await house.Center.Tokens.CreateAsync($"walk-{role}", role, TimeSpan.FromMinutes(10), Actor.Terminal)).Value.Secret);
            foreach (var route in writes.Where(route => May(role, route)))
            {
                using var request = new HttpRequestMessage(new(route.Method), Filled(route.Path));
                if (route.Method != "DELETE") request.Content = new StringContent("{}", new MediaTypeHeaderValue("application/json"));
                using var answer = await client.SendAsync(request);
                through++;
                if (answer.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden || (int)answer.StatusCode >= 500) wrong.Add($"{role} {route.Method} {route.Path}: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()}");
                else if ((int)answer.StatusCode >= 400 && await ProblemFaultAsync(answer) is { } fault) wrong.Add($"{role} {route.Method} {route.Path}: {(int)answer.StatusCode} {fault}");
            }
        }
        wrong.ShouldBeEmpty();
        through.ShouldBeGreaterThan(60);
    }

    [Theory]
    [Trait("row", "S0-23")]
    [InlineData(Role.Viewer)]
    [InlineData(Role.Operator)]
    [InlineData(Role.Admin)]
    public async Task Every_button_of_every_page_lets_a_session_through_whose_role_may(Role role)
    {
        await house.PersonAsync($"person-{role}", role);
        if (role != Role.Admin) await house.PersonAsync("root", Role.Admin);
        var wrong = new List<string>();
        // One's own session may end by it: each button is pressed in a session of its own. Gone for good is only what the last one does.
        foreach (var route in routes.Where(route => route.IsPage && route.Method == "POST" && !route.IsPublic && May(role, route)).OrderBy(route => route.Path.Contains("logout", StringComparison.Ordinal)))
        {
            using var browser = house.NewBrowser();
            await browser.SignInAsync($"person-{role}");
            var answer = await browser.PostAsync(Filled(route.Path), "/account");
            // 404: there is nobody and no device of that name. Nothing else says no.
            if (answer.Status is not (HttpStatusCode.OK or HttpStatusCode.Redirect or HttpStatusCode.NotFound) || answer.Location.StartsWith("/login?", StringComparison.Ordinal)) wrong.Add($"{role} {route.Path}: {(int)answer.Status} {answer.Location}");
        }
        wrong.ShouldBeEmpty();
    }

    [Fact]
    public async Task Every_route_of_the_api_is_described_with_its_method_a_summary_and_the_refusals_it_can_give()
    {
        using var client = NewClient(null);
        using var document = JsonDocument.Parse(await client.GetStringAsync("/api/v1/openapi.json"));
        document.RootElement.GetProperty("openapi").GetString()!.ShouldStartWith("3.1");
        var paths = document.RootElement.GetProperty("paths");
        var wrong = new List<string>();
        foreach (var route in routes.Where(route => !route.IsPage && route.Path.StartsWith("/api/v1/", StringComparison.Ordinal) && !route.Path.EndsWith("/openapi.json", StringComparison.Ordinal)))
        {
            // {serial:regex(...)} is {serial} there.
            var path = Parameter().Replace(route.Path, "{$1}");
            if (!paths.TryGetProperty(path, out var item) || !item.TryGetProperty(route.Method.ToLowerInvariant(), out var operation))
            {
                wrong.Add($"{route.Method} {path}: not described");
                continue;
            }
            var answers = operation.GetProperty("responses");
            if (!operation.TryGetProperty("summary", out var summary) || summary.GetString() is not { Length: > 10 }) wrong.Add($"{route.Method} {path}: no summary");
            if (!route.IsPublic && (!answers.TryGetProperty("401", out _) || !answers.TryGetProperty("403", out _))) wrong.Add($"{route.Method} {path}: does not say 401 and 403");
            if (!answers.EnumerateObject().Any(one => one.Name.StartsWith('2') || one.Name.StartsWith('3'))) wrong.Add($"{route.Method} {path}: does not say what success is");
            foreach (var failure in answers.EnumerateObject().Where(one => one.Name.StartsWith('4') || one.Name.StartsWith('5')))
                if (!failure.Value.TryGetProperty("content", out var content) || !content.TryGetProperty("application/problem+json", out _)) wrong.Add($"{route.Method} {path}: {failure.Name} is no problem+json");
        }
        wrong.ShouldBeEmpty();
    }

    [Fact]
    public async Task Every_error_of_every_route_is_a_problem_with_type_title_status_detail_and_reason()
    {
        var wrong = new List<string>();
        using var stranger = NewClient(null);
        using var viewer = NewClient((await house.Center.Tokens.CreateAsync("walk-problems", Role.Viewer, TimeSpan.FromMinutes(10), Actor.Terminal)).Value.Secret);
        using var admin = NewClient((await house.Center.Tokens.CreateAsync("walk-problems-admin", Role.Admin, TimeSpan.FromMinutes(10), Actor.Terminal)).Value.Secret);
        foreach (var route in routes.Where(route => !route.IsPage && route.Path.StartsWith("/api/", StringComparison.Ordinal)))
        {
            if (!route.IsPublic) await ExpectAsync(stranger, route, null, HttpStatusCode.Unauthorized);
            if (!route.IsPublic && !May(Role.Viewer, route)) await ExpectAsync(viewer, route, "{}", HttpStatusCode.Forbidden);
            // What cannot be read, where a body is read: not the bare 400 of the framework.
            if (route.Method is "POST" or "PUT" or "PATCH")
            {
                await ExpectAsync(admin, route, "{\"a\":", null);
                await ExpectAsync(admin, route, "[[[", null);
            }
            await ExpectAsync(admin, route with { Method = "TRACK" }, null, null);
        }
        await ExpectAsync(admin, routes[0] with { Method = "GET", Path = "/api/v1/nothing-here" }, null, HttpStatusCode.NotFound);
        wrong.ShouldBeEmpty();

        async Task ExpectAsync(HttpClient client, RouteDemand route, string? body, HttpStatusCode? status)
        {
            using var request = new HttpRequestMessage(new(route.Method), Filled(route.Path));
            if (body is not null && route.Method is "POST" or "PUT" or "PATCH") request.Content = new StringContent(body ?? "", new MediaTypeHeaderValue("application/json"));
            using var answer = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            if (status is { } expected && answer.StatusCode != expected) wrong.Add($"{route.Method} {route.Path}: {(int)answer.StatusCode} instead of {(int)expected}");
            if ((int)answer.StatusCode >= 400 && await ProblemFaultAsync(answer) is { } fault) wrong.Add($"{route.Method} {route.Path} {body}: {(int)answer.StatusCode} {fault}");
            if ((int)answer.StatusCode >= 500) wrong.Add($"{route.Method} {route.Path} {body}: {(int)answer.StatusCode}");
        }
    }

    // RFC 9457, and our own stable reason. Null: as it should be.
    private static async Task<string?> ProblemFaultAsync(HttpResponseMessage answer)
    {
        if (answer.Content.Headers.ContentType?.MediaType != "application/problem+json") return $"is {answer.Content.Headers.ContentType?.MediaType ?? "nothing"}";
        using var problem = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
        foreach (var member in new[] { "type", "title", "detail", "reason" })
            if (!problem.RootElement.TryGetProperty(member, out var value) || value.ValueKind != JsonValueKind.String || value.GetString()!.Length == 0) return $"has no {member}";
        return problem.RootElement.TryGetProperty("status", out var status) && status.GetInt32() == (int)answer.StatusCode ? null : "has another status inside";
    }

    private static bool May(Role role, RouteDemand route) => route.IsPublic || route.Acts.All(act => RoleTable.Decide(role, act).Allowed);

    private static string Filled(string path) => Parameter().Replace(path, match => match.Groups[1].Value switch
    {
        _ when match.Value.Contains(":long", StringComparison.Ordinal) => "999999999",
        "serial" => "0123456789abcdef",
        _ when match.Value.Contains(":int", StringComparison.Ordinal) => "404",
        _ => "nobody",
    });

    private HttpClient NewClient(string? token)
    {
        var client = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false, UseCookies = false, SslOptions = { CertificateChainPolicy = new() { TrustMode = X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { house.Center.Authority.Root }, RevocationMode = X509RevocationMode.NoCheck } },
        })
        { BaseAddress = house.Console.ConsoleUrl, DefaultRequestVersion = HttpVersion.Version20, Timeout = TimeSpan.FromSeconds(30) };
        if (token is not null) client.DefaultRequestHeaders.Authorization = new("Bearer", token);
        return client;
    }

    public ValueTask DisposeAsync() => house.DisposeAsync();

    // A constraint may hold doubled braces: {serial:regex(^[0-9]{{2,40}}$)}.
    [GeneratedRegex(@"\{\**([a-zA-Z]+)(?:[^{}]|\{\{|\}\})*\}", RegexOptions.None, 1000)]
    private static partial Regex Parameter();
}
