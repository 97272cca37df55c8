using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Signet.Pki;

namespace Signet.Lab;

/// <summary>What a console answered.</summary>
internal sealed record PageAnswer(HttpStatusCode Status, string Body, string Location, IReadOnlyDictionary<string, string> Headers)
{
    /// <summary>The <c>reason</c> of problem+json; the status where there is none.</summary>
    public string Reason
    {
        get
        {
            try
            {
                return (string?)JsonNode.Parse(Body)?["reason"] ?? Number;
            }
            catch (System.Text.Json.JsonException)
            {
                return Number;
            }
        }
    }

    public string Number => $"{(int)Status}";
    public bool IsDone => (int)Status is >= 200 and < 300;
}

/// <summary>A browser without scruples: it keeps cookies, sends any form, and does not ask what a page would let it do. Follows no redirect by itself.</summary>
internal sealed partial class LabBrowser : IDisposable
{
    private readonly HttpClient _http;
    private readonly CookieContainer _cookies = new();
    private readonly Uri _console;

    public LabBrowser(Uri console, CertificateJudge judge)
    {
        _console = console;
        _http = new(new SocketsHttpHandler
        {
            CookieContainer = _cookies,
            AllowAutoRedirect = false,
            SslOptions = new()
            {
                RemoteCertificateValidationCallback = (_, server, chain, _) =>
                    judge.Judge(server as System.Security.Cryptography.X509Certificates.X509Certificate2, chain?.ChainPolicy.ExtraStore, CertificatePurpose.TlsServer).Accepted,
            },
        }) { BaseAddress = console, Timeout = LabLimits.Ready };
    }

    /// <summary>Sent as <c>Authorization: Bearer</c>; null: cookies alone.</summary>
    public string? Token { get; init; }

    /// <summary>Sent as <c>Host</c>; null: the console's own name.</summary>
    public string? Host { get; init; }

    public Task<PageAnswer> GetAsync(string path, CancellationToken cancellationToken) => SendAsync(new(HttpMethod.Get, path), cancellationToken);

    /// <summary>A form as the page sends it: with the token of <paramref name="page"/>; without, when that is null.</summary>
    public async Task<PageAnswer> PostAsync(string path, string? page, CancellationToken cancellationToken, params (string Name, string Value)[] fields)
    {
        var all = fields.Select(f => KeyValuePair.Create(f.Name, f.Value)).ToList();
        if (page is not null) all.Add(new("__RequestVerificationToken", await TokenOfAsync(page, cancellationToken)));
        return await SendAsync(new(HttpMethod.Post, path) { Content = new FormUrlEncodedContent(all) }, cancellationToken);
    }

    public Task<PageAnswer> JsonAsync(HttpMethod method, string path, JsonObject body, CancellationToken cancellationToken, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(method, path) { Content = new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json") };
        foreach (var (name, value) in headers) request.Headers.Add(name, value);
        return SendAsync(request, cancellationToken);
    }

    /// <summary>True when the console let this person in.</summary>
    public async Task<bool> SignInAsync(string name, string password, CancellationToken cancellationToken) =>
        (await PostAsync("/login", "/login", cancellationToken, ("Name", name), ("Password", password))).Status == HttpStatusCode.Found;

    /// <summary>All cookies of the console, as somebody who stole them has them.</summary>
    public IReadOnlyList<Cookie> Cookies => [.. _cookies.GetCookies(_console).Cast<Cookie>()];

    public void Plant(IEnumerable<Cookie> cookies)
    {
        foreach (var cookie in cookies) _cookies.Add(_console, new Cookie(cookie.Name, cookie.Value, "/") { Secure = true });
    }

    public async Task<PageAnswer> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        using var sent = request;
        if (Token is not null) request.Headers.Authorization = new("Bearer", Token);
        if (Host is not null) request.Headers.Host = Host;
        using var answer = await _http.SendAsync(request, cancellationToken);
        var headers = answer.Headers.Concat(answer.Content.Headers).ToDictionary(h => h.Key, h => string.Join(", ", h.Value), StringComparer.OrdinalIgnoreCase);
        return new(answer.StatusCode, await answer.Content.ReadAsStringAsync(cancellationToken), answer.Headers.Location?.OriginalString ?? "", headers);
    }

    private async Task<string> TokenOfAsync(string page, CancellationToken cancellationToken)
    {
        var shown = await GetAsync(page, cancellationToken);
        var found = FormToken().Match(shown.Body);
        return found.Success ? WebUtility.HtmlDecode(found.Groups[1].Value) : throw new LabException($"{page} shows no form to copy a token from (status {shown.Number})");
    }

    [GeneratedRegex("name=\"__RequestVerificationToken\"[^>]*value=\"([^\"]+)\"", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex FormToken();

    public void Dispose() => _http.Dispose();
}
