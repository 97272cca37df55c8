using System.Collections.Frozen;
using Signet.Audit;
using Signet.Pki;
using Signet.Wire;

namespace Signet.Control;

/// <summary>
/// What one actor gets to see: the one place that decides it, for pages, API, live feed and broker view. Whoever is limited to groups of devices sees the devices of these groups and what is
/// about them; another device is answered like one that does not exist. What is not about a device (authorities, the log's proofs, the program's health) is everybody's whose role allows it.
/// What is remembered is asked for anew when a device came, went or changed its groups: one that leaves the group is gone with the next question.
/// </summary>
public sealed class Sight
{
    private readonly CommandCenter _center;
    private readonly Roster _roster;
    private readonly Actor _actor;

    internal Sight(CommandCenter center, Roster roster, Actor actor) => (_center, _roster, _actor) = (center, roster, actor);

    /// <summary>Not limited.</summary>
    public bool IsWhole => _actor.Groups.Count == 0;

    /// <summary>Is this a device that the actor may know of?</summary>
    public bool Has(string device) => IsWhole || IsWithin(_roster, _actor.Groups, device);

    public DeviceRecord? Device(string name) => _roster.Find(name) is { } found && _actor.Covers(found) ? found : null;

    /// <summary>By name.</summary>
    public IReadOnlyList<DeviceRecord> Devices() => _roster.List(_actor.Groups);

    /// <summary>What the devices in sight are chosen by.</summary>
    public FleetLabels Labels() => _roster.Labels(_actor.Groups);

    /// <summary>The wanted entries among those about devices in sight and, for a person, about themselves.</summary>
    public AuditFilter Within(AuditFilter filter)
    {
        if (IsWhole) return filter;
        var subjects = Devices().Select(device => device.Name).ToHashSet(StringComparer.Ordinal);
        var isMe = IsMe(_actor.Name);
        if (isMe) subjects.Add(_actor.Name);
        return filter with { Subjects = subjects, ExceptTypes = AboutPeople, Self = isMe ? _actor.Name : null };
    }

    public bool Sees(AuditEntry entry) => IsWhole || IsMe(entry.Subject) || (Has(entry.Subject) && !AboutPeople.Contains(entry.Type));

    /// <summary>Types whose subjects are people (<c>docs/events.md</c>): a person may have a device's name, and what is about them is not about it.</summary>
    private static readonly FrozenSet<string> AboutPeople = FrozenSet.ToFrozenSet([AuditTypes.User, AuditTypes.Auth, AuditTypes.AuthFail], StringComparer.Ordinal);

    public bool Sees(CommandView command) => Has(command.Device);

    /// <summary>All of its devices: half a proposal is nothing that anybody can agree to.</summary>
    public bool Sees(Proposal proposal) => IsWhole || proposal.Devices.All(Has);

    public bool Sees(LedgerEntry certificate) => IsWhole || certificate.Profile is not (CertificateProfile.Device or CertificateProfile.DeviceSealing) || Has(certificate.Name);

    public bool Sees(BrokerSession session) => IsWhole || Has(session.Identity) || session.Identity == BrokerPolicy.PersonPrefix + Me;

    public bool Sees(Denial denial) => IsWhole || (denial.Identity is { } identity && (Has(identity) || identity == BrokerPolicy.PersonPrefix + Me));

    public bool Sees(FeedEvent happened) => IsWhole || happened.Kind switch
    {
        FeedKind.Gap => true,
        FeedKind.Audit => (Has(happened.Subject) && !AboutPeople.Contains(happened.Name)) || IsMe(happened.Subject) || happened is { Name: "health", Subject: "audit" },
        FeedKind.Broker => Has(happened.Subject) || happened.Subject == BrokerPolicy.PersonPrefix + Me,
        _ => Has(happened.Subject),
    };

    /// <summary>A rollout is seen by whoever sees all of its devices, those that it left out too.</summary>
    public async Task<Rollout?> RolloutAsync(string id, CancellationToken cancellationToken = default)
        => await _center.Commands.FindRolloutAsync(id, cancellationToken) is { } found && await SeesAsync(found, cancellationToken) ? found : null;

    /// <summary>The newest in sight, newest first.</summary>
    public async Task<IReadOnlyList<Rollout>> RolloutsAsync(int most, CancellationToken cancellationToken = default)
    {
        if (IsWhole) return await _center.Commands.ListRolloutsAsync(most, cancellationToken);
        var seen = new List<Rollout>();
        foreach (var rollout in await _center.Commands.ListRolloutsAsync(ControlLimits.CommandsPerPage, cancellationToken))
        {
            if (await SeesAsync(rollout, cancellationToken)) seen.Add(rollout);
            if (seen.Count == most) break;
        }

        return seen;
    }

    public async Task<CommandView?> CommandAsync(string id, CancellationToken cancellationToken = default)
        => await _center.Commands.FindAsync(id, cancellationToken) is { } found && Sees(found) ? found : null;

