using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Signet.Access;
using Signet.Audit;
using Signet.Mqtt;
using Signet.Mqtt.Client;
using Signet.Store;
using Signet.Wire;

namespace Signet.Control;

/// <summary>
/// Commands from wish to signed receipt. Each step changes the type, and only the step before can make it:
/// <code>
/// CommandDraft -1-> AuthorizedCommand -2-> SignedCommand -3-> RecordedCommand -4-> broker ... device ... -5-> VerifiedReceipt -> state
/// </code>
/// 1 to 4 happen in <see cref="SendAsync"/>, 5 in <see cref="ReceiptIntake"/>. What the world can see is already on the record: 3 comes before 4.
/// A command that may wait is an unsigned intent until its device is there: 1 happens when it is asked for and again, with 2 to 4, when it is sent (<c>Queue/</c>).
/// </summary>
public sealed partial class Commands
{
    private readonly Fleet _fleet;
    private readonly Roster _roster;
    private readonly CommandSigner _signer;
    private readonly CommandLedger _ledger;
    private readonly CommandNews _news;
    private readonly AuditTrail _trail;
    private readonly ReceiptExport _export;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Turns _keyed;
    private readonly Accounts _accounts;
    private readonly ApiTokens _tokens;
    private readonly RolloutStore _rollouts;
    private readonly CommandQueue _queue;
    private readonly Manifests _manifests;
    private readonly ProposalStore _proposals;
    private readonly Seals _seals;
    private readonly RandomNumberGenerator _random;
    private readonly Heartbeats _heartbeats;
    private volatile BrokerLink? _link;

    internal Commands(Fleet fleet, Roster roster, Accounts accounts, ApiTokens tokens, CommandSigner signer, CommandLedger ledger, RolloutStore rollouts, Manifests manifests, ProposalStore proposals, Seals seals, Heartbeats heartbeats, RandomNumberGenerator random, CommandNews news, AuditTrail trail, ReceiptExport export, Turns keyed, TimeProvider time, ILogger logger)
    {
        (_fleet, _accounts, _signer, _ledger, _rollouts, _news, _trail, _export, _keyed, _time, _logger) = (fleet, accounts, signer, ledger, rollouts, news, trail, export, keyed, time, logger);
        (_roster, _tokens, _manifests, _proposals, _seals, _heartbeats, _random) = (roster, tokens, manifests, proposals, seals, heartbeats, random);
        _queue = new(roster, time, DispatchAsync, e => Log.RoundFailed(logger, "dispatch", $"{e.GetType().Name}: {e.Message}"));
        _news.Announced += Follow;
    }

    internal void Attach(BrokerLink? link) => _link = link;

    /// <summary>
    /// Authorises, signs, records and publishes. Returns when the broker has answered; the receipt comes later (<see cref="WaitAsync"/>). A draft that may wait is kept
    /// as an intent and returns <c>queued</c>.
    /// </summary>
    public async Task<Outcome<CommandView>> SendAsync(CommandDraft draft, Actor actor, CancellationToken cancellationToken = default)
    {
        using var trace = Tracing.Source.StartActivity("signet.command", System.Diagnostics.ActivityKind.Producer);
        try
        {
            if (draft.IdempotencyKey is null) return await SendOnceAsync(draft, actor, cancellationToken);
            // One at a time, so that two requests with one key cannot both find nothing.
            using var turn = await _keyed.TakeAsync(cancellationToken);
            if (_ledger.FindByKey(actor, draft.IdempotencyKey) is not { } before) return await SendOnceAsync(draft, actor, cancellationToken);
            // What somebody was shown once is not theirs to see when the device has left their groups.
            if (!_fleet.Covers(actor, [before.Device])) return Scope.Refuse(actor);
            return before.Device == draft.Device && before.Command == draft.Command && JsonNode.DeepEquals(before.Arguments, draft.Arguments ?? []) ? before
                : new Refusal(RefusalCode.Conflict, "this idempotency key was used for another command; take a new one");
        }
        catch (StoreException e)
        {
            return new Refusal(RefusalCode.StoreUnavailable, e.Message);
        }
    }

