using System.Security.Cryptography;
using Microsoft.Extensions.Logging.Abstractions;
using Signet.Testing;

namespace Signet.Control.Tests;

[System.Runtime.Versioning.UnsupportedOSPlatform("windows")] // looks at file modes
public sealed class InstallationSpecs : IDisposable
{
    private readonly TempDirectory _temp = new();
    private readonly RandomNumberGenerator _random = RandomNumberGenerator.Create();
    private readonly Store.PostgresAddress? _postgres = TestDatabase.New();

    private string Data => _temp.File("data");

    public void Dispose()
    {
        _temp.Dispose();
        _random.Dispose();
    }

    private Task MakeAsync(bool demo = false) => Installation.CreateAsync(Data, new() { Demo = demo, Postgres = _postgres }, TimeProvider.System, _random);

    private Task<CommandCenter> OpenAsync() => CommandCenter.OpenAsync(new() { DataDirectory = Data, Postgres = _postgres, MqttPort = 0 }, TimeProvider.System, _random, NullLoggerFactory.Instance);

    private async Task<string> RefusalAsync() => (await Should.ThrowAsync<ControlException>(OpenAsync)).Message;

    [Fact]
    [Trait("row", "S0-4")]
    public async Task What_an_interrupted_start_left_behind_blocks_nothing()
    {
        Directory.CreateDirectory(Data + ".making/pki");
        File.WriteAllText(Data + ".making/pki/root.key", "half a key");

        await MakeAsync(demo: true);

        Directory.Exists(Data + ".making").ShouldBeFalse();
        await using var center = await OpenAsync();
        center.Fleet.List().Select(d => d.Name).ShouldBe(["door-1", "thermostat-1", "valve-1"]);
        File.GetUnixFileMode(Path.Combine(Data, "device/door-1/door-1.key")).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    [Fact]
    public async Task A_second_start_on_one_directory_names_the_process_that_has_it()
    {
        await MakeAsync();
        await using var first = await OpenAsync();
        (await RefusalAsync()).ShouldContain($"in use by process {Environment.ProcessId}");
    }

    [Fact]
    public async Task A_key_that_others_can_read_is_refused_with_the_way_to_mend_it()
    {
        await MakeAsync();
        var key = Path.Combine(Data, "pki/center_sign.key");
        File.SetUnixFileMode(key, File.GetUnixFileMode(key) | UnixFileMode.OtherRead);
        (await RefusalAsync()).ShouldContain($"chmod 600 {key}");
    }

    [Fact]
    public async Task Half_a_directory_somebody_elses_and_a_newer_one_are_told_apart()
    {
        Directory.CreateDirectory(Data);
        File.WriteAllText(Path.Combine(Data, "photo.jpg"), "");
        (await Should.ThrowAsync<ControlException>(() => MakeAsync())).Message.ShouldContain("not a whole data directory");
        (await RefusalAsync()).ShouldContain("not a whole data directory");

        Directory.Delete(Data, recursive: true);
        (await RefusalAsync()).ShouldContain("there is no data directory");

        await MakeAsync();
        var record = Path.Combine(Data, "installation.json");
        File.WriteAllText(record, File.ReadAllText(record).Replace("\"format\": ", "\"format\": 9", StringComparison.Ordinal));
        (await RefusalAsync()).ShouldContain("newer version");

        File.WriteAllText(record, "{");
        (await RefusalAsync()).ShouldContain("is damaged");
    }

    [Fact, Trait(TestDatabase.Trait, TestDatabase.SqliteOnly)]
    public async Task A_missing_part_is_named()
    {
        await MakeAsync();
        File.Delete(Path.Combine(Data, "signet.db"));
        (await RefusalAsync()).ShouldContain("signet.db (fleet, commands and people) is missing");
    }

    [Fact]
    public async Task A_taken_port_is_one_clear_line_and_leaves_nothing_open()
    {
        await using var house = await TestHouse.StartAsync(new() { Demo = false });
        await MakeAsync();
        await using (var second = await CommandCenter.OpenAsync(new() { DataDirectory = Data, Postgres = _postgres, MqttPort = house.Center.MqttEndPoint.Port }, TimeProvider.System, _random, NullLoggerFactory.Instance))
            (await Should.ThrowAsync<ControlException>(() => second.StartAsync())).Message.ShouldContain("is taken by another program");
        await using var again = await OpenAsync();
    }

    [Fact]
    public void Every_setting_out_of_range_is_named_at_once()
        => Should.Throw<ControlException>(() => new CenterOptions { DataDirectory = "x", MqttPort = 70_000, CommandLifetime = TimeSpan.FromHours(1) }.Validate()).Message
            .ShouldBe("the MQTT port 70000 is not between 0 and 65535; the command lifetime 01:00:00 is not between 1 s and 30 s");
}
