using System.Collections.Frozen;
using System.Text;
using Dapper;
using Signet.Access;
using Signet.Audit;

namespace Signet.Control;

/// <summary>
/// The access policy in force and its history. Applying one: read it whole or not at all; hold it against the assertions; permit and audit; write it down; swap the reference; have the
/// broker judge everything again. Whoever asks before the swap gets the old policy's answer, whoever asks after it the new one's, never a mixture.
/// </summary>
public sealed class Policies
{
    private static readonly IReadOnlyList<PolicyAssertion> BuiltIn = Indispensable();
    private readonly ControlDatabase _database;
    private readonly AuditTrail _trail;
    private readonly Administration _administration;
    private readonly Roster _roster;
    private readonly TotpLedger _accounts;
    private readonly Accounts _people;
    private readonly Askers _askers;
    private readonly SessionCutter _sessions;
    private readonly PolicyTraffic _traffic;
    private readonly TimeProvider _time;
    private volatile AccessPolicy _current = AccessPolicy.Default;

    internal Policies(ControlDatabase database, AuditTrail trail, Administration administration, Roster roster, TotpLedger accounts, Accounts people, Askers askers, SessionCutter sessions, PolicyTraffic traffic, TimeProvider time)
        => (_database, _trail, _administration, _roster, _accounts, _people, _askers, _sessions, _traffic, _time) = (database, trail, administration, roster, accounts, people, askers, sessions, traffic, time);

    /// <summary>Asked for every decision.</summary>
    public AccessPolicy Current => _current;

    /// <summary>Another policy is in force. Raised after the fact; do not block.</summary>
    public event Action<AccessPolicy>? Applied;

    /// <summary>Reads the policy in force. A stored one that cannot be read is a damaged database: nobody may guess what it allowed.</summary>
    internal void Open()
    {
        _database.Read(c => { _traffic.Load(c); return true; });
        var row = _database.Read(c => c.QueryFirstOrDefault<PolicyRow>($"SELECT {PolicyRow.Columns} FROM access_policy ORDER BY version DESC LIMIT 1"));
        if (row is null) return;
        _current = PolicyFile.TryRead(Encoding.UTF8.GetBytes(row.Content), out var policy, out var errors) ? policy
            : throw new ControlException($"the access policy {row.Version} in the database cannot be read ({errors[0]}); restore the database from a backup");
    }

    /// <summary>Newest first.</summary>
    public IReadOnlyList<PolicyVersion> History()
    {
        var rows = _database.Read(c => c.Query<PolicyRow>($"SELECT {PolicyRow.Columns} FROM access_policy ORDER BY version DESC").ToList()).Select(row => new PolicyVersion(
            row.Version, row.ByName, row.Applied.ToTime(), PolicyFile.TryRead(Encoding.UTF8.GetBytes(row.Content), out var policy, out _) ? policy.Rules.Count : 0, row.Assertions is not null));
        return [.. rows, .. _database.Read(c => c.ExecuteScalar<long>("SELECT count(*) FROM access_policy WHERE version = 1")) > 0 ? []
            : new[] { new PolicyVersion(AccessPolicy.Default.Version, Actor.Center.Name, DateTimeOffset.UnixEpoch, AccessPolicy.Default.Rules.Count, false) }];
    }

    /// <summary>A policy of the past or the present; null when there was none of this version.</summary>
    public AccessPolicy? Find(long version)
    {
        if (version == _current.Version) return _current;
        if (Row(version) is { } row && PolicyFile.TryRead(Encoding.UTF8.GetBytes(row.Content), out var policy, out _)) return policy;
        return version == AccessPolicy.Default.Version ? AccessPolicy.Default : null;
    }

    /// <summary>The assertions that the policy in force was held against; null when there were none.</summary>
    public string? Assertions() => Row(_current.Version)?.Assertions;

    /// <summary>Everybody whom a policy can speak of at this moment: the fleet, TOTP accounts, people, the center.</summary>
    public async Task<IReadOnlyList<Principal>> PrincipalsAsync(CancellationToken cancellationToken = default)
    {
        var people = await _people.ListAsync(cancellationToken);
        return [.. _roster.List().Select(d => Principal.Device(d.Name, [.. d.Groups])), .. _accounts.All().Select(a => Principal.Account(a.Name, [.. a.Groups])),
            .. people.Select(p => Principal.Person(p.Name, p.Role)), Principal.Service(Actor.Center.Name)];
    }

