using System.Text;
using Signet.Wire;

namespace Signet.Agent.Tests;

public sealed class JournalSpecs
{
    [Fact]
    public async Task It_remembers_over_a_restart()
    {
        using var bench = new Bench();
        var (first, second) = (bench.Claims(), bench.Claims());
        await bench.ReceiveAsync(bench.Sign(first));
        bench.Journal.Begin(bench.Verified(bench.Sign(second)), "digest", bench.Time.GetUtcNow());
        bench.Journal.SawCheckpoint("note 77", 77);
        var epoch = bench.Journal.Epoch;
        bench.Crash();
        using var journal = CommandJournal.Open(bench.StateDirectory);
        journal.Epoch.ShouldBe(epoch);
        journal.TreeSize.ShouldBe(77);
        journal.Unfinished.ShouldHaveSingleItem().Id.ShouldBe(second.Id);
        journal.Receipts.ShouldHaveSingleItem();
        journal.IsNew(first, bench.Time.GetUtcNow(), out var why).ShouldBeFalse();
        why.Reason.ShouldBe(RejectReason.Replayed);
        journal.IsNew(second, bench.Time.GetUtcNow(), out _).ShouldBeFalse();
        journal.IsNew(bench.Claims(), bench.Time.GetUtcNow(), out _).ShouldBeTrue();
    }

    [Fact]
    public void Each_start_has_a_higher_epoch_even_if_the_clock_went_back()
    {
        using var bench = new Bench();
        var first = bench.Sequence.Epoch;
        bench.Crash();
        bench.Time.Advance(-TimeSpan.FromDays(1));
        bench.Start();
        bench.Sequence.Epoch.ShouldBe(first + 1);
    }

    [Fact]
    public void Damage_in_the_middle_is_refused_in_words()
    {
        using var bench = new Bench();
        bench.Journal.SawCheckpoint("note 1", 1);
        bench.Journal.SawCheckpoint("note 2", 2);
        bench.Crash();
        var path = Path.Combine(bench.StateDirectory, "journal");
        var content = File.ReadAllBytes(path);
        content[^80] ^= 1; // in the line before the last
        File.WriteAllBytes(path, content);
        Should.Throw<AgentException>(() => CommandJournal.Open(bench.StateDirectory)).Message.ShouldContain("is damaged at byte");
    }

    [Fact]
    public void A_record_of_a_later_version_is_refused_in_words()
    {
        using var bench = new Bench();
        bench.Crash();
        using (var file = JournalFile.Open(bench.StateDirectory, out _)) file.Append(new() { ["t"] = "novelty" }, durable: true);
        Should.Throw<AgentException>(() => CommandJournal.Open(bench.StateDirectory)).Message.ShouldContain("does not know");
    }

    [Fact]
    public void Two_processes_cannot_run_one_device()
    {
        using var bench = new Bench();
        Should.Throw<AgentException>(() => CommandJournal.Open(bench.StateDirectory)).Message.ShouldContain("another process runs this device");
    }

    [Fact]
    public void The_file_is_rewritten_when_it_grows_and_nothing_that_counts_is_lost()
    {
        using var bench = new Bench();
        var path = Path.Combine(bench.StateDirectory, "journal");
        var taken = new List<CommandClaims>();
        var unfinished = bench.Claims();
        bench.Journal.Begin(bench.Verified(bench.Sign(unfinished)), "digest", bench.Time.GetUtcNow());
        var largest = 0L;
        for (var i = 0; i < 500; i++)
        {
            var claims = bench.Claims(arguments: new() { ["padding"] = new string('x', 1_000) });
            var command = bench.Verified(bench.Sign(claims));
            bench.Journal.Begin(command, command.Digest, bench.Time.GetUtcNow());
            var receipt = new SignedReceipt($"receipt-{i}", command.Digest, Encoding.ASCII.GetBytes("receipt"), isJournaled: true);
            bench.Journal.End(claims.Id, receipt);
            if (i > 0) bench.Journal.Acknowledge(receipt.Id);
            taken.Add(claims);
            largest = Math.Max(largest, new FileInfo(path).Length);
        }
        largest.ShouldBeLessThan(AgentLimits.JournalBytes + 10_000);
        new FileInfo(path).Length.ShouldBeLessThan(AgentLimits.JournalBytes);
        bench.Crash();
        Encoding.ASCII.GetString(File.ReadAllBytes(path)).ShouldContain("\"t\":\"state\"");
        using var journal = CommandJournal.Open(bench.StateDirectory);
        journal.Unfinished.ShouldHaveSingleItem().Id.ShouldBe(unfinished.Id);
        journal.Receipts.ShouldHaveSingleItem().Id.ShouldBe("receipt-0");
        foreach (var claims in taken.Append(unfinished)) journal.IsNew(claims, bench.Time.GetUtcNow(), out _).ShouldBeFalse();
        journal.IsNew(bench.Claims(), bench.Time.GetUtcNow(), out _).ShouldBeTrue();
    }

    [Fact]
    public void Only_its_owner_may_read_it()
    {
        if (OperatingSystem.IsWindows()) return; // no modes there
        using var bench = new Bench();
        File.GetUnixFileMode(Path.Combine(bench.StateDirectory, "journal")).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.GetUnixFileMode(bench.StateDirectory).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }
}
