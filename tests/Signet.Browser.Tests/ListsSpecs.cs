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
    public async Task A_change_is_compared_with_what_was_read_when_its_turn_comes_and_so_is_a_removal()
    {
        await using var desk = await DeskAsync();
        using var read = await desk.Http.GetAsync("/api/v1/devices/pump-1");
        var tag = read.Headers.ETag!.ToString();
        // Several members of one request do not stand in each other's way.
        using (var all = await desk.SendAsync(HttpMethod.Patch, "/api/v1/devices/pump-1", "If-Match", tag, """{"enabled":false,"commands":["open"],"tags":["mine"]}""")) all.StatusCode.ShouldBe(HttpStatusCode.OK);
        using (var late = await desk.SendAsync(HttpMethod.Delete, "/api/v1/devices/pump-1", "If-Match", tag)) late.StatusCode.ShouldBe(HttpStatusCode.PreconditionFailed);
        desk.House.Center.Fleet.Find("pump-1").ShouldNotBeNull();

        // A change to many that is first in line, though it came by another road.
        var first = (await desk.House.Center.Fleet.SetLabelsAsync("pump-2", null, ["a"], TestHouse.Admin)).Value;
        (await desk.House.Center.Bulk.ChangeAsync(new("pump-2", BulkChange.AddTag, "b"), TestHouse.Admin)).Value.Done.ShouldBe(1);
        (await desk.House.Center.Fleet.SetLabelsAsync("pump-2", null, ["c"], TestHouse.Admin, expected: now => now.Tags.SequenceEqual(first.Tags) ? null : new(RefusalCode.ChangedMeanwhile, "changed"))).Refusal!.Name.ShouldBe("changed-meanwhile");
        desk.House.Center.Fleet.Find("pump-2")!.Tags.ShouldBe(["a", "b"]);
        await desk.House.Center.Accounts.CreateAsync("maria", null, Role.Operator, TestHouse.Admin);
        using (var late = await desk.SendAsync(HttpMethod.Delete, "/api/v1/users/maria", "If-Match", "\"other.other\"")) late.StatusCode.ShouldBe(HttpStatusCode.PreconditionFailed);
    }

    [Fact]
    public async Task A_limited_operator_reads_nothing_about_a_person_who_had_a_devices_name()
    {
        await using var desk = await DeskAsync();
        var center = desk.House.Center;
        // One space of names today; the log remembers who had it before.
        var person = (await center.Accounts.CreateAsync("pump-9", null, Role.Operator, TestHouse.Admin)).Value;
        (await center.Accounts.RemoveAsync(person.Id, TestHouse.Admin)).Refusal.ShouldBeNull();
        (await center.Fleet.AddAsync(new("pump-9", "valve"), TestHouse.Admin)).Refusal.ShouldBeNull();
        await center.Fleet.SetLabelsAsync("pump-9", ["north"], null, TestHouse.Admin);
        var sight = center.SightOf(TestHouse.Operator with { Groups = ["north"] });

        var whole = (await center.Audit.QueryAsync(new() { Subject = "pump-9" })).Entries;
        whole.Select(entry => entry.Action).ShouldContain("user-added");
        var seen = (await center.Audit.QueryAsync(sight.Within(new()))).Entries;
        seen.Select(entry => entry.Action).ShouldContain("device-labels");
        seen.Where(entry => entry.Type == AuditTypes.User).ShouldBeEmpty();
        whole.Where(sight.Sees).Where(entry => entry.Type == AuditTypes.User).ShouldBeEmpty();
        (await center.SightOf(TestHouse.Operator with { Name = "pump-9", Groups = ["north"] }).EntryAsync(whole.First(entry => entry.Action == "user-added").Sequence)).ShouldBeNull("a device of that name is meant");
    }

    [Fact]
    public async Task All_that_are_found_are_those_that_were_shown_and_a_revocation_says_how_many()
    {
        await using var desk = await DeskAsync();
        var center = desk.House.Center;
        using var shown = await desk.Http.GetAsync("/devices?q=pump");
        var page = await shown.Content.ReadAsStringAsync();
        var proof = WebUtility.HtmlDecode(page.Split("name=\"__RequestVerificationToken\" type=\"hidden\" value=\"")[1].Split('"')[0]);
        desk.Http.DefaultRequestHeaders.Add("Cookie", shown.Headers.GetValues("Set-Cookie").Select(cookie => cookie.Split(';')[0]));
        async Task<string> PostAsync(string handler, params string[] form)
        {
            using var answer = await desk.Http.PostAsync($"/devices?q=pump&handler={handler}", new FormUrlEncodedContent([new("__RequestVerificationToken", proof), .. form.Chunk(2).Select(pair => KeyValuePair.Create(pair[0], pair[1]))]));
            answer.StatusCode.ShouldBe(HttpStatusCode.OK);
            return await answer.Content.ReadAsStringAsync();
        }

        var found = page.Split("name=\"found\" value=\"")[1].Split('"')[0];
        found.ShouldBe(BulkChanges.DigestOf(center.Fleet.List().Select(device => device.Name)));
        (await center.Fleet.AddAsync(new("pump-6", "valve"), TestHouse.Admin)).Refusal.ShouldBeNull();

        (await PostAsync("Change", "whole", "true", "found", found, "change", "AddTag", "value", "winter")).ShouldContain("the filter finds other devices now");
        (await PostAsync("Change", "whole", "true", "change", "AddTag", "value", "winter")).ShouldContain("the filter finds other devices now");
        (await PostAsync("Revoke", "whole", "true", "found", found, "count", "6")).ShouldContain("the filter finds other devices now");
        (await PostAsync("Revoke", "device", "pump-1", "device", "pump-2", "count", "1")).ShouldContain("2 devices are meant");
        center.Fleet.List().ShouldAllBe(device => device.Tags.Count == 0);
        center.Fleet.List().ShouldAllBe(device => center.Authority.FindByName(device.Name).All(entry => !entry.IsRevoked));

        (await PostAsync("Change", "whole", "true", "found", BulkChanges.DigestOf(center.Fleet.List().Select(device => device.Name)), "change", "AddTag", "value", "winter")).ShouldContain("6 changed");
        (await PostAsync("Revoke", "device", "pump-1", "device", "pump-2", "count", "2")).ShouldContain("2 changed");
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
        (await desk.House.AuditedAsync(new() { Type = AuditTypes.Device, Subject = id, Action = "devices-changed" })).Details["devices"]!.GetValue<int>().ShouldBe(5);
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
