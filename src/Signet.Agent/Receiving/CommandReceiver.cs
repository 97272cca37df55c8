using Microsoft.Extensions.Logging;
using Signet.Wire;

namespace Signet.Agent;

/// <summary>
/// The device's judgement of one command, and its execution. The device trusts neither the broker nor TLS here:
/// <code>
/// bytes
///   1 open, verify    signature, audience, topic, time; a suite the manifest still takes -> VerifiedCommand, or refusal
///   2 replay          (epoch, seq) is new, and not from before this device's memory      -> or refusal
///   3 allowed         on this device's own list and the manifest's, handled              -> or refusal
///   4 arguments       fit the command's schema and the manifest's rules; approvals, where its class needs them    -> or refusal
///   5 journal         begun, flushed to disk: from here the number is used up, and a crash does not run it again
///   6 execute         once
///   7 receipt         signed
///   8 journal         ended with the receipt, flushed; then it goes out and stays until the center has it
/// </code>
/// Commands are taken one at a time. Nothing in the bytes makes it throw. A command goes on when the connection it came by is lost: only <c>stop</c> stops it.
/// </summary>
internal sealed class CommandReceiver(DeviceIdentity identity, CommandHandlers handlers, CommandJournal journal, ReceiptSigner receipts, Outbox outbox, string bootNonce, TimeProvider time, ILogger logger)
{
    private readonly RefusalLimiter _refusals = new(time);
    private readonly Lock _one = new();
    private DeviceIdentity _device = identity;
    private (string Id, string Digest)? _announced;

    /// <summary>Told epoch and number of every command that verified and is new, also of one that is refused because it is too late.</summary>
    public Action<long, long>? Heard { get; init; }

    /// <summary>A newer manifest is in force from the next command on. Called between two commands.</summary>
    public void Obey(DeviceIdentity newer) => _device = newer;

    /// <summary>The last command that came; the next one may be handed in when it has ended.</summary>
    public Task<bool> AtWork { get; private set; } = Task.FromResult(false);

    /// <returns>True when the handler asked for the device to start again.</returns>
    public Task<bool> ReceiveAsync(ReadOnlyMemory<byte> bytes, string topic, CancellationToken stop) => AtWork = ReceiveOneAsync(bytes, topic, stop);

    /// <summary>On another connection: the command that is still at work was accepted, and is not forgotten. The center counts anew and waits for nothing it was not told.</summary>
    public void AnnounceAgain()
    {
        // Before the end of it is signed, or not at all.
        lock (_one)
            if (_announced is { } command) outbox.Post(receipts.Accepted(command.Id, command.Digest));
    }

    /// <summary>A manifest that came over the broker was refused: whoever watches the fleet hears of it from the device itself.</summary>
    public void ReportManifest(ReadOnlyMemory<byte> bytes, Rejection rejection)
    {
        if (!_refusals.TryTake(out var suppressed)) return;
        MessagePeek.TryReadUnverified(bytes.Span, out var claimedId);
        outbox.Post(receipts.Refusal(claimedId, Thumbprint.OfBytes(bytes.Span), rejection, suppressed, Topics.ManifestBranch));
    }

    private async Task<bool> ReceiveOneAsync(ReadOnlyMemory<byte> bytes, string topic, CancellationToken stop)
    {
        // 1
        var now = time.GetUtcNow();
        var expected = new Expectation { Keys = _device.CenterKeys, Audience = _device.Name, Topic = topic, Now = now, HasClock = _device.HasClock };
        var digest = Thumbprint.OfBytes(bytes.Span);
        if (!TryOpen(bytes, expected, out var signed, out var rejection) || !CommandMessage.TryVerify(signed.Span, expected, out var command, out rejection))
        {
            if (rejection.Reason == RejectReason.Expired) HearLate(signed.Span, expected);
            return Refuse(bytes, rejection);
        }
        // 2
        if (!TakesSuite(command.Suite.Name, now, out rejection) || !IsFresh(command.Claims, now, out rejection)) return Refuse(bytes, rejection);
        Heard?.Invoke(command.Claims.Epoch, command.Claims.Sequence);
        // 3
        if (!Allows(command.Claims.Command) || !handlers.TryFind(command.Claims.Command, out var handler))
            return Refuse(bytes, new(RejectReason.CommandNotAllowed, $"{_device.Name} does not take '{command.Claims.Command}'; it takes {AllowedText()}"));
        // 4
        if (!handler.Arguments.TryCheck(command.Claims.Arguments, out var why) || !IsWithinPolicy(command.Claims, out why)) return Refuse(bytes, new(RejectReason.BadArguments, why));
        if (!IsApproved(command.Claims, now, out rejection)) return Refuse(bytes, rejection);
        if (outbox.IsFull) return Refuse(bytes, new(RejectReason.RateLimited, $"{AgentLimits.Outbox} receipts wait for the broker"));
        // 5
        try
        {
            journal.Begin(command, digest, now);
        }
        catch (IOException e)
        {
            Log.JournalFailed(logger, e.Message);
            outbox.Post(receipts.Outcome(command.Claims.Id, digest, CommandOutcome.Failed("the device's journal cannot be written; nothing was done")));
            return false;
        }
        // 6, 7, 8
        var context = new CommandContext(command, isRepeated: false);
        await FinishAsync(command, digest, handler, context, stop);
        return context.RestartWanted;
    }

