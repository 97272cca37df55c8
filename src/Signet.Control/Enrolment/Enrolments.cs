using System.Collections.Concurrent;
using System.Security.Cryptography;
using Signet.Access;
using Signet.Audit;
using Signet.Pki;
using Signet.Wire;

namespace Signet.Control;

/// <summary>
/// How certificates come to those who keep their own keys: by a one-time token, by the certificate of a device's maker, or by the certificate it renews. The private key never comes here:
/// a request carries proof of it. What strangers send is answered with a reason and counted, never written at their pace.
/// </summary>
public sealed partial class Enrolments
{
    private readonly CertificateAuthority _authority;
    private readonly Roster _roster;
    private readonly ControlDatabase _database;
    private readonly AuditTrail _trail;
    private readonly RepeatedNotes _repeated;
    private readonly Administration _administration;
    private readonly TimeProvider _time;
    private readonly RandomNumberGenerator _random;
    private readonly TimeSpan _longestAbsence;
    private readonly EnrolmentTokens _tokens;
    private readonly ConcurrentDictionary<string, TokenPurpose> _purposes = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, EnrolmentStore.RequestRow> _requests = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, string> _successors = new(StringComparer.Ordinal); // new thumbprint -> the one it renews

    internal Enrolments(CertificateAuthority authority, Roster roster, ControlDatabase database, AuditTrail trail, RepeatedNotes repeated, Administration administration, TimeSpan longestAbsence,
        TimeProvider time, RandomNumberGenerator random)
    {
        (_authority, _roster, _database, _trail, _repeated, _administration, _longestAbsence, _time, _random) = (authority, roster, database, trail, repeated, administration, longestAbsence, time, random);
        _tokens = new(time, random);
        var stored = database.Read(EnrolmentStore.Tokens);
        foreach (var (token, purpose) in stored) _purposes[token.Id] = purpose;
        _tokens.Restore(stored.Select(s => s.Token));
        // A token counts as new or used only when that is on the disk.
        _tokens.Changed += token => _database.WriteAsync(c => EnrolmentStore.Save(c, token, _purposes[token.Id], _time.GetUtcNow())).GetAwaiter().GetResult();
        foreach (var request in database.Read(EnrolmentStore.Requests)) _requests[request.Id] = request;
        LoadMakers();
    }

    /// <summary>Admits one certificate of one name. The token is in the answer and nowhere else.</summary>
    public Task<Outcome<EnrolmentInvitation>> InviteAsync(NewEnrolment wanted, Actor actor, CancellationToken cancellationToken = default) => _administration.ChangeAsync<EnrolmentInvitation>(async () =>
    {
        if (WhyNot(wanted) is { } why) return new Refusal(RefusalCode.BadInput, why);
        var commands = wanted.Commands ?? DeviceKinds.Commands.GetValueOrDefault(wanted.Kind) ?? [];
        var permit = await _trail.PermitAsync(actor, wanted.Profile == CertificateProfile.Device ? Act.ManageDevices : Act.IssueCertificate, AuditTrail.Of(AuditTypes.Certificate, actor, wanted.Name, "enrolment-invited", details: new()
        {
            ["profile"] = Words.Of(wanted.Profile), ["kind"] = wanted.Kind, ["approval"] = wanted.NeedsApproval,
        }), cancellationToken);
        if (!permit.TryGet(out _, out var refusal)) return refusal;
        var spec = new CertificateRequestSpec(wanted.Profile, wanted.Name, wanted.Hosts);
        var purpose = new TokenPurpose(wanted.Kind, commands, wanted.Title, actor.Name);
        var (token, text) = _tokens.Create(spec, wanted.Lifetime ?? ControlLimits.EnrolmentLifetime, wanted.NeedsApproval, made => _purposes[made.Id] = purpose);
        return new EnrolmentInvitation(token.Id, wanted.Name, text, token.Expires, token.NeedsApproval);
    }, cancellationToken);

    /// <summary>Tokens that were not used yet, or lately.</summary>
    public IReadOnlyList<EnrolmentTokenView> Tokens() => [.. _tokens.All.Select(t => new EnrolmentTokenView(t.Id, t.Admits.Name, Words.Of(t.Admits.Profile), _purposes[t.Id].Kind, t.Expires, t.NeedsApproval, t.UsedAt, _purposes[t.Id].By))
        .OrderByDescending(t => t.Expires)];

