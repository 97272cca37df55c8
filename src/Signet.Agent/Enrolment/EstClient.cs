using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Signet.Pki;

namespace Signet.Agent;

/// <summary>What the center answered to a request for a certificate: exactly one of the three.</summary>
/// <param name="Certificate">What was issued.</param>
/// <param name="RetryAfter">A person has to look first: ask again after this time, with the same request.</param>
/// <param name="Refusal">One line.</param>
internal sealed record EstAnswer(X509Certificate2? Certificate, TimeSpan? RetryAfter, string? Refusal);

/// <summary>The device's side of EST (RFC 7030), and the one question beside it: what a device must know to run. The center is believed when its certificate leads to a pinned root and names the host.</summary>
internal sealed class EstClient : IDisposable
{
    private readonly HttpClient _http;

    /// <param name="center">Its console: <c>https://HOST:8443</c>.</param>
    /// <param name="roots">Pinned; null only while the roots themselves are fetched, to be held against a fingerprint.</param>
    /// <param name="own">The certificate to show, with its key; null for none.</param>
    /// <param name="chain">What goes with it.</param>
    /// <param name="time">Judges the center's certificate.</param>
    public EstClient(Uri center, X509Certificate2Collection? roots, X509Certificate2? own, X509Certificate2Collection? chain, TimeProvider time)
    {
        var judge = roots is null ? null : new CertificateJudge(() => new TrustStore(roots), () => RevocationState.Empty, time);
#pragma warning disable CA2000 // the client disposes its handler
        _http = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false, UseProxy = false, ConnectTimeout = AgentLimits.EstTimeout,
            SslOptions = new SslClientAuthenticationOptions
            {
                EnabledSslProtocols = SslProtocols.Tls13, CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
                // Nothing is resumed on ports that ask for certificates; without this the platform keeps a TLS context for each certificate this process ever had.
                AllowTlsResume = false,
                ClientCertificateContext = own is null ? null : SslStreamCertificateContext.Create(own, chain ?? [], offline: true),
                RemoteCertificateValidationCallback = (_, certificate, sent, _) => judge is null || IsCenter(judge, certificate as X509Certificate2, sent, center.IdnHost),
            },
        }) { BaseAddress = center, Timeout = AgentLimits.EstTimeout, MaxResponseContentBufferSize = AgentLimits.EstBytes };
