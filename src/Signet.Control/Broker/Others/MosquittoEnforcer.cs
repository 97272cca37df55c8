using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Signet.Access;
using Signet.Audit;
using Signet.Pki;
using Signet.Store;

namespace Signet.Control;

/// <summary>
/// Keeps a Mosquitto in step over the files of its folder: <c>rules</c>, which Signet's plugin reads within a tenth of a second and answers in <c>seen</c>, and the revocation lists, which
/// are verified, renamed, signalled and proven with a revoked certificate.
/// </summary>
internal sealed class MosquittoEnforcer : IEnforcer
{
    private readonly OtherBroker _options;
    private readonly CenterOptions _center;
    private readonly string _pki;
    private readonly Func<AccessPolicy> _policy;
    private readonly Admitted _admitted;
    private readonly CertificateAuthority _authority;
    private readonly AuditTrail _trail;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly SemaphoreSlim _one = new(1);
    private MosquittoProcess? _process;
    // What is known to be in force there; null: nothing yet, or unknown since an attempt that failed.
    private string? _content;
    private bool _isSignalDue;
    private DateTime _certificateWritten;

    public MosquittoEnforcer(CenterOptions center, string data, string pki, Func<AccessPolicy> policy, Admitted admitted, CertificateAuthority authority, AuditTrail trail, TimeProvider time, ILogger logger)
    {
        (_center, _options, _pki, _policy, _admitted, _authority, _trail, _time, _logger) = (center, center.OtherBroker!, pki, policy, admitted, authority, trail, time, logger);
        Folder = Path.GetFullPath(_options.Directory ?? Path.Combine(data, "mosquitto"));
        Address = _options.Address ?? new(center.Listen.ToString(), center.MqttPort == 0 ? MosquittoProcess.FreePort(center.Listen) : center.MqttPort);
    }

    public DnsEndPoint Address { get; }

    public string Folder { get; }

    private string Rules => Path.Combine(Folder, "rules");

    private string Seen => Path.Combine(Folder, "seen");

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        PrivateDirectory.Create(Folder);
        PrivateDirectory.Create(Path.Combine(Folder, "persistence"));
        BrokerTrust.Write(_pki, Folder, _time);
        MakeCanary();
        var mark = WriteRules([]);
        if (_options.Address is null)
        {
            if (_options.Plugin is not { } plugin) throw new ControlException("--broker mosquitto needs Signet's plugin: build it with deploy/mosquitto/build.sh and name signet_mosquitto.so in broker:plugin");
            if (!File.Exists(plugin)) throw new ControlException($"there is no plugin {plugin}; build it with deploy/mosquitto/build.sh, or name another in broker:plugin");
            var conf = MosquittoConf.Write(Folder, $"{Address.Port} {_center.Listen}", Path.Combine(_pki, ServerCertificates.BrokerName), plugin, Environment.UserName == "root");
            await File.WriteAllTextAsync(Path.Combine(Folder, "mosquitto.conf"), conf, cancellationToken);
            _certificateWritten = CertificateWritten;
            _process = new(Folder, _trail, _time, _logger);
            await _process.StartAsync(Address, cancellationToken);
        }

