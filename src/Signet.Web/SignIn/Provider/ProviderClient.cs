using System.Buffers;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;

namespace Signet.Web.SignIn;

/// <summary>
/// What the console itself asks the provider: its document, its keys, tokens for a code, user information. Every answer is bounded in bytes and time, no redirect is followed, no cookie kept.
/// Document and keys are kept for <see cref="WebLimits.ProviderFresh"/>; a key that nobody has heard of makes it look again, but only every <see cref="WebLimits.ProviderAgain"/>.
/// Safe for any number of threads.
/// </summary>
public sealed class ProviderClient : IDisposable
{
    private readonly ProviderOptions provider;
    private readonly TimeProvider time;
    private readonly HttpClient http;
    private readonly SemaphoreSlim turn = new(1, 1);
    private Kept<ProviderMetadata>? document;
    private Kept<IReadOnlyList<ProviderKey>>? keys;
    private (DateTimeOffset Document, DateTimeOffset Keys) tried;

    public ProviderClient(ProviderOptions provider, TimeProvider time)
    {
        (this.provider, this.time) = (provider, time);
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
    public async Task<(ProviderMetadata? Metadata, ProviderRefusal Why)> MetadataAsync(CancellationToken stop)
    {
        await turn.WaitAsync(stop);
        try
        {
            return await DocumentAsync(stop);
        }
        finally
        {
            turn.Release();
        }
    }

    /// <summary>The key that verifies this token; the refusal when there is none.</summary>
    public async Task<ProviderRefusal?> VerifyAsync(IdToken token, CancellationToken stop)
    {
        IReadOnlyList<ProviderKey> known;
        await turn.WaitAsync(stop);
        try
        {
            var (metadata, why) = await DocumentAsync(stop);
            if (metadata is null) return why;
            var now = time.GetUtcNow();
            var old = keys is null || now - keys.At > WebLimits.ProviderFresh || Candidates(keys.Value, token).Count == 0;
            if (old && now - tried.Keys >= WebLimits.ProviderAgain)
            {
                tried.Keys = now;
                var (bytes, unreachable) = await FetchAsync(metadata.Keys, stop);
                if (bytes is not null && ProviderKey.ReadSet(bytes) is { } fresh) keys = new(fresh, now);
                else if (keys is null || now - keys.At > WebLimits.ProviderStale || bytes is not null) return unreachable ? ProviderRefusal.Unreachable : ProviderRefusal.BadKeys;
            }
            if (keys is null) return ProviderRefusal.BadKeys;
            known = keys.Value;
        }
        finally
        {
            turn.Release();
        }
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

    // Only with the turn taken.
    private async Task<(ProviderMetadata? Metadata, ProviderRefusal Why)> DocumentAsync(CancellationToken stop)
    {
        var now = time.GetUtcNow();
        if (document is not null && now - document.At <= WebLimits.ProviderFresh) return (document.Value, default);
        var unreachable = true;
        if (now - tried.Document >= WebLimits.ProviderAgain)
        {
            (var bytes, unreachable) = await FetchAsync(ProviderMetadata.AddressOf(provider.Issuer), stop);
            if (bytes is not null && ProviderMetadata.Read(bytes, provider.Issuer) is { } fresh)
            {
                document = new(fresh, now);
                return (fresh, default);
            }
            // A failure is tried again soon; a document that is wrong stays wrong for a while.
            if (!unreachable) tried.Document = now;
        }
        else unreachable = false;
        return document is not null && unreachable && now - document.At <= WebLimits.ProviderStale ? (document.Value, default) : (null, unreachable ? ProviderRefusal.Unreachable : ProviderRefusal.BadDocument);
    }

    // Bytes, or whether nobody answered as they should (else the answer was too large).
    private async Task<(byte[]? Bytes, bool Unreachable)> FetchAsync(Uri address, CancellationToken stop)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        request.Headers.Accept.Add(new("application/json"));
        var (status, bytes) = await SendAsync(request, stop);
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

    public void Dispose()
    {
        http.Dispose();
        turn.Dispose();
    }

    private sealed record Kept<T>(T Value, DateTimeOffset At);
}
