using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Signet.Access;
using Signet.Pki;

namespace Signet.Control;

/// <summary>
/// Keeps a RabbitMQ in step over its management API. It asks the center at each log-in and topic, but remembers a yes for as long as a connection lives, and keeps subscriptions for clients
/// that are away: so connections whose rights may be others are closed, and bindings that the policy no longer allows are taken off the queues.
/// </summary>
internal sealed class RabbitEnforcer : IEnforcer
{
    private const string Exchange = "amq.topic";
    private const string Vhost = "%2F";
    private readonly OtherBroker _options;
    private readonly ForeignBrokers _foreign;
    private readonly Func<AccessPolicy> _policy;
    private readonly Admitted _admitted;
    private readonly HttpClient? _http;
    private readonly Breaker _breaker;
    private readonly SemaphoreSlim _one = new(1);
    private Dictionary<string, string> _known = [];
    private bool _isForgetful;

    public RabbitEnforcer(OtherBroker options, ForeignBrokers foreign, Func<AccessPolicy> policy, Admitted admitted, CertificateJudge judge, TimeProvider time)
    {
        (_options, _foreign, _policy, _admitted, _breaker) = (options, foreign, policy, admitted, new(time));
        Address = options.Address ?? throw new ControlException("--broker rabbitmq needs broker:address, HOST:PORT of its MQTT listener: somebody else runs it");
        if (options.Management is not { } management) return;
        // Its password goes over this line.
        if (management.Scheme != Uri.UriSchemeHttps && !(IPAddress.TryParse(management.Host, out var ip) ? IPAddress.IsLoopback(ip) : management.Host == "localhost"))
            throw new ControlException($"broker:management must be https://: {management} would send the password in the clear");
        _http = new(new SocketsHttpHandler
        {
            AllowAutoRedirect = false, UseProxy = false, ConnectTimeout = ControlLimits.ManagementAnswer,
            SslOptions = new()
            {
                RemoteCertificateValidationCallback = (_, certificate, chain, errors) => !errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch)
                    && judge.Judge(certificate as X509Certificate2, chain?.ChainPolicy.ExtraStore, CertificatePurpose.TlsServer).Accepted,
            },
        }) { BaseAddress = management, Timeout = ControlLimits.ManagementAnswer };
    }

    public DnsEndPoint Address { get; }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _known = Known();
        return _http is null ? Task.CompletedTask : EnforceAsync([], policyChanged: true, cancellationToken);
    }

    public async Task<int> EnforceAsync(IReadOnlyList<string> closing, bool policyChanged, CancellationToken cancellationToken)
    {
        if (_http is null) return 0;
        await _one.WaitAsync(cancellationToken);
        try
        {
            var known = Known();
            // Until it has worked it must be tried again.
            _isForgetful |= policyChanged;
            var changed = _known.Where(k => known.GetValueOrDefault(k.Key) != k.Value).Select(k => k.Key).Concat(closing).ToHashSet(StringComparer.Ordinal);
            if (!_isForgetful && changed.Count == 0)
            {
                _known = known;
                return 0;
            }

            // What is due stays due. Whoever revokes or changes something is told at once instead of after three seconds, and the round tries now and then.
            if (!_breaker.MayAsk()) throw new ControlException($"RabbitMQ's management API at {_options.Management} has not answered {ControlLimits.BackendFailures} times in a row and is asked every {ControlLimits.BackendPause.TotalSeconds} s; open sessions of whoever was cut off may go on until it does");
            var closed = await CloseAsync(changed, known, cancellationToken);
            await UnbindAsync(cancellationToken);
            // Whoever came between the question and the answer.
            closed += await CloseAsync(changed.Where(name => !known.ContainsKey(name)).ToHashSet(StringComparer.Ordinal), known, cancellationToken, only: true);
            (_known, _isForgetful) = (known, false);
            _breaker.Worked();
            return closed;
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException or JsonException && !cancellationToken.IsCancellationRequested)
        {
            _breaker.Failed();
            throw new ControlException($"RabbitMQ's management API at {_options.Management} does not do what it is told ({e.Message}); open sessions of whoever was cut off may go on until it does", e);
        }
        finally
        {
            _one.Release();
        }
    }

    public ValueTask DisposeAsync()
    {
        _http?.Dispose();
        _one.Dispose();
        return ValueTask.CompletedTask;
    }

    // By the name in the certificate, which is all RabbitMQ knows: the certificates that are good for it.
    private Dictionary<string, string> Known() => _admitted.List().GroupBy(a => a.Principal.Name, StringComparer.Ordinal).ToDictionary(g => g.Key, g => string.Join(',', g.SelectMany(a => a.Thumbprints).Order(StringComparer.Ordinal)), StringComparer.Ordinal);

    private async Task<int> CloseAsync(HashSet<string> changed, Dictionary<string, string> known, CancellationToken cancellationToken, bool only = false)
    {
        var closed = 0;
        foreach (var open in await GetAsync<Connection[]>("api/connections?columns=name,user,protocol", cancellationToken) ?? [])
        {
            if (open.Protocol?.StartsWith("MQTT", StringComparison.Ordinal) != true || open.User is not { } user) continue;
            // The center's own line: its rights are fixed, and commands are under way on it.
            if (user == Actor.Center.Name && !changed.Contains(user)) continue;
            if (!changed.Contains(user) && (only || (!_isForgetful && known.ContainsKey(user)))) continue;
            if (await DeleteAsync($"api/connections/{Uri.EscapeDataString(open.Name)}", cancellationToken)) closed++;
        }

        return closed;
    }

    private async Task UnbindAsync(CancellationToken cancellationToken)
    {
        var gone = new HashSet<string>(StringComparer.Ordinal);
        foreach (var binding in await GetAsync<Binding[]>($"api/exchanges/{Vhost}/{Exchange}/bindings/source", cancellationToken) ?? [])
        {
            if (binding.DestinationType != "queue" || ForeignBrokers.ClientOfQueue(binding.Destination) is not { } client || gone.Contains(binding.Destination)) continue;
            var owner = _foreign.OwnerOf(client);
            if (owner is null)
            {
                // Nobody's any more: what waits in it is for nobody.
                gone.Add(binding.Destination);
                await DeleteAsync($"api/queues/{Vhost}/{Uri.EscapeDataString(binding.Destination)}", cancellationToken);
            }
            else if (!_foreign.Decide(owner, TopicAction.Subscribe, ForeignBrokers.TopicOfKey(binding.RoutingKey)).Allowed)
            {
                await DeleteAsync($"api/bindings/{Vhost}/e/{Exchange}/q/{Uri.EscapeDataString(binding.Destination)}/{Uri.EscapeDataString(binding.PropertiesKey)}", cancellationToken);
            }
        }
    }

    private async Task<T?> GetAsync<T>(string path, CancellationToken cancellationToken)
    {
        using var request = Request(HttpMethod.Get, path);
        using var answer = await _http!.SendAsync(request, cancellationToken);
        answer.EnsureSuccessStatusCode();
        return await answer.Content.ReadFromJsonAsync<T>(cancellationToken);
    }

    /// <returns>False: it was gone already, which is as good.</returns>
    private async Task<bool> DeleteAsync(string path, CancellationToken cancellationToken)
    {
        using var request = Request(HttpMethod.Delete, path);
        request.Headers.Add("X-Reason", "closed by Signet");
        using var answer = await _http!.SendAsync(request, cancellationToken);
        if (answer.StatusCode == HttpStatusCode.NotFound) return false;
        answer.EnsureSuccessStatusCode();
        return true;
    }

    private HttpRequestMessage Request(HttpMethod method, string path)
    {
        if (_options.ManagementPasswordFile is not { } file) throw new ControlException("broker:managementPasswordFile is not set: a file (0600) with the password for RabbitMQ's management API");
        KeyFile.RequirePrivate(file);
        var request = new HttpRequestMessage(method, path);
        request.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{_options.ManagementUser}:{File.ReadAllText(file).Trim()}")));
        return request;
    }

    private sealed record Connection([property: JsonPropertyName("name")] string Name, [property: JsonPropertyName("user")] string? User, [property: JsonPropertyName("protocol")] string? Protocol);

    private sealed record Binding(
        [property: JsonPropertyName("destination")] string Destination, [property: JsonPropertyName("destination_type")] string DestinationType,
        [property: JsonPropertyName("routing_key")] string RoutingKey, [property: JsonPropertyName("properties_key")] string PropertiesKey);
}
