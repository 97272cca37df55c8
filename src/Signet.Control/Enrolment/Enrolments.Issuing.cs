using System.Security.Cryptography.X509Certificates;
using Signet.Audit;
using Signet.Pki;
using Signet.Store;
using Signet.Wire;

namespace Signet.Control;

/// <content>What a request meets, in this order: 1 who sends it; 2 is it well formed and signed by its key; 3 is it for what the sender was admitted to; 4 a person, if one must look; 5 token used up, issued, enrolled.</content>
public sealed partial class Enrolments
{
    /// <summary>First enrolment with a token.</summary>
    /// <param name="request">PKCS#10: DER, PEM or base64.</param>
    /// <param name="token"><c>ID.SECRET</c>.</param>
    /// <param name="source">Address it came from.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public async Task<EnrolmentAnswer> EnrolAsync(ReadOnlyMemory<byte> request, string token, string source, CancellationToken cancellationToken = default)
    {
        switch (_tokens.Check(token, source, out var found))
        {
            case TokenRefusal.RateLimited: return Refused("", source, 429, "rate-limited", "too many wrong tokens; try again in a quarter of an hour");
            case TokenRefusal.Used: return Refused("", source, 401, "token-used", "this token was used before: each is good for one certificate");
            case TokenRefusal.Expired: return Refused("", source, 401, "token-expired", "this token has ended; ask for a new one");
            case TokenRefusal.Unknown: return Refused("", source, 401, "token-unknown", "this token is not known");
        }

        var admitted = found!.Admits;
        if (admitted.Profile == CertificateProfile.Device && _roster.Find(admitted.Name) is { Enabled: false }) return Refused(admitted.Name, source, 403, "device-disabled", $"{admitted.Name} is disabled");
        return await GuardedAsync(request, admitted, source, found.Id, found.NeedsApproval, () => _tokens.Use(found), _purposes[found.Id], null, cancellationToken);
    }

    /// <summary>First enrolment with a certificate of a maker that is known here. The name is the one in that certificate; one that is taken is never given again.</summary>
    public async Task<EnrolmentAnswer> EnrolMadeAsync(ReadOnlyMemory<byte> request, X509Certificate2 made, string source, CancellationToken cancellationToken = default)
    {
        if (MakerOf(made) is not { } maker) return Refused("", source, 403, "manufacturer-unknown", "no manufacturer known here made this certificate");
        if (KnownMaker.NameOf(made) is not { } name) return Refused("", source, 403, "foreign-name", "the manufacturer's certificate holds no common name that can be a device's name");
        if (_roster.Find(name) is not null) return Refused(name, source, 409, "already-enrolled", $"{name} is enrolled already: it renews with its own certificate, or somebody removes it first");
        return await GuardedAsync(request, new(CertificateProfile.Device, name), source, "manufacturer:" + maker.Maker.Name, maker.Maker.NeedsApproval, () => true,
            new(maker.Maker.Kind, maker.Maker.Commands ?? [], "", maker.Maker.Name), null, cancellationToken);
    }

    /// <summary>Renewal with the certificate that is renewed; also after its end, for a device that was away, and for nothing else.</summary>
    /// <param name="request">PKCS#10.</param>
    /// <param name="present">As the handshake has proved it.</param>
    /// <param name="source">Address it came from.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public async Task<EnrolmentAnswer> RenewAsync(ReadOnlyMemory<byte> request, X509Certificate2 present, string source, CancellationToken cancellationToken = default)
    {
        var verdict = _authority.Judge.Judge(present, null, CertificatePurpose.TlsClient);
        if (verdict.Refusal == CertificateRefusal.Expired) verdict = JudgeAbsent(present);
        if (!verdict.Accepted) return Refused(verdict.Identity?.Name ?? "", source, 403, $"certificate-{Words.Of(verdict.Refusal)}", verdict.Detail);
        var identity = verdict.Identity!;
        if (identity.Profile is not (CertificateProfile.Device or CertificateProfile.User or CertificateProfile.Broker)) return Refused(identity.Name, source, 403, "certificate-wrong-usage", "only devices, people and servers renew this way");
        if (identity.Profile == CertificateProfile.Device && !_roster.IsAdmitted(identity.Name, identity.Thumbprint, out var why)) return Refused(identity.Name, source, 403, why, $"{identity.Name} is not admitted: {why}");
        var hosts = identity.Profile == CertificateProfile.Broker ? CertificateAuthority.HostsOf(present) : null;
        return await GuardedAsync(request, new(identity.Profile.Value, identity.Name, hosts), source, "renewal", false, () => true, new("device", [], "", identity.Name), identity.Thumbprint, cancellationToken);
    }

