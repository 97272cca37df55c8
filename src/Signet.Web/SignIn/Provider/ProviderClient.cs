using System.Buffers;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;

namespace Signet.Web.SignIn;

/// <summary>
/// What the console itself asks the provider: its document, its keys, tokens for a code, user information. Every answer is bounded in bytes and time, no redirect is followed, no cookie kept.
/// Document and keys are kept for <see cref="WebLimits.ProviderFresh"/>; a key that nobody has heard of, or a failure, makes it look again, but only every <see cref="WebLimits.ProviderAgain"/> (<see cref="ProviderSource{T}"/>).
/// Safe for any number of threads.
/// </summary>
public sealed class ProviderClient : IDisposable
{
    private readonly ProviderOptions provider;
    private readonly TimeProvider time;
    private readonly HttpClient http;
    private readonly ProviderSource<ProviderMetadata> document;
    private readonly ProviderSource<IReadOnlyList<ProviderKey>> keys;

    public ProviderClient(ProviderOptions provider, TimeProvider time)
    {
        (this.provider, this.time, document, keys) = (provider, time, new(time), new(time));
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false, UseCookies = false, UseProxy = !ProviderMetadata.IsLoopback(new(provider.Issuer)), ConnectTimeout = WebLimits.ProviderAnswerTime,
            PooledConnectionLifetime = TimeSpan.FromMinutes(5), MaxResponseHeadersLength = 16, MaxConnectionsPerServer = 16,
        };
        if (provider.Trust is { } trust)
        {
            handler.SslOptions.CertificateChainPolicy = new() { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            handler.SslOptions.CertificateChainPolicy.CustomTrustStore.AddRange(trust);
        }
        http = new(handler) { Timeout = Timeout.InfiniteTimeSpan }; // each answer has a clock of its own
    }

    /// <summary>The provider's document, fetched when it is old; the refusal when there is none.</summary>
    public Task<(ProviderMetadata? Metadata, ProviderRefusal Why)> MetadataAsync(CancellationToken stop) => document.GetAsync(_ => true, async () =>
    {
        var (bytes, unreachable) = await FetchAsync(ProviderMetadata.AddressOf(provider.Issuer));
        return (bytes is null ? null : ProviderMetadata.Read(bytes, provider.Issuer), unreachable ? ProviderRefusal.Unreachable : ProviderRefusal.BadDocument);
    }, stop);

    /// <summary>The key that verifies this token; the refusal when there is none.</summary>
    public async Task<ProviderRefusal?> VerifyAsync(IdToken token, CancellationToken stop)
    {
        var (metadata, why) = await MetadataAsync(stop);
        if (metadata is null) return why;
        (var known, why) = await keys.GetAsync(set => Candidates(set, token).Count > 0, async () =>
        {
            var (bytes, unreachable) = await FetchAsync(metadata.Keys);
            return (bytes is null ? null : ProviderKey.ReadSet(bytes), unreachable ? ProviderRefusal.Unreachable : ProviderRefusal.BadKeys);
        }, stop);
        if (known is null) return why;
        var candidates = Candidates(known, token);
        return candidates.Count == 0 ? ProviderRefusal.UnknownKey : candidates.Any(token.IsSignedBy) ? null : ProviderRefusal.BadSignature;
    }

    // With a key id: the keys of that id. Without: the only key of that kind, for guessing among several helps nobody but a forger.
    private static List<ProviderKey> Candidates(IReadOnlyList<ProviderKey> known, IdToken token)
    {
        var fitting = known.Where(key => key.Fits(token.Algorithm)).ToList();
        return token.KeyId is { } id ? fitting.Where(key => key.Id == id).ToList() : fitting.Count == 1 ? fitting : [];
    }