#pragma warning restore CA2000
    }

    /// <summary>Every authority the center hands out: roots and intermediates.</summary>
    /// <exception cref="AgentException">Not reached, or not an answer.</exception>
    public async Task<X509Certificate2Collection> AuthoritiesAsync(CancellationToken cancellationToken) => await AskAsync(async () =>
    {
        using var response = await _http.GetAsync("/.well-known/est/cacerts", cancellationToken);
        if (!response.IsSuccessStatusCode) throw new AgentException($"{_http.BaseAddress} gives no authorities: {(int)response.StatusCode}");
        var found = EstPayloads.ReadCertsOnly(await response.Content.ReadAsByteArrayAsync(cancellationToken));
        return found.Count > 0 ? found : throw new AgentException($"{_http.BaseAddress} answered cacerts with something that is no list of certificates");
    });

    public Task<EstAnswer> EnrolAsync(byte[] request, string name, string token, CancellationToken cancellationToken)
        => SendAsync("/.well-known/est/simpleenroll", request, new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{name}:{token}"))), cancellationToken);

    /// <summary>With the certificate of a maker of devices.</summary>
    public Task<EstAnswer> EnrolMadeAsync(byte[] request, CancellationToken cancellationToken) => SendAsync("/.well-known/est/simpleenroll", request, null, cancellationToken);

    public Task<EstAnswer> RenewAsync(byte[] request, CancellationToken cancellationToken) => SendAsync("/.well-known/est/simplereenroll", request, null, cancellationToken);

    /// <summary>What the device must know besides its certificate.</summary>
    public Task<HomeFacts> HomeAsync(CancellationToken cancellationToken) => AskAsync(async () =>
    {
        using var response = await _http.GetAsync("/api/v1/enrolments/home", cancellationToken);
        if (!response.IsSuccessStatusCode) throw new AgentException($"{_http.BaseAddress} does not say how this device is to run: {(int)response.StatusCode} {await LineOfAsync(response, cancellationToken)}");
        return await response.Content.ReadFromJsonAsync<HomeFacts>(cancellationToken) ?? throw new AgentException($"{_http.BaseAddress} answered with nothing");
    });

    public void Dispose() => _http.Dispose();

    /// <summary>A PKCS#10 request for this name, signed by the key (proof of possession).</summary>
    public static byte[] RequestFor(string name, ECDsa key) => new CertificateRequest(new X500DistinguishedName($"CN={name}"), key, HashAlgorithmName.SHA256).CreateSigningRequest();

    private Task<EstAnswer> SendAsync(string path, byte[] request, AuthenticationHeaderValue? authorization, CancellationToken cancellationToken) => AskAsync(async () =>
    {
        using var message = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(Convert.ToBase64String(request, Base64FormattingOptions.InsertLineBreaks)) };
        message.Content.Headers.ContentType = new(EstPayloads.RequestType);
        message.Content.Headers.Add("Content-Transfer-Encoding", "base64");
        message.Headers.Authorization = authorization;
        using var response = await _http.SendAsync(message, cancellationToken);
        if (response.StatusCode == HttpStatusCode.Accepted) return new(null, Later(response), null);
        if (response.StatusCode is HttpStatusCode.TooManyRequests or HttpStatusCode.ServiceUnavailable) return new(null, Later(response), null);
        if (!response.IsSuccessStatusCode) return new(null, null, await LineOfAsync(response, cancellationToken));
        var found = EstPayloads.ReadCertsOnly(await response.Content.ReadAsByteArrayAsync(cancellationToken));
        return found.Count > 0 ? new(found[0], null, null) : new EstAnswer(null, null, "the answer holds no certificate");
    });

    private static TimeSpan Later(HttpResponseMessage response)
        => response.Headers.RetryAfter?.Delta is { } after && after > TimeSpan.Zero && after < AgentLimits.LongestEstPause ? after : AgentLimits.LongestPause;

    private static async Task<string> LineOfAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var text = await response.Content.ReadAsStringAsync(cancellationToken);
        // Another program's answer is a stranger's text.
        return new string([.. text.Take(300).Select(c => char.IsControl(c) ? ' ' : c)]).Trim() is { Length: > 0 } line ? line : $"{(int)response.StatusCode} without a word";
    }

    private static bool IsCenter(CertificateJudge judge, X509Certificate2? certificate, X509Chain? sent, string host)
    {
        var verdict = judge.Judge(certificate, sent?.ChainPolicy.ExtraStore, CertificatePurpose.TlsServer);
        return verdict.Accepted && verdict.Identity!.Profile is null or CertificateProfile.Center && certificate!.MatchesHostname(host, allowWildcards: false, allowCommonName: false);
    }

    private async Task<T> AskAsync<T>(Func<Task<T>> ask)
    {
        try
        {
            return await ask();
        }
        catch (Exception e) when (e is HttpRequestException or IOException or JsonException)
        {
            throw new AgentException(e is HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError }
                ? $"{_http.BaseAddress} shows no certificate that leads to the root this device believes, or refuses the one of this device" : $"{_http.BaseAddress} cannot be reached: {e.Message}", e);
        }
        catch (TaskCanceledException e) when (e.InnerException is TimeoutException)
        {
            throw new AgentException($"{_http.BaseAddress} did not answer in time", e);
        }
    }
}

/// <summary>The center's word about a device: enough to make its directory.</summary>
internal sealed record HomeFacts(string Name, string Kind, string Broker, string Center, IReadOnlyList<string> Commands, string Roots, string Signer, string? Mqtt = null, bool BrokerIsElsewhere = false);
