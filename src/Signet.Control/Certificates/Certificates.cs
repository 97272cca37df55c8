using Signet.Access;
using Signet.Audit;
using Signet.Mqtt.Broker;
using Signet.Pki;
using Signet.Wire;

namespace Signet.Control;

/// <summary>What a revocation did.</summary>
/// <param name="Serials">That were revoked by this call.</param>
/// <param name="Closed">Live sessions that were cut.</param>
public sealed record RevocationReport(IReadOnlyList<string> Serials, int Closed, long CrlNumber);

/// <summary>Certificates as people handle them: every act is authorised and audited, and revoking cuts live sessions.</summary>
public sealed class Certificates
{
    private const string UnknownKind = "device"; // of one that joined with nothing but a certificate
    private readonly CertificateAuthority _authority;
    private readonly Roster _roster;
    private readonly ControlDatabase _database;
    private readonly AuditTrail _trail;
    private readonly Administration _administration;
    private readonly SessionCutter _sessions;
    private readonly TimeProvider _time;

    internal Certificates(CertificateAuthority authority, Roster roster, ControlDatabase database, AuditTrail trail, Administration administration, SessionCutter sessions, TimeProvider time)
        => (_authority, _roster, _database, _trail, _administration, _sessions, _time) = (authority, roster, database, trail, administration, sessions, time);

    /// <summary>Raised after a revocation is in force: for listeners of one's own (console sessions, event streams). Do not block.</summary>
    public event Action<RevocationReport>? Revoked;

    /// <summary>Everything issued, newest first.</summary>
    public IReadOnlyList<LedgerEntry> List() => [.. _authority.Ledger.Reverse()];

    /// <summary>
    /// Issues a leaf with a new key for somebody to carry away. A device's certificate is enrolled too: the fleet admits it. A device that was unknown joins the
    /// fleet with it, without a home here (its only key is the one carried away) and without commands until somebody allows some.
    /// </summary>
    public Task<Outcome<IssuedCertificate>> IssueAsync(CertificateRequestSpec spec, Actor actor, CancellationToken cancellationToken = default) => _administration.ChangeAsync<IssuedCertificate>(async () =>
    {
        var joins = spec.Profile is CertificateProfile.Device && _roster.Find(spec.Name) is null;
        if (joins && !Topics.IsDeviceName(spec.Name)) return new Refusal(RefusalCode.BadInput, $"'{spec.Name}' is no name for a device: 1 to 63 of the characters a-z 0-9 . _ -, beginning with a letter or digit");
        if (joins && _roster.Count().Known >= ControlLimits.Devices) return new Refusal(RefusalCode.BadInput, $"a fleet holds {ControlLimits.Devices} devices");
        var permit = await _trail.PermitAsync(actor, Act.IssueCertificate, AuditTrail.Of(AuditTypes.Certificate, actor, spec.Name, "certificate-issued", details: new()
        {
            ["profile"] = Words.Of(spec.Profile), ["joins"] = joins,
        }), cancellationToken);
        if (!permit.TryGet(out _, out var refusal)) return refusal;
        try
        {
            var issued = _authority.Issue(spec);
            if (spec.Profile is not CertificateProfile.Device) return issued;
            var certificate = DeviceCertificate.Of(issued.Certificate);
            if (joins)
            {
                var member = new Member(spec.Name, UnknownKind, "", [], enabled: true, _time.GetUtcNow());
                member.Certificates.Add(certificate);
                await _database.WriteAsync(c => FleetStore.Insert(c, member), cancellationToken);
                _roster.Put(member);
                return issued;
            }

            await _database.WriteAsync(c => FleetStore.Insert(c, spec.Name, certificate), cancellationToken);
            _roster.ChangeCertificates(spec.Name, certificate, _ => false);
            return issued;
        }
        catch (ArgumentException e)
        {
            return new Refusal(RefusalCode.BadInput, e.Message);
        }
    }, cancellationToken);

