using System.Text.Json.Nodes;
using Signet.Wire;

namespace Signet.Agent.Tests;

public sealed class CommandReceiverSpecs
{
    [Fact]
    [Trait("row", "S0-20")]
    public async Task A_command_is_executed_once_and_answered_with_a_signed_receipt()
    {
        using var bench = new Bench();
        var message = bench.Sign(bench.Claims());
        await bench.ReceiveAsync(message);
        var receipt = bench.Receipts().ShouldHaveSingleItem();
        bench.Runs.ShouldBe(1);
        receipt.State.ShouldBe(ReceiptState.Executed);
        receipt.Digest.ShouldBe(Thumbprint.OfBytes(message));
        receipt.Result.ToJsonString().ShouldBe("""{"open":true}""");
    }

    [Fact]
    [Trait("row", "S0-28")]
    public async Task The_same_bytes_again_are_refused_replayed_and_the_first_receipt_stays_until_the_broker_has_it()
    {
        using var bench = new Bench();
        var message = bench.Sign(bench.Claims());
        await bench.ReceiveAsync(message);
        await bench.ReceiveAsync(message);
        bench.Runs.ShouldBe(1);
        var receipts = bench.Receipts();
        receipts.Select(r => (r.State, r.Reason)).ShouldBe([(ReceiptState.Executed, RejectReason.None), (ReceiptState.Rejected, RejectReason.Replayed)]);
        receipts.ShouldAllBe(r => r.Digest == Thumbprint.OfBytes(message) && r.InReplyTo == receipts[0].InReplyTo);
    }

    [Fact]
    public async Task A_replay_after_a_restart_is_refused_too()
    {
        using var bench = new Bench();
        var message = bench.Sign(bench.Claims());
        await bench.ReceiveAsync(message);
        bench.Crash();
        bench.Start();
        await bench.ReceiveAsync(message);
        bench.Runs.ShouldBe(1);
        bench.Receipts()[^1].Reason.ShouldBe(RejectReason.Replayed);
    }

    public static TheoryData<RejectReason> Reasons => [.. Refused.Keys];

    private static readonly Dictionary<RejectReason, Func<Bench, (byte[] Message, string? Topic)>> Refused = new()
    {
        [RejectReason.Malformed] = _ => ([1, 2, 3], null),
        [RejectReason.TooLarge] = _ => (new byte[WireLimits.MessageBytes + 1], null),
        [RejectReason.BadSignature] = b => (Flip(b.Sign(b.Claims())), null),
        [RejectReason.WrongAudience] = b => (b.Sign(b.Claims() with { Audience = "door-2", Topic = Topics.Command("door-2") }), null),
        [RejectReason.WrongTopic] = b => (b.Sign(b.Claims()), Topics.Checkpoint(Bench.Device)),
        [RejectReason.Expired] = b => (b.Sign(b.Claims() with { IssuedAt = b.Time.GetUtcNow().AddSeconds(-31) }), null), // also before its memory: the earlier check speaks
        [RejectReason.IssuedInFuture] = b => (b.Sign(b.Claims() with { Epoch = b.Time.GetUtcNow().ToUnixTimeSeconds() + 60 }), null),
        [RejectReason.CommandNotAllowed] = b => (b.Sign(b.Claims("explode")), null),
        [RejectReason.BadArguments] = b => (b.Sign(b.Claims(arguments: new() { ["x"] = 1 })), null),
        [RejectReason.CertificateExpired] = b =>
        {
            b.Time.Advance(TimeSpan.FromSeconds(60_000_000));
            return (b.Sign(b.Claims()), null);
        },
    };

    [Theory]
    [MemberData(nameof(Reasons))]
    public async Task Each_refusal_is_signed_names_its_reason_and_runs_nothing(RejectReason reason)
    {
        using var bench = new Bench();
        var (message, topic) = Refused[reason](bench);
        await bench.ReceiveAsync(message, topic);
        bench.Runs.ShouldBe(0);
        var receipt = bench.Receipts().ShouldHaveSingleItem();
        (receipt.State, receipt.Reason, receipt.Digest).ShouldBe((ReceiptState.Rejected, reason, Thumbprint.OfBytes(message)));
        ((string?)receipt.Result["detail"]).ShouldNotBeNullOrEmpty();
    }

