using System.Buffers.Binary;
using Signet.Proof;
using Signet.Store;
using Signet.Testing;

namespace Signet.Audit.Tests;

public class FaultSpecs
{
    [Fact]
    public async Task A_log_that_cannot_be_written_refuses_says_so_and_recovers_by_itself()
    {
        using var home = new AuditHome();
        await using var log = await home.OpenAsync();
        await log.AppendAsync(AuditHome.Record(1));
        // Another process holds the write lock: what a full or read-only disk looks like to the caller.
        using (var other = home.Connect())
        {
            using var command = other.CreateCommand();
            command.CommandText = TestDatabase.IsPostgres ? "BEGIN; LOCK TABLE head IN ACCESS EXCLUSIVE MODE" : "BEGIN IMMEDIATE";
            command.ExecuteNonQuery();
            var refused = await Should.ThrowAsync<AuditUnavailableException>(async () => await log.AppendAsync(AuditHome.Record(2)));
            refused.Message.ShouldContain(TestDatabase.IsPostgres ? "held up by another session" : "locked by another process");
            log.Health.State.ShouldBe(AuditState.Unavailable);
            log.Health.Refused.ShouldBe(1);
        }
        var recovered = new TaskCompletionSource<AuditEntry>();
        log.Appended += entry => recovered.TrySetResult(entry);
        home.Clock.Advance(TimeSpan.FromSeconds(1));
        var said = await recovered.Task.WaitAsync(TimeSpan.FromSeconds(60));
        said.Action.ShouldBe("log-recovered");
        said.Details["refused"]!.GetValue<long>().ShouldBe(1);
        log.Health.State.ShouldBe(AuditState.Writable);
        (await log.AppendAsync(AuditHome.Record(3))).Sequence.ShouldBe(4);
        (await log.VerifyAsync()).IsIntact.ShouldBeTrue();
    }

    [Fact, Trait(TestDatabase.Trait, TestDatabase.SqliteOnly)]
    public async Task Where_smaller_writes_succeed_and_entries_do_not_the_failure_is_told_once_and_no_recovery_until_there_is_one()
    {
        using var home = new AuditHome();
        await using var log = await home.OpenAsync();
        await log.AppendAsync(AuditHome.Record(1));
        var told = new System.Collections.Concurrent.ConcurrentQueue<AuditState>();
        log.HealthChanged += health => told.Enqueue(health.State);
        home.Execute("CREATE TRIGGER full BEFORE INSERT ON entries BEGIN SELECT RAISE(ABORT, 'the last page of the disk is not enough for an entry'); END");
        await Should.ThrowAsync<AuditUnavailableException>(async () => await log.AppendAsync(AuditHome.Record(2)));
        for (var second = 0; second < 5; second++)
        {
            var refused = log.Health.Refused;
            await Eventually.True(() => SecondLater(() => log.Health.Refused > refused), "it is tried again", TimeSpan.FromSeconds(20));
            await log.CheckpointAsync();   // goes through
        }
        told.ShouldBe([AuditState.Unavailable]);

        home.Execute("DROP TRIGGER full");
        await Eventually.True(() => SecondLater(() => log.Health.State == AuditState.Writable), "it recovers", TimeSpan.FromSeconds(20));
        await log.AppendAsync(AuditHome.Record(3));
        told.ShouldBe([AuditState.Unavailable, AuditState.Writable]);
        (await log.QueryAsync(new AuditFilter { Action = "log-recovered" })).Entries.ShouldHaveSingleItem().Details["refused"]!.GetValue<long>().ShouldBeGreaterThanOrEqualTo(6);
        (await log.VerifyAsync()).IsIntact.ShouldBeTrue();

        bool SecondLater(Func<bool> isSo)
        {
            home.Clock.Advance(TimeSpan.FromSeconds(1));
            return isSo();
        }
    }

