using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;
using Signet.Proof;

namespace Signet.Audit.Tests;

public class RetentionSpecs
{
    private static readonly AuditRecord By = new(AuditTypes.System, "ana", "audit", StoredLog.Retired, "success", "disk space");

    [Theory]
    [Trait("row", "S0-27")]
    [InlineData(true)]
    [InlineData(false)]
    [Trait(Signet.Testing.TestDatabase.Trait, Signet.Testing.TestDatabase.SqliteOnly)]   // looks into audit.db itself
    public async Task Old_segments_are_taken_out_and_every_remaining_proof_holds(bool toArchive)
    {
        using var home = new AuditHome();
        await using var log = await SegmentedAsync(home, segments: 3, entries: 150, checkpointEvery: 37);
        var before = new List<Checkpoint>();
        foreach (var note in Notes(home)) if (Checkpoint.TryParse(note, out var read, out _)) before.Add(read);
        var bodies = (await EntriesAsync(log)).ToDictionary(e => e.Sequence, e => e.Body);
        home.Clock.Advance(TimeSpan.FromDays(100));
        var archive = toArchive ? Path.Combine(home.Folder, "archive") : null;

        var retired = await log.RetireAsync(TimeSpan.FromDays(90), archive, By);
        retired.Count.ShouldBe(2);   // the newest sealed one stays
        var last = retired[^1].Last;
        log.Retired.ShouldBe(last);
        (await log.FindAsync(1)).ShouldBeNull();
        (await log.FindAsync(last + 1)).ShouldNotBeNull();
        (await log.QueryAsync(new AuditFilter { Action = StoredLog.Retired })).Entries.Select(e => ((long)e.Details["first"]!, (long)e.Details["last"]!, (string)e.Details["how"]!))
            .ShouldBe([(retired[1].First, last, toArchive ? "archived" : "deleted"), (retired[0].First, retired[0].Last, toArchive ? "archived" : "deleted")]);

        // every inclusion proof, of what is left and of what went, and a consistency proof from every checkpoint anybody may hold
        await log.CheckpointAsync();
        var latest = log.LatestCheckpoint!;
        foreach (var (number, body) in bodies)
        {
            var proof = (await log.ProveAsync(number))!;
            MerkleTree.VerifyInclusion(MerkleTree.LeafHash(body.Span), number - 1, latest.Size, proof.Path, latest.Root).ShouldBeTrue($"entry {number}");
        }
        foreach (var old in before)
            MerkleTree.VerifyConsistency(old.Size, old.Root, latest.Size, latest.Root, await log.ProveConsistencyAsync(old.Size, latest.Size)).ShouldBeTrue($"checkpoint {old.Number}");

        var verdict = await log.VerifyAsync();
        verdict.Summary.ShouldStartWith("intact: ");
        verdict.Gaps.ShouldContain($"entries 1 to {last} are archived; their signed root was checked, not they themselves");
        home.Verify(withFirstKey: true).IsIntact.ShouldBeTrue();
        AuditFirstKey.Write(Path.Combine(home.Folder, "exported.key"), home.FirstKey);
        (await ExportSpecs.PythonAsync(home.Folder, "--hmac-key", Path.Combine(home.Folder, "exported.key"))).ShouldBe((true, 0));
        using var export = new MemoryStream();
        await log.ExportAsync(export);
        export.Position = 0;
        CheckpointKey.TryReadPem(log.TrustPem, out var trust, out _).ShouldBeTrue();
        ExportVerification.Verify(export, trust!, home.FirstKey).IsIntact.ShouldBeTrue();
        foreach (var segment in retired)
        {
            File.Exists(segment.Path).ShouldBe(toArchive);
            if (!toArchive) continue;
            using var file = File.OpenRead(segment.Path);
            ExportVerification.Verify(file, trust!, home.FirstKey).IsIntact.ShouldBeTrue();
        }
    }