    /// <summary>Revokes one serial, or all certificates of a name, and closes their sessions. The center's own need <paramref name="confirmed"/>.</summary>
    public Task<Outcome<RevocationReport>> RevokeAsync(string serialOrName, RevocationReason reason, Actor actor, bool confirmed = false, CancellationToken cancellationToken = default) => _administration.ChangeAsync<RevocationReport>(async () =>
    {
        var entries = _authority.Find(serialOrName) is { } one ? [one] : _authority.FindByName(serialOrName);
        var open = entries.Where(e => !e.IsRevoked).ToList();
        if (entries.Count == 0) return new Refusal(RefusalCode.NotFound, $"no certificate has the serial or name '{serialOrName}'");
        if (open.Count == 0) return new Refusal(RefusalCode.Conflict, $"{serialOrName} is revoked already, since {entries.Max(e => e.RevokedAt)!.Value.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC");
        if (!confirmed && open.Any(e => e.Profile is not (CertificateProfile.Device or CertificateProfile.DeviceSealing or CertificateProfile.User)))
            return new Refusal(RefusalCode.BadInput, $"{serialOrName} is one of the center's own certificates: without it the center cannot work; confirm it if that is meant");

        var serials = open.Select(e => e.Serial).ToList();
        var permit = await _trail.PermitAsync(actor, Act.RevokeCertificate, AuditTrail.Of(AuditTypes.Certificate, actor, open[0].Name, "certificate-revocation", "requested", Words.Of(reason), new()
        {
            ["serials"] = string.Join(' ', serials),
        }) with { Emergency = true }, cancellationToken);
        if (!permit.TryGet(out _, out var refusal)) return refusal;

        var result = _authority.Revoke(serials, reason);
        if (result.Outcome != RevocationOutcome.Done) return new Refusal(RefusalCode.Conflict, result.Detail);
        foreach (var entry in open.Where(e => e.Profile == CertificateProfile.Device))
            _roster.ChangeCertificates(entry.Name, null, c => c.Thumbprint == entry.Thumbprint);
        var closed = _sessions.Cut(s => IsOneOf(s, serials), "certificate revoked", purge: true);
        await _trail.TryAppendAsync(AuditTrail.Of(AuditTypes.Certificate, actor, open[0].Name, "certificate-revoked", "success", Words.Of(reason), new()
        {
            ["serials"] = string.Join(' ', serials), ["closed"] = closed, ["crl"] = result.CrlNumber,
        }) with { Emergency = true }, cancellationToken);
        var report = new RevocationReport(serials, closed, result.CrlNumber ?? 0);
        Revoked?.Invoke(report);
        // Last: signet.db only repeats what the authority's ledger holds, and a start puts them together again.
        await _database.WriteAsync(c => open.ForEach(e => FleetStore.Retire(c, e.Thumbprint, _time.GetUtcNow())), cancellationToken);
        return report;
    }, cancellationToken);

    /// <summary>The center's own, the authorities' and the devices' that end soonest; the newest of each name.</summary>
    internal IReadOnlyList<CertificateEnd> Ends()
    {
        var newest = _authority.Ledger.Where(e => !e.IsRevoked).GroupBy(e => (e.Profile, e.Name)).Select(g => g.MaxBy(e => e.NotAfter)!).OrderBy(e => e.NotAfter).ToList();
        return [.. newest.Where(e => e.Profile is not CertificateProfile.Device).Concat(newest.Where(e => e.Profile is CertificateProfile.Device).Take(5))
            .OrderBy(e => e.NotAfter).Select(e => new CertificateEnd(e.Name, Words.Of(e.Profile), e.Serial, e.NotAfter))];
    }

    private static bool IsOneOf(SessionInfo session, List<string> serials) => session.ClientCertificate is { } certificate && serials.Contains(CertificateFacts.Serial(certificate), StringComparer.Ordinal);
}