    /// <summary>Somebody as they are now, or, when nobody goes by this name, as they would be: in no group but those named.</summary>
    /// <param name="who"><c>KIND:NAME</c>, or a device's name.</param>
    /// <param name="groups">Given: in these groups, whatever the center knows.</param>
    public async Task<Principal> PrincipalAsync(string who, IReadOnlyList<string>? groups = null, CancellationToken cancellationToken = default)
    {
        var (kind, name) = PolicyWords.Principal(who);
        if (groups is { Count: > 0 }) return new(name, kind, groups.ToFrozenSet(StringComparer.Ordinal));
        return (await PrincipalsAsync(cancellationToken)).FirstOrDefault(p => p.Kind == kind && p.Name == name) ?? new(name, kind, FrozenSet<string>.Empty);
    }

    /// <summary>Is the asker admitted at all? A policy can allow what a disabled or unknown device never comes to ask.</summary>
    /// <summary>Why a person may not although the rules allow it: they are limited to groups of devices, and this is not one of theirs. Null: nothing stands against it.</summary>
    public string? OutOfScope(Principal who, TopicAction action, string topic)
        => _askers.IsWithinScope(who, action, topic, asksEach: true) ? null : $"{who.Name} is limited to the devices of {string.Join(", ", _askers.ScopeOf(who.Name).Order(StringComparer.Ordinal))} (signet user scope)";

    public bool IsAdmitted(Principal principal) => _askers.ByName(principal.Name).Any(p => p.Kind == principal.Kind);

    public static AccessPolicy? Read(ReadOnlyMemory<byte> file, out Refusal? refusal)
    {
        refusal = PolicyFile.TryRead(file, out var policy, out var faults) ? null : new(RefusalCode.BadInput, $"this is no policy: {Some(faults)}") { Faults = faults };
        return policy;
    }

    /// <summary>What would change for whom.</summary>
    public async Task<IReadOnlyList<PolicyChange>> DiffAsync(AccessPolicy before, AccessPolicy after, CancellationToken cancellationToken = default)
    {
        var principals = await PrincipalsAsync(cancellationToken);
        return await Task.Run(() => PolicyDiff.Between(before, after, principals), cancellationToken);
    }

    /// <summary>Reads a policy and says what applying it would do; applies nothing.</summary>
    /// <param name="assertions">A file of assertions; null: those the policy in force was held against.</param>
    public async Task<Outcome<PolicyPreview>> PreviewAsync(ReadOnlyMemory<byte> file, ReadOnlyMemory<byte>? assertions, CancellationToken cancellationToken = default)
    {
        if (Read(file, out var refusal) is not { } read) return refusal!;
        var current = _current;
        if (read.Version != current.Version && read.Version != current.Version + 1)
            return new Refusal(RefusalCode.Conflict, $"this is version {read.Version}, and {current.Version} is in force: somebody applied another meanwhile. Compare (signet policy diff), then set \"version\" to {current.Version}");
        if (ReadAssertions(assertions ?? Kept(), out refusal) is not { } tests) return refusal!;
        var next = new AccessPolicy(current.Version + 1, read.Rules);
        var principals = await PrincipalsAsync(cancellationToken);
        return await Task.Run(() =>
        {
            var known = principals.GroupBy(p => (p.Kind, p.Name)).ToDictionary(g => g.Key, g => g.First());
            var traffic = _traffic.Questions().Where(q => known.ContainsKey((q.Kind, q.Name))).Select(q => new AccessQuestion(known[(q.Kind, q.Name)], q.Action, q.Topic)).ToList();
            return new PolicyPreview(next, current.Version, PolicyDiff.Between(current, next, principals), PolicyDiff.Replay(current, next, traffic), traffic.Count, PolicyAssertions.Run(next, [.. BuiltIn, .. tests]));
        }, cancellationToken);
    }

