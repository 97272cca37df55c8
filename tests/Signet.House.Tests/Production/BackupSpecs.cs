using Signet.House.Tests.Program;

namespace Signet.House.Tests.Production;

/// <summary>The restore drill, as a person does it: back up the running center, lose the machine, restore, go on.</summary>
public sealed class BackupSpecs : IDisposable
{
    private const string Words = "correct horse battery staple\n";
    private readonly string _folder = Directory.CreateTempSubdirectory("signet-backup-").FullName;

    private string Data => Path.Combine(_folder, "data");
    private string Other => Path.Combine(_folder, "other");
    private string Backup => Path.Combine(_folder, "one.backup");
    private string Keys => Path.Combine(_folder, "keys");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static Task<Outcome> SealedAsync(string data, string words, params string[] arguments) => SignetProcess.RunAsync(data, new Dictionary<string, string>(), words, [.. arguments, "--passphrase-stdin"]);

    [Fact]
    public async Task A_running_center_is_backed_up_lost_and_restored_and_its_devices_come_back()
    {
        long epoch;
        await using (var signet = await SignetProcess.UpAsync(Data, "--demo"))
        {
            (await SignetProcess.RunAsync(Data, "command", "send", "thermostat-1", "check-status", "--wait")).ExitCode.ShouldBe(0);
            var made = await SealedAsync(Data, Words, "backup", "--with-keys", "--out", Backup, "--json");
            made.ExitCode.ShouldBe(0, made.Error);
            ((long)made.Json["auditEntries"]!).ShouldBeGreaterThan(3);
            File.GetUnixFileMode(Backup).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
            // What happens after the backup is lost with the machine; the devices remember it.
            (await SignetProcess.RunAsync(Data, "command", "send", "thermostat-1", "check-status", "--wait")).ExitCode.ShouldBe(0);
            epoch = await EpochAsync(Data);
            await signet.KillAsync();
        }

        // The devices' homes are on the machines of the devices: they go on with the memory they have.
        var restored = await SealedAsync(Other, Words, "restore", Backup, "--json");
        restored.ExitCode.ShouldBe(0, restored.Error);
        ((string)restored.Json["audit"]!).ShouldStartWith("intact");
        restored.Json["missingKeys"]!.AsArray().ShouldBeEmpty();
        foreach (var home in Directory.GetDirectories(Path.Combine(Data, "device"))) CopyOver(home, Path.Combine(Other, "device", Path.GetFileName(home)));

        await using var again = await SignetProcess.UpAsync(Other, "--demo");
        var sent = await SignetProcess.RunAsync(Other, "command", "send", "thermostat-1", "check-status", "--wait", "--json");
        sent.ExitCode.ShouldBe(0, "the restored center is not locked out: " + sent.Error + sent.Output);
        (await EpochAsync(Other)).ShouldBeGreaterThan(epoch);
        (await SignetProcess.RunAsync(Other, "audit", "verify")).ExitCode.ShouldBe(0);
        var told = (await SignetProcess.RunAsync(Other, "audit", "list", "--json", "--action", "restored")).Json["entries"]!.AsArray();
        told.Count.ShouldBe(1);
        await again.InterruptAsync();
    }