    /// <summary>For the listener: is this an expired certificate with which a device may renew, and do nothing else?</summary>
    public CertificateVerdict JudgeAbsent(X509Certificate2 certificate) => _longestAbsence > TimeSpan.Zero
        ? _authority.Judge.JudgeForRenewal(certificate, null, _longestAbsence)
        : _authority.Judge.Judge(certificate, null, CertificatePurpose.TlsClient);

    /// <summary>A device connected: what its certificate took the place of opens no connection any more.</summary>
    internal void Used(string device, string thumbprint)
    {
        if (!_successors.TryRemove(thumbprint, out var replaced)) return;
        var superseded = _roster.Supersede(device, new HashSet<string>(StringComparer.Ordinal) { replaced });
        if (superseded.Count == 0) return;
        _trail.Note(AuditTrail.Of(AuditTypes.Certificate, Actor.Center, device, "certificate-superseded", details: new() { ["by"] = thumbprint }));
        _ = StoreAsync();

        async Task StoreAsync()
        {
            try
            {
                await _database.WriteAsync(c => { foreach (var one in superseded) FleetStore.Supersede(c, one, _time.GetUtcNow()); });
            }
            catch (StoreException)
            {
                // It ends by itself within days.
            }
        }
    }

    private async Task<EnrolmentAnswer> GuardedAsync(
        ReadOnlyMemory<byte> request, CertificateRequestSpec admitted, string source, string by, bool needsApproval, Func<bool> use, TokenPurpose purpose, string? replaces, CancellationToken cancellationToken)
    {
        if (!SigningRequest.TryRead(request.Span, out var read, out var refusal, out var detail)) return Refused(admitted.Name, source, 400, Words.Of(refusal), detail);
        if (_authority.Check(read, admitted, out detail) is var wrong and not RequestRefusal.None) return Refused(admitted.Name, source, 400, Words.Of(wrong), detail);
        var outcome = await _administration.ChangeAsync<EnrolmentAnswer>(async () =>
        {
            if (needsApproval && await WaitAsync(read, admitted, source, by, cancellationToken) is { } waits) return waits;
            var actor = new Actor(admitted.Name, Access.Role.Viewer, Actor.Device, source);
            var joins = admitted.Profile == CertificateProfile.Device && _roster.Find(admitted.Name) is null;
            if (joins && _roster.Count().Known >= ControlLimits.Devices) return Refused(admitted.Name, source, 503, "fleet-full", $"a fleet holds {ControlLimits.Devices} devices");
            if (joins && _database.Read(c => TakenNames.IsPerson(c, admitted.Name))) return Refused(admitted.Name, source, 409, "name-taken", $"there is an account '{admitted.Name}' already");
            var recorded = await _trail.TryAppendAsync(AuditTrail.Of(AuditTypes.Certificate, actor, admitted.Name, replaces is null ? "enrolled" : "re-enrolled", details: new()
            {
                ["profile"] = Words.Of(admitted.Profile), ["with"] = by, ["key"] = CertificateFacts.KeyThumbprint(read.Key), ["joins"] = joins,
            }), cancellationToken);
            if (!recorded.TryGet(out _, out var unavailable)) return unavailable;
            // Of any number of requests with one token exactly one passes here.
            if (!use()) return Refused(admitted.Name, source, 401, "token-used", "this token was used before: each is good for one certificate");
            using var issued = _authority.IssueFor(admitted, read.Key);
            if (admitted.Profile == CertificateProfile.Device) await AdmitAsync(admitted.Name, issued, joins, purpose, replaces);
            return EnrolmentAnswer.Of(X509CertificateLoader.LoadCertificate(issued.Certificate.RawData));
        }, cancellationToken);
        return outcome.TryGet(out var answer, out var failed) ? answer : EnrolmentAnswer.Refuse(failed.HttpStatus, failed.Name, failed.Message);
    }