    [Fact]
    public async Task A_sealed_command_is_opened_and_its_receipt_names_the_bytes_that_were_sent()
    {
        using var bench = new Bench(onlySealed: true);
        var envelope = Bench.Seal(bench.Sign(bench.Claims()));
        await bench.ReceiveAsync(envelope);
        bench.Runs.ShouldBe(1);
        var receipt = bench.Receipts().ShouldHaveSingleItem();
        (receipt.State, receipt.Digest).ShouldBe((ReceiptState.Executed, Thumbprint.OfBytes(envelope)));
        await bench.ReceiveAsync(Bench.Seal(bench.Sign(bench.Claims() with { Sequence = 1 }))); // another envelope, the same number
        bench.Receipts()[^1].Reason.ShouldBe(RejectReason.Replayed);
    }

    [Fact]
    public async Task A_device_that_wants_sealed_commands_refuses_plain_ones_and_broken_envelopes()
    {
        using var bench = new Bench(onlySealed: true);
        await bench.ReceiveAsync(bench.Sign(bench.Claims()));
        bench.Receipts()[^1].Reason.ShouldBe(RejectReason.AlgorithmNotAllowed);
        await bench.ReceiveAsync(Flip(Bench.Seal(bench.Sign(bench.Claims()))));
        bench.Receipts()[^1].Reason.ShouldBe(RejectReason.CannotDecrypt);
        bench.Runs.ShouldBe(0);
    }

    [Fact]
    public async Task A_device_that_lost_its_memory_takes_nothing_signed_before()
    {
        using var bench = new Bench();
        await bench.ReceiveAsync(bench.Sign(bench.Claims() with { IssuedAt = bench.Time.GetUtcNow().AddSeconds(-1) }));
        bench.Receipts()[^1].Result["detail"]!.GetValue<string>().ShouldContain("where the memory of door-1 begins");
        bench.Receipts()[^1].Reason.ShouldBe(RejectReason.Replayed);
        bench.Runs.ShouldBe(0);
    }

    [Fact]
    public async Task A_device_without_a_clock_takes_only_what_echoes_its_nonce_and_that_once()
    {
        using var bench = new Bench(hasClock: false);
        var late = bench.Claims() with { IssuedAt = bench.Time.GetUtcNow().AddYears(3), ExpiresAt = bench.Time.GetUtcNow().AddYears(3).AddSeconds(5), Epoch = bench.Time.GetUtcNow().AddYears(3).ToUnixTimeSeconds() };
        await bench.ReceiveAsync(bench.Sign(late));
        bench.Receipts()[^1].Reason.ShouldBe(RejectReason.StaleEpoch);
        await bench.ReceiveAsync(bench.Sign(late with { Nonce = "AAECAwQFBgcICQoLDA0ODg" }));
        bench.Receipts()[^1].Reason.ShouldBe(RejectReason.StaleEpoch);
        bench.Runs.ShouldBe(0);
        var echoed = bench.Sign(late with { Nonce = Bench.Nonce });
        await bench.ReceiveAsync(echoed);
        await bench.ReceiveAsync(echoed);
        bench.Runs.ShouldBe(1);
        bench.Receipts()[^1].Reason.ShouldBe(RejectReason.Replayed);
    }

    [Fact]
    public async Task A_lower_epoch_is_stale()
    {
        using var bench = new Bench();
        await bench.ReceiveAsync(bench.Sign(bench.Claims()));
        await bench.ReceiveAsync(bench.Sign(bench.Claims() with { Epoch = 5 }));
        bench.Receipts()[^1].Reason.ShouldBe(RejectReason.StaleEpoch);
    }

