using System.Net;
using System.Security.Cryptography;
using Signet.Access;
using Signet.Audit;
using Signet.Control;

namespace Signet.Lab;

/// <summary>Attacks on the second factor by somebody who has the password already.</summary>
internal static class SecondFactorAttacks
{
    private static readonly string[] Accounts = ["T0859"];

    /// <summary>Somebody with one-time codes, made for one attack.</summary>
    private sealed record Prey(string Name, string Password, byte[] Secret, long Step, IReadOnlyList<string> BackupCodes)
    {
        /// <summary>The code of a step after the one the account was set up with, which counts as used.</summary>
        public string Code(int later) => OneTimeCode.At(Secret, Step + later);
    }

    public static IEnumerable<Attack> All =>
    [
        PeopleAttacks.Of("replayed-one-time-code", "Types a one-time code it has just seen its owner type, with the owner's password.", "one-time-use", "totp-used", Accounts, ReplayAsync),
        PeopleAttacks.Of("backup-code-race", "Sends one stolen backup code eight times at once, to come in more than once.", "one-time-use", "one of eight came in", Accounts, RaceAsync),
        PeopleAttacks.Of("guessed-one-time-code", "Has the password and guesses at the one-time code; the right one is the twelfth.", "login-throttle", "too-many-attempts", Accounts, GuessAsync),
        PeopleAttacks.Of("skipped-second-factor", "Has the password and goes on to the console without the second step.", "second-step", "not-signed-in", Accounts, SkipAsync),
    ];

    public static IReadOnlyList<Control> Controls { get; } =
    [
        new("one-time-use", AttackLayer.People, "A one-time code and a backup code are taken once; the database decides which of two requests was first.", ["IEC CR 1.1", "IEC CR 3.8", "ETSI 5.1"], "a database that gives used codes back"),
        new("second-step", AttackLayer.People, "A right password opens nothing where a second factor is set up.", ["IEC CR 1.1", "OWASP I1"], "accounts that have forgotten their second factors"),
    ];

    private static async Task<Strike> ReplayAsync(PeopleBench bench, LabContext lab, CancellationToken cancellationToken)
    {
        var prey = await PreyAsync(bench, lab, cancellationToken);
        using var owner = bench.Stranger();
        if (!await EnterAsync(owner, prey, prey.Code(1), cancellationToken)) throw new LabException("the owner could not sign in with password and code");
        using var attacker = bench.Stranger();
        return await EnterAsync(attacker, prey, prey.Code(1), cancellationToken) ? Strike.Succeeded("came in with a used code") : Strike.Blocked(await bench.AuditedAsync(AuditTypes.AuthFail, lab, cancellationToken) ?? "nobody noticed");
    }

    private static async Task<Strike> RaceAsync(PeopleBench bench, LabContext lab, CancellationToken cancellationToken)
    {
        const int runners = 8;
        var prey = await PreyAsync(bench, lab, cancellationToken);
        var browsers = Enumerable.Range(0, runners).Select(_ => bench.Stranger()).ToList();
        try
        {
            // Each stands before the second step with its form open; then all press at once.
            foreach (var browser in browsers) await PasswordAsync(browser, prey, cancellationToken);
            var inside = (await Task.WhenAll(browsers.Select(b => CodeAsync(b, prey.BackupCodes[0], cancellationToken)))).Count(came => came);
            return inside > 1 ? Strike.Succeeded($"{inside} of {runners} came in with one code", runners) : Strike.Blocked(inside == 1 ? "one of eight came in" : "nobody came in, not even the first", runners);
        }
        finally
        {
            browsers.ForEach(b => b.Dispose());
        }
    }

    private static async Task<Strike> GuessAsync(PeopleBench bench, LabContext lab, CancellationToken cancellationToken)
    {
        const int attempts = 12;
        var prey = await PreyAsync(bench, lab, cancellationToken);
        using var attacker = bench.Stranger();
        await PasswordAsync(attacker, prey, cancellationToken);
        for (var i = 1; i <= attempts; i++)
            if (await CodeAsync(attacker, i == attempts ? prey.Code(1) : $"{i:000000}", cancellationToken)) return Strike.Succeeded($"guessed at attempt {i}", i);
        return Strike.Blocked(await bench.AuditedAsync(AuditTypes.AuthFail, lab, cancellationToken) ?? "nobody noticed", attempts);
    }

    private static async Task<Strike> SkipAsync(PeopleBench bench, LabContext lab, CancellationToken cancellationToken)
    {
        var prey = await PreyAsync(bench, lab, cancellationToken);
        using var attacker = bench.Stranger();
        await PasswordAsync(attacker, prey, cancellationToken);
        var answer = await attacker.GetAsync("/api/v1/devices", cancellationToken);
        return answer.IsDone ? Strike.Succeeded("came in with the password alone") : Strike.Blocked(answer.Reason);
    }

    private static async Task<bool> EnterAsync(LabBrowser browser, Prey prey, string code, CancellationToken cancellationToken)
    {
        await PasswordAsync(browser, prey, cancellationToken);
        return await CodeAsync(browser, code, cancellationToken);
    }

    private static async Task PasswordAsync(LabBrowser browser, Prey prey, CancellationToken cancellationToken)
    {
        var answer = await browser.PostAsync("/login", "/login", cancellationToken, ("Name", prey.Name), ("Password", prey.Password));
        if (answer.Status != HttpStatusCode.Found) throw new LabException($"the right password was answered {answer.Number}");
    }

    private static async Task<bool> CodeAsync(LabBrowser browser, string code, CancellationToken cancellationToken) =>
        (await browser.PostAsync("/login/second", "/login/second", cancellationToken, ("code", code))).Status == HttpStatusCode.Found;

    private static async Task<Prey> PreyAsync(PeopleBench bench, LabContext lab, CancellationToken cancellationToken)
    {
        var center = bench.House.Center;
        var (name, password) = ("mfa-" + RandomNumberGenerator.GetHexString(8, lowercase: true), RandomNumberGenerator.GetHexString(24, lowercase: true));
        var made = await center.Accounts.CreateAsync(name, WholeHouse.Hasher.HashPassword(null!, password), Role.Viewer, Actor.Terminal, cancellationToken: cancellationToken);
        if (!made.TryGet(out var account, out var refusal)) throw new LabException($"no account for the attack: {refusal.Message}");
        var secret = center.SecondFactors.NewSecret();
        // Set up with the code of the step before, so that the present one is still good for its owner.
        var step = OneTimeCode.StepAt(lab.Time.GetUtcNow()) - 1;
        var enabled = await center.SecondFactors.EnableTotpAsync(account, secret, OneTimeCode.At(secret, step), new(name, Role.Viewer, Actor.User, "local"), cancellationToken);
        return enabled.TryGet(out var codes, out refusal) ? new(name, password, secret, step, codes.Codes) : throw new LabException($"no second factor for the attack: {refusal.Message}");
    }
}
