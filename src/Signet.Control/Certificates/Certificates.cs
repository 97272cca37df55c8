using System.Security.Cryptography;
using Signet.Access;
using Signet.Audit;
using Signet.Pki;
using Signet.Wire;

namespace Signet.Control;

/// <summary>A certificate that took another's place.</summary>
/// <param name="Issued">With its new key; null for the center's own, which keeps it.</param>
public sealed record RenewedCertificate(LedgerEntry Entry, IssuedCertificate? Issued);

/// <summary>Certificates as people handle them: every act is authorised and audited, and revoking cuts live sessions.</summary>
public sealed partial class Certificates
{
    private const string UnknownKind = "device"; // of one that joined with nothing but a certificate
    private readonly CertificateAuthority _authority;
    private readonly Roster _roster;
    private readonly ControlDatabase _database;
    private readonly AuditTrail _trail;
    private readonly Administration _administration;
    private readonly SessionCutter _sessions;
    private readonly TimeProvider _time;
    private readonly RandomNumberGenerator _random;
    private readonly Func<EvidenceSigner> _evidence;
    private readonly CertificateConnections _connections;
    private readonly ServerCertificates _servers;

    internal Certificates(CertificateAuthority authority, Roster roster, ControlDatabase database, AuditTrail trail, Administration administration, SessionCutter sessions,
        CertificateConnections connections, Func<EvidenceSigner> evidence, ServerCertificates servers, TimeProvider time, RandomNumberGenerator random)
        => (_authority, _roster, _database, _trail, _administration, _sessions, _connections, _evidence, _servers, _time, _random) =
            (authority, roster, database, trail, administration, sessions, connections, evidence, servers, time, random);

    // The ledger gives the same list until it changes: ten thousand rows are not put in order, nor looked through, for each page.
    private readonly Kept<IReadOnlyList<LedgerEntry>, IReadOnlyList<LedgerEntry>> _newestFirst = new();
    private readonly KeptPerScope<(IReadOnlyList<LedgerEntry> Of, long Placing), IReadOnlyList<LedgerEntry>> _within = new();
    private readonly KeptPerScope<IReadOnlyList<LedgerEntry>, IReadOnlyList<CertificateEnd>> _ends = new();
    private readonly Kept<(IReadOnlyList<LedgerEntry> Of, long Minute), IReadOnlyList<LedgerEntry>> _ending = new();

    /// <summary>Everything issued, newest first; of one second by issuer and serial.</summary>
    public IReadOnlyList<LedgerEntry> List() => _newestFirst.Of(_authority.Ledger, ledger =>
    {
        var sorted = ledger.ToArray();
        Array.Sort(sorted, NewestFirst);
        return sorted;
    });

    private static readonly Comparison<LedgerEntry> NewestFirst = (one, other) => other.IssuedAt.CompareTo(one.IssuedAt) is not 0 and var byTime ? byTime
        : string.CompareOrdinal(one.Issuer, other.Issuer) is not 0 and var byIssuer ? byIssuer : string.CompareOrdinal(one.Serial, other.Serial);

    /// <summary>Of <see cref="List()"/> what is about no device or about one in these groups; no group: everything. The same list until the ledger changes or a device comes, goes or changes its groups.</summary>
    internal IReadOnlyList<LedgerEntry> List(IReadOnlyList<string> groups) => groups.Count == 0 ? List() : _within.Of(groups, (List(), _roster.Placing), made =>
    {
        var names = _roster.In(groups);
        return [.. made.Of.Where(one => one.Profile is not (CertificateProfile.Device or CertificateProfile.DeviceSealing) || names.Contains(one.Name))];
    });

    /// <summary>Past two thirds of their life, ending within a month, without a successor; soonest first. Looked for once a minute.</summary>
    public IReadOnlyList<LedgerEntry> Ending() => _ending.Of((_authority.Ledger, _time.GetUtcNow().Ticks / TimeSpan.TicksPerMinute), _ =>
    {
        var now = _time.GetUtcNow();
        return _authority.Expiring(TimeSpan.FromDays(ControlLimits.EndDays[0]), one => now < one.NotAfter && Lifetimes.IsDue(one.NotBefore, one.NotAfter, now));
    });

    /// <summary>
    /// Issues a leaf with a new key for somebody to carry away. A device's certificate is enrolled too: the fleet admits it. A device that was unknown joins the
    /// fleet with it, without a home here (its only key is the one carried away) and without commands until somebody allows some.
    /// </summary>
    public Task<Outcome<IssuedCertificate>> IssueAsync(CertificateRequestSpec spec, Actor actor, CancellationToken cancellationToken = default) => IssueAsync(spec, null, actor, cancellationToken);

    /// <summary>The same for a key that stays with its owner: the request gives the key and proves that its sender has it; name, profile and hosts are those of <paramref name="spec"/>.</summary>
    /// <param name="spec">What is certified.</param>
    /// <param name="request">PKCS#10: DER, PEM or base64.</param>
    /// <param name="actor">Who orders it.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public Task<Outcome<IssuedCertificate>> IssueForAsync(CertificateRequestSpec spec, ReadOnlyMemory<byte> request, Actor actor, CancellationToken cancellationToken = default)
    {
        try
        {
            if (!SigningRequest.TryRead(request.Span, out var read, out var refusal, out var detail) || (refusal = _authority.Check(read, spec, out detail)) != RequestRefusal.None)
                return Task.FromResult<Outcome<IssuedCertificate>>(new Refusal(RefusalCode.BadInput, $"the request is refused ({Words.Of(refusal)}): {detail}"));
            return IssueAsync(spec, read, actor, cancellationToken);
        }
        catch (ArgumentException e)
        {
            return Task.FromResult<Outcome<IssuedCertificate>>(new Refusal(RefusalCode.BadInput, Words.Of(e)));
        }
    }

