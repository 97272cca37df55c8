using System.Text.Json;
using System.Text.Json.Nodes;
using Signet.Access;
using Signet.Audit;
using Signet.Store;

namespace Signet.Control;

public sealed partial class Commands
{
    /// <summary>
    /// One command to every device of a selection: an intent for each, in the order of their names, so many a minute. Devices that would refuse it are left out and named.
    /// When too many answers are errors, the rest is withdrawn.
    /// </summary>
    public async Task<Outcome<Rollout>> SendManyAsync(RolloutDraft draft, Actor actor, CancellationToken cancellationToken = default)
    {
        try
        {
            using var turn = await _keyed.TakeAsync(cancellationToken);
            if (draft.IdempotencyKey is { } key && _rollouts.FindByKey(RolloutKey(actor, key)) is { } before)
                return !_fleet.Covers(actor, [.. before.LeftOut.Keys, .. _rollouts.DevicesOf(before.Id)]) ? Scope.Refuse(actor)
                    : before.Selection == draft.Selection && before.Command == draft.Command && JsonNode.DeepEquals(before.Arguments, draft.Arguments ?? []) ? before
                    : new Refusal(RefusalCode.Conflict, "this idempotency key was used for another rollout; take a new one");
            return await StartAsync(draft, actor, cancellationToken);
        }
        catch (StoreException e)
        {
            return new Refusal(RefusalCode.StoreUnavailable, e.Message);
        }
    }

    public Task<Rollout?> FindRolloutAsync(string id, CancellationToken cancellationToken = default) => Task.Run(() => _rollouts.Find(id), cancellationToken);

    /// <summary>The newest, newest first.</summary>
    public Task<IReadOnlyList<Rollout>> ListRolloutsAsync(int most = 50, CancellationToken cancellationToken = default)
        => Task.Run(() => _rollouts.List(Math.Clamp(most, 1, ControlLimits.CommandsPerPage)), cancellationToken);

    /// <summary>Withdraws what has not left yet.</summary>
    public async Task<Outcome<Rollout>> CancelRolloutAsync(string id, Actor actor, CancellationToken cancellationToken = default)
    {
        if (_rollouts.Find(id) is not { } rollout) return new Refusal(RefusalCode.NotFound, $"there is no rollout '{AuthorizedCommand.Shown(id)}'");
        var record = AuditTrail.Of(AuditTypes.Command, actor, rollout.Id, "rollout-cancelled", details: new() { ["command"] = rollout.Command });
        // Who is limited to groups takes back what they sent themselves; another's rollout may reach devices that are none of their business.
        var permit = rollout.By == actor.Name ? await _trail.PermitAsync(actor, Act.CancelCommand, record, cancellationToken) : await _trail.PermitAsync(actor, Act.CancelCommand, null, record, cancellationToken);
        if (!permit.TryGet(out _, out var refusal)) return refusal;
        await StopAsync(id, $"by {actor.Name}", cancellationToken);
        return _rollouts.Find(id)!;
    }

    /// <summary>Stops rollouts whose error share has passed its bound.</summary>
    internal async Task WatchRolloutsAsync(CancellationToken cancellationToken)
    {
        foreach (var id in _rollouts.TakeChanged())
        {
            if (_rollouts.Find(id) is not { State: "running", IsFailing: true } rollout) continue;
            await _trail.AppendWhenPossibleAsync(new(AuditTypes.Command, Actor.Center.Name, id, "rollout-stopped", "stopped", "error-share", new JsonObject
            {
                ["command"] = rollout.Command, ["executed"] = rollout.Executed, ["failures"] = rollout.Failures, ["bound"] = rollout.StopShare,
            }), cancellationToken);
            await StopAsync(id, RolloutStore.StoppedByShare, cancellationToken);
        }
    }

    private async Task<Outcome<Rollout>> StartAsync(RolloutDraft draft, Actor actor, CancellationToken cancellationToken)
    {
        var now = _time.GetUtcNow();
        if (!DeviceSelection.TryParse(draft.Selection, out var selection, out var why)) return new Refusal(RefusalCode.BadInput, why);
        if (draft.PerMinute is < 0 or > ControlLimits.RolloutPerMinute) return new Refusal(RefusalCode.BadInput, $"a rollout takes 1 to {ControlLimits.RolloutPerMinute} devices a minute; 0 is all at once");
        if (draft.StopShare is not (>= 0 and <= 1)) return new Refusal(RefusalCode.BadInput, "the share of errors that stops a rollout is between 0 and 1");
        if (draft.IdempotencyKey is { } key && (key.Length is 0 or > ControlLimits.IdempotencyKeyCharacters || key.Any(char.IsControl)))
            return new Refusal(RefusalCode.BadInput, $"an idempotency key has 1 to {ControlLimits.IdempotencyKeyCharacters} printable characters");
        var template = new CommandDraft("", draft.Command, draft.Arguments, null, draft.NotBefore, draft.Wait);
        if (WhyNotKept(template, now) is { } unkept) return new Refusal(RefusalCode.BadInput, unkept);
        // "all" means all that the asker has to do with; a name beyond that is one that nobody here has heard of.
        IReadOnlyList<DeviceRecord> fleet = actor.Groups.Count == 0 ? _fleet.List() : [.. _fleet.List().Where(actor.Covers)];
        if (template.Wait is null && selection.Of(fleet).Any(d => NeedsApproval(d.Name, draft.Command))) template = template with { Wait = ControlLimits.ApprovalGrace };
        if (selection.MissingFrom(fleet).FirstOrDefault() is { } missing) return new Refusal(RefusalCode.NotFound, $"there is no device '{missing}'");

        var (authorized, leftOut) = Sort(template, selection.Of(fleet), actor, out var refused, out var rule);
        if (authorized.Count == 0)
        {
            var nobody = refused ?? new Refusal(RefusalCode.NotFound, $"no device fits '{AuthorizedCommand.Shown(draft.Selection)}'");
            await _trail.RefuseAsync(actor, AuthorizedCommand.Shown(draft.Selection), "rollout-started", nobody, rule, cancellationToken);
            return leftOut.Count > 1 ? nobody with { Message = $"none of the {leftOut.Count} devices can take it; the first: {nobody.Message}" } : nobody;
        }

        if (_queue.Count + authorized.Count > ControlLimits.Queued) return new Refusal(RefusalCode.Conflict, $"{_queue.Count} commands wait already; at most {ControlLimits.Queued} are kept");
        return await KeepAsync(draft, template, authorized, leftOut, actor, now, cancellationToken);
    }

