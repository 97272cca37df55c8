using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Signet.Access;
using Signet.Audit;
using Signet.Mqtt.Broker;
using Signet.Pki;
using Signet.Store;
using Signet.Wire;

namespace Signet.Control;

/// <summary>What a revocation did.</summary>
/// <param name="Id">Under which its evidence is found again.</param>
/// <param name="Serials">That were revoked by this call.</param>
/// <param name="Closed">Live sessions that were cut.</param>
/// <param name="CrlNumber">Of the list that carries it.</param>
/// <param name="Evidence">Signed by the center: compact JWS (<c>signet-revocation+jwt</c>), one a line.</param>
/// <param name="Detail">Something a person should know; empty when nothing is.</param>
public sealed record RevocationReport(string Id, IReadOnlyList<string> Serials, int Closed, long CrlNumber, string Evidence, string Detail);

/// <content>
/// Revoking, in this order: 1 authorise and put on record; 2 ledger, the state every handshake reads, and the published lists (<see cref="CertificateAuthority.Revoke(string, RevocationReason)"/>);
/// 3 the fleet's keys; 4 cut what is open, and wait until it has ended; 5 sign the evidence; 6 record. From 2 on nobody gets in, from 4 on nobody is in.
/// </content>
public sealed partial class Certificates
{
    private readonly ConcurrentDictionary<string, RevocationFacts> _watched = new(StringComparer.Ordinal);

    /// <summary>Raised after a revocation is in force: for listeners of one's own (console sessions, event streams). Do not block.</summary>
    public event Action<RevocationReport>? Revoked;

    /// <summary>Revokes one serial, or all certificates of a name, and ends what is open with them.</summary>
    public Task<Outcome<RevocationReport>> RevokeAsync(string serialOrName, RevocationReason reason, Actor actor, bool confirmed = false, CancellationToken cancellationToken = default)
        => RevokeAsync(RevocationTarget.Of(serialOrName), reason, actor, confirmed, cancellationToken);

    /// <summary>Revokes everything that is meant and ends what is open with it. The center's own certificates and the last administrator's need <paramref name="confirmed"/>.</summary>
    public Task<Outcome<RevocationReport>> RevokeAsync(RevocationTarget target, RevocationReason reason, Actor actor, bool confirmed = false, CancellationToken cancellationToken = default)
    {
        var requested = _time.GetUtcNow();
        return _administration.ChangeAsync<RevocationReport>(async () =>
        {
            if (!Enum.IsDefined(reason) || reason == RevocationReason.RemoveFromCrl) return new Refusal(RefusalCode.BadInput, "that is not a reason to revoke (RFC 5280, section 5.3.1)");
            if (!target.Find(_authority).TryGet(out var entries, out var unknown)) return unknown;
            // A hold may become final; what is revoked for good stays as it is.
            var open = entries.Where(e => !e.IsRevoked || (e.Reason == RevocationReason.CertificateHold && reason != RevocationReason.CertificateHold)).ToList();
            if (open.Count == 0)
                return new Refusal(RefusalCode.Conflict, $"{target} is revoked already, since {entries.Max(e => e.RevokedAt)?.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC ({string.Join(", ", entries.Select(e => Words.Of(e.Reason ?? RevocationReason.Unspecified)).Distinct(StringComparer.Ordinal))})");
            if (!confirmed && WhyConfirm(open) is { } why) return new Refusal(RefusalCode.ConfirmationNeeded, why);

            var permit = await _trail.PermitAsync(actor, Act.RevokeCertificate, AuditTrail.Of(AuditTypes.Certificate, actor, target.ToString(), "certificate-revocation", "requested", Words.Of(reason), new()
            {
                ["serials"] = Shortly([.. open.Select(e => e.Serial)]), ["count"] = open.Count,
            }) with { Emergency = true }, cancellationToken);
            return permit.TryGet(out _, out var refusal) ? await RevokeNowAsync(target.ToString(), open, reason, actor, requested, cancellationToken) : refusal;
        }, cancellationToken);
    }