    [Fact]
    public async Task A_backup_of_files_is_restored_into_PostgreSQL_and_the_center_goes_on_there()
    {
        Dictionary<string, string> there = new() { ["SIGNET__Database__Kind"] = "postgres", ["SIGNET__Database__Connection"] = (await Testing.PostgresServer.SharedAsync()).NewDatabase() };
        string command;
        await using (var signet = await SignetProcess.UpAsync(Data, "--demo"))
        {
            var sent = await SignetProcess.RunAsync(Data, "command", "send", "door-1", "open", "--wait", "--json");
            sent.ExitCode.ShouldBe(0, sent.Error);
            command = (string)sent.Json["id"]!;
            (await SealedAsync(Data, Words, "backup", "--with-keys", "--out", Backup)).ExitCode.ShouldBe(0);
            await signet.KillAsync();
        }
        var wrong = await SignetProcess.RunAsync(Other, new Dictionary<string, string>(there) { ["SIGNET__Database__Connection"] = there["SIGNET__Database__Connection"] + "nowhere" }, Words, "restore", Backup, "--passphrase-stdin");
        wrong.ExitCode.ShouldBe(1);
        Directory.Exists(Other).ShouldBeFalse("nothing was restored");
        var restored = await SignetProcess.RunAsync(Other, there, Words, "restore", Backup, "--passphrase-stdin", "--json");
        restored.ExitCode.ShouldBe(0, restored.Error);
        ((string)restored.Json["audit"]!).ShouldStartWith("intact");
        File.Exists(Path.Combine(Other, "signet.db")).ShouldBeFalse("the rows are on the server");
        foreach (var home in Directory.GetDirectories(Path.Combine(Data, "device"))) CopyOver(home, Path.Combine(Other, "device", Path.GetFileName(home)));

        await using var again = await SignetProcess.UpAsync(Other, there, "--demo");
        ((string)(await SignetProcess.RunAsync(Other, "command", "show", command, "--json")).Json["state"]!).ShouldBe("executed");
        (await SignetProcess.RunAsync(Other, "command", "send", "door-1", "close", "--wait")).ExitCode.ShouldBe(0);
        (await SignetProcess.RunAsync(Other, "audit", "verify")).ExitCode.ShouldBe(0);
        // A database that is in use is no place for a second restore.
        var taken = await SignetProcess.RunAsync(Other + "2", there, Words, "restore", Backup, "--passphrase-stdin");
        taken.ExitCode.ShouldBe(1);
        taken.Error.ShouldContain("another command center uses");
        await again.InterruptAsync();
        (await SignetProcess.RunAsync(Other + "2", there, Words, "restore", Backup, "--passphrase-stdin")).Error.ShouldContain("holds an installation already", customMessage: "the same installation's living rows are not overwritten");
        (await SignetProcess.RunAsync(Other, there, "", "audit", "verify", "--offline")).ExitCode.ShouldBe(0);
    }

    [Fact]
    public async Task Wrong_words_a_cut_off_file_another_version_and_a_used_directory_are_told_in_words_and_leave_nothing()
    {
        (await SignetProcess.RunAsync(Data, "init")).ExitCode.ShouldBe(0);
        (await SealedAsync(Data, "short\n", "backup", "--out", Backup)).Error.ShouldContain("shorter than 12 characters");
        var made = await SealedAsync(Data, Words, "backup", "--out", Backup);
        made.ExitCode.ShouldBe(0, made.Error);
        made.Output.ShouldContain("NOT included");
        (await SealedAsync(Data, Words, "backup", "--out", Backup)).Error.ShouldContain("exists already");

        await RefusedAsync("wrong horse battery staple\n", "the passphrase is wrong");
        var whole = await File.ReadAllBytesAsync(Backup);
        var text = System.Text.Encoding.Latin1.GetString(whole);
        foreach (var secret in new[] { "PRIVATE KEY", "installation", Words.Trim() }) text.ShouldNotContain(secret);

        foreach (var length in new[] { whole.Length - 1, whole.Length / 2, 150 })
        {
            await File.WriteAllBytesAsync(Backup, whole[..length]);
            await RefusedAsync(Words, "damaged");
        }
        await File.WriteAllBytesAsync(Backup, whole[..20]);
        await RefusedAsync(Words, "not a Signet backup");
        var flipped = (byte[])whole.Clone();
        flipped[^100] ^= 1;
        await File.WriteAllBytesAsync(Backup, flipped);
        await RefusedAsync(Words, "damaged");
        await File.WriteAllBytesAsync(Backup, [.. System.Text.Encoding.ASCII.GetBytes(text[..text.IndexOf('\n')].Replace("\"format\":1", "\"format\":9")), .. whole[text.IndexOf('\n')..]]);
        await RefusedAsync(Words, "made by a newer version (format 9");

        await File.WriteAllBytesAsync(Backup, whole);
        (await SealedAsync(Data, Words, "restore", Backup)).Error.ShouldContain("is not empty, and a restore overwrites nothing");
        var restored = await SealedAsync(Other, Words, "restore", Backup);
        restored.ExitCode.ShouldBe(0, restored.Error);
        restored.Output.ShouldContain("pki/intermediate.key");
        Directory.EnumerateFiles(Other, "*.key", SearchOption.AllDirectories).ShouldBeEmpty("keys only when asked for");
        (await SignetProcess.RunAsync(Other, "audit", "verify", "--offline")).ExitCode.ShouldBe(0, "proofs need no private key");
        (await SignetProcess.RunAsync(Other, "up", "--port-console", "0", "--port-mqtt", "0", "--port-pki", "0")).Error.ShouldContain(".key");

        async Task RefusedAsync(string words, string why)
        {
            var refused = await SealedAsync(Other, words, "restore", Backup);
            refused.ExitCode.ShouldBe(1, refused.Output);
            refused.Error.ShouldContain(why);
            Directory.Exists(Other).ShouldBeFalse();
            Directory.Exists(Other + ".restoring").ShouldBeFalse();
        }
    }

