using System.Text.Json.Nodes;

namespace Signet.Audit.Tests;

/// <summary>The search index only says where to look: it must never hide an entry, and never be needed.</summary>
public sealed class SearchSpecs : IAsyncLifetime
{
    private const int Entries = 3_000;
    private readonly AuditHome _home = new();
    private AuditLog _log = null!;

    public async ValueTask InitializeAsync()
    {
        _log = await _home.OpenAsync();
        for (var i = 2; i <= Entries; i += 50)
        {
            _home.Clock.Advance(TimeSpan.FromSeconds(1));
            await Task.WhenAll(Enumerable.Range(i, Math.Min(50, Entries + 1 - i)).Select(n => _log.AppendAsync(n % 997 == 0 ? Rare(n) : AuditHome.Record(n)).AsTask()));
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _log.DisposeAsync();
        _home.Dispose();
    }

    private static AuditRecord Rare(int n) => new(AuditTypes.Security, "Zoë-" + n, "gate-" + n % 3, "door-forced", "failed", "crow\"bar", new JsonObject { ["tool"] = "Brecheisen №" + n });

    [Fact]
    [Trait("row", "S0-25")]
    public async Task Whatever_is_asked_the_index_finds_what_looking_at_every_entry_finds()
    {
        await IndexedAsync(_log);
        var times = new[] { 1, 700, 1_500, 2_999 }.Select(n => _log.FindAsync(n).Result!.Time).ToArray();
        AuditFilter[] filters =
        [
            new(), new() { Type = "security" }, new() { Type = "command", Actor = "operator-3" }, new() { Actor = "Zoë-997" }, new() { Subject = "gate-1", Outcome = "failed" }, new() { Action = "log-created" },
            new() { Reason = "crow\"bar" }, new() { Reason = "replayed", Subject = "device-12", Actor = "operator-5" }, new() { Actor = "nobody" }, new() { Text = "BRECHEISEN" }, new() { Text = "№1994" }, new() { Text = "crow\"" },
            new() { Text = "xq" }, new() { Text = "ab" }, new() { Text = "käse", Outcome = "refused" }, new() { Text = "device-1" }, new() { Text = "no such text" }, new() { From = times[1], To = times[2] },
            new() { From = times[3] }, new() { To = times[0] }, new() { From = times[1], To = times[2], Type = "security", Text = "door" }, new() { Sequence = 1_500 }, new() { Sequence = 1_500, Actor = "nobody" }, new() { Before = 1_000, Type = "security" },
        ];
        foreach (var filter in filters)
        {
            var expected = _log.Entries(filter).Select(e => e.Sequence).Reverse().ToList();
            (await AllAsync(_log, filter)).ShouldBe(expected, filter.ToString());
            (await AllAsync(_log, filter with { Limit = 3 })).ShouldBe(expected, filter.ToString());
        }
    }

    [Fact]
    [Trait("row", "S0-25")]
    public async Task Entries_too_large_to_be_kept_at_hand_and_those_the_log_writes_itself_are_indexed_from_the_database()
    {
        using var home = new AuditHome();
        await using var log = await home.OpenAsync();
        for (var i = 0; i < 700; i++)
        {
            if (i == 300) home.Clock.Advance(TimeSpan.FromDays(-2));   // the log says so by an entry of its own
            await log.AppendAsync(i == 100 ? AuditHome.Record(i) with { Details = new JsonObject { ["text"] = new string('x', 5_000) + " haystack" } } : AuditHome.Record(i));
        }
        await IndexedAsync(log);
        log.Searchable.ShouldBe(512);
        (await AllAsync(log, new() { Text = "haystack" })).ShouldHaveSingleItem();
        (await AllAsync(log, new() { Action = "clock-set-back" })).ShouldHaveSingleItem();
        (await AllAsync(log, new() { Type = "command" })).ShouldBe(log.Entries(new() { Type = "command" }).Select(e => e.Sequence).Reverse());
    }

    [Fact]
    public async Task A_page_finds_the_needle_at_the_bottom_of_a_log_that_is_longer_than_what_a_page_looks_at()
    {
        using var home = new AuditHome();
        await using var log = await home.OpenAsync();
        await log.AppendAsync(Rare(7));
        await Task.WhenAll(Enumerable.Range(0, 128).Select(async producer => { for (var i = producer; i < AuditLimits.ScannedEntries + 2_000; i += 128) await log.AppendAsync(AuditHome.Record(i)); }));
        await IndexedAsync(log);
        foreach (var filter in new AuditFilter[] { new() { Type = "security" }, new() { Text = "brecheisen" }, new() { Actor = "Zoë-7", Outcome = "failed" } })
        {
            var page = await log.QueryAsync(filter);
            page.Entries.ShouldHaveSingleItem().Sequence.ShouldBe(2);
            page.Next.ShouldBeNull();
        }
        // Two letters are in every stretch, perhaps: a page hands over and says how far it came.
        var page2 = await log.QueryAsync(new() { Text = "zz" });
        page2.Entries.ShouldBeEmpty();
        page2.Next.ShouldBe(log.Size - AuditLimits.ScannedEntries + 1);
        page2.Reached.ShouldBe((await log.FindAsync(page2.Next!.Value))!.Time);
        (await log.QueryAsync(new() { Text = "zz", Before = page2.Next })).Next.ShouldBeNull();
    }

    [Fact]
    public async Task Texts_are_found_in_blocks_that_were_turned_round_and_behind_them()
    {
        using var home = new AuditHome();
        await using var log = await home.OpenAsync();
        // A block is 65,536 entries; needles lie at its two ends, in its middle, and in the part that is not full.
        int[] needles = [5, 30_000, 65_400, 66_500, 69_000];
        const int total = 70_000;
        await Task.WhenAll(Enumerable.Range(0, 128).Select(async producer => { for (var i = producer; i < total; i += 128) await log.AppendAsync(needles.Contains(i) ? Rare(i) : AuditHome.Record(i)); }));
        await IndexedAsync(log);
        await Until(() => Count(home, "SELECT COUNT(*) FROM slices") > 0);
        Count(home, "SELECT MIN(stretch) FROM texts").ShouldBe(256);
        foreach (var filter in new AuditFilter[] { new() { Text = "brecheisen" }, new() { Text = "№30000" }, new() { Text = "№69000" }, new() { Text = "brecheisen", Outcome = "failed" }, new() { Text = "zoë-5" }, new() { Text = "nowhere to be found" } })
        {
            var expected = log.Entries(filter).Select(e => e.Sequence).Reverse().ToList();
            expected.Count.ShouldBe(filter.Text!.Contains("nowhere", StringComparison.Ordinal) ? 0 : filter.Text.StartsWith('№') || filter.Text == "zoë-5" ? 1 : needles.Length, filter.Text);
            (await AllAsync(log, filter)).ShouldBe(expected, filter.ToString());
        }
    }

    [Theory]
    [InlineData(2)]
    [InlineData(AuditLimits.SearchedSubjects + 1)]
    public async Task Entries_about_any_of_several_subjects_are_found_whether_the_index_is_asked_for_each_or_not(int subjects)
    {
        await IndexedAsync(_log);
        var wanted = Enumerable.Range(0, subjects - 1).Select(n => "device-" + n).Append("gate-1").ToHashSet(StringComparer.Ordinal);
        foreach (var filter in new AuditFilter[] { new() { Subjects = wanted }, new() { Subjects = wanted, Outcome = "failed" }, new() { Subjects = wanted, Subject = "gate-2" }, new() { Subjects = new HashSet<string>(StringComparer.Ordinal) } })
        {
            var expected = _log.Entries(filter with { Subjects = null }).Where(e => filter.Subjects!.Contains(e.Subject)).Select(e => e.Sequence).Reverse().ToList();
            (await AllAsync(_log, filter)).ShouldBe(expected, filter.ToString());
            (await AllAsync(_log, filter with { Limit = 3 })).ShouldBe(expected, filter.ToString());
        }
    }

    [Fact]
    public async Task A_subject_is_the_entrys_own_whatever_its_details_and_texts_look_like()
    {
        using var home = new AuditHome();
        await using var log = await home.OpenAsync();
        string[] subjects = ["gate-1", "gate \"1\"", "gate\\1", "Zoë", "№1", "", "gate-1,\"subject\":\"gate-2", new string('g', 100), new string('ä', 100)];
        // Each entry speaks of all the others.
        foreach (var subject in subjects)
            await log.AppendAsync(new(AuditTypes.Device, ",\"subject\":\"gate-1\",", subject, "moved", "success", "\"subject\":\"gate-1\"", new JsonObject { ["from"] = new JsonObject { ["a"] = 1, ["subject"] = "gate-1" }, ["names"] = new JsonArray([.. subjects.Select(name => JsonValue.Create(name))]) }));
        foreach (var subject in subjects)
        {
            var wanted = new HashSet<string>(StringComparer.Ordinal) { subject, "nobody" };
            (await log.QueryAsync(new() { Subjects = wanted, Action = "moved" })).Entries.ShouldHaveSingleItem().Subject.ShouldBe(subject);
        }

        (await log.QueryAsync(new() { Subjects = new HashSet<string>(StringComparer.Ordinal) { "gate-2", "subject" }, Action = "moved" })).Entries.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("missing")]
    [InlineData("rubbish")]
    [InlineData("another log's")]
    [InlineData("from a history that was replaced")]
    public async Task An_index_that_is_not_this_logs_is_made_anew(string what)
    {
        await IndexedAsync(_log);
        await _log.DisposeAsync();
        using var copy = _home.Copy();
        var path = Path.Combine(copy.Folder, "search.db");
        File.Exists(path).ShouldBeTrue();
        switch (what)
        {
            case "missing": File.Delete(path); break;
            case "rubbish": File.WriteAllText(path, "not a database"); break;
            case "another log's": Change(path, "UPDATE state SET origin = 'signet/audit/0000000000000000'"); break;
            default: Change(path, "UPDATE state SET mac = zeroblob(32)"); break;
        }
        if (what is not ("missing" or "rubbish")) Change(path, "DELETE FROM members");   // it would hide everything
        await using var log = await copy.OpenAsync();
        await IndexedAsync(log);
        (await log.QueryAsync(new() { Type = "security" })).Entries.Select(e => e.Sequence).ShouldBe([2_991, 1_994, 997]);
    }

    [Fact]
    public async Task A_log_whose_index_cannot_be_made_is_searched_without_one()
    {
        using var home = new AuditHome();
        Directory.CreateDirectory(Path.Combine(home.Folder, "search.db", "in the way"));
        await using var log = await home.OpenAsync();
        for (var i = 0; i < 5; i++) await Task.WhenAll(Enumerable.Range(i * 100, 100).Select(n => log.AppendAsync(n == 3 ? Rare(n) : AuditHome.Record(n)).AsTask()));
        (await log.QueryAsync(new() { Type = "security" })).Entries.ShouldHaveSingleItem().Actor.ShouldBe("Zoë-3");
        (await log.QueryAsync(new() { Text = "brecheisen" })).Entries.ShouldHaveSingleItem();
        log.Searchable.ShouldBe(0);
        (await log.VerifyAsync()).IsIntact.ShouldBeTrue();
    }

    [Fact]
    public async Task What_retention_took_out_is_not_looked_for()
    {
        using var home = new AuditHome();
        var options = home.Options with { SegmentEntries = 600 };
        await using (var log = await home.OpenAsync(options))
        {
            for (var part = 0; part < 3; part++)
            {
                await Task.WhenAll(Enumerable.Range(part * 700, 700).Select(n => log.AppendAsync(n % 300 == 0 ? Rare(n) : AuditHome.Record(n)).AsTask()));
                await log.CheckpointAsync();
                await Until(() => log.Segments.Count == part + 1);
            }
            await IndexedAsync(log);
            home.Clock.Advance(TimeSpan.FromDays(2));
            (await log.RetireAsync(TimeSpan.FromDays(1), null, new AuditRecord("system", "ana", "log", "segments-retired", "success"))).ShouldNotBeEmpty();
            await SameAsync(log);
            await Until(() => Stretches(home) is > 0 and < 8);
        }
        await using var again = await home.OpenAsync(options);
        await Until(() => again.Searchable > 0);
        await SameAsync(again);

        async Task SameAsync(AuditLog log)
        {
            foreach (var filter in new AuditFilter[] { new() { Type = "security" }, new() { Text = "brecheisen" }, new() })
                (await AllAsync(log, filter)).ShouldBe(log.Entries(filter).Select(e => e.Sequence).Reverse().ToList(), filter.ToString());
        }
    }

    private static long Stretches(AuditHome home) => Count(home, "SELECT count(*) FROM spans");

    private static long Count(AuditHome home, string sql)
    {
        using var connection = Connect(Path.Combine(home.Folder, "search.db"));
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return (long)command.ExecuteScalar()!;
    }

    private static void Change(string path, string sql)
    {
        using var connection = Connect(path);
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private static Microsoft.Data.Sqlite.SqliteConnection Connect(string path)
    {
        Signet.Store.SqliteRuntime.EnsureLoaded();
        var connection = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={path};Pooling=False");
        connection.Open();
        return connection;
    }

    private static Task IndexedAsync(AuditLog log) => Until(() => log.Size - log.Searchable < 256);

    private static async Task Until(Func<bool> isSo)
    {
        for (var i = 0; i < 3_000 && !isSo(); i++) await Task.Delay(10);
        isSo().ShouldBeTrue();
    }

    private static async Task<List<long>> AllAsync(AuditLog log, AuditFilter filter)
    {
        var found = new List<long>();
        for (AuditPage? page = null; page is null || page.Next is not null;)
        {
            page = await log.QueryAsync(filter with { Before = page?.Next ?? filter.Before });
            found.AddRange(page.Entries.Select(e => e.Sequence));
        }
        return found;
    }
}
