using System.Net.Http.Headers;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Signet.Audit;

namespace Signet.Control;

/// <summary>Where a syslog collector listens (RFC 5425: syslog over TLS, octet counting).</summary>
/// <param name="Host">Name in its certificate.</param>
/// <param name="Port">6514 by custom.</param>
/// <param name="RootFile">PEM of the roots that its certificate must lead to; null: those of the operating system.</param>
public sealed record SyslogTarget(string Host, int Port, string? RootFile);

/// <summary>Where entries are posted.</summary>
/// <param name="Url">https.</param>
/// <param name="SecretFile">File (0600) with the key of the signature header; null: no header.</param>
/// <param name="RootFile">As <see cref="SyslogTarget"/>.</param>
public sealed record WebhookTarget(Uri Url, string? SecretFile, string? RootFile);

/// <summary>Somewhere entries are handed on to, in order, at least once.</summary>
internal interface IEntryTarget : IDisposable
{
    /// <summary>A file's name: the cursor is kept under it.</summary>
    string Name { get; }

    /// <exception cref="IOException">Not taken, or not known: send again.</exception>
    Task SendAsync(IReadOnlyList<AuditEntry> entries, CancellationToken cancellationToken);
}

internal sealed class SyslogSender(SyslogTarget target) : IEntryTarget
{
    private TcpClient? _client;
    private SslStream? _stream;

    public string Name => "syslog";

    public async Task SendAsync(IReadOnlyList<AuditEntry> entries, CancellationToken cancellationToken)
    {
        try
        {
            // The collector never speaks; what it has to say is that it closed.
            if (_stream is not null && _client!.Client.Poll(0, SelectMode.SelectRead)) Dispose();
            if (_stream is null) await ConnectAsync(cancellationToken);
            using var frames = new MemoryStream();
            foreach (var entry in entries) frames.Write(TextExport.SyslogFrame(entry, Environment.MachineName));
            await _stream!.WriteAsync(frames.GetBuffer().AsMemory(0, (int)frames.Length), cancellationToken);
            await _stream.FlushAsync(cancellationToken);
        }
        catch (Exception e) when (e is IOException or SocketException or AuthenticationException)
        {
            Dispose();
            throw new IOException($"{target.Host}:{target.Port}: {e.Message}", e);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        _stream?.Dispose();
        _client?.Dispose();
        (_stream, _client) = (null, null);
    }

    private async Task ConnectAsync(CancellationToken cancellationToken)
    {
        _client = new TcpClient();
        await _client.ConnectAsync(target.Host, target.Port, cancellationToken);
        _stream = new SslStream(_client.GetStream());
        await _stream.AuthenticateAsClientAsync(Roots.Options(target.Host, target.RootFile), cancellationToken);
    }
}

internal sealed class WebhookSender : IEntryTarget
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15); // chosen: a receiver that writes to a disk answers in one
    private readonly WebhookTarget _target;
    private readonly HttpClient _http;

    public WebhookSender(WebhookTarget target)
    {
        _target = target;
#pragma warning disable CA2000 // The client disposes it.
        _http = new HttpClient(new SocketsHttpHandler { SslOptions = Roots.Options(target.Url.Host, target.RootFile), AllowAutoRedirect = false, UseProxy = false }, disposeHandler: true) { Timeout = Patience };
#pragma warning restore CA2000
    }

    public string Name => "webhook";

    public async Task SendAsync(IReadOnlyList<AuditEntry> entries, CancellationToken cancellationToken)
    {
        var body = Encoding.UTF8.GetBytes(new JsonObject
        {
            ["first"] = entries[0].Sequence, ["last"] = entries[^1].Sequence,
            ["entries"] = new JsonArray([.. entries.Select(e => new JsonObject
            {
                ["seq"] = e.Sequence, ["time"] = e.Time.ToString("O"), ["type"] = e.Type, ["actor"] = e.Actor, ["subject"] = e.Subject, ["action"] = e.Action, ["outcome"] = e.Outcome, ["reason"] = e.Reason, ["details"] = e.Details.DeepClone(),
            })]),
        }.ToJsonString());
        using var content = new ByteArrayContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        if (_target.SecretFile is { } file) content.Headers.Add("X-Signet-Signature", "sha256=" + Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes((await File.ReadAllTextAsync(file, cancellationToken)).Trim()), body)));
        try
        {
            using var answer = await _http.PostAsync(_target.Url, content, cancellationToken);
            if (!answer.IsSuccessStatusCode) throw new IOException($"{_target.Url.Host} answered {(int)answer.StatusCode}");
        }
        catch (HttpRequestException e)
        {
            throw new IOException($"{_target.Url.Host}: {e.Message}", e);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new IOException($"{_target.Url.Host} did not answer within {Patience.TotalSeconds} s", e);
        }
    }

    public void Dispose() => _http.Dispose();
}

/// <summary>TLS towards somebody else's server: its name must stand in its certificate, which must lead to the given roots or to the operating system's.</summary>
internal static class Roots
{
    public static SslClientAuthenticationOptions Options(string host, string? rootFile)
    {
        var options = new SslClientAuthenticationOptions { TargetHost = host, EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13 };
        if (rootFile is null) return options;
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true };
        policy.CustomTrustStore.ImportFromPemFile(rootFile);
        options.CertificateChainPolicy = policy;
        return options;
    }
}
