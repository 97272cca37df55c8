using System.Text.Json.Nodes;
using Signet.Access;
using Signet.Audit;
using Signet.Store;

namespace Signet.Control;

public sealed partial class Commands
{
    /// <summary>Takes back an intent that has not left. What has left cannot be taken back: only the device knows what became of it.</summary>
    public async Task<Outcome<CommandView>> CancelAsync(string id, Actor actor, CancellationToken cancellationToken = default)
    {
        if (_ledger.Find(id) is not { } command) return new Refusal(RefusalCode.NotFound, $"there is no command '{AuthorizedCommand.Shown(id)}'");
        var permit = await _trail.PermitAsync(actor, Act.CancelCommand, _roster.Find(command.Device), AuditTrail.Of(AuditTypes.Command, actor, command.Device, "command-withdrawn", details: new() { ["id"] = command.Id, ["command"] = command.Command }), cancellationToken);
        if (!permit.TryGet(out _, out var refusal)) return refusal;
        try
        {
            return await WithdrawAsync(command.Id, $"by {actor.Name}", cancellationToken) is { } cancelled ? cancelled
                : new Refusal(RefusalCode.Conflict, $"it is {_ledger.Find(id)?.State ?? command.State}: only a command that has not left the center can be taken back");
        }
        catch (StoreException e)
        {
            return new Refusal(RefusalCode.StoreUnavailable, e.Message);
        }
    }

    /// <summary>Intents that wait now.</summary>
    public int QueuedNow => _queue.Count;

    /// <summary>Reads what waits, and publishes again, the same bytes, what was on its way when the center stopped: a device takes the same bytes once.</summary>
    internal async Task ResumeAsync(CancellationToken cancellationToken)
    {
        _queue.Add(_ledger.Pending());
        if (_link is not { } link) return;
        foreach (var row in _ledger.InDoubt(_time.GetUtcNow()))
        {
            if (_fleet.Find(row.Device) is null || _ledger.FindAttempt(row.Id, row.Digest) is not { } attempt) continue;
            await PublishAsync(link, RecordedCommand.Again(row, attempt), cancellationToken);
        }
    }

    internal Task RunQueueAsync(CancellationToken cancellationToken) => _queue.RunAsync(cancellationToken);

    internal Task TickAsync()
    {
        _queue.Tick();
        return Task.CompletedTask;
    }

    private async Task<Outcome<CommandView>> KeepAsync(CommandDraft draft, AuthorizedCommand authorized, CancellationToken cancellationToken)
    {
        var now = _time.GetUtcNow();
        if (WhyNotKept(draft, now) is { } why) return new Refusal(RefusalCode.BadInput, why);
        if (_queue.Count >= ControlLimits.Queued || _queue.CountOf(authorized.Device) >= ControlLimits.QueuedPerDevice)
            return new Refusal(RefusalCode.Conflict, $"{_queue.CountOf(authorized.Device)} commands wait for {authorized.Device} and {_queue.Count} in all; at most {ControlLimits.QueuedPerDevice} and {ControlLimits.Queued} are kept. Cancel some first");
        var until = EndOf(draft, now);
        var proposed = Propose([authorized], now, until);
        var details = new JsonObject
        {
            ["id"] = authorized.Id, ["command"] = authorized.Command, ["arguments"] = authorized.Arguments.DeepClone(), ["until"] = until.ToUnixTimeSeconds(),
        };
        if (draft.NotBefore is { } begins) details["notBefore"] = begins.ToUnixTimeSeconds();
        var entry = await _trail.TryAppendAsync(AuditTrail.Of(AuditTypes.Command, authorized.Actor, authorized.Device, "command-queued", "recorded", "", details), cancellationToken);
        if (!entry.TryGet(out var written, out var refusal)) return refusal;
        var kept = (await _ledger.InsertIntentsAsync(
            [new(authorized.Id, authorized, now, draft.NotBefore, until, written.Sequence, null, proposed is [var (proposal, _), ..] ? proposal.Id : null)], null, [.. proposed.Select(p => p.Proposal)], cancellationToken))[0];
        _news.Announce(kept);
        return kept;
    }

