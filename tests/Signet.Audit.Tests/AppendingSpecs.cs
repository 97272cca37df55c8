using System.Text;
using Signet.Proof;
using Signet.Store;

namespace Signet.Audit.Tests;

public class AppendingSpecs
{
    [Fact]
    [Trait("row", "S0-9")]
    public async Task A_new_log_begins_with_its_own_creation_and_numbers_without_gaps()
    {
        using var home = new AuditHome();
        await using var log = await home.OpenAsync();
        var first = await log.AppendAsync(AuditHome.Record(1));
        var second = await log.AppendAsync(AuditHome.Record(2));
        first.Sequence.ShouldBe(2);
        second.Sequence.ShouldBe(3);
        (await log.FindAsync(1))!.Action.ShouldBe("log-created");
        home.FirstKey.Length.ShouldBe(32);
    }

    [Fact]
    public async Task An_entry_reads_back_as_it_was_written()
    {
        using var home = new AuditHome();
        await using var log = await home.OpenAsync();
        var record = AuditHome.Record(5);
        var entry = await log.AppendAsync(record);
        var read = (await log.FindAsync(entry.Sequence))!;
        read.Actor.ShouldBe(record.Actor);
        read.Reason.ShouldBe("replayed");
        read.Details.ToJsonString().ShouldBe(record.Details!.ToJsonString());
        read.Time.ShouldBe(home.Clock.GetUtcNow());
        read.Body.ToArray().ShouldBe(entry.Body.ToArray());
        read.Mac.ShouldBe(entry.Mac);
    }

    [Fact]
    public async Task The_body_is_canonical_json_with_its_members_in_order()
    {
        using var home = new AuditHome();
        await using var log = await home.OpenAsync();
        var entry = await log.AppendAsync(new AuditRecord(AuditTypes.Auth, "ana", "console", "sign-in", "success"));
        var prev = Convert.ToBase64String(home.Scalar<byte[]>("SELECT prev FROM entries WHERE seq = 2")).TrimEnd('=').Replace('+', '-').Replace('/', '_');
        Encoding.UTF8.GetString(entry.Body.Span).ShouldBe(
            $$"""{"action":"sign-in","actor":"ana","details":{},"outcome":"success","prev":"{{prev}}","reason":"","seq":2,"subject":"console","time":"2026-03-01T12:00:00.000000Z","type":"auth"}""");
    }

    [Fact]
    public async Task Appends_from_many_callers_are_all_there_in_one_order()
    {
        using var home = new AuditHome();
        await using var log = await home.OpenAsync();
        var live = new List<long>();
        log.Appended += entry => live.Add(entry.Sequence);
        var entries = await Task.WhenAll(Enumerable.Range(1, 2_000).Select(i => Task.Run(async () => await log.AppendAsync(AuditHome.Record(i)))));
        entries.Select(e => e.Sequence).Order().ShouldBe(Enumerable.Range(2, 2_000).Select(i => (long)i));
        live.ShouldBe(Enumerable.Range(2, 2_000).Select(i => (long)i));
        (await log.VerifyAsync()).Summary.ShouldStartWith("intact: 2001 entries");
    }

    [Fact]
    [Trait("row", "S0-26")]
    public async Task No_entry_is_older_than_the_call_that_wrote_it_however_many_come_while_others_are_committed()
    {
        using var home = new AuditHome();
        await using var log = await AuditLog.OpenAsync(home.Options, TimeProvider.System, System.Security.Cryptography.RandomNumberGenerator.Create());
        await Task.WhenAll(Enumerable.Range(0, 256).Select(_ => Task.Run(async () =>
        {
            for (var i = 0; i < 40; i++)
            {
                var before = DateTimeOffset.UtcNow;
                (await log.AppendAsync(AuditHome.Record(i))).Time.ShouldBeGreaterThanOrEqualTo(before.AddTicks(-(before.Ticks % 10)));
            }
        })));
        (await log.VerifyAsync()).IsIntact.ShouldBeTrue();
    }

    [Fact]
    public async Task A_checkpoint_is_signed_ten_seconds_after_an_entry()
    {
        using var home = new AuditHome();
        await using var log = await home.OpenAsync();
        var signed = new TaskCompletionSource<Checkpoint>();
        log.CheckpointSigned += checkpoint => signed.TrySetResult(checkpoint);
        await log.AppendAsync(AuditHome.Record(1));
        home.Clock.Advance(TimeSpan.FromSeconds(9));
        signed.Task.IsCompleted.ShouldBeFalse();
        home.Clock.Advance(TimeSpan.FromSeconds(1));
        (await signed.Task.WaitAsync(TimeSpan.FromSeconds(60))).Size.ShouldBe(2);
    }