    [Fact]
    public async Task A_log_goes_on_after_retention_and_a_restart()
    {
        using var home = new AuditHome();
        await using (var log = await SegmentedAsync(home, 3, 100, 25))
        {
            home.Clock.Advance(TimeSpan.FromDays(100));
            await log.RetireAsync(TimeSpan.FromDays(90), null, By);
        }
        home.Verify().IsIntact.ShouldBeTrue();
        await using var again = await home.OpenAsync(home.Options with { SegmentEntries = 100, ExportFirstKey = null });
        for (var i = 0; i < 120; i++) await again.AppendAsync(AuditHome.Record(i));
        await again.CheckpointAsync();
        await UntilAsync(() => again.Segments.Count == 2);
        (await again.VerifyAsync()).IsIntact.ShouldBeTrue();
    }

    [Fact]
    public async Task Retention_runs_by_itself_when_a_segment_is_sealed()
    {
        using var home = new AuditHome();
        await using var log = await home.OpenAsync(home.Options with { SegmentEntries = 50, RetainFor = TimeSpan.FromDays(90), ArchiveDirectory = Path.Combine(home.Folder, "archive") });
        for (var segment = 0; segment < 4; segment++)
        {
            for (var i = 0; i < 50; i++) await log.AppendAsync(AuditHome.Record(i));
            home.Clock.Advance(TimeSpan.FromDays(60));
            await log.CheckpointAsync();
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }
        await UntilAsync(() => log.Retired > 0);
        Directory.GetFiles(Path.Combine(home.Folder, "archive"), "*.ndjson").ShouldNotBeEmpty();
        (await log.VerifyAsync()).IsIntact.ShouldBeTrue();
    }

    [Fact]
    [Trait(Signet.Testing.TestDatabase.Trait, Signet.Testing.TestDatabase.SqliteOnly)]   // looks into audit.db itself
    public async Task Entries_deleted_without_the_logs_own_word_are_found_even_at_a_checkpoint()
    {
        using var home = new AuditHome();
        await home.FillAsync(300, checkpointEvery: 100);
        home.Execute("DELETE FROM entries WHERE seq <= 100; DELETE FROM checkpoints WHERE number < 1");
        foreach (var index in Enumerable.Range(0, 100)) home.Execute("INSERT OR IGNORE INTO nodes(level, idx, hash) VALUES (0, $i, zeroblob(32))", ("$i", index));
        home.Verify().Fault.ShouldNotBeNull();

        using var careful = new AuditHome();
        await using (var log = await SegmentedAsync(careful, 2, 100, 50))
        {
            // what retention does, without its entry
            var through = SegmentEnd(careful, log.Segments[0].Last);
            for (var i = 1; i <= through.Size; i++)
                careful.Execute("INSERT INTO nodes(level, idx, hash) VALUES (0, $i, $hash)", ("$i", i - 1), ("$hash", MerkleTree.LeafHash((await log.FindAsync(i))!.Body.Span).ToArray()));
            careful.Execute($"DELETE FROM entries WHERE seq <= {through.Size}; DELETE FROM personal WHERE seq <= {through.Size}; DELETE FROM checkpoints WHERE number < {through.Number}");
            var verdict = await log.VerifyAsync();
            verdict.Fault.ShouldBe(new Fault(FaultKind.Deleted, 1, through.Size, "are missing, and no entry says that retention took them out"));
            (await ExportSpecs.PythonAsync(careful.Folder)).ShouldBe((false, 1));
        }
    }

    [Fact]
    [Trait(Signet.Testing.TestDatabase.Trait, Signet.Testing.TestDatabase.SqliteOnly)]   // looks into audit.db itself
    public async Task Erased_personal_data_are_gone_from_every_file_and_every_proof_holds()
    {
        const string secret = "203.0.113.77-of-a-person";
        using var home = new AuditHome();
        var log = await home.OpenAsync();
        for (var i = 0; i < 300; i++)
            await log.AppendAsync(AuditHome.Record(i) with { Actor = i % 3 == 0 ? "ana" : "bob", Personal = new JsonObject { ["from"] = i % 3 == 0 ? secret : "192.0.2.1" } });
        Traces(home, secret).ShouldBeGreaterThan(0);
        var erased = await log.ErasePersonalAsync(new AuditFilter { Actor = "ana" }, new AuditRecord(AuditTypes.User, "admin", "ana", "personal-data-erased", "success", "asked by the person"));
        erased.ShouldBe(100);
        (await log.ErasePersonalAsync(new AuditFilter { Actor = "ana" }, new AuditRecord(AuditTypes.User, "admin", "ana", "personal-data-erased", "success"))).ShouldBe(0);
        Traces(home, secret).ShouldBe(0);
        (await log.QueryAsync(new AuditFilter { Actor = "ana" })).Entries.ShouldAllBe(e => e.Personal == null);
        (await log.QueryAsync(new AuditFilter { Actor = "bob", Limit = 10 })).Entries.ShouldAllBe(e => e.Personal != null);
        var said = (await log.QueryAsync(new AuditFilter { Action = "personal-data-erased" })).Entries.ShouldHaveSingleItem();
        ((long)said.Details["count"]!, said.Reason).ShouldBe((100, "asked by the person"));
        var verdict = await log.VerifyAsync();
        (verdict.IsIntact, verdict.Gaps.Count(g => g.StartsWith("personal data of 100 entries were erased", StringComparison.Ordinal))).ShouldBe((true, 1));
        await log.DisposeAsync();
        Traces(home, secret).ShouldBe(0);
        home.Verify(withFirstKey: true).IsIntact.ShouldBeTrue();
    }