    /// <summary>Code for tokens (RFC 6749, section 4.1.3, RFC 7636). An object with <c>access_token</c>, or the refusal.</summary>
    public async Task<(JsonElement? Tokens, ProviderRefusal Why)> ExchangeAsync(ProviderMetadata metadata, string code, string redirect, string? verifier, CancellationToken stop)
    {
        var form = new Dictionary<string, string>(StringComparer.Ordinal) { ["grant_type"] = "authorization_code", ["code"] = code, ["redirect_uri"] = redirect };
        if (verifier is not null) form["code_verifier"] = verifier;
        using var request = new HttpRequestMessage(HttpMethod.Post, metadata.Token);
        if (provider.ClientSecret is { } secret && metadata.TakesBasic)
            request.Headers.Authorization = new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{WebUtility.UrlEncode(provider.ClientId)}:{WebUtility.UrlEncode(secret)}")));
        else
        {
            form["client_id"] = provider.ClientId;
            if (provider.ClientSecret is { } posted) form["client_secret"] = posted;
        }
        request.Content = new FormUrlEncodedContent(form);
        var (status, bytes) = await SendAsync(request, stop);
        if (status is null) return (null, ProviderRefusal.Unreachable);
        if (status is HttpStatusCode.BadRequest or HttpStatusCode.Unauthorized) return (null, ProviderRefusal.TokenRefused);
        return status == HttpStatusCode.OK && bytes is not null && ProviderJson.ReadObject(bytes) is { } tokens && tokens.Text("access_token", WebLimits.ProviderAnswer) is { Length: > 0 } && string.Equals(tokens.Text("token_type"), "Bearer", StringComparison.OrdinalIgnoreCase)
            ? (tokens, default) : (null, ProviderRefusal.BadTokenAnswer);
    }

    /// <summary>Claims that are not in the ID token (OpenID Connect Core, section 5.3), as JSON; null when they cannot be had.</summary>
    public async Task<JsonElement?> UserInfoAsync(Uri address, string accessToken, CancellationToken stop)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        if (!AuthenticationHeaderValue.TryParse("Bearer " + accessToken, out var bearer)) return null;
        request.Headers.Authorization = bearer;
        var (status, bytes) = await SendAsync(request, stop);
        return status == HttpStatusCode.OK && bytes is not null ? ProviderJson.ReadObject(bytes) : null;
    }

    // Bytes, or whether nobody answered as they should (else the answer was too large).
    private async Task<(byte[]? Bytes, bool Unreachable)> FetchAsync(Uri address)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        request.Headers.Accept.Add(new("application/json"));
        var (status, bytes) = await SendAsync(request, CancellationToken.None);
        return status != HttpStatusCode.OK ? (null, true) : (bytes, false);
    }

    // Null status: no answer in time, or none at all. Null bytes: more of them than anybody needs.
    private async Task<(HttpStatusCode? Status, byte[]? Bytes)> SendAsync(HttpRequestMessage request, CancellationToken stop)
    {
        using var clock = new CancellationTokenSource(WebLimits.ProviderAnswerTime, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(stop, clock.Token);
        var buffer = ArrayPool<byte>.Shared.Rent(WebLimits.ProviderAnswer + 1);
        try
        {
            using var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, both.Token);
            if (answer.Content.Headers.ContentLength > WebLimits.ProviderAnswer) return (answer.StatusCode, null);
            await using var body = await answer.Content.ReadAsStreamAsync(both.Token);
            var length = await body.ReadAtLeastAsync(buffer.AsMemory(0, WebLimits.ProviderAnswer + 1), WebLimits.ProviderAnswer + 1, throwOnEndOfStream: false, both.Token);
            return (answer.StatusCode, length > WebLimits.ProviderAnswer ? null : buffer.AsSpan(0, length).ToArray());
        }
        catch (Exception e) when (e is HttpRequestException or IOException or InvalidOperationException || (e is OperationCanceledException && !stop.IsCancellationRequested))
        {
            return default;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer, clearArray: true); // tokens were in it
        }
    }

    public void Dispose() => http.Dispose();
}