    [Fact]
    public async Task A_refused_command_does_not_use_up_its_number()
    {
        using var bench = new Bench(allowed: ["open"]);
        var claims = bench.Claims("explode");
        await bench.ReceiveAsync(bench.Sign(claims));
        await bench.ReceiveAsync(bench.Sign(claims with { Command = "open" }));
        bench.Runs.ShouldBe(1);
    }

    [Fact]
    [Trait("row", "S0-16")]
    public async Task A_command_the_device_can_do_but_does_not_allow_is_refused_with_what_it_takes()
    {
        using var bench = new Bench(allowed: ["close"]);
        await bench.ReceiveAsync(bench.Sign(bench.Claims("open")));
        bench.Receipts().ShouldHaveSingleItem().Result["detail"]!.GetValue<string>().ShouldBe("door-1 does not take 'open'; it takes close");
    }

    [Fact]
    public async Task A_flood_of_forgeries_is_counted_not_answered()
    {
        using var bench = new Bench();
        for (var i = 0; i < 100; i++) await bench.ReceiveAsync([1, 2, 3]);
        bench.Receipts().Count.ShouldBe(AgentLimits.RefusalBurst);
        bench.Time.Advance(TimeSpan.FromSeconds(1));
        await bench.ReceiveAsync([1, 2, 3]);
        bench.Receipts()[^1].Result["suppressed"]!.GetValue<long>().ShouldBe(90);
        await bench.ReceiveAsync(bench.Sign(bench.Claims()));
        bench.Runs.ShouldBe(1); // real commands do not wait for the limiter
    }

    [Fact]
    public async Task While_the_outbox_is_full_commands_are_refused_rate_limited()
    {
        using var bench = new Bench();
        await bench.ReceiveAsync(bench.Sign(bench.Claims()));
        var (_, receipt) = await bench.Outbox.NextAsync(0, CancellationToken.None);
        while (!bench.Outbox.IsFull) bench.Outbox.Post(receipt);
        await bench.ReceiveAsync(bench.Sign(bench.Claims()));
        bench.Runs.ShouldBe(1);
        bench.Receipts()[^1].Reason.ShouldBe(RejectReason.RateLimited);
    }

    [Fact]
    public async Task A_handler_that_throws_is_reported_failed_without_its_text()
    {
        using var bench = new Bench(new CommandHandlers().Handle("open", ArgumentSchema.None, _ => throw new InvalidOperationException("the password is hunter2")));
        await bench.ReceiveAsync(bench.Sign(bench.Claims()));
        var receipt = bench.Receipts().ShouldHaveSingleItem();
        receipt.State.ShouldBe(ReceiptState.Failed);
        receipt.Result.ToJsonString().ShouldBe("""{"error":"the handler failed (InvalidOperationException)"}""");
    }

    [Fact]
    public async Task A_result_no_message_can_hold_is_still_reported_executed()
    {
        using var bench = new Bench(new CommandHandlers().Handle("open", ArgumentSchema.None, _ => CommandOutcome.Done(new JsonObject { ["text"] = new string('a', 100_000) })));
        await bench.ReceiveAsync(bench.Sign(bench.Claims()));
        bench.Receipts().ShouldHaveSingleItem().State.ShouldBe(ReceiptState.Executed);
    }

    [Fact]
    public async Task A_slow_command_is_announced_accepted_and_one_that_never_ends_is_interrupted()
    {
        var begun = new TaskCompletionSource();
        using var bench = new Bench(new CommandHandlers().Handle("open", ArgumentSchema.None, (_, stop) =>
        {
            begun.SetResult();
            return new TaskCompletionSource<CommandOutcome>().Task.WaitAsync(stop);
        }));
        var receiving = bench.ReceiveAsync(bench.Sign(bench.Claims()));
        await begun.Task;
        while (bench.Time.Timers < 2) await Task.Yield();
        bench.Time.Advance(AgentLimits.AcceptedAfter);
        while (bench.Outbox.Count == 0) await Task.Yield();
        bench.Receipts().ShouldHaveSingleItem().State.ShouldBe(ReceiptState.Accepted);
        while (bench.Time.Timers < 2) await Task.Yield();
        bench.Time.Advance(AgentLimits.HandlerTime);
        await receiving;
        bench.Receipts()[^1].State.ShouldBe(ReceiptState.Interrupted);
    }

