using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging.Abstractions;
using Signet.Access;
using Signet.Audit;
using Signet.Control;
using Signet.Web;

namespace Signet.Browser;

/// <summary>A console of its own whose people may sign in with a provider.</summary>
public sealed class ProviderHouse : IAsyncDisposable
{
    public const string Password = "tractor violet noodle";
    private static readonly Lazy<string> Hash = new(() => Signet.Web.SignIn.Passwords.Hash(Password));
    private readonly string data = Directory.CreateTempSubdirectory("signet-provider-").FullName;

    public CommandCenter Center { get; private set; } = null!;
    public WebConsole Console { get; private set; } = null!;

    public static async Task<ProviderHouse> StartAsync(ProviderOptions? provider, TimeProvider? time = null, TimeSpan? grace = null, string? breaches = null)
    {
        var house = new ProviderHouse();
        var random = RandomNumberGenerator.Create();
        var directory = Path.Combine(house.data, "house");
        await Installation.CreateAsync(directory, new() { Demo = false }, TimeProvider.System, random);
        house.Center = await CommandCenter.OpenAsync(new() { DataDirectory = directory, MqttPort = 0, MqttPasswordPort = 0, SecondFactorGrace = grace ?? TimeSpan.FromDays(7) }, TimeProvider.System, random, NullLoggerFactory.Instance);
        await house.Center.StartAsync();
        house.Console = await WebConsole.StartAsync(house.Center, new() { ConsolePort = 0, PkiPort = 0, AuthPort = 0, Provider = provider, BreachedPasswords = breaches, Time = time ?? TimeProvider.System }, NullLoggerFactory.Instance);
        return house;
    }

    public async Task<Account> PersonAsync(string name, Role role) => (await Center.Accounts.CreateAsync(name, Hash.Value, role, Actor.Terminal)).Value;

    public Wanderer NewBrowser() => new(this);

    /// <summary>The newest entries of a type, newest first.</summary>
    public async Task<IReadOnlyList<AuditEntry>> EntriesAsync(string type, string? action = null)
        => [.. (await Center.Audit.QueryAsync(new AuditFilter { Type = type })).Entries.Where(entry => action is null || entry.Action == action)];

    /// <summary>The newest refused sign-in; it is written a moment after the answer.</summary>
    public async Task<AuditEntry> RefusalAsync()
    {
        for (var i = 0; i < 100; i++)
        {
            if (await EntriesAsync(AuditTypes.AuthFail, "sign-in") is [var newest, ..]) return newest;
            await Task.Delay(50);
        }
        throw new TimeoutException("no refusal is on record");
    }

    public async ValueTask DisposeAsync()
    {
        await Console.StopAsync();
        await Console.DisposeAsync();
        await Center.DisposeAsync();
        Directory.Delete(data, recursive: true);
    }
}

/// <summary>A browser that takes each step on its own, so that a test can look at it and change it.</summary>
public sealed partial class Wanderer : IDisposable
{
    private readonly HttpClient client;

    public Wanderer(ProviderHouse house)
    {
        client = new(new SocketsHttpHandler
        {
            AllowAutoRedirect = false, CookieContainer = Cookies,
            SslOptions = { CertificateChainPolicy = new() { TrustMode = X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { house.Center.Authority.Root }, RevocationMode = X509RevocationMode.NoCheck } },
        })
        { BaseAddress = house.Console.ConsoleUrl };
    }

    public CookieContainer Cookies { get; } = new();

    public async Task<(HttpStatusCode Status, string Body, string Location)> GetAsync(string address)
    {
        using var answer = await client.GetAsync(address);
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync(), answer.Headers.Location?.OriginalString ?? "");
    }

    public async Task<(HttpStatusCode Status, string Body, string Location)> PostAsync(string address, string page, params (string Name, string Value)[] fields)
        => await PostFormAsync(address, (await GetAsync(page)).Body, fields);

    /// <summary>A form of a page that was read before.</summary>
    public async Task<(HttpStatusCode Status, string Body, string Location)> PostFormAsync(string address, string body, params (string Name, string Value)[] fields)
    {
        var token = Token().Match(body).Groups[1].Value;
        using var answer = await client.PostAsync(address, new FormUrlEncodedContent([new("__RequestVerificationToken", WebUtility.HtmlDecode(token)), .. fields.Select(field => new KeyValuePair<string, string>(field.Name, field.Value))]));
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync(), answer.Headers.Location?.OriginalString ?? "");
    }

    /// <summary>As a script on one of the console's own pages would: with the session and the page's token.</summary>
    public async Task<(HttpStatusCode Status, string Body)> ApiAsync(string method, string address, string body)
    {
        using var request = new HttpRequestMessage(new(method), address) { Content = new StringContent(body, System.Text.Encoding.UTF8, "application/json") };
        request.Headers.Add("X-CSRF-Token", WebUtility.HtmlDecode(Token().Match((await GetAsync("/account")).Body).Groups[1].Value));
        using var answer = await client.SendAsync(request);
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }

    public Task SignInAsync(string name) => PostAsync("/login", "/login", ("Name", name), ("Password", ProviderHouse.Password));

    /// <summary>From the sign-in page to the provider and back: the address the provider sends the browser to.</summary>
    public async Task<string> VisitAsync(string start = "/login/provider?next=/account")
    {
        var leave = await GetAsync(start);
        leave.Status.ShouldBe(HttpStatusCode.Redirect, leave.Body);
        return (await GetAsync(leave.Location)).Location;
    }

    /// <summary>Brings an answer to the console and takes the step after it.</summary>
    /// <returns>The page that the person ends at (<c>Location</c>), or the reason why not.</returns>
    public async Task<(string Location, string? Reason)> ReturnAsync(string callback)
    {
        var back = await GetAsync(callback);
        back.Status.ShouldBe(HttpStatusCode.OK, back.Body);
        var done = await GetAsync(RefreshOf(back.Body));
        return (done.Location, done.Status == HttpStatusCode.OK ? Reason().Match(done.Body).Groups[1].Value : null);
    }

    public async Task<(string Location, string? Reason)> TryAsync(string start = "/login/provider?next=/account") => await ReturnAsync(await VisitAsync(start));

    /// <summary>Where a page leads on to by itself.</summary>
    public static string RefreshOf(string body) => WebUtility.HtmlDecode(Refresh().Match(body).Groups[1].Value);

    public void Dispose() => client.Dispose();

    [GeneratedRegex("""content="0;url=([^"]+)""", RegexOptions.None, 1000)]
    private static partial Regex Refresh();

    [GeneratedRegex("""<code id="reason">([a-z-]+)</code>""", RegexOptions.None, 1000)]
    private static partial Regex Reason();

    [GeneratedRegex("""name="__RequestVerificationToken" type="hidden" value="([^"]+)""", RegexOptions.None, 1000)]
    private static partial Regex Token();
}
