using Signet.Wire;

namespace Signet.Agent.Tests;

/// <summary>The device stops at any moment and starts again: nothing runs twice, and every command that ran has an answer.</summary>
public sealed class CrashSpecs
{
    [Fact]
    public async Task A_command_begun_but_not_ended_is_answered_interrupted()
    {
        using var bench = new Bench();
        var claims = bench.Claims();
        var message = BeginAndCrash(bench, claims);
        bench.Start();
        await bench.Receiver.RecoverAsync(CancellationToken.None);
        var receipt = bench.Receipts().ShouldHaveSingleItem();
        (receipt.State, receipt.InReplyTo, receipt.Digest).ShouldBe((ReceiptState.Interrupted, claims.Id, Thumbprint.OfBytes(message)));
        bench.Runs.ShouldBe(0);
        bench.Journal.Unfinished.ShouldBeEmpty();
    }

    [Fact]
    public async Task An_idempotent_command_is_run_again_and_knows_it()
    {
        var repeated = new List<bool>();
        using var bench = new Bench(new CommandHandlers().Handle("open", ArgumentSchema.None, context =>
        {
            repeated.Add(context.IsRepeated);
            return CommandOutcome.Done();
        }, idempotent: true));
        BeginAndCrash(bench, bench.Claims());
        bench.Time.Advance(TimeSpan.FromHours(1)); // long expired by now: it was taken in time
        bench.Start();
        await bench.Receiver.RecoverAsync(CancellationToken.None);
        repeated.ShouldBe([true]);
        bench.Receipts().ShouldHaveSingleItem().State.ShouldBe(ReceiptState.Executed);
    }

    [Fact]
    public async Task Cut_off_at_every_byte_the_journal_never_lets_a_command_run_twice()
    {
        // One whole life: two commands, the first receipt acknowledged. Then the file as it would be had the power gone at any moment.
        using var bench = new Bench();
        var claims = new[] { bench.Claims(), bench.Claims() };
        var messages = claims.Select(bench.Sign).ToArray();
        await bench.ReceiveAsync(messages[0]);
        var (_, first) = await bench.Outbox.NextAsync(0, CancellationToken.None);
        bench.Journal.Acknowledge(first.Id);
        await bench.ReceiveAsync(messages[1]);
        bench.Crash();
        var whole = await File.ReadAllBytesAsync(Path.Combine(bench.StateDirectory, "journal"));
        var lines = System.Text.Encoding.ASCII.GetString(whole).Split('\n');

        for (var cut = 0; cut <= whole.Length; cut += 1 + (cut % 37)) // in the middle of every record, many times
            await AssertAfterCut(cut);
        var boundary = 0;
        foreach (var line in lines)
        {
            if (line.Length == 0) continue;
            await AssertAfterCut(boundary += line.Length + 1);
        }

        async Task AssertAfterCut(int cut)
        {
            await File.WriteAllBytesAsync(Path.Combine(bench.StateDirectory, "journal"), whole[..cut]);
            var kept = System.Text.Encoding.ASCII.GetString(whole[..cut]).Split('\n')[..^1];
            bench.Start();
            bench.Runs = 0;
            await bench.Receiver.RecoverAsync(CancellationToken.None);
            bench.Runs.ShouldBe(0);
            foreach (var message in messages) await bench.ReceiveAsync(message);
            // A command runs now exactly if its beginning is not on the disk: then it had not run before either.
            bench.Runs.ShouldBe(claims.Count(c => !kept.Any(l => l.Contains("\"t\":\"begun\"", StringComparison.Ordinal) && l.Contains(c.Id, StringComparison.Ordinal))), $"cut at {cut}");
            var answered = bench.Receipts().Where(r => r.State != ReceiptState.Rejected).Select(r => r.InReplyTo).ToList();
            foreach (var c in claims)
                (answered.Contains(c.Id) || kept.Any(l => l.Contains("\"t\":\"acked\"", StringComparison.Ordinal))).ShouldBeTrue($"{c.Id} has no answer, cut at {cut}");
            bench.Crash();
        }
    }

    private static byte[] BeginAndCrash(Bench bench, CommandClaims claims)
    {
        var message = bench.Sign(claims);
        // A handler that never comes back, as far as the disk can tell: begun is written, ended is not.
        bench.Journal.Begin(bench.Verified(message), Thumbprint.OfBytes(message), bench.Time.GetUtcNow());
        bench.Crash();
        return message;
    }
}
