using System.Security.Cryptography;
using Microsoft.Extensions.Logging.Abstractions;
using Signet.Access;
using Signet.Store;
using Signet.Testing;

namespace Signet.Control.Tests;

/// <summary>One-time codes and backup codes: right once, and never twice.</summary>
public sealed class SecondFactorSpecs
{
    [Fact]
    [Trait("row", "S0-14")]
    public async Task A_code_is_taken_once_and_from_neighbouring_steps_only()
    {
        await using var house = await TestHouse.StartAsync(new() { Demo = false });
        var (factors, ada, secret) = await EnabledAsync(house);
        var time = house.Center.Time;

        (await factors.UseTotpAsync(ada, OneTimeCode.At(secret, OneTimeCode.StepAt(time.GetUtcNow())))).ShouldBe(CodeVerdict.Used, "the code that confirmed the set-up is spent");
        (await factors.UseTotpAsync(ada, Code(+1))).ShouldBe(CodeVerdict.Accepted);
        (await factors.UseTotpAsync(ada, Code(+1))).ShouldBe(CodeVerdict.Used);
        (await factors.UseTotpAsync(ada, Code(-1))).ShouldBe(CodeVerdict.Used, "older than one that was taken");
        (await factors.UseTotpAsync(ada, Code(+2))).ShouldBe(CodeVerdict.Wrong, "a clock that is two steps ahead");
        (await factors.UseTotpAsync(ada, Code(-2))).ShouldBe(CodeVerdict.Wrong, "a clock that is two steps behind");
        (await factors.UseTotpAsync(ada, "abcdef")).ShouldBe(CodeVerdict.Wrong);
        (await factors.UseTotpAsync(ada, "")).ShouldBe(CodeVerdict.Wrong);

        string Code(int steps) => OneTimeCode.At(secret, OneTimeCode.StepAt(time.GetUtcNow()) + steps);
    }