    [Fact]
    public async Task The_hmac_key_moves_on_at_a_checkpoint_and_the_old_one_is_gone()
    {
        using var home = new AuditHome();
        await using var log = await home.OpenAsync();
        var path = Path.Combine(home.Folder, "hmac.key");
        File.ReadAllBytes(path).AsSpan().IndexOf(home.FirstKey).ShouldBeGreaterThan(0);
        await log.CheckpointAsync();
        foreach (var file in Directory.GetFiles(home.Folder).Where(f => !f.EndsWith(".lock", StringComparison.Ordinal)))
            File.ReadAllBytes(file).AsSpan().IndexOf(home.FirstKey).ShouldBe(-1, file);
    }

    [Fact]
    public async Task A_second_opener_is_told_which_process_has_the_log()
    {
        using var home = new AuditHome();
        await using var log = await home.OpenAsync();
        var refused = await Should.ThrowAsync<StoreException>(() => home.OpenAsync());
        refused.Failure.ShouldBe(StoreFailure.Locked);
        refused.Message.ShouldContain($"({Environment.ProcessId})");
    }

    [Fact]
    public async Task A_log_that_crashed_goes_on_where_it_was()
    {
        using var home = new AuditHome();
        await home.FillAsync(250, checkpointEvery: 100, clean: false);
        await using var log = await home.OpenAsync();
        log.WasClosedCleanly.ShouldBeFalse();
        log.Size.ShouldBe(250);
        (await log.AppendAsync(AuditHome.Record(1))).Sequence.ShouldBe(251);
        (await log.VerifyAsync()).IsIntact.ShouldBeTrue();
    }

    [Fact]
    public async Task A_crash_between_checkpoint_and_key_is_mended_by_opening()
    {
        using var home = new AuditHome();
        await home.FillAsync(50, checkpointEvery: 1000, clean: false);
        var keyBefore = File.ReadAllBytes(Path.Combine(home.Folder, "hmac.key"));
        await home.FillAsync(60);   // closes cleanly: one checkpoint, key moved on
        File.WriteAllBytes(Path.Combine(home.Folder, "hmac.key"), keyBefore);
        File.Delete(Path.Combine(home.Folder, "checkpoint"));
        home.Verify().IsIntact.ShouldBeTrue();
        await using var log = await home.OpenAsync();
        await log.AppendAsync(AuditHome.Record(61));
        (await log.VerifyAsync()).Summary.ShouldStartWith("intact: 61 entries");
    }

    [Fact]
    public async Task A_clock_set_back_is_said_by_an_entry_and_nothing_is_lost()
    {
        using var home = new AuditHome();
        await using var log = await home.OpenAsync();
        home.Clock.Advance(TimeSpan.FromDays(-365));
        var entry = await log.AppendAsync(AuditHome.Record(1));
        entry.Sequence.ShouldBe(3);
        (await log.FindAsync(2))!.Action.ShouldBe("clock-set-back");
        (await log.VerifyAsync()).IsIntact.ShouldBeTrue();
    }

    [Fact]
    public async Task Hostile_text_is_written_and_verifies()
    {
        using var home = new AuditHome();
        await using var log = await home.OpenAsync();
        await log.AppendAsync(new AuditRecord(AuditTypes.AuthFail, "\ud800\0\u2028\"\\", new string('x', 5000), "<script>", "=1+1", "\r\n"));
        var entry = (await log.FindAsync(2))!;
        entry.Actor.ShouldBe("\ufffd\0\u2028\"\\");
        entry.Subject.ShouldEndWith("...(cut)");
        (await log.VerifyAsync()).IsIntact.ShouldBeTrue();
    }

    [Fact]
    public async Task Personal_data_stay_outside_the_hashed_body()
    {
        using var home = new AuditHome();
        await using var log = await home.OpenAsync();
        var entry = await log.AppendAsync(AuditHome.Record(1) with { Personal = new() { ["address"] = "192.0.2.7" } });
        Encoding.UTF8.GetString(entry.Body.Span).ShouldNotContain("192.0.2.7");
        (await log.FindAsync(entry.Sequence))!.Personal!["address"]!.GetValue<string>().ShouldBe("192.0.2.7");
        (await log.VerifyAsync()).IsIntact.ShouldBeTrue();
        home.Execute("UPDATE personal SET data = @d", ("@d", Encoding.UTF8.GetBytes("""{"address":"192.0.2.8"}""")));
        (await log.VerifyAsync()).Fault!.ShouldBe(new Fault(FaultKind.Edited, 2, 2, "the personal data beside it are not the ones it was written with"));
    }

    [Fact]
    public async Task An_entry_is_proven_against_the_signed_root()
    {
        using var home = new AuditHome();
        await home.FillAsync(700, checkpointEvery: 1000);
        await using var log = await home.OpenAsync();
        foreach (var sequence in new long[] { 1, 255, 256, 257, 512, 699, 700 })
        {
            var proof = (await log.ProveAsync(sequence))!;
            var leaf = MerkleTree.LeafHash((await log.FindAsync(sequence))!.Body.Span);
            MerkleTree.VerifyInclusion(leaf, sequence - 1, proof.Checkpoint.Size, proof.Path, proof.Checkpoint.Root).ShouldBeTrue();
        }
        (await log.ProveAsync(701)).ShouldBeNull();
    }
}