    /// <summary>Undoes a hold: the certificate is good again, and the next lists say so.</summary>
    public Task<Outcome<LedgerEntry>> ReleaseAsync(string serialOrName, Actor actor, CancellationToken cancellationToken = default) => _administration.ChangeAsync<LedgerEntry>(async () =>
    {
        if (!RevocationTarget.Of(serialOrName).Find(_authority).TryGet(out var entries, out var unknown)) return unknown;
        var held = entries.Where(e => e.Reason == RevocationReason.CertificateHold).ToList();
        if (held.Count == 0)
            return new Refusal(RefusalCode.Conflict, entries.Exists(e => e.IsRevoked) ? $"{serialOrName} is revoked for good; only a hold can be undone" : $"{serialOrName} is not on hold");
        var permit = await _trail.PermitAsync(actor, Act.RevokeCertificate, AuditTrail.Of(AuditTypes.Certificate, actor, held[0].Name, "certificate-released", details: new()
        {
            ["serials"] = Shortly([.. held.Select(e => e.Serial)]),
        }), cancellationToken);
        if (!permit.TryGet(out _, out var refusal)) return refusal;
        foreach (var entry in held)
        {
            var result = _authority.Release(entry.Serial);
            if (result.Outcome != RevocationOutcome.Done) return new Refusal(RefusalCode.Conflict, result.Detail);
            _watched.TryRemove(entry.Serial, out _);
            if (entry.Profile != CertificateProfile.Device) continue;
            _roster.ReviveCertificate(entry.Name, entry.Thumbprint);
            await _database.WriteAsync(c => FleetStore.Revive(c, entry.Thumbprint), cancellationToken);
        }

        return _authority.Find(held[0].Serial)!;
    }, cancellationToken);

    /// <summary>The latest revocations, newest first, without their evidence.</summary>
    public Task<IReadOnlyList<RevocationRecord>> RevocationsAsync(CancellationToken cancellationToken = default)
        => Task.Run(() => _database.Read(c => RevocationStore.List(c, ControlLimits.RevocationsListed)), cancellationToken);

    /// <summary>One revocation with its evidence.</summary>
    public Task<RevocationRecord?> FindRevocationAsync(string id, CancellationToken cancellationToken = default) => Task.Run(() => _database.Read(c => RevocationStore.Find(c, id)), cancellationToken);

    /// <summary>What was asked for is permitted and on record: do it. Also for a device that is removed.</summary>
    internal async Task<Outcome<RevocationReport>> RevokeNowAsync(string subject, List<LedgerEntry> open, RevocationReason reason, Actor actor, DateTimeOffset requested, CancellationToken cancellationToken)
    {
        var result = _authority.Revoke([.. open.Select(e => e.Serial)], reason);
        if (result.Outcome != RevocationOutcome.Done) return new Refusal(RefusalCode.Conflict, result.Detail);
        var effective = _time.GetUtcNow();
        foreach (var device in open.Where(e => e.Profile == CertificateProfile.Device).GroupBy(e => e.Name, StringComparer.Ordinal))
        {
            var thumbprints = device.Select(e => e.Thumbprint).ToHashSet(StringComparer.Ordinal);
            _roster.ChangeCertificates(device.Key, null, c => thumbprints.Contains(c.Thumbprint));
        }

        // Whatever the door would refuse now is shown out: also everything below a revoked intermediate.
        var names = open.Select(e => e.Name).Distinct(StringComparer.Ordinal).Where(n => _authority.FindByName(n).All(e => e.IsRevoked)).ToHashSet(StringComparer.Ordinal);
        var broker = _sessions.CutAsync(s => IsRefused(s, names), "certificate revoked", CancellationToken.None);
        var others = _connections.CutAsync(IsRevoked, CancellationToken.None);
        CutSession[] cut = [.. (await broker).Select(Show), .. await others];

        var facts = new RevocationFacts(new(MessageId.New(_time, _random), requested, effective, actor.Name, Words.Of(actor.Role), Words.Of(reason), result.CrlNumber ?? 0, 1,
            [.. result.Entries.Select(e => new RevokedEntry(e.Serial, e.Issuer, e.Name, Words.Of(e.Profile)))], cut, []));
        foreach (var entry in result.Entries) _watched[entry.Serial] = facts;
        var evidence = _evidence().Sign(facts.Present);
        var report = new RevocationReport(facts.Present.Id, [.. result.Entries.Select(e => e.Serial)], cut.Length, result.CrlNumber ?? 0, evidence, result.Detail);
        Revoked?.Invoke(report);
        await _trail.TryAppendAsync(AuditTrail.Of(AuditTypes.Certificate, actor, subject, "certificate-revoked", "success", Words.Of(reason), new()
        {
            ["serials"] = Shortly(report.Serials), ["count"] = report.Serials.Count, ["closed"] = cut.Length, ["crl"] = result.CrlNumber,
            ["revocation"] = report.Id, ["evidence"] = DigestOf(evidence), ["milliseconds"] = (long)(_time.GetUtcNow() - requested).TotalMilliseconds,
        }) with { Emergency = true }, CancellationToken.None);
        // Last: signet.db only repeats what the authority's ledger holds, and a start puts them together again. A full disk does not undo a revocation.
        try
        {
            await _database.WriteAsync(c =>
            {
                RevocationStore.Save(c, facts.Present, facts.Write(), evidence);
                foreach (var entry in open) FleetStore.Retire(c, entry.Thumbprint, effective);
            }, CancellationToken.None);
        }
        catch (StoreException e)
        {
            facts.Keep();
            return report with { Detail = $"{report.Detail} The certificates are revoked; the evidence could not be stored yet: {e.Message}".Trim() };
        }

        return report;
    }