    private async Task<Outcome<Rollout>> KeepAsync(
        RolloutDraft draft, CommandDraft template, IReadOnlyList<AuthorizedCommand> authorized, Dictionary<string, string> leftOut, Actor actor, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var row = new RolloutRow
        {
            Id = _signer.NewId(), Command = draft.Command, Arguments = authorized[0].Arguments.ToJsonString(), Selection = draft.Selection, ByName = actor.Name, ByRole = Words.Of(actor.Role),
            Created = now.ToUnixTimeMilliseconds(), PerMinute = draft.PerMinute, StopShare = draft.StopShare, LeftOut = JsonSerializer.Serialize(leftOut),
            Idempotency = draft.IdempotencyKey is { } key ? RolloutKey(actor, key) : null,
        };
        var entry = await _trail.TryAppendAsync(AuditTrail.Of(AuditTypes.Command, actor, row.Id, "rollout-started", "recorded", "", new()
        {
            ["selection"] = draft.Selection, ["command"] = draft.Command, ["arguments"] = authorized[0].Arguments.DeepClone(), ["devices"] = authorized.Count, ["leftOut"] = leftOut.Count,
            ["perMinute"] = draft.PerMinute, ["stopShare"] = draft.StopShare,
        }), cancellationToken);
        if (!entry.TryGet(out var written, out var refusal)) return refusal;

        var begins = draft.NotBefore > now ? draft.NotBefore.Value : now;
        var intents = authorized.Select((one, place) =>
        {
            var at = draft.PerMinute == 0 ? draft.NotBefore : begins + TimeSpan.FromMinutes((double)place / draft.PerMinute);
            return new NewIntent(one.Id, one, now, at, EndOf(template with { NotBefore = at }, now), written.Sequence, row.Id);
        }).ToList();
        // The same approvals are for all of a proposal's devices, so they end with the last of them.
        var proposed = Propose(authorized, now, intents.Max(i => i.Until));
        var proposalOf = proposed.SelectMany(p => p.Commands.Select(c => (c.Id, p.Proposal))).ToDictionary(p => p.Id, p => p.Proposal.Id, StringComparer.Ordinal);
        intents = [.. intents.Select(i => i with { Proposal = proposalOf.GetValueOrDefault(i.Id) })];
        foreach (var view in await _ledger.InsertIntentsAsync(intents, row, [.. proposed.Select(p => p.Proposal)], cancellationToken)) _news.Announce(view);
        return _rollouts.Find(row.Id)!;
    }

    private (IReadOnlyList<AuthorizedCommand> Authorized, Dictionary<string, string> LeftOut) Sort(CommandDraft template, IEnumerable<DeviceRecord> devices, Actor actor, out Refusal? first, out string rule)
    {
        (first, rule) = (null, "device-known");
        var authorized = new List<AuthorizedCommand>();
        var leftOut = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var device in devices)
        {
            if (AuthorizedCommand.Authorize(_signer.NewId(), template with { Device = device.Name }, actor, _fleet, _manifests, out var decided).TryGet(out var one, out var refusal))
            {
                authorized.Add(one);
                continue;
            }

            leftOut.Add(device.Name, refusal.Name);
            if (first is not null) continue;
            (first, rule) = (refusal, decided);
            if (refusal.Code == RefusalCode.NotAllowed) break; // the asker's own matter: the same for every device
        }

        return (authorized, leftOut);
    }

    private async Task StopAsync(string id, string why, CancellationToken cancellationToken)
    {
        foreach (var withdrawn in await _rollouts.StopAsync(id, why, _time.GetUtcNow(), cancellationToken))
        {
            _queue.Remove(withdrawn.Device, withdrawn.Id);
            _news.Announce(withdrawn);
        }
    }

    private static string RolloutKey(Actor actor, string key) => $"{actor.Kind}/{actor.Name}/{key}";
}