    /// <summary>Takes an invitation back.</summary>
    public Task<Outcome<EnrolmentTokenView>> CancelAsync(string id, Actor actor, CancellationToken cancellationToken = default) => _administration.ChangeAsync<EnrolmentTokenView>(async () =>
    {
        if (Tokens().FirstOrDefault(t => t.Id == id) is not { } token) return new Refusal(RefusalCode.NotFound, $"there is no invitation '{id}'");
        var permit = await _trail.PermitAsync(actor, Act.ManageDevices, AuditTrail.Of(AuditTypes.Certificate, actor, token.Name, "enrolment-cancelled") with { Emergency = true }, cancellationToken);
        if (!permit.TryGet(out _, out var refusal)) return refusal;
        await _database.WriteAsync(c => EnrolmentStore.Forget(c, id), cancellationToken);
        _tokens.Forget(id);
        return token;
    }, cancellationToken);

    /// <summary>Requests that wait for a person, oldest first.</summary>
    public IReadOnlyList<WaitingRequest> Waiting() => [.. _requests.Values.OrderBy(r => r.Id, StringComparer.Ordinal).Select(r => new WaitingRequest(
        r.Id, r.Name, Words.Of((CertificateProfile)r.Profile), r.Key, r.Source, r.Arrived.ToTime(), r.Token, r.State == EnrolmentStore.RequestRow.Waiting ? "waiting" : "approved"))];

    /// <summary>Approves a request (it is issued when its sender asks again) or refuses it.</summary>
    public Task<Outcome<WaitingRequest>> DecideAsync(string id, bool approve, Actor actor, CancellationToken cancellationToken = default) => _administration.ChangeAsync<WaitingRequest>(async () =>
    {
        if (Waiting().FirstOrDefault(r => r.Id == id) is not { State: "waiting" } view) return new Refusal(RefusalCode.NotFound, $"no request '{id}' waits");
        var permit = await _trail.PermitAsync(actor, Act.ManageDevices, AuditTrail.Of(AuditTypes.Certificate, actor, view.Name, approve ? "enrolment-approved" : "enrolment-rejected", details: new() { ["key"] = view.Key }), cancellationToken);
        if (!permit.TryGet(out _, out var refusal)) return refusal;
        var state = approve ? EnrolmentStore.RequestRow.Approved : EnrolmentStore.RequestRow.Refused;
        await _database.WriteAsync(c => EnrolmentStore.Decide(c, id, state, actor.Name, _time.GetUtcNow()), cancellationToken);
        if (approve) _requests[id].State = state;
        else _requests.TryRemove(id, out _);
        return view with { State = approve ? "approved" : "refused" };
    }, cancellationToken);

    private static string? WhyNot(NewEnrolment wanted)
    {
        if (wanted.Profile is not (CertificateProfile.Device or CertificateProfile.User or CertificateProfile.Broker)) return "a token admits a device, a user or a broker";
        if (wanted.Profile == CertificateProfile.Device ? !CertificateNames.IsDevice(wanted.Name) : !CertificateNames.IsOther(wanted.Name))
            return wanted.Profile == CertificateProfile.Device ? $"'{wanted.Name}' is no name for a device: 1 to 63 of the characters a-z 0-9 . _ -, beginning with a letter or digit" : $"'{wanted.Name}' is not a name: 1 to 64 letters, digits and . _ - @";
        if (!Topics.IsWord(wanted.Kind)) return "a kind has 1 to 64 of the characters a-z 0-9 . _ -";
        if (wanted.Title.Length > ControlLimits.NameCharacters || wanted.Title.Any(char.IsControl)) return $"a title has at most {ControlLimits.NameCharacters} printable characters";
        if (wanted.Commands is { } commands && (commands.Count > ControlLimits.AllowedCommands || commands.Any(c => !Topics.IsWord(c)))) return $"commands are at most {ControlLimits.AllowedCommands} words of a-z 0-9 . _ -";
        return wanted.Lifetime is { } lifetime && (lifetime < TimeSpan.FromMinutes(1) || lifetime > PkiLimits.MaximumTokenLifetime) ? $"an invitation lives 1 minute to {PkiLimits.MaximumTokenLifetime.TotalDays} days" : null;
    }
}