    [Fact]
    public async Task A_handler_that_blocks_its_thread_holds_up_neither_its_time_limit_nor_the_next_command()
    {
        using var stuck = new ManualResetEventSlim();
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var bench = new Bench(new CommandHandlers()
            .Handle("open", ArgumentSchema.None, _ =>
            {
                begun.SetResult();
                stuck.Wait();
                return CommandOutcome.Done();
            })
            .Handle("close", ArgumentSchema.None, _ => CommandOutcome.Done()));
        var receiving = Task.Run(async () =>
        {
            await bench.ReceiveAsync(bench.Sign(bench.Claims("open")));
            await bench.ReceiveAsync(bench.Sign(bench.Claims("close")));
        });
        await begun.Task;
        while (bench.Time.Timers < 2) await Task.Yield();
        bench.Time.Advance(AgentLimits.AcceptedAfter);
        while (bench.Outbox.Count < 1) await Task.Yield();
        while (bench.Time.Timers < 2) await Task.Yield();
        bench.Time.Advance(AgentLimits.HandlerTime + AgentLimits.HandlerGrace);
        await receiving.WaitAsync(TimeSpan.FromSeconds(30));
        bench.Receipts().Select(r => r.State).ShouldBe([ReceiptState.Accepted, ReceiptState.Interrupted, ReceiptState.Executed]);
        stuck.Set();
    }

    [Fact]
    public async Task A_quick_handler_runs_on_the_thread_that_received_the_command_and_its_failure_is_told_like_anothers()
    {
        var threads = new List<int>();
        using var bench = new Bench(new CommandHandlers()
            .HandleQuick("open", ArgumentSchema.None, _ =>
            {
                threads.Add(Environment.CurrentManagedThreadId);
                return CommandOutcome.Done();
            })
            .HandleQuick("close", ArgumentSchema.None, _ => throw new InvalidOperationException("the password is hunter2")));
        var here = Environment.CurrentManagedThreadId;
        var opened = bench.ReceiveAsync(bench.Sign(bench.Claims("open")));
        opened.IsCompletedSuccessfully.ShouldBeTrue("it waits for no other thread");
        threads.ShouldBe([here]);
        await bench.ReceiveAsync(bench.Sign(bench.Claims("close")));
        bench.Receipts().Select(r => r.State).ShouldBe([ReceiptState.Executed, ReceiptState.Failed]);
        bench.Receipts()[^1].Result.ToJsonString().ShouldBe("""{"error":"the handler failed (InvalidOperationException)"}""");
    }

    [Fact]
    public async Task A_command_that_comes_too_late_was_not_lost_and_counts_as_heard_once_it_is_carried_out_no_more()
    {
        using var bench = new Bench();
        var late = bench.Claims();
        var message = bench.Sign(late);
        bench.Time.Advance(TimeSpan.FromMinutes(1));
        await bench.ReceiveAsync(message);
        bench.Receipts().ShouldHaveSingleItem().Reason.ShouldBe(RejectReason.Expired);
        bench.Heard.ShouldBe([(late.Epoch, late.Sequence)]);

        // One that was carried out and comes again when it is old is nothing new.
        var done = bench.Claims();
        var taken = bench.Sign(done);
        await bench.ReceiveAsync(taken);
        bench.Time.Advance(TimeSpan.FromMinutes(1));
        await bench.ReceiveAsync(taken);
        bench.Receipts()[^1].Reason.ShouldBe(RejectReason.Expired);
        bench.Heard.ShouldBe([(late.Epoch, late.Sequence), (done.Epoch, done.Sequence)]);

        // Nor is a forged one.
        await bench.ReceiveAsync(Flip(bench.Sign(bench.Claims())));
        bench.Heard.Count.ShouldBe(2);
    }

    private static byte[] Flip(byte[] message)
    {
        message[^2] = message[^2] == (byte)'A' ? (byte)'B' : (byte)'A';
        return message;
    }
}