    private Task<Outcome<IssuedCertificate>> IssueAsync(CertificateRequestSpec spec, SigningRequest? request, Actor actor, CancellationToken cancellationToken) => _administration.ChangeAsync<IssuedCertificate>(async () =>
    {
        var joins = spec.Profile is CertificateProfile.Device && _roster.Find(spec.Name) is null;
        if (joins && !Topics.IsDeviceName(spec.Name)) return new Refusal(RefusalCode.BadInput, $"'{spec.Name}' is no name for a device: 1 to 63 of the characters a-z 0-9 . _ -, beginning with a letter or digit");
        if (joins && _roster.Count().Known >= ControlLimits.Devices) return new Refusal(RefusalCode.BadInput, $"a fleet holds {ControlLimits.Devices} devices");
        var permit = await _trail.PermitAsync(actor, Act.IssueCertificate, AuditTrail.Of(AuditTypes.Certificate, actor, spec.Name, "certificate-issued", details: new()
        {
            ["profile"] = Words.Of(spec.Profile), ["joins"] = joins, ["key"] = request is null ? "made here" : CertificateFacts.KeyThumbprint(request.Key),
        }), cancellationToken);
        if (!permit.TryGet(out _, out var refusal)) return refusal;
        try
        {
            var issued = request is null ? _authority.Issue(spec) : _authority.IssueFor(spec, request.Key);
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
            return new Refusal(RefusalCode.BadInput, Words.Of(e));
        }
    }, cancellationToken);

    /// <summary>
    /// A new certificate like the newest of that name: profile, name and hosts. The center's own TLS leaves are taken into use at once; for others the new key goes to whoever asks.
    /// The former one stays good until it ends.
    /// </summary>
    public async Task<Outcome<RenewedCertificate>> RenewAsync(string serialOrName, Actor actor, CancellationToken cancellationToken = default)
    {
        if (!RevocationTarget.Of(serialOrName).Find(_authority).TryGet(out var entries, out var unknown)) return unknown;
        var newest = entries.MaxBy(e => e.NotAfter)!;
        if (newest.IsRevoked) return new Refusal(RefusalCode.Conflict, $"{newest.Serial} is revoked ({Words.Of(newest.Reason ?? RevocationReason.Unspecified)}); issue a new one instead");
        switch (newest.Profile)
        {
            case CertificateProfile.Center or CertificateProfile.Broker when newest.Name == Actor.Center.Name || newest.Name == ServerCertificates.BrokerName:
                return await _administration.ChangeAsync<RenewedCertificate>(async () =>
                {
                    var permit = await _trail.PermitAsync(actor, Act.IssueCertificate, AuditTrail.Of(AuditTypes.Certificate, actor, newest.Name, "certificate-renewal"), cancellationToken);
                    if (!permit.TryGet(out _, out var refusal)) return refusal;
                    _servers.TryReissue(newest.Name);
                    return new RenewedCertificate(_authority.FindByName(newest.Name).MaxBy(e => e.IssuedAt)!, null);
                }, cancellationToken);
            case CertificateProfile.Device or CertificateProfile.DeviceSealing or CertificateProfile.User or CertificateProfile.Broker or CertificateProfile.Proxy:
                using (var old = _authority.Certificate(newest.Serial))
                {
                    var hosts = newest.Profile is CertificateProfile.Broker or CertificateProfile.Proxy && old is not null ? CertificateAuthority.HostsOf(old) : null;
                    return (await IssueAsync(new(newest.Profile, newest.Name, hosts), actor, cancellationToken)).TryGet(out var issued, out var refused)
                        ? new RenewedCertificate(_authority.Find(issued.Serial)!, issued) : refused;
                }

            default:
                return new Refusal(RefusalCode.BadInput, $"a {Words.Of(newest.Profile)} certificate is not renewed this way{(newest.Profile == CertificateProfile.CenterSign ? "; make another with `signet ca rotate --signer`" : "")}");
        }
    }

    /// <summary>The center's own, the authorities' and the devices' that end soonest; the newest of each name. Asked for by every home page, about page and probe.</summary>
    /// <param name="groups">What whoever asks is limited to; none: everything.</param>
    internal IReadOnlyList<CertificateEnd> Ends(IReadOnlyList<string> groups) => _ends.Of(groups, groups.Count == 0 ? _authority.Ledger : List(groups), seen =>
    {
        var newest = seen.Where(e => !e.IsRevoked).GroupBy(e => (e.Profile, e.Name)).Select(g => g.MaxBy(e => e.NotAfter)!).OrderBy(e => e.NotAfter).ToList();
        return [.. newest.Where(e => e.Profile is not CertificateProfile.Device).Concat(newest.Where(e => e.Profile is CertificateProfile.Device).Take(5))
            .OrderBy(e => e.NotAfter).Select(e => new CertificateEnd(e.Name, Words.Of(e.Profile), e.Serial, e.NotAfter))];
    });
}