    [Fact]
    public async Task A_backup_without_keys_says_that_the_accounts_key_is_missing_and_so_does_the_start()
    {
        await using (var signet = await SignetProcess.UpAsync(Data))
        {
            (await SignetProcess.RunAsync(Data, new Dictionary<string, string>(), "tractor violet noodle\n", "device", "add", "meter-1", "--totp", "--password-stdin")).ExitCode.ShouldBe(0);
            // Before the backup: the log's moving key may lie behind the rows, never ahead.
            foreach (var key in Directory.EnumerateFiles(Data, "*.key", SearchOption.AllDirectories).Where(f => !f.Contains("/device/", StringComparison.Ordinal)))
            {
                var kept = Path.Combine(Keys, Path.GetRelativePath(Data, key));
                Directory.CreateDirectory(Path.GetDirectoryName(kept)!);
                File.Copy(key, kept);
            }
            (await SealedAsync(Data, Words, "backup", "--out", Backup)).ExitCode.ShouldBe(0);
            await signet.InterruptAsync();
        }

        var restored = await SealedAsync(Other, Words, "restore", Backup);
        restored.ExitCode.ShouldBe(0, restored.Error);
        restored.Output.ShouldContain("pki/accounts.key");
        foreach (var key in Directory.EnumerateFiles(Keys, "*.key", SearchOption.AllDirectories).Where(f => Path.GetFileName(f) != "accounts.key"))
            File.Copy(key, Path.Combine(Other, Path.GetRelativePath(Keys, key)));
        var refused = await SignetProcess.RunAsync(Other, "up", "--port-console", "0", "--port-mqtt", "0", "--port-pki", "0");
        refused.ExitCode.ShouldBe(1);
        refused.Error.ShouldContain("accounts.key is missing");
        File.Copy(Path.Combine(Keys, "pki", "accounts.key"), Path.Combine(Other, "pki", "accounts.key"));
        await using var again = await SignetProcess.UpAsync(Other);
        await again.InterruptAsync();
    }

    private static async Task<long> EpochAsync(string data)
    {
        var started = (await SignetProcess.RunAsync(data, "audit", "list", "--json", "--action", "center-started", "--limit", "1")).Json["entries"]!.AsArray();
        return (long)started[0]!["details"]!["epoch"]!;
    }

    private static void CopyOver(string from, string to)
    {
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            var target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target, overwrite: true);
        }
    }
}