    [Fact]
    [Trait(Signet.Testing.TestDatabase.Trait, Signet.Testing.TestDatabase.SqliteOnly)]   // brings its own server: one round is enough
    public async Task Personal_data_erased_on_PostgreSQL_are_gone_from_the_tables_files_and_every_proof_holds()
    {
        const string secret = "203.0.113.77-of-a-person";
        var server = await Signet.Testing.PostgresServer.SharedAsync();
        using var home = new AuditHome(server.NewDatabase());
        await using (var log = await home.OpenAsync())
        {
            for (var part = 0; part < 3; part++)
                await Task.WhenAll(Enumerable.Range(0, 100).Select(i => log.AppendAsync(AuditHome.Record(i) with { Actor = i % 3 == 0 ? "ana" : "bob", Personal = new JsonObject { ["from"] = i % 3 == 0 ? secret : "192.0.2.1" } }).AsTask()));
            home.Execute("CHECKPOINT");
            InFiles().ShouldBeGreaterThan(0);
            (await log.ErasePersonalAsync(new AuditFilter { Actor = "ana" }, new AuditRecord(AuditTypes.User, "admin", "ana", "personal-data-erased", "success", "asked by the person"))).ShouldBe(102);
            home.Execute("CHECKPOINT");
            InFiles().ShouldBe(0);
            home.Scalar<long>("SELECT count(*) FROM personal WHERE data IS NOT NULL").ShouldBe(198);
            (await log.QueryAsync(new AuditFilter { Actor = "ana" })).Entries.ShouldAllBe(e => e.Personal == null);
            (await log.QueryAsync(new AuditFilter { Actor = "bob", Limit = 10 })).Entries.ShouldAllBe(e => e.Personal != null);
            (await log.VerifyAsync()).IsIntact.ShouldBeTrue();
        }
        home.Verify(withFirstKey: true).IsIntact.ShouldBeTrue();

        // Tables and indexes of the database; PostgreSQL's own write-ahead log keeps what it was told until it is recycled (docs/spec/audit-log.md).
        int InFiles() => Directory.GetFiles(Path.Combine(server.DataDirectory, "base"), "*", SearchOption.AllDirectories).Sum(file => Count(File.ReadAllBytes(file), Encoding.UTF8.GetBytes(secret)));
    }

    [Fact]
    [Trait(Signet.Testing.TestDatabase.Trait, Signet.Testing.TestDatabase.SqliteOnly)]   // looks into audit.db itself
    public async Task An_interrupted_verification_goes_on_where_a_checkpoint_confirmed_it()
    {
        using var home = new AuditHome();
        await home.FillAsync(1_000, checkpointEvery: 100);
        CheckpointKey.TryReadPem(File.ReadAllText(Path.Combine(home.Folder, "checkpoint.pub")), out var trust, out _).ShouldBeTrue();
        var marks = new List<VerificationMark>();
        AuditOffline.Verify(home.Folder, mark: marks.Add).IsIntact.ShouldBeTrue();
        marks.Count.ShouldBe(10);
        VerificationMark.TryRead(marks[6].ToBytes(), trust!, out var kept).ShouldBeTrue();
        var reported = new List<long>();
        var verdict = AuditOffline.Verify(home.Folder, from: kept, progress: new Listener(reported.Add));
        (verdict.IsIntact, verdict.Entries).ShouldBe((true, 1_000));
        reported[^1].ShouldBe(300);   // only the rest was read
        verdict.Gaps.ShouldContain("entries 1 to 700 were verified by an earlier run and not read again");

        home.Execute("UPDATE entries SET body = replace(body, 'operator-', 'operatoR-') WHERE seq = 850");
        AuditOffline.Verify(home.Folder, from: kept).Fault!.First.ShouldBe(850);
        // A mark that somebody changed is not believed.
        var forged = Encoding.UTF8.GetString(marks[6].ToBytes()).Replace("\"nodes\":[\"", "\"nodes\":[\"A", StringComparison.Ordinal);
        VerificationMark.TryRead(Encoding.UTF8.GetBytes(forged), trust!, out _).ShouldBeFalse();
    }