    /// <summary>The command as soon as it is settled, or as it stands after the time-out. Null: no such command.</summary>
    public async Task<CommandView?> WaitAsync(string id, TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        var settled = _news.Settled(id);
        if (_ledger.Find(id) is not { IsSettled: false }) _news.Forget(id);
        try
        {
            if (await settled.WaitAsync(timeout, _time, cancellationToken) is { } view) return view;
        }
        catch (TimeoutException)
        {
            // As it stands.
        }

        return _ledger.Find(id);
    }

    public Task<CommandView?> FindAsync(string id, CancellationToken cancellationToken = default) => Task.Run(() => _ledger.Find(id), cancellationToken);

    /// <summary>Commands of devices that fit which may still change by themselves.</summary>
    internal int CountOpen(Predicate<string> fits) => _ledger.DevicesOfOpen().Count(device => fits(device));

    /// <summary>Devices that a rollout sent its command to.</summary>
    internal Task<IReadOnlyList<string>> DevicesOfAsync(string rollout, CancellationToken cancellationToken) => Task.Run(() => _rollouts.DevicesOf(rollout), cancellationToken);

    public Task<CommandPage> ListAsync(CommandFilter filter, CancellationToken cancellationToken = default) => Task.Run(() => _ledger.List(filter), cancellationToken);

    /// <summary>Everything somebody else needs to check the command and its receipt offline.</summary>
    public async Task<Outcome<ReceiptFile>> ExportReceiptAsync(string id, Actor actor, CancellationToken cancellationToken = default)
    {
        if (_ledger.FindRow(id) is not { } command) return new Refusal(RefusalCode.NotFound, $"there is no command '{id}'");
        if (command.Receipt is null) return new Refusal(RefusalCode.NotFound, $"{command.Device} has not answered this command: there is no receipt to export");
        var permit = await _trail.PermitAsync(actor, Act.ExportReceipt, _roster.Find(command.Device), AuditTrail.Of(AuditTypes.Command, actor, command.Device, "receipt-exported", details: new() { ["id"] = id }), cancellationToken);
        return permit.TryGet(out _, out var refusal) ? await _export.ExportAsync(command, cancellationToken) : refusal;
    }

    /// <summary>Commands whose deadline passed without a word become <c>unanswered</c>; those of an earlier start too.</summary>
    internal async Task ExpireAsync(CancellationToken cancellationToken)
    {
        foreach (var view in await _ledger.ExpireAsync(_time.GetUtcNow(), cancellationToken))
        {
            var isExpired = view.State == CommandState.Expired.Name();
            if (isExpired) _queue.Remove(view.Device, view.Id);
            _trail.Note(new(AuditTypes.Command, Actor.Center.Name, view.Device, isExpired ? "command-expired" : "command-unanswered", view.State, "", new() { ["id"] = view.Id, ["command"] = view.Command }));
            _news.Announce(view);
        }
    }

    private async Task<Outcome<CommandView>> SendOnceAsync(CommandDraft draft, Actor actor, CancellationToken cancellationToken)
    {
        // People take their time: what needs their approval waits for them.
        if (draft.Wait is null && NeedsApproval(draft.Device, draft.Command)) draft = draft with { Wait = ControlLimits.ApprovalGrace };

        // 1. May this actor have this done, by this device, now?
        if (!AuthorizedCommand.Authorize(_signer.NewId(), draft, actor, _fleet, _manifests, out var rule).TryGet(out var authorized, out var refusal))
        {
            await _trail.RefuseAsync(actor, AuthorizedCommand.Shown(draft.Device), "command-sent", refusal, rule, cancellationToken);
            return refusal;
        }

        if (draft.IsQueued) return await KeepAsync(draft, authorized, cancellationToken);

        if (_link is not { IsUp: true } link) return new Refusal(RefusalCode.BrokerUnavailable, "the center's own line to the broker is down; nothing was sent, try again in a moment");

        // 2. The bytes.
        var signed = Sign(authorized);

        // 3. On the record, or not at all.
        if (!(await RecordedCommand.RecordAsync(signed, _trail, _ledger, _time.GetUtcNow(), cancellationToken)).TryGet(out var recorded, out refusal)) return refusal;
        _news.Announce(recorded.View);

        // 4. Out. From here on the caller going away changes nothing.
        return await PublishAsync(link, recorded, CancellationToken.None);
    }

