using System.Diagnostics;
using Signet.Proof;

namespace Signet.Audit.Tests;

public class RotationSpecs
{
    [Fact]
    [Trait("row", "S0-27")]
    public async Task Segments_are_sealed_by_count_and_verify_alone()
    {
        using var home = new AuditHome();
        await using var log = await home.OpenAsync(home.Options with { SegmentEntries = 100 });
        for (var segment = 1; segment <= 3; segment++)
        {
            for (var i = 0; i < 100; i++) await log.AppendAsync(AuditHome.Record(i));
            await log.CheckpointAsync();
            await UntilAsync(() => log.Segments.Count == segment);
        }
        CheckpointKey.TryReadPem(log.TrustPem, out var trust, out _).ShouldBeTrue();
        var last = 0L;
        foreach (var segment in log.Segments)
        {
            segment.First.ShouldBe(last + 1);
            last = segment.Last;
            using var file = File.OpenRead(segment.Path);
            var verdict = ExportVerification.Verify(file, trust!);
            verdict.Summary.ShouldStartWith($"intact: {segment.Last - segment.First + 1} entries");
        }
        await UntilAsync(() => log.Entries(new AuditFilter { Action = "segment-sealed" }).Count() >= 3);   // written behind the file
        (await log.QueryAsync(new AuditFilter { Action = "segment-sealed" })).Entries.Count.ShouldBe(3);
    }

    [Fact]
    public async Task A_segment_is_sealed_by_age_and_an_open_one_is_continued_after_a_restart()
    {
        using var home = new AuditHome();
        await home.FillAsync(10);
        await using var log = await home.OpenAsync();
        log.Segments.ShouldBeEmpty();
        home.Clock.Advance(TimeSpan.FromDays(30));
        await log.AppendAsync(AuditHome.Record(1));
        await log.CheckpointAsync();
        await UntilAsync(() => log.Segments.Count == 1);
        (log.Segments[0].First, log.Segments[0].Last).ShouldBe((1, 11));
    }

    [Fact]
    public async Task Repeated_failures_of_one_source_become_one_entry_with_their_count()
    {
        using var home = new AuditHome();
        await using var log = await home.OpenAsync();
        await using (var fold = new FailureFold(log, home.Clock))
        {
            var written = 0;
            for (var i = 0; i < 1_000; i++)
                if (await fold.RecordAsync(new AuditRecord(AuditTypes.AuthFail, "?", "console", "sign-in", "refused", "wrong-password"), "192.0.2.9") is not null)
                    written++;
            written.ShouldBe(5);
            home.Clock.Advance(TimeSpan.FromSeconds(10));
            await UntilAsync(() => log.Size == 7);
        }
        var counted = (await log.FindAsync(7))!;
        (counted.Type, counted.Details["count"]!.GetValue<long>(), counted.Personal!["source"]!.GetValue<string>()).ShouldBe(("auth_fail", 995, "192.0.2.9"));
        System.Text.Encoding.UTF8.GetString(counted.Body.Span).ShouldNotContain("192.0.2.9", customMessage: "what is hashed cannot be erased");
    }

    [Fact]
    public async Task A_hundred_thousand_sources_cannot_write_more_than_the_stated_number()
    {
        using var home = new AuditHome();
        await using var log = await home.OpenAsync();
        await using (var fold = new FailureFold(log, home.Clock))
            for (var i = 0; i < 20_000; i++)
                await fold.RecordAsync(new AuditRecord(AuditTypes.AuthFail, "?", "broker", "handshake", "refused", "certificate-untrusted"), "source-" + i);
        log.Size.ShouldBe(1 + 200 + 50 + 1);
        var rest = (await log.QueryAsync(new AuditFilter { Action = "failures-counted" })).Entries.ShouldHaveSingleItem();
        rest.Details["count"]!.GetValue<long>().ShouldBe(20_000 - 200 - 50);
    }