    [Fact]
    public async Task An_interrupted_verification_of_an_export_goes_on_at_its_offset()
    {
        using var home = new AuditHome();
        await home.FillAsync(500, checkpointEvery: 100);
        await using var log = await home.OpenAsync(home.Options with { ExportFirstKey = null });
        using var export = new MemoryStream();
        await log.ExportAsync(export);
        CheckpointKey.TryReadPem(log.TrustPem, out var trust, out _).ShouldBeTrue();
        var marks = new List<VerificationMark>();
        export.Position = 0;
        ExportVerification.Verify(export, trust!, home.FirstKey, mark: marks.Add).IsIntact.ShouldBeTrue();
        export.Position = 0;
        var verdict = ExportVerification.Verify(export, trust!, home.FirstKey, from: marks[2]);
        (verdict.IsIntact, verdict.Entries).ShouldBe((true, 500));
        var bytes = export.ToArray();
        bytes[^2000] ^= 1;
        ExportVerification.Verify(new MemoryStream(bytes), trust!, home.FirstKey, from: marks[2]).IsIntact.ShouldBeFalse();
    }

    private static async Task<AuditLog> SegmentedAsync(AuditHome home, int segments, int entries, int checkpointEvery)
    {
        var log = await home.OpenAsync(home.Options with { SegmentEntries = entries });
        for (var segment = 1; segment <= segments; segment++)
        {
            for (var i = 1; i <= entries; i++)
            {
                await log.AppendAsync(AuditHome.Record(i) with { Personal = new JsonObject { ["from"] = "192.0.2.1" } });
                if (i % checkpointEvery == 0) await log.CheckpointAsync();
            }
            await log.CheckpointAsync();
            await UntilAsync(() => log.Segments.Count == segment);
        }
        return log;
    }

    private static async Task<List<AuditEntry>> EntriesAsync(AuditLog log)
    {
        var (all, before) = (new List<AuditEntry>(), (long?)null);
        do
        {
            var page = await log.QueryAsync(new AuditFilter { Before = before, Limit = 1000 });
            all.AddRange(page.Entries);
            before = page.Next;
        }
        while (before is not null);
        return all;
    }

    private static List<string> Notes(AuditHome home)
    {
        var count = home.Scalar<long>("SELECT COUNT(*) FROM checkpoints");
        return [.. Enumerable.Range(1, (int)count).Select(number => home.Scalar<string>($"SELECT note FROM checkpoints WHERE number = {number}"))];
    }

    private static Checkpoint SegmentEnd(AuditHome home, long size)
    {
        foreach (var note in Notes(home)) if (Checkpoint.TryParse(note, out var checkpoint, out _) && checkpoint.Size == size) return checkpoint;
        throw new InvalidOperationException("no checkpoint there");
    }

    private static int Traces(AuditHome home, string text) => Directory.GetFiles(home.Folder).Where(file => !file.EndsWith("signet.lock", StringComparison.Ordinal)).Sum(file => Count(File.ReadAllBytes(file), Encoding.UTF8.GetBytes(text)));

    private static int Count(byte[] bytes, byte[] wanted)
    {
        var (count, at) = (0, 0);
        for (int found; (found = bytes.AsSpan(at).IndexOf(wanted)) >= 0; at += found + 1) count++;
        return count;
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

    private sealed class Listener(Action<long> listen) : IProgress<long>
    {
        public void Report(long value) => listen(value);
    }
}