    private async Task<CommandView> PublishAsync(BrokerLink link, RecordedCommand recorded, CancellationToken stop)
    {
        CommandView? changed = null;
        using var limit = new CancellationTokenSource(ControlLimits.PublishTimeout, _time);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, stop);
        try
        {
            var counting = _heartbeats.Counting(recorded.View.Device);
            var result = await link.PublishAsync(recorded, patience.Token);
            if (result.IsAccepted && result.Reason != ReasonCode.NoMatchingSubscribers) _heartbeats.CommandSent(recorded.View.Device, counting);
            changed = await _ledger.ApplyAsync(recorded.View.Id, result is { Reason: ReasonCode.NoMatchingSubscribers } or { IsAccepted: false } ? Refused(recorded) : CommandEvent.BrokerTook,
                new(_time.GetUtcNow(), ReasonOf(result)), CancellationToken.None);
        }
        catch (Exception e) when (e is MqttException or OperationCanceledException or StoreException or ObjectDisposedException)
        {
            // The broker may have it or not: the command stays a draft, its receipt or its deadline will tell.
            Log.CommandInDoubt(_logger, recorded.View.Id, e.Message);
        }

        if (changed is null) return _ledger.Find(recorded.View.Id) ?? recorded.View;
        _news.Announce(changed);
        return changed;
    }

    // Not handed on, for certain: an intent that may still wait goes back to waiting.
    private CommandEvent Refused(RecordedCommand recorded)
        => recorded.IsIntent && _ledger.FindRow(recorded.View.Id) is { } row && row.MayWait(_time.GetUtcNow()) ? CommandEvent.Returned : CommandEvent.BrokerRefused;

    private SignedCommand Sign(AuthorizedCommand authorized)
        => SignedCommand.Sign(authorized, _signer, SharedKeyOf(authorized.Device), _fleet.Find(authorized.Device)!, authorized.Proposal is { } proposal ? _proposals.Approvals(proposal) : [], _seals.RecipientOf(authorized.Device), _random);

    // A manifest that does not take the suite any more ends it: from then on the center signs with its own key.
    private SigningKey? SharedKeyOf(string device)
        => _manifests.Newest(device)?.Claims.Takes(Suite.Hs256.Name, _time.GetUtcNow()) == false ? null : _roster.With(device, m => m.Shared?.Down);

    /// <summary>What a device and the center talk in.</summary>
    public DeviceSuites? SuitesOf(string device)
    {
        if (_fleet.Find(device) is not { } found) return null;
        var shared = SharedKeyOf(device);
        var granted = _manifests.Newest(device)?.Claims.Suites.ToDictionary(s => s.Name, s => s.Until, StringComparer.Ordinal);
        return new(device, (shared?.Suite ?? _signer.KeyFor(found).Suite).Name, shared?.Suite.Name ?? _roster.Keys.Keys.FirstOrDefault(k => k.KeyId == found.Thumbprint)?.Suite.Name ?? "", _seals.SuiteOf(device), granted);
    }

    private static string? ReasonOf(PublishResult result) => result switch
    {
        { Reason: ReasonCode.NoMatchingSubscribers } => "no-active-connection",
        { IsAccepted: false } => result.ReasonString is { Length: > 0 } words ? $"{Words.Of(result.Reason)}: {words}" : Words.Of(result.Reason),
        _ => null,
    };
}