    /// <summary>
    /// Commands in sight. When few of many are, a page may be short, even empty, and still have a next one: one question looks at <see cref="ControlLimits.CommandsLookedAt"/> at most.
    /// </summary>
    public async Task<CommandPage> CommandsAsync(CommandFilter filter, CancellationToken cancellationToken = default)
    {
        if (IsWhole || (filter.Device is { } device && Has(device))) return await _center.Commands.ListAsync(filter, cancellationToken);
        if (filter.Device is not null) return new([], null);
        var seen = new List<CommandView>();
        var before = filter.Before;
        for (var left = ControlLimits.CommandsLookedAt; left > 0; left -= ControlLimits.CommandsPerPage)
        {
            var page = await _center.Commands.ListAsync(filter with { Before = before, Limit = ControlLimits.CommandsPerPage }, cancellationToken);
            foreach (var command in page.Commands.Where(Sees))
            {
                if (seen.Count == filter.Limit) return new(seen, seen[^1].Id);
                seen.Add(command);
            }

            before = page.Next;
            if (before is null) return new(seen, null);
        }

        // To the end of the millisecond, and then by the time alone: the last one looked at may be none of theirs, and its id is not theirs to know.
        var floor = MessageId.FloorOf(before!);
        while (before is not null)
        {
            var page = await _center.Commands.ListAsync(filter with { Before = before, Limit = ControlLimits.CommandsPerPage }, cancellationToken);
            foreach (var command in page.Commands)
            {
                if (string.CompareOrdinal(command.Id, floor) < 0) return new(seen, floor);
                if (!Sees(command)) continue;
                if (seen.Count == filter.Limit) return new(seen, seen[^1].Id);
                seen.Add(command);
            }

            before = page.Next;
        }

        return new(seen, null);
    }

    /// <summary>Proposals that commands wait for, oldest first.</summary>
    public async Task<IReadOnlyList<Proposal>> OpenProposalsAsync(CancellationToken cancellationToken = default) => [.. (await _center.Commands.OpenProposalsAsync(cancellationToken)).Where(Sees)];

    /// <summary>What a command or a rollout is waiting for, or one proposal by its own id.</summary>
    public async Task<IReadOnlyList<Proposal>> ProposalsOfAsync(string id, CancellationToken cancellationToken = default) => [.. (await _center.Commands.ProposalsOfAsync(id, cancellationToken)).Where(Sees)];

    public async Task<AuditEntry?> EntryAsync(long sequence, CancellationToken cancellationToken = default)
        => await _center.Audit.FindAsync(sequence, cancellationToken) is { } entry && Sees(entry) ? entry : null;

    public IReadOnlyList<BrokerSession> Sessions() => [.. _center.Broker.Sessions().Where(Sees)];

    public IReadOnlyList<Denial> Denials() => [.. _center.Broker.Denials().Where(Sees)];

    /// <summary>The broker's totals; for who is limited those of the sessions in sight.</summary>
    public BrokerTotals Totals()
    {
        if (IsWhole) return _center.Broker.Totals();
        var sessions = Sessions();
        return new(sessions.Count(s => s.Connected), 0, sessions.Count, sessions.Sum(s => (long)s.Subscriptions), sessions.Sum(s => s.MessagesIn), sessions.Sum(s => s.MessagesOut), 0, 0, sessions.Sum(s => s.Dropped), 0,
            new Dictionary<string, long>(StringComparer.Ordinal));
    }

    public IReadOnlyList<WitnessRecord> Witnesses() => [.. _center.Witnesses.List().Where(witness => Has(witness.Device))];

    /// <summary>Everything issued that is in sight, newest first.</summary>
    public IReadOnlyList<LedgerEntry> Certificates() => _center.Certificates.List(_actor.Groups);

    /// <summary>Is everything well? With the counts of what is in sight.</summary>
    public CenterStatus Status()
    {
        var status = _center.Status();
        if (IsWhole) return status;
        var devices = Devices();
        var totals = Totals();
        return status with
        {
            DevicesKnown = devices.Count, DevicesOnline = devices.Count(device => device.Presence.State == PresenceState.Online), CommandsOpen = _center.Commands.CountOpen(Has), Certificates = _center.Certificates.Ends(_actor.Groups),
            Broker = status.Broker with { Connections = totals.Connections, MessagesIn = totals.MessagesIn, MessagesOut = totals.MessagesOut },
        };
    }

    /// <summary>Is the device in one of the groups?</summary>
    internal static bool IsWithin(Roster roster, IReadOnlyList<string> groups, string device) => roster.IsIn(device, groups);

    private string? Me => _actor.Kind == Actor.User ? _actor.Name : null;

    // A device of the same name that is not in sight is not meant.
    private bool IsMe(string name) => name == Me && _roster.Find(name) is null;

    private async Task<bool> SeesAsync(Rollout rollout, CancellationToken cancellationToken)
        => IsWhole || (rollout.LeftOut.Keys.All(Has) && (await _center.Commands.DevicesOfAsync(rollout.Id, cancellationToken)).All(Has));
}