    // Whatever becomes "queued", for the first time or again, goes the same way into the queue.
    private void Follow(CommandView view)
    {
        if (view.State == CommandState.Queued.Name())
        {
            var begins = view.NotBefore?.ToUnixTimeMilliseconds() ?? 0;
            // Signed before and certainly without effect: not in a tight loop.
            if (view.Attempts > 0) begins = Math.Max(begins, (_time.GetUtcNow() + (ControlLimits.DispatchRetry * view.Attempts)).ToUnixTimeMilliseconds());
            _queue.Add([new(view.Id, view.Device, begins)]);
        }

        if (view.Rollout is not null && view.IsSettled) _rollouts.Changed(view.Rollout);
    }

    private static string? WhyNotKept(CommandDraft draft, DateTimeOffset now)
        => draft.Wait is { } wait && (wait < TimeSpan.FromSeconds(1) || wait > ControlLimits.LongestWait) ? $"a command waits 1 second to {ControlLimits.LongestWait.Days} days for its device"
            : draft.NotBefore is { } at && at < now - TimeSpan.FromMinutes(1) ? $"the time {at.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC has passed; the center's clock says {now.UtcDateTime:yyyy-MM-dd HH:mm:ss}"
            : draft.NotBefore - now > ControlLimits.LongestWait ? $"a command can be planned {ControlLimits.LongestWait.Days} days ahead"
            : null;

    // A planned command without a word about waiting gets as long as one that is sent at once: its device must be there then.
    private DateTimeOffset EndOf(CommandDraft draft, DateTimeOffset now) => (draft.NotBefore > now ? draft.NotBefore.Value : now) + (draft.Wait ?? ControlLimits.PlannedGrace);

    private async Task<CommandView?> WithdrawAsync(string id, string reason, CancellationToken cancellationToken)
    {
        if (await _ledger.ApplyAsync(id, CommandEvent.Withdrawn, new(_time.GetUtcNow(), reason), cancellationToken) is not { } cancelled) return null;
        _queue.Remove(cancelled.Device, id);
        _news.Announce(cancelled);
        return cancelled;
    }

    /// <summary>The queue's work: one intent whose device is there. False: the center could not, now.</summary>
    private async Task<bool> DispatchAsync(string id, CancellationToken cancellationToken)
    {
        try
        {
            if (_ledger.FindRow(id) is not { State: (long)CommandState.Queued } row) return true;
            if (_fleet.Find(row.Device) is { CanReceive: false }) return false; // gone again meanwhile
            if (_link is not { IsUp: true } link) return false;
            if (!AuthorizedCommand.Reauthorize(row, PresentActor(row), _fleet, _manifests, out var rule).TryGet(out var authorized, out var refusal))
            {
                await _trail.RefuseAsync(Actor.Center, row.Device, "command-sent", refusal, rule, cancellationToken);
                await WithdrawAsync(id, refusal.Name, cancellationToken);
                return true;
            }

            var signed = Sign(authorized);
            if (!(await RecordedCommand.RecordAsync(signed, _trail, _ledger, _time.GetUtcNow(), cancellationToken)).TryGet(out var recorded, out refusal))
                return refusal.Code == RefusalCode.Conflict; // withdrawn meanwhile: done. Otherwise the log takes nothing, now
            _news.Announce(recorded.View);
            await PublishAsync(link, recorded, cancellationToken);
            return true;
        }
        catch (StoreException)
        {
            return false;
        }
    }

    // A person or token that was disabled, revoked or lost the role meanwhile has nothing done in its name any more.
    private Actor PresentActor(CommandRow row)
    {
        var then = Enum.TryParse<Role>(row.ByRole, ignoreCase: true, out var role) ? role : Role.Viewer;
        var nobody = new Actor(row.ByName, Role.Viewer, row.ByKind, "local");
        if (row.ByKind == Actor.Token) return _tokens.FindLiving(row.ByName, row.Created.ToTime()) is { } token ? nobody with { Role = Least(token.Role, then), Groups = token.Groups } : nobody;
        if (row.ByKind != Actor.User) return nobody with { Role = then };
        return _accounts.FindByName(row.ByName) is { Enabled: true } account ? nobody with { Role = Least(account.Role, then), Groups = account.Limits } : nobody;
    }

    private static Role Least(Role one, Role other) => one < other ? one : other;
}
