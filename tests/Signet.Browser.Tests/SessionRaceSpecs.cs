using System.Security.Claims;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Signet.Web;
using Signet.Web.SignIn;

namespace Signet.Browser;

/// <summary>Two requests of one session at once: one uses it, the other ends it.</summary>
public sealed class SessionRaceSpecs
{
    private const int Rounds = 2_000;
    private const string Scheme = "session";

    // The console's own store; nobody else gets to see it (LabSpecs), so its ends are taken by name.
    private static readonly Type Store = typeof(WebConsole).Assembly.GetType("Signet.Web.SignIn.Sessions", throwOnError: true)!;

    [Theory]
    [InlineData("use")]
    [InlineData("renew")]
    [InlineData("confirm")]
    public async Task A_session_that_ended_stays_ended_whatever_another_request_does_with_it_at_that_moment(string what)
    {
        using var random = RandomNumberGenerator.Create();
        var sessions = (ITicketStore)Activator.CreateInstance(Store, null, TimeProvider.System, random)!;
        var end = Store.GetMethod("End", [typeof(string), typeof(string)])!.CreateDelegate<Func<string, string, bool>>(sessions);
        var confirm = Store.GetMethod("Confirm")!.CreateDelegate<Func<ClaimsPrincipal, string?>>(sessions);
        var open = Store.GetMethod("Of")!.CreateDelegate<Func<string, IReadOnlyList<OpenSession>>>(sessions);
        var spin = new Random(4711);
        for (var round = 0; round < Rounds; round++)
        {
            var person = new ClaimsPrincipal(new ClaimsIdentity([new("sub", "ada"), new("sid", $"mark-{round}")], Scheme));
            var ticket = new AuthenticationTicket(person, Scheme);
            var key = await sessions.StoreAsync(ticket);
            var (isRunning, isOver) = (0, 0);
            // Begins before the end and goes on beyond it, so that the end falls between looking and writing.
            var user = Task.Run(async () =>
            {
                for (var beyond = 0; beyond < 20; beyond += Volatile.Read(ref isOver))
                {
                    switch (what)
                    {
                        case "use": await sessions.RetrieveAsync(key); break;
                        case "renew": await sessions.RenewAsync(key, ticket); break;
                        default: confirm(person); break;
                    }
                    Volatile.Write(ref isRunning, 1);
                }
            });
            while (Volatile.Read(ref isRunning) == 0) await Task.Yield();
            Thread.SpinWait(spin.Next(200));
            // A session that is asked for its password lies under a new key each time: its end goes by its mark.
            if (round % 2 == 0 && what != "confirm") await sessions.RemoveAsync(key);
            else end("ada", $"mark-{round}").ShouldBeTrue();
            Volatile.Write(ref isOver, 1);
            await user;
            (await sessions.RetrieveAsync(key)).ShouldBeNull($"round {round}");
            open("ada").ShouldBeEmpty($"round {round}");
        }
    }
}
