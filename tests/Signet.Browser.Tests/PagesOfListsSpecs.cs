using System.Net;
using System.Text.RegularExpressions;
using Signet.Access;
using Signet.Control;
using Signet.Web.Api;

namespace Signet.Browser;

/// <summary>Lists on pages: forwards, backwards, and while others add and remove.</summary>
public sealed partial class PagesOfListsSpecs
{
    private static readonly Func<string, string> Itself = name => name;

    [Theory]
    [InlineData(0), InlineData(1), InlineData(9), InlineData(10), InlineData(11), InlineData(95)]
    public void Forwards_and_backwards_every_row_is_seen_once_in_its_order(int count)
    {
        string[] rows = [.. Enumerable.Range(0, count).Select(i => $"row-{i:D3}")];
        var (seen, part) = (new List<string>(), Paging.Around(rows, Itself, null, null, 10));
        for (seen.AddRange(part.Rows); part.Next is { } next; seen.AddRange(part.Rows))
        {
            part.From.ShouldBe(seen.Count - part.Rows.Count);
            part = Paging.Around(rows, Itself, next, null, 10);
        }
        seen.ShouldBe(rows);
        part.From.ShouldBe(Math.Max(0, count - part.Rows.Count));
        for (seen = [.. part.Rows]; part.Previous is { } previous; seen.InsertRange(0, part.Rows)) part = Paging.Around(rows, Itself, null, previous, 10);
        seen.Distinct().Order(StringComparer.Ordinal).ShouldBe(rows);
        part.From.ShouldBe(0);
    }

    [Fact]
    public void What_comes_and_goes_meanwhile_hides_no_row_and_repeats_none()
    {
        List<string> rows = [.. Enumerable.Range(0, 40).Select(i => $"row-{i:D3}")];
        var first = Paging.Around(rows, Itself, null, null, 10);
        rows.InsertRange(0, ["aaa", "bbb"]);
        rows.Remove("row-009");
        var second = Paging.Around(rows, Itself, first.Next, null, 10);
        second.Rows[0].ShouldBe("row-010");
        second.From.ShouldBe(11);
        Paging.Around(rows, Itself, null, second.Previous, 10).Rows[^1].ShouldBe("row-008");
        // Places that are none, and the end of a list that has grown short.
        Paging.Around(rows, Itself, "zzz", null, 10).Rows[^1].ShouldBe("row-039");
        Paging.Around(rows, Itself, "\u0001", null, 10).From.ShouldBe(0);
        Paging.Around(rows, Itself, null, "aaa", 10).Rows.Count.ShouldBe(10, "in front of the first stands the first page");
        Paging.Around<string>([], Itself, "x", "y", 10).ShouldSatisfyAllConditions(it => it.Rows.ShouldBeEmpty(), it => it.Next.ShouldBeNull(), it => it.Previous.ShouldBeNull());
    }