    [Fact]
    public async Task A_tampered_open_part_is_not_built_upon()
    {
        using var home = new AuditHome();
        await home.FillAsync(20, checkpointEvery: 15, clean: false);
        home.Execute(TestDatabase.IsPostgres
            ? "UPDATE entries SET body = convert_to(replace(convert_from(body, 'UTF8'), 'command-sent', 'command-semt'), 'UTF8') WHERE seq = 18"
            : "UPDATE entries SET body = replace(body, 'command-sent', 'command-semt') WHERE seq = 18");
        var found = await Should.ThrowAsync<AuditTamperedException>(() => home.OpenAsync());
        found.Verdict.Fault!.Kind.ShouldBe(FaultKind.Edited);
        found.Verdict.Fault.First.ShouldBe(18);
        found.Message.ShouldBe("NOT intact: entry 18: its HMAC does not fit its body");
    }

    [Theory]
    [InlineData("entries", 290, 290, "its body or HMAC was altered")]
    [InlineData("nodes", 1, 256, "the stored hash of their part of the tree was altered")]
    public async Task What_was_altered_in_the_sealed_part_is_named_when_the_log_is_opened(string what, long first, long last, string detail)
    {
        using var home = new AuditHome();
        await home.FillAsync(300);
        home.Execute((what, TestDatabase.IsPostgres) switch
        {
            ("nodes", true) => "UPDATE nodes SET hash = decode(repeat('00', 32), 'hex')",
            ("nodes", false) => "UPDATE nodes SET hash = zeroblob(32)",
            (_, true) => "UPDATE entries SET body = convert_to(replace(convert_from(body, 'UTF8'), 'command-sent', 'command-semt'), 'UTF8') WHERE seq = 290",
            _ => "UPDATE entries SET body = replace(body, 'command-sent', 'command-semt') WHERE seq = 290",
        });
        var found = await Should.ThrowAsync<AuditTamperedException>(() => home.OpenAsync());
        (found.Verdict.Fault!.First, found.Verdict.Fault.Last).ShouldBe((first, last));
        found.Verdict.Fault.Detail.ShouldContain(detail);
    }

    [Fact, Trait(TestDatabase.Trait, TestDatabase.SqliteOnly)]
    public async Task A_restored_older_database_is_not_built_upon()
    {
        using var home = new AuditHome();
        await home.FillAsync(20);
        var old = File.ReadAllBytes(home.DatabasePath);
        await home.FillAsync(40);
        File.WriteAllBytes(home.DatabasePath, old);
        home.Verify().Fault!.Kind.ShouldBe(FaultKind.RolledBack);
        (await Should.ThrowAsync<AuditTamperedException>(() => home.OpenAsync())).Verdict.Fault!.Kind.ShouldBe(FaultKind.RolledBack);
    }

    [Fact]
    [Trait("row", "S0-26")]
    public async Task A_tail_cut_off_after_a_clean_stop_is_found_although_its_end_is_written_anew_with_the_key_that_lies_there()
    {
        using var home = new AuditHome();
        await home.FillAsync(95, checkpointEvery: 50);   // the stop has signed 51 to 95
        // Who has the directory has the present HMAC key, and no key for what was signed.
        var slots = File.ReadAllBytes(Path.Combine(home.Folder, "hmac.key"));
        var slot = slots.AsSpan(BinaryPrimitives.ReadInt64BigEndian(slots) > 0 ? 0 : 512);
        using var key = new ForwardKey(slot.Slice(8, ForwardKey.Size), BinaryPrimitives.ReadInt64BigEndian(slot));
        var link = Chain.Link(MerkleTree.LeafHash(home.Scalar<byte[]>("SELECT body FROM entries WHERE seq = 90")), Digest.From(home.Scalar<byte[]>("SELECT mac FROM entries WHERE seq = 90")));
        home.Execute("DELETE FROM entries WHERE seq > 90");
        home.Execute("UPDATE head SET size = 90, link = @link, mac = @mac", ("@link", link.ToArray()), ("@mac", key.MacOfHead(90, link).ToArray()));

        foreach (var withFirstKey in new[] { false, true })
            home.Verify(withFirstKey).Fault.ShouldNotBeNull().ShouldSatisfyAllConditions(fault => fault.Kind.ShouldBe(FaultKind.Truncated), fault => fault.First.ShouldBe(91));
        (await Should.ThrowAsync<AuditTamperedException>(() => home.OpenAsync())).Verdict.Fault!.Kind.ShouldBe(FaultKind.Truncated);
    }