    [Fact, Trait(Signet.Testing.TestDatabase.Trait, Signet.Testing.TestDatabase.SqliteOnly)]
    public async Task On_a_full_disk_only_emergencies_are_recorded_and_it_recovers_when_there_is_space()
    {
        using var disk = SmallDisk.Mount(megabytes: 6);
        var clock = new HandClock();
        await using var log = await AuditLog.OpenAsync(new AuditOptions { Directory = Path.Combine(disk.Folder, "audit"), ReserveBytes = 2 << 20 }, clock, System.Security.Cryptography.RandomNumberGenerator.Create());
        var filler = Path.Combine(disk.Folder, "filler");
        disk.Fill(filler);
        var refused = await Should.ThrowAsync<AuditUnavailableException>(async () =>
        {
            for (var i = 0; i < 20_000; i++) await log.AppendAsync(AuditHome.Record(i));   // until the write-ahead log must grow
        });
        refused.Message.ShouldContain("disk full");
        var entry = await log.AppendAsync(new AuditRecord(AuditTypes.Certificate, "ana", "door-1", "revoked", "success") { Emergency = true });
        entry.Sequence.ShouldBeGreaterThan(1);
        log.Health.State.ShouldBe(AuditState.OnReserve);
        (await Should.ThrowAsync<AuditUnavailableException>(async () => await log.AppendAsync(AuditHome.Record(1)))).Message.ShouldContain("only emergencies are recorded");

        File.Delete(filler);
        clock.Advance(TimeSpan.FromSeconds(1));
        await UntilAsync(() => log.Health.State == AuditState.Writable);
        await log.AppendAsync(AuditHome.Record(2));
        (await log.VerifyAsync()).IsIntact.ShouldBeTrue();
        (await log.FindAsync(entry.Sequence))!.Action.ShouldBe("revoked");
    }

    [Fact, Trait("row", "S0-26"), Trait(Signet.Testing.TestDatabase.Trait, Signet.Testing.TestDatabase.SqliteOnly)]
    public async Task A_stop_on_a_full_disk_is_recorded_and_sealed_out_of_the_reserve()
    {
        using var disk = SmallDisk.Mount(megabytes: 6);
        var options = new AuditOptions { Directory = Path.Combine(disk.Folder, "audit"), ReserveBytes = 2 << 20 };
        var log = await AuditLog.OpenAsync(options, new HandClock(), System.Security.Cryptography.RandomNumberGenerator.Create());
        string[] fillers = [Path.Combine(disk.Folder, "filler"), Path.Combine(disk.Folder, "more")];
        disk.Fill(fillers[0]);
        await Should.ThrowAsync<AuditUnavailableException>(async () =>
        {
            for (var i = 0; i < 20_000; i++) await log.AppendAsync(AuditHome.Record(i));
        });
        var stop = await log.AppendAsync(new AuditRecord(AuditTypes.System, "signet", "house", "center-stopped", "success") { Emergency = true });
        disk.Fill(fillers[1]);   // another program takes what was given free
        await log.DisposeAsync();

        foreach (var filler in fillers) File.Delete(filler);
        await using var again = await AuditLog.OpenAsync(options, new HandClock(), System.Security.Cryptography.RandomNumberGenerator.Create());
        (again.WasClosedCleanly, again.LatestCheckpoint!.Size).ShouldBe((true, stop.Sequence));
        (await again.FindAsync(stop.Sequence))!.Action.ShouldBe("center-stopped");
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        var limit = Stopwatch.StartNew();
        while (!condition())
        {
            limit.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(30));
            await Task.Delay(10);
        }
    }

    /// <summary>A file system of a few megabytes, so that "disk full" is the real thing. Needs the right to mount (root), which the test machine's container has.</summary>
    private sealed class SmallDisk : IDisposable
    {
        public string Folder { get; } = Directory.CreateTempSubdirectory("signet-disk-").FullName;

        public static SmallDisk Mount(int megabytes)
        {
            var disk = new SmallDisk();
            Run("mount", "-t", "tmpfs", "-o", $"size={megabytes}m", "tmpfs", disk.Folder);
            return disk;
        }

        public void Fill(string path)
        {
            using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
            try
            {
                while (true) file.Write(new byte[4096]);
            }
            catch (IOException)
            {
                // full
            }
        }

        public void Dispose()
        {
            Run("umount", "-l", Folder);
            Directory.Delete(Folder);
        }

        private static void Run(string program, params string[] arguments)
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { UseShellExecute = false })!;
            process.WaitForExit();
            process.ExitCode.ShouldBe(0, $"{program} needs the right to mount a small tmpfs: run the tests as root or in a container that may");
        }
    }
}
