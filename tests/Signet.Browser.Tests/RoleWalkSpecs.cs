using System.Net;
using System.Net.Http.Headers;
using System.Text.RegularExpressions;
using Signet.Access;
using Signet.Control;
using Signet.Web.Security;

namespace Signet.Browser;

/// <summary>Every door of the console, tried by everybody: signed out, as viewer, operator and administrator. A door that somebody adds is walked without a word here.</summary>
public sealed partial class RoleWalkSpecs(ConsoleHouse house)
{
    // What a page or route answers for a while (a feed), or on purpose to everybody.
    private static readonly string[] ServesFiles = ["/assets/"];

    [Fact]
    [Trait("row", "S0-23")]
    public async Task Every_route_says_no_to_every_role_below_its_own_and_to_strangers()
    {
        var routes = house.Console.Routes.Where(route => !ServesFiles.Any(prefix => route.Path.StartsWith(prefix, StringComparison.Ordinal))).ToList();
        routes.Count.ShouldBeGreaterThan(60);
        routes.Where(route => route.IsShut).Select(route => route.Path).ShouldBeEmpty("these name nothing that they demand, so they answer nobody");
        var wrong = new List<string>();
        using (var stranger = NewClient(null))
            foreach (var route in routes) await TryAsync(stranger, route, null, wrong);
        foreach (var role in Enum.GetValues<Role>())
        {
            var token = (await house.Center.Tokens.CreateAsync($"walk-{role}", role, TimeSpan.FromMinutes(10), Actor.Terminal)).Value;
            using var client = NewClient(token.Secret);
            foreach (var route in routes) await TryAsync(client, route, role, wrong);
        }
        wrong.ShouldBeEmpty();
    }

    [Theory]
    [Trait("row", "S0-23")]
    [InlineData(Role.Viewer)]
    [InlineData(Role.Operator)]
    public async Task Every_button_of_every_page_says_no_to_a_session_whose_role_is_too_low(Role role)
    {
        var person = await house.SomebodyAsync(role);
        await using var visitor = await house.VisitAsync();
        await visitor.TrySignInAsync(person.Name, ConsoleHouse.PersonsPassword, "/account");
        var token = await visitor.Page.Locator("input[name=__RequestVerificationToken]").First.InputValueAsync();
        var cookies = string.Join("; ", (await visitor.Page.Context.CookiesAsync()).Select(cookie => $"{cookie.Name}={cookie.Value}"));
        using var client = NewClient(null);
        var wrong = new List<string>();
        foreach (var route in house.Console.Routes.Where(route => route.IsPage && route.Method == "POST" && IsTooLow(role, route)))
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, Filled(route.Path)) { Content = new FormUrlEncodedContent([new("__RequestVerificationToken", token)]) };
            request.Headers.Add("Cookie", cookies);
            using var answer = await client.SendAsync(request);
            if (answer.StatusCode != HttpStatusCode.Forbidden) wrong.Add($"{role} {route.Path}: {(int)answer.StatusCode}");
        }
        wrong.ShouldBeEmpty();
    }

    private static async Task TryAsync(HttpClient client, RouteDemand route, Role? role, List<string> wrong)
    {
        var isRead = route.Method is "GET" or "HEAD";
        var tooLow = role is null ? !route.IsPublic : IsTooLow(role.Value, route);
        // What a role may do is only read here: pressing every button as administrator would tear the house down.
        if (!tooLow && !isRead) return;
        // A page's form is tried by a session, in the other test: a token has no form.
        if (role is not null && route.IsPage && !isRead) return;
        using var request = new HttpRequestMessage(new(route.Method), Filled(route.Path));
        if (!isRead && route.Method != "DELETE") request.Content = new StringContent("{}", new MediaTypeHeaderValue("application/json"));
        HttpResponseMessage answer;
        try
        {
            answer = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        }
        catch (TaskCanceledException)
        {
            wrong.Add($"{role} {route.Method} {route.Path}: no answer");
            return;
        }
        using var held = answer;
        var location = answer.Headers.Location?.ToString() ?? "";
        var right = (tooLow, role) switch
        {
            (true, null) => route.IsPage ? answer.StatusCode == HttpStatusCode.Redirect && location.StartsWith("/login", StringComparison.Ordinal) : answer.StatusCode == HttpStatusCode.Unauthorized,
            (true, _) => answer.StatusCode == HttpStatusCode.Forbidden,
            // A public door may refuse for a reason of its own (an enrolment token that nobody gave).
            (false, _) when route.IsPublic => (int)answer.StatusCode < 500,
            (false, _) => answer.StatusCode is not (HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden) && (int)answer.StatusCode < 500,
        };
        if (!right) wrong.Add($"{role?.ToString() ?? "stranger"} {route.Method} {route.Path}: {(int)answer.StatusCode} {location}");
    }

    private static bool IsTooLow(Role role, RouteDemand route) => !route.IsPublic && route.Acts.Any(act => !RoleTable.Decide(role, act).Allowed);

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
            AllowAutoRedirect = false, UseCookies = false, SslOptions = { CertificateChainPolicy = new() { TrustMode = System.Security.Cryptography.X509Certificates.X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { house.Center.Authority.Root }, RevocationMode = System.Security.Cryptography.X509Certificates.X509RevocationMode.NoCheck } },
        })
        { BaseAddress = house.Console.ConsoleUrl, DefaultRequestVersion = HttpVersion.Version20, Timeout = TimeSpan.FromSeconds(20) };
        if (token is not null) client.DefaultRequestHeaders.Authorization = new("Bearer", token);
        return client;
    }

    // A constraint may hold doubled braces: {serial:regex(^[0-9]{{2,40}}$)}.
    [GeneratedRegex(@"\{\**([a-zA-Z]+)(?:[^{}]|\{\{|\}\})*\}", RegexOptions.None, 1000)]
    private static partial Regex Parameter();
}