    [Fact, Trait(TestDatabase.Trait, TestDatabase.SqliteOnly)]
    public async Task A_deleted_database_is_not_taken_for_a_new_log()
    {
        using var home = new AuditHome();
        await home.FillAsync(20);
        foreach (var file in Directory.GetFiles(home.Folder, "audit.db*")) File.Delete(file);
        (await Should.ThrowAsync<AuditTamperedException>(() => home.OpenAsync())).Message.ShouldContain("is missing, and the keys beside it have been used");
    }

    [Fact]
    public async Task Changes_in_the_running_log_are_found_by_the_live_verification()
    {
        using var home = new AuditHome();
        await using var log = await home.OpenAsync();
        for (var i = 2; i <= 50; i++) await log.AppendAsync(AuditHome.Record(i));
        home.Execute("DELETE FROM entries WHERE seq = 30");
        var verdict = await log.VerifyAsync();
        verdict.Fault.ShouldBe(new Fault(FaultKind.Deleted, 30, 30, "is missing"));
        verdict.Summary.ShouldBe("NOT intact: entry 30: is missing");
    }

    [Fact, Trait(TestDatabase.Trait, TestDatabase.SqliteOnly)]
    public async Task A_damaged_database_file_is_a_finding_and_not_a_crash()
    {
        using var home = new AuditHome();
        await home.FillAsync(500);
        var bytes = File.ReadAllBytes(home.DatabasePath);
        new Random(4).NextBytes(bytes.AsSpan(bytes.Length / 2, 20_000));
        File.WriteAllBytes(home.DatabasePath, bytes);
        home.Verify().IsIntact.ShouldBeFalse();
        File.WriteAllText(home.DatabasePath, "not a database, but long enough to have a header of one hundred bytes, which is what SQLite looks at first of all things");
        home.Verify().Fault!.Kind.ShouldBe(FaultKind.Unreadable);
        (await Should.ThrowAsync<StoreException>(() => home.OpenAsync())).Failure.ShouldBe(StoreFailure.NotADatabase);
    }

    [Fact]
    public async Task A_signing_key_that_others_can_read_is_refused_with_the_remedy()
    {
        using var home = new AuditHome();
        await home.FillAsync(5);
        var key = Path.Combine(home.Folder, "checkpoint.key");
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(key, UnixFileMode.UserRead | UnixFileMode.OtherRead);
        (await Should.ThrowAsync<StoreException>(() => home.OpenAsync())).Message.ShouldBe($"{key}: a private key that others can read or write. Run: chmod 600 {key}");
    }

    [Fact]
    public async Task The_first_key_checks_every_hmac_and_a_wrong_one_is_noticed()
    {
        using var home = new AuditHome();
        await home.FillAsync(300);
        home.Verify(withFirstKey: true).Summary.ShouldStartWith("intact: 300 entries");
        AuditOffline.Verify(home.Folder, firstKey: new byte[32], source: home.Source).Fault!.First.ShouldBe(1);
    }

    [Fact]
    public async Task An_entry_that_somebody_put_where_the_next_must_go_stops_the_log_and_is_named()
    {
        using var home = new AuditHome();
        await using var log = await home.OpenAsync();
        home.Execute("INSERT INTO entries SELECT seq + 1, body, prev, mac FROM entries WHERE seq = 1");
        await Should.ThrowAsync<AuditUnavailableException>(async () => await log.AppendAsync(AuditHome.Record(1)));
        (await log.VerifyAsync()).Fault!.ShouldBe(new Fault(FaultKind.Duplicated, 2, 2, "a second copy of entry 1"));
    }

