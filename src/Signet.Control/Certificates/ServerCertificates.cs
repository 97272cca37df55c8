using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using Signet.Audit;
using Signet.Pki;

namespace Signet.Control;

/// <summary>
/// The center's own leaves in <c>pki/</c>: <c>command_center</c> (console, and client towards the broker), <c>mqtt_broker</c> (MQTT listener), <c>center_sign</c> (commands).
/// The TLS leaves are renewed when two thirds of their life are over; listeners ask for them at every handshake, so nobody is dropped.
/// </summary>
public sealed class ServerCertificates
{
    private readonly CertificateAuthority _authority;
    private readonly string _directory;
    private readonly IReadOnlyList<string> _hosts;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly AuditTrail _trail;
    private readonly Dictionary<string, DateTime> _seen = new(StringComparer.Ordinal);
    private volatile SslStreamCertificateContext _center;
    private volatile SslStreamCertificateContext _broker;

    internal ServerCertificates(CertificateAuthority authority, string directory, IReadOnlyList<string> hosts, TimeProvider time, ILogger logger, AuditTrail trail)
    {
        (_authority, _directory, _hosts, _time, _logger, _trail) = (authority, directory, hosts, time, logger, trail);
        _center = Load(CertificateProfile.Center, Actor.Center.Name);
        _broker = Load(CertificateProfile.Broker, BrokerName);
    }

    internal const string BrokerName = "mqtt_broker", SignerName = "center_sign";

    /// <summary>Certificate, key and intermediate of the console; ask anew for every handshake.</summary>
    public SslStreamCertificateContext Center => _center;

    /// <summary>The same of the MQTT listeners.</summary>
    public SslStreamCertificateContext Broker => _broker;

    /// <summary>Looks whether a leaf is due; called from time to time.</summary>
    internal void Renew()
    {
        if (IsDue(_center.TargetCertificate)) _center = Load(CertificateProfile.Center, Actor.Center.Name);
        if (IsDue(_broker.TargetCertificate)) _broker = Load(CertificateProfile.Broker, BrokerName);
    }

    /// <summary>New TLS leaves now, whatever the age of the present ones; connections that are open stay.</summary>
    internal void Reissue()
    {
        _center = Make(CertificateProfile.Center, Actor.Center.Name);
        _broker = Make(CertificateProfile.Broker, BrokerName);
    }

    /// <summary>One of them by name; false when it is none of ours.</summary>
    internal bool TryReissue(string name)
    {
        if (name == Actor.Center.Name) _center = Make(CertificateProfile.Center, name);
        else if (name == BrokerName) _broker = Make(CertificateProfile.Broker, name);
        else return false;
        return true;
    }

    /// <summary>Makes the three leaves of a new installation.</summary>
    internal static void Create(CertificateAuthority authority, string directory, IReadOnlyList<string> hosts)
    {
        foreach (var (profile, name) in new[] { (CertificateProfile.Center, Actor.Center.Name), (CertificateProfile.Broker, BrokerName) })
            using (var issued = authority.Issue(new(profile, name, hosts)))
                issued.Save(directory);
        using var signer = authority.Issue(new(CertificateProfile.CenterSign, SignerName, null, ControlLimits.CommandSignerLifetime));
        signer.Save(directory);
    }

    /// <summary>Takes files that somebody has replaced: from the next handshake on; open connections stay. A pair that is not whole yet is looked at again later.</summary>
    internal void ReloadChanged()
    {
        _center = Reloaded(_center, Actor.Center.Name);
        _broker = Reloaded(_broker, BrokerName);
    }

    private SslStreamCertificateContext Reloaded(SslStreamCertificateContext present, string name)
    {
        var path = Path.Combine(_directory, name);
        var written = File.GetLastWriteTimeUtc(path + ".crt");
        if (_seen.TryGetValue(name, out var seen) && seen == written) return present;
        if (TryRead(path) is not { } stored) return present;
        _seen[name] = written;
        if (stored.Thumbprint == present.TargetCertificate.Thumbprint) return present;
        Log.Reloaded(_logger, name, new DateTimeOffset(stored.NotAfter.ToUniversalTime()));
        _trail.Note(AuditTrail.Of(AuditTypes.Certificate, Actor.Center, name, "certificate-reloaded", details: new() { ["serial"] = CertificateFacts.Serial(stored) }));
        return Context(stored, path);
    }

    private SslStreamCertificateContext Load(CertificateProfile profile, string name)
    {
        var path = Path.Combine(_directory, name);
        KeyFile.RequirePrivate(path + ".key");
        if (TryRead(path) is { } stored && !IsDue(stored)) return Context(stored, path);
        // A pair that does not match is what a crash in the middle of a renewal leaves: made anew like one that is due.
        return Make(profile, name);
    }

    private SslStreamCertificateContext Make(CertificateProfile profile, string name)
    {
        var path = Path.Combine(_directory, name);
        using var issued = _authority.Issue(new(profile, name, _hosts));
        issued.Save(_directory);
        var ends = new DateTimeOffset(issued.Certificate.NotAfter.ToUniversalTime());
        Log.Renewed(_logger, name, ends);
        _trail.Note(AuditTrail.Of(AuditTypes.Certificate, Actor.Center, name, "certificate-renewed", details: new() { ["serial"] = issued.Serial }));
        return Context(TryRead(path) ?? throw new PkiException($"{path}.crt and {path}.key were written and cannot be read back"), path);
    }

    private static X509Certificate2? TryRead(string path)
    {
        try
        {
            return PemFile.ReadWithKey(path + ".crt", path + ".key");
        }
        catch (PkiException)
        {
            return null;
        }
    }

    // While a rotation overlaps, peers are sent the path to the oldest root that is relied on: every one of them knows it. A leaf of another authority brings its own path along.
    private SslStreamCertificateContext Context(X509Certificate2 leaf, string path)
        => SslStreamCertificateContext.Create(leaf, IssuerHere(leaf) is null ? [.. PemFile.Read(path + ".crt").Skip(1)] : _authority.Chain, offline: true);

    // A leaf of a former intermediate is due too: what is sent beside it would not fit. A foreign one is renewed by whoever made it.
    private bool IsDue(X509Certificate2 certificate) => IssuerHere(certificate) is { } issuer
        && (issuer.State != AuthorityState.Present || Lifetimes.IsDue(new(certificate.NotBefore.ToUniversalTime()), new(certificate.NotAfter.ToUniversalTime()), _time.GetUtcNow()));

    private AuthorityView? IssuerHere(X509Certificate2 leaf) => _authority.Overview().FirstOrDefault(a => !a.IsRoot && a.Certificate.SubjectName.RawData.AsSpan().SequenceEqual(leaf.IssuerName.RawData));
}

/// <summary>When a certificate is renewed.</summary>
internal static class Lifetimes
{
    /// <summary>Also what is not valid yet: it was made while the clock stood in the future.</summary>
    public static bool IsDue(DateTimeOffset starts, DateTimeOffset ends, DateTimeOffset now) => now < starts || now >= starts + ((ends - starts) * ControlLimits.RenewAfter);
}