    [Fact]
    [Trait("row", "S0-14")]
    public async Task Of_many_requests_with_one_code_one_wins()
    {
        await using var house = await TestHouse.StartAsync(new() { Demo = false });
        var (factors, ada, secret) = await EnabledAsync(house);
        var code = OneTimeCode.At(secret, OneTimeCode.StepAt(house.Center.Time.GetUtcNow()) + 1);
        var verdicts = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Run(() => factors.UseTotpAsync(ada, code))));
        verdicts.Count(verdict => verdict == CodeVerdict.Accepted).ShouldBe(1);
        verdicts.Count(verdict => verdict == CodeVerdict.Used).ShouldBe(15);
    }

    [Fact]
    [Trait("row", "S0-15")]
    public async Task Ten_backup_codes_work_once_each_also_against_a_race_and_stand_nowhere_in_clear()
    {
        await using var house = await TestHouse.StartAsync(new() { Demo = false });
        var ada = (await house.Center.Accounts.CreateAsync("ada", "hash", Role.Admin, Actor.Terminal)).Value;
        var factors = house.Center.SecondFactors;
        var secret = factors.NewSecret();
        var code = OneTimeCode.At(secret, OneTimeCode.StepAt(house.Center.Time.GetUtcNow()));
        (await factors.EnableTotpAsync(ada, secret, "000000" == code ? "000001" : "000000", TestHouse.Admin)).Refusal!.Name.ShouldBe("bad-input");
        (await house.Center.Accounts.FindAsync(ada.Id))!.HasSecondFactor.ShouldBeFalse("an unconfirmed authenticator would lock its owner out");

        var made = (await factors.EnableTotpAsync(ada, secret, code, TestHouse.Admin)).Value;
        made.Codes.Count.ShouldBe(10);
        made.Codes.Distinct().Count().ShouldBe(10);
        made.ToString().ShouldNotContain(made.Codes[0]);
        made.Codes.ShouldAllBe(one => one.Length == 19);

        var verdicts = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Run(() => factors.UseBackupCodeAsync(ada, made.Codes[0]))));
        verdicts.Count(verdict => verdict == CodeVerdict.Accepted).ShouldBe(1);
        (await factors.UseBackupCodeAsync(ada, made.Codes[1].ToUpperInvariant().Replace('-', ' '))).ShouldBe(CodeVerdict.Accepted, "as people type it");
        (await factors.BackupCodesLeftAsync(ada.Id)).ShouldBe(8);

        var fresh = (await factors.RenewBackupCodesAsync(ada, TestHouse.Admin)).Value;
        (await factors.UseBackupCodeAsync(ada, made.Codes[2])).ShouldBe(CodeVerdict.Wrong, "replaced");
        var bob = (await house.Center.Accounts.CreateAsync("bob", "hash", Role.Viewer, Actor.Terminal)).Value;
        (await factors.UseBackupCodeAsync(bob, fresh.Codes[0])).ShouldBe(CodeVerdict.Wrong, "another person's");

        // On PostgreSQL the files are the server's; there the same rows are written by the same statements.
        var hidden = (byte[][])[secret, System.Text.Encoding.ASCII.GetBytes(Base32.Encode(secret)), System.Text.Encoding.ASCII.GetBytes(fresh.Codes[0])];
        foreach (var file in Directory.EnumerateFiles(house.Center.Installation.Directory, "signet.db*"))
        {
            var bytes = await File.ReadAllBytesAsync(file);
            foreach (var one in hidden) bytes.AsSpan().IndexOf(one).ShouldBe(-1, $"a secret lies in {file} in clear");
        }
    }

    [Fact]
    [Trait("row", "S0-26")]
    [Trait(TestDatabase.Trait, TestDatabase.SqliteOnly)]
    public async Task On_a_full_disk_an_administrators_code_is_used_up_out_of_the_reserve_and_nobody_elses()
    {
        var folder = Directory.CreateTempSubdirectory("signet-full-").FullName;
        await SystemAsync("mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", folder);
        try
        {
            using var random = RandomNumberGenerator.Create();
            var data = Path.Combine(folder, "data");
            await Installation.CreateAsync(data, new() { Demo = false }, TimeProvider.System, random);
            await using var center = await CommandCenter.OpenAsync(new() { DataDirectory = data, MqttPort = 0, MqttPasswordPort = 0 }, TimeProvider.System, random, NullLoggerFactory.Instance);
            var factors = center.SecondFactors;
            var (ada, secret, codes) = await WithFactorAsync("ada", Role.Admin);
            var (olaf, his, _) = await WithFactorAsync("olaf", Role.Operator);
            for (var program = 0; program < 3; program++)
            {
                await FillAsync(Path.Combine(folder, $"filler-{program}"), center, olaf.Id);
                if (program == 0) (await factors.UseTotpAsync(ada, Next(secret))).ShouldBe(CodeVerdict.Accepted);
                else if (program == 1) (await factors.UseBackupCodeAsync(ada, codes[0])).ShouldBe(CodeVerdict.Accepted);
                else (await Should.ThrowAsync<StoreException>(() => factors.UseTotpAsync(olaf, Next(his)))).Failure.ShouldBe(StoreFailure.DiskFull);
            }

            foreach (var filler in Directory.GetFiles(folder, "filler-*")) File.Delete(filler);

            string Next(byte[] key) => OneTimeCode.At(key, OneTimeCode.StepAt(center.Time.GetUtcNow()) + 1);

            async Task<(Account, byte[], IReadOnlyList<string>)> WithFactorAsync(string name, Role role)
            {
                var account = (await center.Accounts.CreateAsync(name, "hash", role, Actor.Terminal)).Value;
                var key = factors.NewSecret();
                var made = await factors.EnableTotpAsync(account, key, OneTimeCode.At(key, OneTimeCode.StepAt(center.Time.GetUtcNow())), TestHouse.Admin);
                return (account, key, made.Value.Codes);
            }
        }
        finally
        {
            await SystemAsync("umount", "-l", folder);
            Directory.Delete(folder);
        }
    }

    // Until the database of the center takes no row either.
    private static async Task FillAsync(string filler, CommandCenter center, string account)
    {
        Fill(filler);
        Refusal? full = null;
        for (var i = 0; i < 20_000 && full is null; i++) full = (await center.Accounts.UpdateAsync((await center.Accounts.FindAsync(account))! with { LastSignIn = DateTimeOffset.UtcNow })).Refusal;
        full.ShouldNotBeNull().Message.ShouldContain("disk full");
    }

    private static void Fill(string filler)
    {
        using var file = new FileStream(filler, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        try
        {
            while (true) file.Write(new byte[4096]);
        }
        catch (IOException)
        {
            // full
        }
    }

    private static async Task SystemAsync(string program, params string[] arguments)
    {
        using var process = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo(program, arguments) { UseShellExecute = false })!;
        await process.WaitForExitAsync();
        process.ExitCode.ShouldBe(0, $"{program} needs the right to mount: run the tests as root or in a container that may");
    }

    [Fact]
    [Trait("row", "S0-14")]
    public async Task An_administrator_resets_lost_factors_on_record_and_a_new_one_is_due_at_once()
    {
        await using var house = await TestHouse.StartAsync(new() { Demo = false });
        var (factors, ada, secret) = await EnabledAsync(house);
        var before = (await house.Center.Accounts.FindAsync(ada.Id))!;
        (await factors.ResetAsync(ada.Id, TestHouse.Operator)).Refusal!.Name.ShouldBe("not-allowed");
        (await factors.ResetAsync(ada.Id, TestHouse.Admin)).Refusal.ShouldBeNull();
        var after = (await house.Center.Accounts.FindAsync(ada.Id))!;
        (after.HasSecondFactor, after.SecurityStamp == before.SecurityStamp).ShouldBe((false, false));
        after.FactorDue!.Value.ShouldBeLessThanOrEqualTo(house.Center.Time.GetUtcNow());
        (await factors.UseTotpAsync(after, OneTimeCode.At(secret, OneTimeCode.StepAt(house.Center.Time.GetUtcNow()) + 1))).ShouldBe(CodeVerdict.Wrong);
        (await factors.BackupCodesLeftAsync(ada.Id)).ShouldBe(0);
        (await house.AuditedAsync(new() { Type = "security", Subject = "ada", Action = "second-factors-reset" })).Outcome.ShouldBe("success");
    }

    [Fact]
    [Trait("row", "S0-22")]
    public async Task A_link_works_once_ends_in_time_and_can_be_revoked()
    {
        await using var house = await TestHouse.StartAsync(new() { Demo = false });
        var links = house.Center.Links;
        (await links.InviteAsync(Role.Operator, "", TestHouse.Operator)).Refusal!.Name.ShouldBe("not-allowed");
        var made = (await links.InviteAsync(Role.Operator, "maria", TestHouse.Admin)).Value;
        made.ToString().ShouldNotContain(made.Secret);
        (await links.FindAsync(made.Secret))!.Role.ShouldBe(Role.Operator);
        (await links.FindAsync(null)).ShouldBeNull();
        (await links.FindAsync(new string('A', 43))).ShouldBeNull();
        var won = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => links.TryUseAsync(made.Secret))));
        won.Count(one => one).ShouldBe(1);
        var other = (await links.InviteAsync(Role.Viewer, "", TestHouse.Admin)).Value;
        (await links.RevokeAsync(other.Link.Id, TestHouse.Admin)).Refusal.ShouldBeNull();
        (await links.FindAsync(other.Secret)).ShouldBeNull();
    }

    [Fact]
    [Trait("row", "S0-24")]
    public async Task A_reset_takes_the_password_and_older_links_away()
    {
        await using var house = await TestHouse.StartAsync(new() { Demo = false });
        var ada = (await house.Center.Accounts.CreateAsync("ada", "hash", Role.Admin, Actor.Terminal)).Value;
        var first = (await house.Center.Links.ResetAsync(ada.Id, TestHouse.Admin)).Value;
        var second = (await house.Center.Links.ResetAsync(ada.Id, TestHouse.Admin)).Value;
        (await house.Center.Links.FindAsync(first.Secret)).ShouldBeNull();
        (await house.Center.Links.FindAsync(second.Secret))!.Account.ShouldBe(ada.Id);
        var after = (await house.Center.Accounts.FindAsync(ada.Id))!;
        (after.PasswordHash, after.SecurityStamp == ada.SecurityStamp).ShouldBe((null, false));
    }

    private static async Task<(SecondFactors Factors, Account Ada, byte[] Secret)> EnabledAsync(TestHouse house)
    {
        var ada = (await house.Center.Accounts.CreateAsync("ada", "hash", Role.Admin, Actor.Terminal)).Value;
        var factors = house.Center.SecondFactors;
        var secret = factors.NewSecret();
        (await factors.EnableTotpAsync(ada, secret, OneTimeCode.At(secret, OneTimeCode.StepAt(house.Center.Time.GetUtcNow())), TestHouse.Admin)).Refusal.ShouldBeNull();
        return (factors, ada, secret);
    }
}