    /// <summary>Applies a policy at once and everywhere. The refusal when an assertion fails names it; nothing has changed then.</summary>
    public Task<Outcome<PolicyApplied>> ApplyAsync(ReadOnlyMemory<byte> file, ReadOnlyMemory<byte>? assertions, Actor actor, CancellationToken cancellationToken = default) => _administration.ChangeAsync<PolicyApplied>(async () =>
    {
        if (!(await PreviewAsync(file, assertions, cancellationToken)).TryGet(out var preview, out var refusal)) return refusal;
        if (preview.Assertions.FirstOrDefault(a => !a.Passed) is { } failed)
        {
            var others = preview.Assertions.Count(a => !a.Passed) - 1;
            return new Refusal(RefusalCode.Conflict, others == 0 ? $"the assertion '{failed.Assertion.Name}' fails: {failed.Why}; nothing was applied" : $"the assertion '{failed.Assertion.Name}' fails, and {others} more: {failed.Why}; nothing was applied");
        }
        var (gained, lost) = (preview.Changes.Where(c => c.Gained).Sum(c => c.Count), preview.Changes.Where(c => !c.Gained).Sum(c => c.Count));
        var permit = await _trail.PermitAsync(actor, Act.ApplyPolicy, AuditTrail.Of(AuditTypes.Authorization, actor, "access-policy", "policy-applied", details: new()
        {
            ["version"] = preview.Policy.Version, ["before"] = preview.Base, ["rules"] = preview.Policy.Rules.Count, ["gained"] = gained, ["lost"] = lost,
            ["digest"] = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(PolicyFile.Write(preview.Policy))),
        }), cancellationToken);
        if (!permit.TryGet(out _, out refusal)) return refusal;
        var row = new { version = preview.Policy.Version, content = Encoding.UTF8.GetString(PolicyFile.Write(preview.Policy)), assertions = (assertions ?? Kept()) is { } kept ? Encoding.UTF8.GetString(kept.Span) : null, by = actor.Name, applied = _time.GetUtcNow().ToUnixTimeMilliseconds() };
        await _database.WriteAsync(c => c.Execute("INSERT INTO access_policy (version, content, assertions, by_name, applied) VALUES (@version, @content, @assertions, @by, @applied)", row), cancellationToken);
        _current = preview.Policy;
        var ended = _sessions.Rejudge();
        await _sessions.InForceAsync(policyChanged: true);
        Applied?.Invoke(preview.Policy);
        return new PolicyApplied(preview.Policy.Version, gained, lost, ended);
    }, cancellationToken);

    private ReadOnlyMemory<byte>? Kept()
    {
        if (Assertions() is not { } text) return null; // not in one expression: a null array would become empty memory
        return Encoding.UTF8.GetBytes(text);
    }

    private static IReadOnlyList<PolicyAssertion>? ReadAssertions(ReadOnlyMemory<byte>? file, out Refusal? refusal)
    {
        refusal = null;
        if (file is not { } bytes) return [];
        if (PolicyAssertions.TryRead(bytes, out var read, out var faults)) return read;
        refusal = new(RefusalCode.BadInput, $"these are no assertions: {Some(faults)}") { Faults = faults };
        return null;
    }

    // One line; a page shows them one below the other.
    private static string Some(IReadOnlyList<PolicyFault> faults) => string.Join("; ", faults.Take(10)) + (faults.Count > 10 ? $"; and {faults.Count - 10} more" : "");

    private PolicyRow? Row(long version) => _database.Read(c => c.QueryFirstOrDefault<PolicyRow>($"SELECT {PolicyRow.Columns} FROM access_policy WHERE version = @version", new { version }));

    // Without these no command reaches a device and no receipt comes back: a policy that forgets them is a mistake, whoever applies it.
    private static IReadOnlyList<PolicyAssertion> Indispensable()
    {
        var center = Principal.Service(Actor.Center.Name);
        PolicyAssertion May(TopicAction action, string topic) => new($"the center can {PolicyWords.Of(action)} {topic}", new(center, action, topic), true, null);
        return
        [
            May(TopicAction.Publish, "signet/any/command"), May(TopicAction.Subscribe, "signet/+/receipt"), May(TopicAction.Subscribe, "signet/+/telemetry/+"), May(TopicAction.Subscribe, "signet/+/status"),
            May(TopicAction.Deliver, "signet/any/receipt"), May(TopicAction.Deliver, "signet/any/telemetry/any"), May(TopicAction.Deliver, "signet/any/status"),
        ];
    }

    private sealed class PolicyRow
    {
        public const string Columns = "version AS Version, content AS Content, assertions AS Assertions, by_name AS ByName, applied AS Applied";

        public long Version { get; set; }
        public string Content { get; set; } = "";
        public string? Assertions { get; set; }
        public string ByName { get; set; } = "";
        public long Applied { get; set; }
    }
}
