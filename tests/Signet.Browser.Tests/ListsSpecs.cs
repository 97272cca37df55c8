using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Signet.Access;
using Signet.Audit;
using Signet.Control;
using Signet.Testing;

namespace Signet.Browser;

/// <summary>Lists of the API: pages by a cursor, entity tags, changes that meet, one change to many devices.</summary>
public sealed class ListsSpecs
{
    [Theory]
    [InlineData("devices", "name")]
    [InlineData("users", "name")]
    [InlineData("tokens", "id")]
    [InlineData("certificates", "serial")]
    public async Task A_list_read_page_by_page_is_the_whole_list_in_one_order(string list, string id)
    {
        await using var desk = await DeskAsync();
        for (var i = 0; i < 5; i++)
        {
            (await desk.House.Center.Accounts.CreateAsync($"Person-{i % 2}{i}", null, Role.Viewer, TestHouse.Admin)).Refusal.ShouldBeNull();
            (await desk.House.Center.Tokens.CreateAsync($"token-{i}", Role.Viewer, TimeSpan.FromDays(1), TestHouse.Admin)).Refusal.ShouldBeNull();
        }

        var whole = Ids(await desk.GetAsync($"/api/v1/{list}?limit=500"));
        whole.Count.ShouldBeGreaterThan(4);
        whole.Distinct().Count().ShouldBe(whole.Count);
        var read = new List<string>();
        string? after = null;
        do
        {
            var page = await desk.GetAsync($"/api/v1/{list}?limit=2{(after is null ? "" : "&after=" + Uri.EscapeDataString(after))}");
            page[list]!.AsArray().Count.ShouldBeLessThanOrEqualTo(2);
            read.AddRange(Ids(page));
            after = (string?)page["next"];
        }
        while (after is not null);
        read.ShouldBe(whole);

        List<string> Ids(JsonObject page) => [.. page[list]!.AsArray().Select(row => (string)row![id]!)];
    }

    [Fact]
    public async Task Who_has_the_answer_already_is_told_so_in_one_line()
    {
        await using var desk = await DeskAsync();
        foreach (var path in new[] { "/api/v1/devices", "/api/v1/devices/pump-1", "/api/v1/users", "/api/v1/certificates" })
        {
            using var first = await desk.Http.GetAsync(path);
            var tag = first.Headers.ETag.ShouldNotBeNull(path);
            using var again = await desk.SendAsync(HttpMethod.Get, path, "If-None-Match", tag.ToString());
            again.StatusCode.ShouldBe(HttpStatusCode.NotModified, path);
            (await again.Content.ReadAsByteArrayAsync()).ShouldBeEmpty();
            await desk.House.Center.Fleet.SetLabelsAsync("pump-1", null, [$"for-{path.Length}"], TestHouse.Admin);
            if (!path.Contains("devices", StringComparison.Ordinal)) continue;
            using var changed = await desk.SendAsync(HttpMethod.Get, path, "If-None-Match", tag.ToString());
            changed.StatusCode.ShouldBe(HttpStatusCode.OK, path);
        }
    }

