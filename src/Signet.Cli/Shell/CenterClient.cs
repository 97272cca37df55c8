using System.CommandLine;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Nodes;
using Signet.Pki;

namespace Signet.Cli.Shell;

/// <summary>
/// The REST API of a running command center, as the CLI uses it. The server's certificate must lead to the installation's own root; the system's
/// roots are asked only where the data directory holds none. Every failure becomes a <see cref="CliException"/> with the exit code that scripts expect.
/// </summary>
internal sealed class CenterClient : IDisposable
{
    private readonly HttpClient _http;
    private readonly X509Certificate2Collection? _roots;

    private CenterClient(Uri url, IPAddress? at, string? token, X509Certificate2Collection? roots, SslStreamCertificateContext? own)
    {
        Url = url;
        _roots = roots;
        // The handler belongs to the client, which disposes it.
#pragma warning disable CA2000
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseProxy = false,
            ConnectTimeout = TimeSpan.FromSeconds(5),
            SslOptions = { CertificateChainPolicy = roots is null ? null : TrustOnly(roots), ClientCertificateContext = own },
            ConnectCallback = at is null ? null : (asked, cancellation) => ConnectAsync(new IPEndPoint(at, asked.DnsEndPoint.Port), cancellation),
        };
        _http = new HttpClient(handler, disposeHandler: true) { BaseAddress = url, Timeout = TimeSpan.FromMinutes(10) };
#pragma warning restore CA2000
        if (token is not null)
            _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        _http.DefaultRequestHeaders.Accept.ParseAdd("application/json");
    }

    public Uri Url { get; }

    /// <summary>Finds the command center by flags, then environment, then the profile in the data directory.</summary>
    public static CenterClient Connect(ParseResult parsed)
    {
        var directory = GlobalOptions.DataDirectory(parsed);
        var profile = Profile.Load(directory);
        var given = parsed.GetValue(GlobalOptions.Url) ?? Environment.GetEnvironmentVariable("SIGNET_URL");
        var address = given ?? profile?.Url
            ?? throw new CliException(ExitCode.NotReachable, $"No command center is known in {directory}. Start one with `signet up`, or name one with --url and --token.");
        if (!Uri.TryCreate(address, UriKind.Absolute, out var url) || url.Scheme != Uri.UriSchemeHttps)
            throw new CliException(ExitCode.WrongUsage, $"--url takes an https address, and \"{address}\" is none.");
        var token = parsed.GetValue(GlobalOptions.Token) ?? Environment.GetEnvironmentVariable("SIGNET_TOKEN") ?? profile?.Token;
        var own = OwnCertificate();
        if (token is null && own is null)
            throw new CliException(ExitCode.Refused, "No API token. Set SIGNET_TOKEN or give --token; or SIGNET_CERT, where the center takes certificates.");
        var rootFile = profile?.RootCertificate ?? Path.Combine(directory, "pki", "root.crt");
        var at = given is null && IPAddress.TryParse(profile?.Address, out var near) ? near : null;
        return new CenterClient(url, at, token, File.Exists(rootFile) ? PemFile.Read(rootFile) : null, own);
    }

    private static async ValueTask<Stream> ConnectAsync(IPEndPoint place, CancellationToken cancellation)
    {
        var socket = new Socket(place.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(place, cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>The person's certificate in <c>SIGNET_CERT</c> (PEM, with its intermediate) and its key, in <c>SIGNET_KEY</c> or beside it as NAME.key; null: none.</summary>
    private static SslStreamCertificateContext? OwnCertificate()
    {
        if (Environment.GetEnvironmentVariable("SIGNET_CERT") is not { Length: > 0 } file)
            return null;
        using var read = PemFile.ReadWithKey(file, Environment.GetEnvironmentVariable("SIGNET_KEY") ?? Path.ChangeExtension(file, ".key"));
        return SslStreamCertificateContext.Create(X509CertificateLoader.LoadPkcs12(read.Export(X509ContentType.Pkcs12), null), [.. PemFile.Read(file).Skip(1)], offline: true);
    }

    public async Task<JsonObject> GetAsync(string path, CancellationToken cancellation) =>
        await ReadObjectAsync(new HttpRequestMessage(HttpMethod.Get, path), cancellation);

    /// <summary>A list from its first page to its last, or to <paramref name="most"/> rows: one object with all rows in <paramref name="list"/>. Its <c>next</c> is null, or where it was cut.</summary>
    /// <param name="path">With its query.</param>
    /// <param name="list">Name of the array.</param>
    /// <param name="most">Null: all.</param>
    /// <param name="cancellation">Ends it between two pages.</param>
    public async Task<JsonObject> GetAllAsync(string path, string list, int? most, CancellationToken cancellation)
    {
        if (most < 1) throw new CliException(ExitCode.WrongUsage, "--limit takes 1 or more.");
        JsonObject? whole = null;
        var rows = new JsonArray();
        for (string? after = null; ;)
        {
            var size = Math.Min((most ?? int.MaxValue) - rows.Count, LargestPage);
            var page = await GetAsync($"{path}{(path.Contains('?', StringComparison.Ordinal) ? '&' : '?')}limit={size}{(after is null ? "" : "&after=" + Uri.EscapeDataString(after))}", cancellation);
            foreach (var row in page[list] as JsonArray ?? []) rows.Add(row?.DeepClone());
            whole ??= page;
            after = (string?)page["next"];
            if (after is not null && rows.Count < (most ?? int.MaxValue)) continue;
            (whole[list], whole["next"]) = (rows, after);
            return whole;
        }
    }

    // What the center gives at most at a time.
    private const int LargestPage = 500;

    /// <summary>Null when there is no such thing (404); every other refusal ends the command.</summary>
    public async Task<JsonObject?> FindAsync(string path, CancellationToken cancellation)
    {
        try
        {
            return await GetAsync(path, cancellation);
        }
        catch (CliException refusal) when (refusal.IsNotFound)
        {
            return null;
        }
    }

    public async Task<JsonObject> PostAsync(string path, JsonNode? body, CancellationToken cancellation, string? idempotencyKey = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = body is null ? null : JsonContent.Create(body) };
        if (idempotencyKey is not null)
            request.Headers.Add("Idempotency-Key", idempotencyKey);
        return await ReadObjectAsync(request, cancellation);
    }

    public async Task<JsonObject> PutAsync(string path, JsonNode body, CancellationToken cancellation) =>
        await ReadObjectAsync(new HttpRequestMessage(HttpMethod.Put, path) { Content = JsonContent.Create(body) }, cancellation);

    public async Task<JsonObject> PatchAsync(string path, JsonNode body, CancellationToken cancellation) =>
        await ReadObjectAsync(new HttpRequestMessage(HttpMethod.Patch, path) { Content = JsonContent.Create(body) }, cancellation);

    public async Task<JsonObject> DeleteAsync(string path, CancellationToken cancellation) =>
        await ReadObjectAsync(new HttpRequestMessage(HttpMethod.Delete, path), cancellation);

    /// <summary>Opens a long answer (an export, a live feed) for streaming.</summary>
    public async Task<Stream> OpenAsync(string path, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        var response = await SendAsync(request, cancellation);
        return await response.Content.ReadAsStreamAsync(cancellation);
    }

    public void Dispose()
    {
        _http.Dispose();
        foreach (var root in _roots ?? [])
            root.Dispose();
    }

    private async Task<JsonObject> ReadObjectAsync(HttpRequestMessage request, CancellationToken cancellation)
    {
        using (request)
        {
            using var response = await SendAsync(request, cancellation);
            if (response.StatusCode == HttpStatusCode.NoContent)
                return [];
            var body = await response.Content.ReadAsByteArrayAsync(cancellation);
            try
            {
                if (body.Length == 0)
                    return [];
                return JsonNode.Parse(body) as JsonObject ?? throw new JsonException("not an object");
            }
            catch (JsonException)
            {
                throw new CliException(ExitCode.Refused, $"{Url} answered {request.RequestUri} with something that is not a JSON object. Is it a Signet command center?");
            }
        }
    }

    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellation)
    {
        HttpResponseMessage response;
        try
        {
            response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
        }
        catch (HttpRequestException problem)
        {
            throw new CliException(ExitCode.NotReachable, problem.HttpRequestError == HttpRequestError.SecureConnectionError
                ? $"{Url} does not show a certificate of this installation. Is --data the directory of that command center?"
                : $"{Url} cannot be reached ({problem.Message.TrimEnd('.')}). Is `signet up` running?");
        }
        catch (TaskCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new CliException(ExitCode.NotReachable, $"{Url} did not answer in time.");
        }

        if (response.IsSuccessStatusCode)
            return response;
        using (response)
        {
            var (explanation, reason) = await ExplainAsync(response, cancellation);
            throw new CliException(ExitCode.Refused, explanation)
            {
                Reason = reason, IsNotFound = response.StatusCode == HttpStatusCode.NotFound,
                IsForbidden = response.StatusCode == HttpStatusCode.Forbidden,
                RetryAfter = response.StatusCode == HttpStatusCode.TooManyRequests ? response.Headers.RetryAfter?.Delta ?? TimeSpan.FromSeconds(1) : null,
            };
        }
    }

    /// <summary>One line from a problem document (RFC 9457), and the name of its reason.</summary>
    private static async Task<(string Line, string? Reason)> ExplainAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        string? title = null, detail = null, reason = null;
        if (response.StatusCode == HttpStatusCode.Forbidden && response.Content.Headers.ContentType?.MediaType == "text/plain")
            return ($"The command center refuses the connection: {Printer.Inert((await response.Content.ReadAsStringAsync(cancellation)).Trim())}. A certificate of yours is shown with SIGNET_CERT=FILE.crt (and FILE.key beside it).", null);
        try
        {
            var problem = JsonNode.Parse(await response.Content.ReadAsByteArrayAsync(cancellation)) as JsonObject;
            title = (string?)problem?["title"];
            detail = (string?)problem?["detail"];
            reason = (string?)problem?["reason"];
        }
        catch (Exception unreadable) when (unreadable is JsonException or InvalidOperationException)
        {
            // Not a problem document: the status alone must do.
        }

        var text = detail ?? title ?? $"The command center answered {(int)response.StatusCode} {response.ReasonPhrase}.";
        if (response.StatusCode == HttpStatusCode.Unauthorized)
            text += " The token is unknown or has ended: `signet up` writes a new one at each start, or set SIGNET_TOKEN.";
        return (reason is null || text.Contains(reason, StringComparison.Ordinal) ? text : $"{text} ({reason})", reason);
    }

    /// <summary>A chain policy with the installation's roots and no network: revocation of the center's own certificate is its operator's business.</summary>
    private static X509ChainPolicy TrustOnly(X509Certificate2Collection roots)
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
        };
        policy.CustomTrustStore.AddRange(roots);
        return policy;
    }
}