    private async Task AdmitAsync(string name, IssuedCertificate issued, bool joins, TokenPurpose purpose, string? replaces)
    {
        var certificate = DeviceCertificate.Of(issued.Certificate);
        if (joins)
        {
            var member = new Member(name, purpose.Kind, purpose.Title, purpose.Commands, enabled: true, _time.GetUtcNow());
            member.Certificates.Add(certificate);
            await _database.WriteAsync(c => FleetStore.Insert(c, member), CancellationToken.None);
            _roster.Put(member);
            _roster.Change(name, _ => true); // tells the pages
            return;
        }

        await _database.WriteAsync(c => FleetStore.Insert(c, name, certificate), CancellationToken.None);
        _roster.ChangeCertificates(name, certificate, _ => false);
        if (replaces is not null) _successors[certificate.Thumbprint] = replaces;
    }

    // Null: somebody has approved exactly this key, and it may be issued now.
    private async Task<EnrolmentAnswer?> WaitAsync(SigningRequest request, CertificateRequestSpec admitted, string source, string by, CancellationToken cancellationToken)
    {
        var key = CertificateFacts.KeyThumbprint(request.Key);
        if (_requests.Values.FirstOrDefault(r => r.Key == key && r.Name == admitted.Name && r.Token == by) is { } known)
        {
            if (known.State == EnrolmentStore.RequestRow.Waiting) return EnrolmentAnswer.Waiting(ControlLimits.EnrolmentRetry);
            await _database.WriteAsync(c => EnrolmentStore.Decide(c, known.Id, EnrolmentStore.RequestRow.Collected, admitted.Name, _time.GetUtcNow()), cancellationToken);
            _requests.TryRemove(known.Id, out _);
            return null;
        }

        if (_requests.Count >= ControlLimits.WaitingRequests) return Refused(admitted.Name, source, 503, "too-many-waiting", "too many requests wait for a person");
        var row = new EnrolmentStore.RequestRow
        {
            Id = MessageId.New(_time, _random), Key = key, Token = by, Profile = (long)admitted.Profile, Name = admitted.Name, Csr = Convert.ToBase64String(request.Der.Span), Source = source,
            Arrived = _time.GetUtcNow().ToUnixTimeMilliseconds(),
        };
        await _database.WriteAsync(c => EnrolmentStore.Add(c, row), cancellationToken);
        _requests[row.Id] = row;
        _trail.Note(AuditTrail.Of(AuditTypes.Certificate, new(admitted.Name, Access.Role.Viewer, Actor.Device, source), admitted.Name, "enrolment-waiting", "requested", details: new() { ["key"] = key, ["with"] = by }));
        return EnrolmentAnswer.Waiting(ControlLimits.EnrolmentRetry);
    }

    private EnrolmentAnswer Refused(string name, string source, int status, string reason, string detail)
    {
        _repeated.Add(new(AuditTypes.AuthFail, name, "enrolment", "enrolment-refused", "refused", reason, new() { ["message"] = detail }) { Personal = new() { ["from"] = source } }, source);
        return EnrolmentAnswer.Refuse(status, reason, detail);
    }
}