    [Fact]
    public async Task A_clock_that_jumps_back_a_year_loses_nothing_and_the_log_verifies()
    {
        using var home = new AuditHome();
        await using var log = await home.OpenAsync();
        await log.AppendAsync(AuditHome.Record(1));
        home.Clock.Advance(TimeSpan.FromDays(-365));
        var after = await log.AppendAsync(AuditHome.Record(2));
        (await log.QueryAsync(new AuditFilter { Action = "clock-set-back" })).Entries.ShouldHaveSingleItem().Sequence.ShouldBe(after.Sequence - 1);
        home.Clock.Advance(TimeSpan.FromDays(365));
        await log.AppendAsync(AuditHome.Record(3));
        var verdict = await log.VerifyAsync();
        (verdict.IsIntact, verdict.Entries).ShouldBe((true, 5));
    }

    [Fact]
    [Trait(Signet.Testing.TestDatabase.Trait, Signet.Testing.TestDatabase.SqliteOnly)]
    public async Task A_half_written_write_ahead_log_costs_only_what_was_never_acknowledged()
    {
        using var home = new AuditHome();
        var log = await home.OpenAsync();
        for (var i = 1; i <= 50; i++) await log.AppendAsync(AuditHome.Record(i));
        // What a power failure leaves: the files as they are now, the last frames of the log torn or rubbish.
        foreach (var (name, damage) in new (string, Func<byte[], byte[]>)[]
        {
            ("cut in the middle of a frame", wal => wal[..^1000]), ("rubbish at the end", wal => [.. wal, .. new byte[5000]]), ("the last frame half zeros", wal => [.. wal[..^2048], .. new byte[2048]]),
        })
        {
            using var copy = home.Copy();
            var path = copy.DatabasePath + "-wal";
            File.WriteAllBytes(path, damage(File.ReadAllBytes(path)));
            await using var again = await copy.OpenAsync();
            again.Size.ShouldBeGreaterThanOrEqualTo(50, name);   // of 51, at most the last commit's
            (await again.VerifyAsync()).IsIntact.ShouldBeTrue(name);
            await again.AppendAsync(AuditHome.Record(99));
        }
        await log.DisposeAsync();
    }

    [Fact]
    [Trait("row", "S0-26")]
    [Trait(Signet.Testing.TestDatabase.Trait, Signet.Testing.TestDatabase.SqliteOnly)]
    public async Task Many_callers_over_a_disk_that_fills_up_lose_nothing_that_was_acknowledged()
    {
        // What comes while a batch is committed is numbered and hashed upon it; when that commit fails, it must not stay so. More callers than a batch holds, so that there is always something waiting.
        var folder = Directory.CreateTempSubdirectory("signet-ro-").FullName;
        Run("mount", "-t", "tmpfs", "-o", "size=96m", "tmpfs", folder);
        try
        {
            await using var log = await AuditLog.OpenAsync(new AuditOptions { Directory = Path.Combine(folder, "audit"), ReserveBytes = 0 }, TimeProvider.System, System.Security.Cryptography.RandomNumberGenerator.Create());
            var acknowledged = new System.Collections.Concurrent.ConcurrentDictionary<long, string>();
            var (refused, isOver) = (0, false);
            var callers = Enumerable.Range(0, 1_200).Select(caller => Task.Run(async () =>
            {
                for (var i = 0; !Volatile.Read(ref isOver); i++)
                {
                    var subject = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{caller}-{i}");
                    try
                    {
                        acknowledged.TryAdd((await log.AppendAsync(new AuditRecord(AuditTypes.System, "caller", subject, "tried", "success"))).Sequence, subject).ShouldBeTrue(subject);
                    }
                    catch (AuditUnavailableException)
                    {
                        Interlocked.Increment(ref refused);
                        await Task.Delay(1);
                    }
                }
            })).ToList();
            for (var round = 0; round < 3; round++)
            {
                var (had, wasRefused) = (acknowledged.Count, Volatile.Read(ref refused));
                await Signet.Testing.Eventually.True(() => acknowledged.Count > had + 2_000, "entries are taken");
                var filler = Path.Combine(folder, "filler");
                using (var file = new FileStream(filler, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0))
                    try { while (true) file.Write(new byte[65_536]); }
                    catch (IOException) { /* full */ }
                await Signet.Testing.Eventually.True(() => Volatile.Read(ref refused) > wasRefused + 3_000, "entries are refused");
                File.Delete(filler);
            }
            var recovered = acknowledged.Count;
            await Signet.Testing.Eventually.True(() => acknowledged.Count > recovered + 2_000, "entries are taken again");
            Volatile.Write(ref isOver, true);
            await Task.WhenAll(callers);
            (await log.VerifyAsync()).IsIntact.ShouldBeTrue();
            var found = 0;
            foreach (var entry in log.Entries(new AuditFilter { Actor = "caller" }))
                if (acknowledged.TryGetValue(entry.Sequence, out var subject))
                {
                    entry.Subject.ShouldBe(subject);
                    found++;
                }
            found.ShouldBe(acknowledged.Count);
        }
        finally
        {
            Run("umount", "-l", folder);
            Directory.Delete(folder);
        }
    }