    [Fact]
    [Trait("row", "S0-24")]
    public async Task A_hundred_people_stand_on_pages_and_are_found_by_name_role_group_and_what_they_lack()
    {
        await using var house = await ProviderHouse.StartAsync(null);
        await house.PersonAsync("root", Role.Admin);
        for (var i = 0; i < 110; i++) (await house.Center.Accounts.CreateAsync($"person-{i:D3}", null, i % 10 == 0 ? Role.Operator : Role.Viewer, Actor.Terminal, i % 20 == 0 ? ["north"] : null)).Refusal.ShouldBeNull();
        (await house.Center.Accounts.SetEnabledAsync((await house.Center.Accounts.FindByNameAsync("PERSON-007"))!.Id, false, Actor.Terminal)).Refusal.ShouldBeNull();
        using var browser = house.NewBrowser();
        await browser.SignInAsync("root");
        async Task<(string[] Names, string Body)> SeeAsync(string address)
        {
            var (status, body, _) = await browser.GetAsync(address);
            status.ShouldBe(HttpStatusCode.OK, address);
            return ([.. Name().Matches(body).Select(match => match.Groups[1].Value)], body);
        }

        var (names, at) = (new List<string>(), "/people");
        while (at.Length > 0)
        {
            var (some, body) = await SeeAsync(at);
            some.Length.ShouldBeLessThanOrEqualTo(50);
            names.AddRange(some);
            at = Next().Match(body) is { Success: true } next ? WebUtility.HtmlDecode(next.Groups[1].Value) : "";
        }
        names.Count.ShouldBe(111);
        names.ShouldBe(names.Order(StringComparer.Ordinal));
        (await SeeAsync("/people")).Body.ShouldContain("1 to 50 of 111");
        (await SeeAsync("/people?q=PERSON-04")).Names.Length.ShouldBe(10);
        (await SeeAsync("/people?q=north")).Names.Length.ShouldBe(6);
        (await SeeAsync("/people?as=operator")).Names.Length.ShouldBe(11);
        (await SeeAsync("/people?state=disabled")).Names.ShouldBe(["person-007"]);
        (await SeeAsync("/people?state=in")).Names.ShouldBe(["root"]);
        (await SeeAsync("/people?state=without")).Names.Length.ShouldBe(12, "operators and the administrator owe a second factor");
        (await SeeAsync("/people?q=no-such")).Body.ShouldContain("Nobody matches");
        (await SeeAsync("/people?q=person&after=%22%3E%3Cscript%3E&before=%00&state=%27&as=7")).Body.ShouldContain("Nobody matches", customMessage: "no role is called 7");
    }

    [Fact]
    [Trait("row", "S0-23")]
    public async Task Devices_and_certificates_stand_on_pages_whose_ways_on_keep_the_filter()
    {
        await using var house = await ProviderHouse.StartAsync(null);
        await house.PersonAsync("root", Role.Admin);
        for (var i = 0; i < 120; i++) (await house.Center.Fleet.AddAsync(new($"pump-{i:D3}", "valve"), Actor.Terminal)).Refusal.ShouldBeNull();
        (await house.Center.Fleet.AddAsync(new("lamp-1", "door"), Actor.Terminal)).Refusal.ShouldBeNull();
        using var browser = house.NewBrowser();
        await browser.SignInAsync("root");
        foreach (var (list, row) in new[] { ("/devices", Device()), ("/certificates", Certificate()) })
        {
            var (names, at, before) = (new List<string>(), list + "?q=PUMP", "");
            while (at.Length > 0)
            {
                var (status, body, _) = await browser.GetAsync(at);
                status.ShouldBe(HttpStatusCode.OK, at);
                names.AddRange(row.Matches(body).Select(match => match.Groups[1].Value));
                (at, before) = (Next().Match(body) is { Success: true } next ? WebUtility.HtmlDecode(next.Groups[1].Value) : "", Previous().Match(body).Groups[1].Value);
                if (at.Length > 0) at.ShouldContain("q=PUMP");
            }
            names.Count.ShouldBe(120, list);
            names.Distinct().Count().ShouldBe(120, list);
            names.ShouldNotContain("lamp-1");
            var back = row.Matches((await browser.GetAsync(WebUtility.HtmlDecode(before))).Body).Select(match => match.Groups[1].Value).ToList();
            back.ShouldBe(names.Skip(50).Take(50), list);
        }
    }

    [GeneratedRegex("""<td><a href="/people/[0-9a-f]+">([^<]+)</a>""", RegexOptions.None, 1000)]
    private static partial Regex Name();

    [GeneratedRegex("""<a href="/devices/[^"]+">([^<]+)</a>""", RegexOptions.None, 1000)]
    private static partial Regex Device();

    [GeneratedRegex("""<td><a href="/certificates/[^"]+">([^<]+)</a></td>\s*<td data-label="Profile">""", RegexOptions.None, 1000)]
    private static partial Regex Certificate();

    [GeneratedRegex("""href="([^"]+)" rel="next">""", RegexOptions.None, 1000)]
    private static partial Regex Next();

    [GeneratedRegex("""href="([^"]+)" rel="prev">""", RegexOptions.None, 1000)]
    private static partial Regex Previous();
}