    /// <summary>Goes on watching for returns after a restart.</summary>
    internal void RestoreWatched()
    {
        foreach (var facts in _database.Read(c => RevocationStore.FactsSince(c, _time.GetUtcNow() - ControlLimits.ReturnsWatched)).Select(RevocationFacts.Read))
        {
            foreach (var certificate in facts.Present.Certificates) _watched[certificate.Serial] = facts;
        }
    }

    /// <summary>A listener turned away somebody with a revoked certificate. Any thread; never waits.</summary>
    public void Returned(X509Certificate2 certificate, string listener)
    {
        if (_watched.TryGetValue(CertificateFacts.Serial(certificate), out var facts)) facts.Returned(CertificateFacts.Serial(certificate), _time.GetUtcNow(), listener);
    }

    /// <summary>Signs anew what grew since the last round, and stops watching what is old.</summary>
    internal async Task RenewEvidenceAsync(CancellationToken cancellationToken)
    {
        var oldest = _time.GetUtcNow() - ControlLimits.ReturnsWatched;
        foreach (var (serial, old) in _watched)
        {
            if (old.Present.Requested < oldest) _watched.TryRemove(serial, out _);
        }

        foreach (var facts in _watched.Values.Distinct().Where(f => f.TakeDirty()))
        {
            var row = facts.Present;
            var evidence = _evidence().Sign(row);
            try
            {
                await _database.WriteAsync(c => RevocationStore.Save(c, row, facts.Write(), evidence), cancellationToken);
            }
            catch (StoreException)
            {
                facts.Keep();
                continue;
            }

            _trail.Note(AuditTrail.Of(AuditTypes.Certificate, Actor.Center, row.Certificates.Count == 1 ? row.Certificates[0].Name : row.Id, "revoked-return-refused", details: new()
            {
                ["revocation"] = row.Id, ["version"] = row.Version, ["returned"] = row.Refused.Count, ["evidence"] = DigestOf(evidence),
            }));
        }
    }

    private bool IsRefused(SessionInfo session, HashSet<string> names) => session.ClientCertificate is { } certificate
        ? IsRevoked(certificate)
        : !session.Connected && names.Contains(session.Identity.StartsWith(BrokerPolicy.PersonPrefix, StringComparison.Ordinal) ? session.Identity[BrokerPolicy.PersonPrefix.Length..] : session.Identity);

    private bool IsRevoked(X509Certificate2 certificate) => _authority.Judge.Judge(certificate, null, CertificatePurpose.TlsClient).Refusal == CertificateRefusal.Revoked;

    private string? WhyConfirm(List<LedgerEntry> open)
    {
        if (open.FirstOrDefault(e => e.Profile is not (CertificateProfile.Device or CertificateProfile.DeviceSealing or CertificateProfile.User)) is { } own)
            return $"{own.Name} ({Words.Of(own.Profile)}) is one of the center's own certificates: without it the center cannot work; confirm it if that is meant";
        var people = open.Where(e => e.Profile == CertificateProfile.User).Select(e => e.Name).ToHashSet(StringComparer.OrdinalIgnoreCase);
        return people.Count > 0 && _database.Read(Accounts.OnlyAdministrator) is { } last && people.Contains(last)
            ? $"{last} is the last administrator; confirm it if this certificate is to go all the same" : null;
    }

    private static CutSession Show(SeenCut cut) => new(
        cut.Session.ClientCertificate is { } certificate ? CertificateFacts.Serial(certificate) : "0", Plain(cut.Session.ClientId), cut.Session.Listener, cut.Closed,
        cut.Session.LastMessageIn, cut.Session.MessagesIn);

    // A client id is a stranger's text.
    private static string Plain(string text) => new([.. text.Where(c => !char.IsControl(c) && !char.IsSurrogate(c)).Take(WireLimits.WordCharacters)]);

    private static string Shortly(IReadOnlyList<string> serials) => string.Join(' ', serials.Take(ControlLimits.SerialsInEntry)) + (serials.Count > ControlLimits.SerialsInEntry ? " ..." : "");

    private static string DigestOf(string evidence) => System.Buffers.Text.Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(evidence)));
}