    [Theory]
    [InlineData("/api/v1/devices/pump-1", """{"tags":["mine"]}""")]
    [InlineData("/api/v1/users/maria", """{"enabled":false}""")]
    public async Task Of_two_who_change_what_they_read_the_second_learns_of_the_first(string path, string change)
    {
        await using var desk = await DeskAsync();
        await desk.House.Center.Accounts.CreateAsync("maria", null, Role.Operator, TestHouse.Admin);
        using var read = await desk.Http.GetAsync(path);
        var tag = read.Headers.ETag!.ToString();
        using (var first = await desk.SendAsync(HttpMethod.Patch, path, "If-Match", tag, change)) first.StatusCode.ShouldBe(HttpStatusCode.OK);
        using var second = await desk.SendAsync(HttpMethod.Patch, path, "If-Match", tag, change.Replace("mine", "theirs", StringComparison.Ordinal));
        second.StatusCode.ShouldBe(HttpStatusCode.PreconditionFailed);
        ((string)(await second.Content.ReadFromJsonAsync<JsonObject>())!["reason"]!).ShouldBe("changed-meanwhile");
        using (var rubbish = await desk.SendAsync(HttpMethod.Patch, path, "If-Match", "no tag", change)) rubbish.StatusCode.ShouldBe(HttpStatusCode.UnprocessableEntity);
        // Who compares nothing writes over it, as before.
        using var third = await desk.SendAsync(HttpMethod.Patch, path, "X-Nothing", "", change);
        third.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    [Trait("row", "S0-23")]
    public async Task One_change_to_many_devices_answers_for_each_and_stands_in_the_log_as_a_whole_and_one_by_one()
    {
        await using var desk = await DeskAsync();
        await desk.House.Center.Fleet.SetLabelsAsync("pump-1", null, ["winter"], TestHouse.Admin);
        var body = """{"devices":"kind:valve","change":"add-tag","value":"winter"}""";
        using var first = await desk.SendAsync(HttpMethod.Post, "/api/v1/bulk-changes", "Idempotency-Key", "k1", body);
        first.StatusCode.ShouldBe(HttpStatusCode.OK);
        var report = (await first.Content.ReadFromJsonAsync<JsonObject>())!;
        ((int)report["done"]!, (int)report["unchanged"]!, (int)report["refused"]!).ShouldBe((4, 1, 0));
        report["devices"]!.AsArray().Single(row => (string)row!["device"]! == "pump-1")!["result"]!.GetValue<string>().ShouldBe("unchanged");
        var id = (string)report["id"]!;
        using (var again = await desk.SendAsync(HttpMethod.Post, "/api/v1/bulk-changes", "Idempotency-Key", "k1", body)) ((string)(await again.Content.ReadFromJsonAsync<JsonObject>())!["id"]!).ShouldBe(id);
        using (var other = await desk.SendAsync(HttpMethod.Post, "/api/v1/bulk-changes", "Idempotency-Key", "k1", body.Replace("winter", "summer", StringComparison.Ordinal))) other.StatusCode.ShouldBe(HttpStatusCode.Conflict);
        (await desk.House.AuditedAsync(new() { Type = AuditTypes.Device, Subject = id })).Details["devices"]!.GetValue<int>().ShouldBe(5);
        (await desk.House.Center.Audit.QueryAsync(new() { Action = "device-labels", Text = id })).Entries.Select(entry => entry.Subject).Order().ShouldBe(["pump-2", "pump-3", "pump-4", "pump-5"]);

        // Certificates by a road of their own; a home that is not here refuses for itself alone.
        Directory.Delete(desk.House.Center.Installation.DeviceDirectory("pump-2"), recursive: true);
        using var rotated = await desk.SendAsync(HttpMethod.Post, "/api/v1/bulk-changes", "X-Nothing", "", """{"devices":"pump-1,pump-2","change":"rotate"}""");
        (await rotated.Content.ReadFromJsonAsync<JsonObject>())!["devices"]!.AsArray().Select(row => (string)row!["result"]!).ShouldBe(["done", "conflict"]);
        using (var wrong = await desk.SendAsync(HttpMethod.Post, "/api/v1/bulk-changes", "X-Nothing", "", """{"devices":"pump-1","change":"revoke"}""")) wrong.StatusCode.ShouldBe(HttpStatusCode.UnprocessableEntity);
        using var revoked = await desk.SendAsync(HttpMethod.Post, "/api/v1/bulk-changes/revoke", "X-Nothing", "", """{"devices":"pump-1","reason":"key-compromise"}""");
        ((int)(await revoked.Content.ReadFromJsonAsync<JsonObject>())!["done"]!).ShouldBe(1);
        desk.House.Center.Authority.FindByName("pump-1").ShouldAllBe(entry => entry.IsRevoked);
    }

    [Fact]
    [Trait("row", "S0-23")]
    public async Task Somebody_limited_to_a_group_cuts_off_their_devices_and_no_other_and_hears_of_no_other_topic()
    {
        await using var desk = await DeskAsync();
        var house = desk.House;
        await house.Center.Fleet.SetLabelsAsync("pump-1", ["north"], null, TestHouse.Admin);
        var maria = (await house.Center.Accounts.CreateAsync("maria", null, Role.Operator, TestHouse.Admin)).Value;
        var limited = (await house.Center.Accounts.SetScopeAsync(maria.Id, ["north"], TestHouse.Admin)).Value.As("local");
        var report = (await house.Center.Bulk.ChangeAsync(new("all", BulkChange.Quarantine), limited)).Value;
        report.Devices.Select(row => row.Device).ShouldBe(["pump-1"]);
        house.Center.Fleet.List().Where(device => !device.Enabled).Select(device => device.Name).ShouldBe(["pump-1"]);
        (await house.Center.Bulk.ChangeAsync(new("pump-2", BulkChange.Quarantine), limited)).Refusal!.Message.ShouldBe((await house.Center.Bulk.ChangeAsync(new("pump-9", BulkChange.Quarantine), limited)).Refusal!.Message);
        (await house.Center.Bulk.ChangeAsync(new("all", BulkChange.AddTag, "mine"), limited)).Refusal!.Name.ShouldBe("not-allowed");

        // On a broker that asks about the subscription alone.
        house.Center.ForeignBrokers.Decide("maria", TopicAction.Subscribe, "signet/pump-1/status").Allowed.ShouldBeTrue();
        foreach (var (action, topic) in new[] { (TopicAction.Subscribe, "signet/pump-2/status"), (TopicAction.Subscribe, "signet/+/status"), (TopicAction.Deliver, "signet/pump-2/status"), (TopicAction.Subscribe, "$SYS/#") })
            house.Center.ForeignBrokers.Decide("maria", action, topic).Rule.ShouldBe("scope", topic);
    }

    private static async Task<Desk> DeskAsync()
    {
        var house = await TestHouse.StartAsync(new() { Demo = false, Web = true });
        for (var i = 1; i <= 5; i++) (await house.Center.Fleet.AddAsync(new($"pump-{i}", "valve"), TestHouse.Admin)).Refusal.ShouldBeNull();
        var token = (await house.Center.Tokens.CreateAsync("desk", Role.Admin, TimeSpan.FromMinutes(10), TestHouse.Admin)).Value;
        var http = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false, UseCookies = false, SslOptions = { CertificateChainPolicy = new() { TrustMode = X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { house.Center.Authority.Root }, RevocationMode = X509RevocationMode.NoCheck } },
        })
        { BaseAddress = house.Web!.ConsoleUrl, DefaultRequestVersion = HttpVersion.Version20, Timeout = TimeSpan.FromSeconds(20) };
        http.DefaultRequestHeaders.Authorization = new("Bearer", token.Secret);
        return new(house, http);
    }

    private sealed record Desk(TestHouse House, HttpClient Http) : IAsyncDisposable
    {
        public async Task<JsonObject> GetAsync(string path) => (await Http.GetFromJsonAsync<JsonObject>(path))!;

        public async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, string header, string value, string? body = null)
        {
            using var request = new HttpRequestMessage(method, path);
            request.Headers.TryAddWithoutValidation(header, value);
            if (body is not null) request.Content = new StringContent(body, new System.Net.Http.Headers.MediaTypeHeaderValue("application/json"));
            return await Http.SendAsync(request);
        }

        public async ValueTask DisposeAsync()
        {
            Http.Dispose();
            await House.DisposeAsync();
        }
    }
}