    /// <summary>What was begun before the last stop and did not end: run again if that does no harm, else answered <c>interrupted</c>.</summary>
    public async Task RecoverAsync(CancellationToken cancellationToken)
    {
        foreach (var unfinished in journal.Unfinished)
        {
            // The journal is not believed either: the command is verified again, at the time it was taken.
            var then = new Expectation { Keys = _device.CenterKeys, Audience = _device.Name, Topic = Topics.Command(_device.Name), Now = unfinished.At, HasClock = _device.HasClock };
            if (CommandMessage.TryVerify(unfinished.Message.Span, then, out var command, out _)
                && Allows(command.Claims.Command)
                && handlers.TryFind(command.Claims.Command, out var handler) && handler.Idempotent
                && handler.Arguments.TryCheck(command.Claims.Arguments, out _))
            {
                Log.Recovered(logger, unfinished.Id, "run again");
                await FinishAsync(command, unfinished.Digest, handler, new CommandContext(command, isRepeated: true), cancellationToken);
                continue;
            }
            Log.Recovered(logger, unfinished.Id, "interrupted");
            End(unfinished.Id, receipts.Outcome(unfinished.Id, unfinished.Digest, CommandOutcome.Interrupted("the device stopped while it ran; its end is not known")));
        }
    }

    private async Task FinishAsync(VerifiedCommand command, string digest, CommandHandler handler, CommandContext context, CancellationToken cancellationToken)
    {
        var outcome = await ExecuteAsync(handler, digest, context, cancellationToken);
        lock (_one) _announced = null;
        Log.Executed(logger, command.Claims.Id, command.Claims.Command, ReceiptClaims.NameOf(outcome.State));
        End(command.Claims.Id, receipts.Outcome(command.Claims.Id, digest, outcome));
    }

    private void End(string commandId, SignedReceipt receipt)
    {
        try
        {
            journal.End(commandId, receipt);
        }
        catch (IOException e)
        {
            // It happened, so it is said; after a crash now it would be answered once more, as interrupted, and the center keeps the first word.
            Log.JournalFailed(logger, e.Message);
        }
        outbox.Post(receipt);
    }

    private async Task<CommandOutcome> ExecuteAsync(CommandHandler handler, string digest, CommandContext context, CancellationToken cancellationToken)
    {
        if (handler.IsQuick) return await ExecuteHereAsync(handler, context, cancellationToken);
        using var limit = new CancellationTokenSource(handler.TimeLimit, time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            // On a thread of the pool: a handler that blocks must not hold up the time limits.
            var run = Task.Run(() => handler.Run(context, stop.Token), CancellationToken.None);
            await ((Task)run).WaitAsync(AgentLimits.AcceptedAfter, time, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!run.IsCompleted)
            {
                lock (_one) _announced = (context.Command.Claims.Id, digest);
                AnnounceAgain();
            }

            return await run.WaitAsync(handler.TimeLimit + AgentLimits.HandlerGrace, time, CancellationToken.None);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return CommandOutcome.Interrupted(limit.IsCancellationRequested ? $"stopped after {handler.TimeLimit.TotalSeconds} s" : "the device was stopped while it ran");
        }
        catch (TimeoutException)
        {
            return CommandOutcome.Interrupted($"it did not end within {(handler.TimeLimit + AgentLimits.HandlerGrace).TotalSeconds} s");
        }
        catch (Exception e)
        {
            return FailedBy(e, handler);
        }
    }

    // No thread is woken and no clock is set for what is done in less time than that takes.
    private async Task<CommandOutcome> ExecuteHereAsync(CommandHandler handler, CommandContext context, CancellationToken cancellationToken)
    {
        try
        {
            return await handler.Run(context, cancellationToken);
        }
        catch (Exception e)
        {
            return FailedBy(e, handler);
        }
    }

