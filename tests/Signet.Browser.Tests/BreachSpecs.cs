using System.Net;
using System.Security.Cryptography;
using System.Text;
using Signet.Access;
using Signet.Control;
using Signet.Testing;
using Signet.Web;
using Signet.Web.SignIn;

namespace Signet.Browser;

/// <summary>Passwords that stood in breaches, from a list that somebody put beside the console.</summary>
public sealed class BreachSpecs
{
    private const string Breached = "gravel lantern omelette";

    [Theory]
    [InlineData("\n", false), InlineData("\r\n", true), InlineData("\n", true)]
    public void Every_password_of_a_list_is_found_and_no_other(string end, bool counts)
    {
        using var temp = new TempDirectory();
        foreach (var size in new[] { 1, 2, 3, 7, 64, 500 })
        {
            string[] passwords = [.. Enumerable.Range(0, size).Select(i => $"tractor violet noodle {i}")];
            using var list = BreachedPasswords.Open(Write(temp, end, counts, passwords));
            passwords.ShouldAllBe(password => list.Fault(password) != null);
            Enumerable.Range(0, 500).ShouldAllBe(i => list.Fault($"another one {i}") == null);
        }

        BreachedPasswords.Open("").Fault(Breached).ShouldBeNull("there is no list");
    }

    [Fact]
    public void What_is_no_such_list_is_told_at_the_start_and_one_that_is_spoilt_later_lets_nobody_off()
    {
        using var temp = new TempDirectory();
        string[] lines = [.. File.ReadAllLines(Write(temp, "\n", true, [.. Enumerable.Range(0, 300).Select(i => $"{i}")]))];
        foreach (var (what, text) in new[] { ("empty", ""), ("words", "password\n123456\n"), ("turned round", string.Join('\n', lines.OrderDescending(StringComparer.Ordinal))), ("cut", lines[0][..20]), ("one long line", new string('A', 1_000_000)) })
        {
            var path = Path.Combine(temp.Path, "bad");
            File.WriteAllText(path, text);
            Should.Throw<WebConsoleException>(() => BreachedPasswords.Open(path), what).Message.ShouldContain("people:breachedPasswords");
        }

        Should.Throw<WebConsoleException>(() => BreachedPasswords.Open(Path.Combine(temp.Path, "not-there")));
        var good = Write(temp, "\n", true, [.. Enumerable.Range(0, 300).Select(i => $"{i}")]);
        using var list = BreachedPasswords.Open(good);
        using (var file = new FileStream(good, FileMode.Open, FileAccess.Write, FileShare.ReadWrite)) file.Write(new byte[file.Length]);
        list.Fault(Breached).ShouldBe("The list of passwords from breaches cannot be read now. Tell an administrator.");
    }

    [Fact]
    [Trait("row", "S0-22")]
    public async Task Nobody_takes_such_a_password_whatever_the_way()
    {
        using var temp = new TempDirectory();
        await using var house = await ProviderHouse.StartAsync(null, breaches: Write(temp, "\n", true, [Breached, "something else entirely"]));
        const string Said = "stood in a breach";
        using var browser = house.NewBrowser();
        var setup = (await house.Console.CreateSetupLinkAsync())!;
        var token = setup.Query["?token=".Length..];
        (await browser.PostAsync("/setup", "/setup?token=" + token, ("Token", token), ("Name", "root"), ("Password", Breached))).Body.ShouldContain(Said);
        await house.PersonAsync("root", Role.Admin);
        var link = (await house.Center.Links.InviteAsync(Role.Viewer, "", Actor.Terminal)).Value;
        (await browser.PostAsync("/register", $"/register?token={link.Secret}", ("Token", link.Secret), ("Name", "dora"), ("Password", Breached))).Body.ShouldContain(Said);
        await browser.SignInAsync("root");
        (await browser.PostAsync("/account?handler=Password", "/account", ("current", ProviderHouse.Password), ("fresh", Breached))).Body.ShouldContain(Said);
        var added = await browser.ApiAsync("POST", "/api/v1/users", $$"""{"name":"dora","password":"{{Breached}}"}""");
        (added.Status, added.Body.Contains(Said, StringComparison.Ordinal)).ShouldBe((HttpStatusCode.UnprocessableEntity, true), added.Body);
        (await browser.ApiAsync("POST", "/api/v1/users", """{"name":"dora","password":"gravel lantern omelettes"}""")).Status.ShouldBe(HttpStatusCode.Created);
    }

    private static string Write(TempDirectory temp, string end, bool counts, string[] passwords)
    {
        var path = Path.Combine(temp.Path, $"list-{Guid.NewGuid():N}");
#pragma warning disable CA5350 // the form of such lists
        var lines = passwords.Select(password => Convert.ToHexString(SHA1.HashData(Encoding.UTF8.GetBytes(password)))).Order(StringComparer.Ordinal).Select((hash, i) => hash + (counts ? $":{i * 7919}" : "") + end);
#pragma warning restore CA5350
        File.WriteAllText(path, string.Concat(lines));
        return path;
    }
}
