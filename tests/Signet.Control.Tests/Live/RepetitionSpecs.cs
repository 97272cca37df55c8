using System.Security.Cryptography;
using Microsoft.Extensions.Logging.Abstractions;
using Signet.Audit;
using Signet.Testing;

namespace Signet.Control.Tests;

public sealed class RepetitionSpecs
{
    private static AuditRecord Refused(string from) => new(AuditTypes.AuthFail, "", "broker", "handshake-refused", "refused", "certificate-missing", new() { ["from"] = from });

    [Fact]
    public async Task What_one_source_repeats_becomes_one_entry_with_a_count()
    {
        await using var log = await Fixture.OpenAsync();
        for (var i = 0; i < 500; i++) log.Repeated.Add(Refused("a"), "192.0.2.1");
        log.Time.Advance(TimeSpan.FromSeconds(11));

        var entries = await log.EntriesAsync(2);
        entries.Count.ShouldBe(2);
        entries[0].Details["count"]!.GetValue<int>().ShouldBe(499);
        entries[0].Personal!["source"]!.GetValue<string>().ShouldBe("192.0.2.1");
        foreach (var entry in entries) System.Text.Encoding.UTF8.GetString(entry.Body.Span).ShouldNotContain("192.0.2.1", customMessage: "what is hashed cannot be erased");
    }

    [Fact]
    [Trait("row", "S0-26")]
    public async Task More_sources_than_can_be_told_apart_are_one_count_that_names_none_of_them()
    {
        await using var log = await Fixture.OpenAsync();
        for (var i = 0; i < ControlLimits.RepeatedSources + 50; i++) log.Repeated.Add(Refused("x"), $"2001:db8::{i:x}");
        log.Repeated.Dispose();
        var flood = await Eventually.Some(async () => (await log.Audit.QueryAsync(new() { Action = "flood" })).Entries is [var counted, ..] ? counted : null, "the count");
        flood.Details["count"]!.GetValue<int>().ShouldBe(50);
        flood.Personal.ShouldBeNull();
        System.Text.Encoding.UTF8.GetString(flood.Body.Span).ShouldNotContain("2001:db8");
    }

    [Fact]
    public async Task A_fleet_that_comes_back_at_once_is_a_count_of_sessions_and_no_flood()
    {
        await using var log = await Fixture.OpenAsync();
        for (var i = 0; i < ControlLimits.RepeatedSources + 50; i++) log.Repeated.Add(new(AuditTypes.Broker, $"dev-{i}", $"dev-{i}", "connected", "success"), $"dev-{i}");
        log.Repeated.Dispose();
        var sum = await Eventually.Some(async () => (await log.Audit.QueryAsync(new() { Subject = "broker" })).Entries is [var counted, ..] ? counted : null, "the count");
        (sum.Type, sum.Action, sum.Actor).ShouldBe((AuditTypes.Broker, "connected", ""));
        sum.Details["count"]!.GetValue<int>().ShouldBe(50);
        (await log.Audit.QueryAsync(new() { Action = "flood" })).Entries.ShouldBeEmpty();
    }

    [Fact]
    public async Task However_many_sources_there_are_only_so_many_entries_a_second_are_written()
    {
        await using var log = await Fixture.OpenAsync();
        for (var second = 0; second < 30; second++)
        {
            for (var i = 0; i < 500; i++) log.Repeated.Add(Refused("x"), $"2001:db8::{second:x}:{i:x}");
            log.Time.Advance(TimeSpan.FromSeconds(1));
        }

        await Eventually.True(() => log.Audit.Size > 100, "the first entries are written");
        await Task.Delay(300);
        var size = log.Audit.Size;
        size.ShouldBeLessThanOrEqualTo(ControlLimits.RepeatedEntriesPerSecond * (30 + 10) + 1);
        size.ShouldBeGreaterThan(100);
    }

    private sealed class Fixture : IAsyncDisposable
    {
        private readonly TempDirectory _temp = new();
        private readonly RandomNumberGenerator _random = RandomNumberGenerator.Create();
        private AuditTrail _trail = null!;

        public ManualTimeProvider Time { get; } = new();
        public AuditLog Audit { get; private set; } = null!;
        public RepeatedNotes Repeated { get; private set; } = null!;

        public static async Task<Fixture> OpenAsync()
        {
            var fixture = new Fixture();
            fixture.Audit = await AuditLog.OpenAsync(new() { Directory = fixture._temp.File("audit") }, TimeProvider.System, fixture._random);
            fixture._trail = new(fixture.Audit, fixture.Time, NullLogger.Instance);
            fixture.Repeated = new(fixture._trail, fixture.Time);
            return fixture;
        }

        public async Task<IReadOnlyList<AuditEntry>> EntriesAsync(int count)
        {
            await Eventually.True(() => Audit.Size >= count + 1, $"{count} entries, and the one that says that the log was made");
            return (await Audit.QueryAsync(new() { Type = AuditTypes.AuthFail })).Entries;
        }

        public async ValueTask DisposeAsync()
        {
            Repeated.Dispose();
            await _trail.DisposeAsync();
            await Audit.DisposeAsync();
            _random.Dispose();
            _temp.Dispose();
        }
    }
}