    private CommandOutcome FailedBy(Exception e, CommandHandler handler)
    {
        Log.HandlerFailed(logger, handler.Command, e);
        return CommandOutcome.Failed($"the handler failed ({e.GetType().Name})"); // the exception's text stays on the device
    }

    /// <summary>What is to be verified: the bytes themselves, or what their envelope holds.</summary>
    private bool TryOpen(ReadOnlyMemory<byte> bytes, Expectation expected, out ReadOnlyMemory<byte> signed, out Rejection rejection)
    {
        (signed, rejection) = (bytes, default);
        if (!SealedMessage.IsSealed(bytes.Span))
        {
            if (_device.OnlySealed) rejection = new(RejectReason.AlgorithmNotAllowed, $"{_device.Name} takes only sealed commands");
            return !_device.OnlySealed;
        }
        if (_device.SealingKey is null)
        {
            rejection = new(RejectReason.CannotDecrypt, $"{_device.Name} has no sealing key");
            return false;
        }
        if (!SealedMessage.TryOpen(bytes.Span, _device.SealingKey, expected, out var opened, out rejection)) return false;
        signed = opened;
        return TakesSuite(_device.SealingKey.Suite.Name, expected.Now, out rejection);
    }

    /// <summary>Nothing of it was lost on the way: it only waited too long, at the broker or behind another one.</summary>
    private void HearLate(ReadOnlySpan<byte> signed, Expectation expected)
    {
        if (CommandMessage.TryVerify(signed, expected with { HasClock = false }, out var late, out _) && journal.IsNew(late.Claims, expected.Now, out _)) Heard?.Invoke(late.Claims.Epoch, late.Claims.Sequence);
    }

    private bool TakesSuite(string suite, DateTimeOffset now, out Rejection rejection)
    {
        rejection = _device.Manifest?.Takes(suite, now) == false ? new(RejectReason.AlgorithmNotAllowed, $"the manifest of {_device.Name} does not take {suite} (any more)") : default;
        return rejection.Reason == RejectReason.None;
    }

    private bool IsFresh(CommandClaims command, DateTimeOffset now, out Rejection rejection)
    {
        // Without a clock the epoch has no bound but the nonce: only who has read this start's status can have made the command.
        if (_device.HasClock ? command.Nonce is not null : command.Nonce != bootNonce)
            rejection = new(RejectReason.StaleEpoch, _device.HasClock ? $"{_device.Name} has a clock and announces no nonce" : "it does not echo the nonce of this start");
        else if (_device.HasClock && command.IssuedAt < journal.Born)
            rejection = new(RejectReason.Replayed, $"signed before {journal.Born:u}, where the memory of {_device.Name} begins");
        else if (journal.IsNew(command, _device.HasClock ? now : CommandJournal.NoBound, out rejection))
            return true;
        return false;
    }

    private bool Allows(string command) => _device.AllowedCommands.Contains(command) && _device.Manifest?.Commands.Contains(command, StringComparer.Ordinal) != false;

    private bool IsWithinPolicy(CommandClaims command, out string why)
    {
        why = _device.Manifest?.WhyNot(command.Command, command.Arguments) ?? "";
        return why.Length == 0;
    }

    private bool IsApproved(CommandClaims command, DateTimeOffset now, out Rejection rejection)
    {
        rejection = default;
        if (_device.Manifest is { } manifest && !Quorum.IsMet(command, manifest, now, out rejection)) return false;
        if (command.Proposal is null || !journal.IsUsed(command.Proposal)) return true;
        rejection = new(RejectReason.ApprovalInvalid, $"proposal {command.Proposal} was carried out before");
        return false;
    }

    private bool Refuse(ReadOnlyMemory<byte> bytes, Rejection rejection)
    {
        if (!_refusals.TryTake(out var suppressed)) return false;
        MessagePeek.TryReadUnverified(bytes.Span, out var claimedId);
        Log.Refused(logger, claimedId, RejectReasons.Of(rejection.Reason).Name, rejection.Detail, suppressed);
        outbox.Post(receipts.Refusal(claimedId, Thumbprint.OfBytes(bytes.Span), rejection, suppressed));
        return false;
    }

    private string AllowedText() => _device.AllowedCommands.Count == 0 ? "none" : string.Join(", ", _device.AllowedCommands.Order(StringComparer.Ordinal).Take(16));
}