    [Fact]
    [Trait(Signet.Testing.TestDatabase.Trait, Signet.Testing.TestDatabase.SqliteOnly)]
    public async Task Without_space_and_without_a_reserve_it_refuses_in_one_line_can_still_be_read_and_recovers()
    {
        var folder = Directory.CreateTempSubdirectory("signet-ro-").FullName;
        Run("mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", folder);
        try
        {
            var clock = new HandClock();
            await using var log = await AuditLog.OpenAsync(new AuditOptions { Directory = Path.Combine(folder, "audit"), ReserveBytes = 0 }, clock, System.Security.Cryptography.RandomNumberGenerator.Create());
            await log.AppendAsync(AuditHome.Record(1));
            var filler = Path.Combine(folder, "filler");
            using (var file = new FileStream(filler, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0))
                try { while (true) file.Write(new byte[4096]); }
                catch (IOException) { /* full */ }
            var refused = await Should.ThrowAsync<AuditUnavailableException>(async () => { for (var i = 0; i < 20_000; i++) await log.AppendAsync(AuditHome.Record(i)); });
            refused.Message.ShouldNotContain("\n");
            log.Health.State.ShouldBe(AuditState.Unavailable);
            (await log.QueryAsync(new AuditFilter())).Entries.ShouldNotBeEmpty();
            (await log.VerifyAsync()).IsIntact.ShouldBeTrue();
            File.Delete(filler);
            (await log.AppendAsync(AuditHome.Record(2))).Sequence.ShouldBeGreaterThan(1);
            log.Health.State.ShouldBe(AuditState.Writable);
        }
        finally
        {
            Run("umount", "-l", folder);
            Directory.Delete(folder);
        }
    }

    [Fact]
    [Trait(Signet.Testing.TestDatabase.Trait, Signet.Testing.TestDatabase.SqliteOnly)]
    public async Task A_log_on_a_read_only_file_system_is_verified_and_not_opened_for_writing()
    {
        using var home = new AuditHome();
        await home.FillAsync(40);
        var mount = Directory.CreateTempSubdirectory("signet-ro-").FullName;
        Run("mount", "--bind", home.Folder, mount);
        try
        {
            Run("mount", "-o", "remount,ro,bind", mount);
            AuditOffline.Verify(mount).Summary.ShouldStartWith("intact: 40 entries");
            var refused = await Should.ThrowAsync<Exception>(() => AuditLog.OpenAsync(new AuditOptions { Directory = mount, ReserveBytes = 0 }, home.Clock, System.Security.Cryptography.RandomNumberGenerator.Create()));
            refused.Message.ShouldNotContain("\n");
            refused.ShouldBeOfType<StoreException>(refused.ToString());
        }
        finally
        {
            Run("umount", "-l", mount);
            Directory.Delete(mount);
        }
        home.Verify().IsIntact.ShouldBeTrue();
    }

    private static void Run(string program, params string[] arguments)
    {
        using var process = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo(program, arguments) { UseShellExecute = false })!;
        process.WaitForExit();
        process.ExitCode.ShouldBe(0, $"{program} needs the right to mount: run the tests as root or in a container that may");
    }
}