        await SeenAsync(mark, cancellationToken);
        await KnockAsync(cancellationToken);
    }

    public async Task<int> EnforceAsync(IReadOnlyList<string> closing, bool policyChanged, CancellationToken cancellationToken)
    {
        var closed = 0;
        await _one.WaitAsync(cancellationToken);
        try
        {
            // The rules first: they act within a tenth of a second, and alone keep the revoked out.
            if (closing.Count > 0 || Content([]) != _content)
            {
                _content = null;
                var present = Content([]);
                closed = await SeenAsync(WriteRules(closing), cancellationToken);
                _content = present;
            }

            var renewed = _process is not null && CertificateWritten != _certificateWritten;
            _isSignalDue |= BrokerTrust.Write(_pki, Folder, _time) || renewed;
            if (!_isSignalDue) return closed;
            _certificateWritten = CertificateWritten;
            Signal();
            _isSignalDue = false;
            await KnockAsync(cancellationToken);
            return closed;
        }
        catch (PkiException e)
        {
            throw new ControlException(e.Message, e);
        }
        finally
        {
            _one.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null) await _process.DisposeAsync();
        _one.Dispose();
    }

    private DateTime CertificateWritten => File.GetLastWriteTimeUtc(Path.Combine(_pki, ServerCertificates.BrokerName + ".crt"));

    private string Content(IReadOnlyList<string> closing) => MosquittoRules.Content(_policy(), _admitted.List(), closing);

    private string WriteRules(IReadOnlyList<string> closing)
    {
        var mark = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        DurableFile.Replace(Rules, System.Text.Encoding.UTF8.GetBytes(MosquittoRules.Write(mark, Content(closing))), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
        return mark;
    }

    /// <returns>Sessions that the plugin closed when it took these rules.</returns>
    private async Task<int> SeenAsync(string mark, CancellationToken cancellationToken)
    {
        var until = _time.GetUtcNow() + ControlLimits.OtherBrokerInStep;
        while (true)
        {
            if (File.Exists(Seen) && await File.ReadAllTextAsync(Seen, cancellationToken) is [.., '\n'] seen && seen.StartsWith(mark + " ", StringComparison.Ordinal))
                return int.TryParse(seen.AsSpan(mark.Length + 1).TrimEnd(), NumberStyles.None, CultureInfo.InvariantCulture, out var closed) ? closed : 0;
            if (_time.GetUtcNow() > until) throw new ControlException($"Mosquitto has not taken {Rules} within {ControlLimits.OtherBrokerInStep.TotalSeconds} s: is it running, with Signet's plugin?");
            await Task.Delay(ControlLimits.OtherBrokerLook, _time, cancellationToken);
        }
    }

    private void Signal()
    {
        var pid = Path.Combine(Folder, "mosquitto.pid");
        if (!File.Exists(pid) || !int.TryParse(File.ReadAllText(pid).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var process) || !MosquittoProcess.IsMosquitto(process))
            throw new ControlException($"{pid} names no running Mosquitto: it has the new lists and does not know it");
        MosquittoProcess.HangUp(process);
    }

    private async Task KnockAsync(CancellationToken cancellationToken)
    {
        var host = Address.Host is "0.0.0.0" or "::" ? "127.0.0.1" : Address.Host;
        if (await CrlCanary.KnockAsync(Folder, host, Address.Port, cancellationToken) is not (CanaryAnswer.LetIn and var answer)) return;
        _trail.Note(AuditTrail.Of(AuditTypes.Security, Actor.Center, "mosquitto", "broker-fails-open", "failed", "revoked-certificate-accepted", new() { ["folder"] = Folder, ["answer"] = Words.Of(answer) }));
        Log.OtherBrokerAlarm(_logger, "Mosquitto lets a revoked certificate through its handshake although its list is sound; the rules keep it out; restart it");
    }

    // For nobody, and revoked at once: whoever still lets it in does not look at the list.
    private void MakeCanary()
    {
        var path = Path.Combine(Folder, "canary");
        if (File.Exists(path + ".crt") && File.Exists(path + ".key"))
        {
            using var present = PemFile.ReadWithKey(path + ".crt", path + ".key");
            if (present.NotAfter.ToUniversalTime() > _time.GetUtcNow().AddDays(30).UtcDateTime && _authority.Find(CertificateFacts.Serial(present)) is { IsRevoked: true }) return;
        }

        using var issued = _authority.Issue(new(CertificateProfile.User, "crl-canary"));
        _authority.Revoke([CertificateFacts.Serial(issued.Certificate)], RevocationReason.CessationOfOperation);
        issued.Save(Folder);
        File.Move(Path.Combine(Folder, "crl-canary.crt"), path + ".crt", overwrite: true);
        File.Move(Path.Combine(Folder, "crl-canary.key"), path + ".key", overwrite: true);
        BrokerTrust.Write(_pki, Folder, _time);
    }
}
