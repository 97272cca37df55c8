using System.Text.Json.Nodes;

namespace Signet.Audit.Tests;

public sealed class QuerySpecs : IAsyncLifetime
{
    private readonly AuditHome _home = new();
    private AuditLog _log = null!;

    public async ValueTask InitializeAsync()
    {
        await _home.FillAsync(300);
        _log = await _home.OpenAsync();
        await _log.AppendAsync(new AuditRecord(AuditTypes.AuthFail, "Zoë", "console", "sign-in", "failed", "wrong-password", new JsonObject { ["client"] = "Curl/8" }));
    }

    public async ValueTask DisposeAsync()
    {
        await _log.DisposeAsync();
        _home.Dispose();
    }

    private async Task<List<long>> AllAsync(AuditFilter filter)
    {
        var found = new List<long>();
        for (AuditPage? page = null; page is null || page.Next is not null;)
        {
            page = await _log.QueryAsync(filter with { Before = page?.Next });
            found.AddRange(page.Entries.Select(e => e.Sequence));
        }
        return found;
    }

    [Fact]
    [Trait("row", "S0-25")]
    public async Task Each_member_filters()
    {
        (await AllAsync(new AuditFilter { Type = "auth_fail" })).ShouldBe([301]);
        (await AllAsync(new AuditFilter { Actor = "Zoë" })).ShouldBe([301]);
        (await AllAsync(new AuditFilter { Action = "log-created" })).ShouldBe([1]);
        (await AllAsync(new AuditFilter { Outcome = "failed" })).ShouldBe([301]);
        (await AllAsync(new AuditFilter { Subject = "device-5", Reason = "replayed" })).ShouldBe([265, 200, 135, 70, 5]);
        (await AllAsync(new AuditFilter { Actor = "operator-3", Type = "command", Outcome = "refused", Limit = 2 })).ShouldBe([.. Enumerable.Range(2, 299).Reverse().Where(i => i % 7 == 3 && i % 5 == 0).Select(i => (long)i)]);
    }

    [Fact]
    public async Task Time_and_text_filter_too()
    {
        var third = (await _log.FindAsync(3))!.Time;
        var ninth = (await _log.FindAsync(9))!.Time;
        (await AllAsync(new AuditFilter { From = third, To = ninth })).ShouldBe([8, 7, 6, 5, 4, 3]);
        (await AllAsync(new AuditFilter { Text = "cURL" })).ShouldBe([301]);
        (await AllAsync(new AuditFilter { Text = "zoë" })).ShouldBe([301]);
        (await AllAsync(new AuditFilter { Text = "\"n\":77," })).ShouldBe([]);   // quotes are searched as text, not as JSON
        (await AllAsync(new AuditFilter { Text = "%" })).ShouldBe([]);
    }

    [Fact]
    public async Task Pages_are_newest_first_and_join_without_gap_or_double()
    {
        var page = await _log.QueryAsync(new AuditFilter { Limit = 100 });
        page.Entries.Select(e => e.Sequence).ShouldBe(Enumerable.Range(202, 100).Reverse().Select(i => (long)i));
        page.Size.ShouldBe(301);
        (await AllAsync(new AuditFilter { Limit = 7 })).ShouldBe(Enumerable.Range(1, 301).Reverse().Select(i => (long)i));
    }
}
