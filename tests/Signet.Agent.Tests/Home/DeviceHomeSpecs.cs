using Signet.Wire;

namespace Signet.Agent.Tests;

public sealed class DeviceHomeSpecs(DeviceFleet fleet) : IClassFixture<DeviceFleet>
{
    private readonly DeviceFleet _fleet = fleet;

    [Fact]
    public void A_directory_the_center_made_opens()
    {
        using var home = DeviceHome.Open(_fleet.Add("door-1"), TimeProvider.System);
        home.Name.ShouldBe("door-1");
        home.Settings.ShouldSatisfyAllConditions(s => s.Kind.ShouldBe("door"), s => s.BrokerHost.ShouldBe("localhost"), s => s.BrokerPort.ShouldBe(1), s => s.Center.ShouldBe("command_center"),
            s => s.Commands.ShouldBe(["open", "close", "check-status"], ignoreOrder: true), s => s.TelemetryInterval.ShouldBe(TimeSpan.FromSeconds(1)));
        home.Identity.Key.Algorithm.ShouldBe("ES256");
        home.Identity.CenterKeys.Keys.ShouldHaveSingleItem().Algorithm.ShouldBe("PS256");
        home.Chain.Count.ShouldBe(1);
    }

    [Fact]
    public void The_shared_key_speaks_until_the_manifest_ends_its_suite_and_the_certificates_key_from_then_on_without_a_new_start()
    {
        var time = new ManualTime(DateTimeOffset.UtcNow);
        var path = _fleet.Add("lamp-1");
        var shared = Path.Combine(path, "shared.json");
        File.WriteAllText(shared, $$"""{ "version": 1, "down": { "kid": "down", "key": "{{new string('A', 43)}}" }, "up": { "kid": "up", "key": "{{new string('E', 42)}}A" } }""");
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(shared, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        _fleet.WriteManifest(path, "lamp-1", 1, new SuiteGrant("signet-hs256-1", time.GetUtcNow().AddSeconds(60)), new SuiteGrant("signet-ps256-1", null));
        using var home = DeviceHome.Open(path, time);
        home.Identity.Voice().Algorithm.ShouldBe("HS256");
        time.Advance(TimeSpan.FromSeconds(62));
        home.Identity.Voice().Algorithm.ShouldBe("ES256");
    }

    [Theory]
    [InlineData("\"version\": 1", "\"version\": 2", "\"version\" must be an integer from 1 to 1")]
    [InlineData("\"version\": 1, ", "", "\"version\" is missing")]
    [InlineData("\"name\"", "\"nam\"", "\"name\" is missing")]
    [InlineData("\"door-1\"", "\"Door 1\"", "\"name\" must be a device's name")]
    [InlineData("localhost:1", "localhost", "\"broker\" must be HOST:PORT")]
    [InlineData("localhost:1", "localhost:1/x", "\"broker\" must be HOST:PORT")]
    [InlineData("localhost:1", "a b:1", "\"broker\" must be HOST:PORT")]
    [InlineData("\"open\",", "\"Open\",", "\"commands\" must hold names of commands")]
    [InlineData("\"open\",", "\"close\",", "\"commands\" names \"close\" twice")]
    [InlineData("[\"open\", \"close\", \"check-status\"]", "\"open\"", "\"commands\" must be a list")]
    [InlineData("\"telemetrySeconds\": 1", "\"telemetrySeconds\": 0", "\"telemetrySeconds\" must be an integer from 1 to 86400")]
    [InlineData("\"telemetrySeconds\": 1", "\"telemetrySeconds\": 1.5", "\"telemetrySeconds\" must be")]
    [InlineData("\"telemetrySeconds\": 1", "\"keepAliveSeconds\": 4", "\"keepAliveSeconds\" must be an integer from 5 to 3600")]
    [InlineData("\"telemetrySeconds\": 1", "\"heartbeatSeconds\": 3601", "\"heartbeatSeconds\" must be an integer from 1 to 3600")]
    [InlineData("\"kind\"", "\"telemetry\": 1, \"kind\"", "unknown member \"telemetry\"")]
    [InlineData("\"kind\"", "\"name\": \"door-1\", \"kind\"", "is not valid JSON")]
    [InlineData("}", "", "is not valid JSON")]
    public void Wrong_settings_are_refused_by_name(string old, string wrong, string line) =>
        Refused(_fleet.Add("door-1", change: s => s.Replace(old, wrong, StringComparison.Ordinal))).ShouldContain(line);

    [Fact]
    public void A_directory_that_is_none_is_refused() => Refused(Path.GetTempPath()).ShouldContain("is no device's directory");

    [Fact]
    public void A_key_others_can_read_is_refused_with_how_to_mend_it()
    {
        var home = _fleet.Add("door-1");
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(Path.Combine(home, "door-1.key"), UnixFileMode.UserRead | UnixFileMode.OtherRead);
        Refused(home).ShouldContain("chmod 600");
    }

    [Fact]
    public void An_expired_certificate_is_refused_with_its_dates()
    {
        var home = _fleet.Add("door-1", lifetime: TimeSpan.FromDays(1));
        Should.Throw<AgentException>(() => DeviceHome.Open(home, new ManualTime(DateTimeOffset.UtcNow.AddDays(2)))).Message.ShouldContain("renew it, or set the clock");
    }

    [Fact]
    public void Another_devices_certificate_is_refused()
    {
        var (mine, other) = (_fleet.Add("door-1"), _fleet.Add("door-2"));
        foreach (var end in (string[])[".crt", ".key"]) File.Copy(Path.Combine(other, "door-2" + end), Path.Combine(mine, "door-1" + end), overwrite: true);
        Refused(mine).ShouldContain("belongs to door-2, not to door-1");
    }

    [Fact]
    public void A_key_that_is_not_the_certificates_is_refused()
    {
        var (mine, other) = (_fleet.Add("door-1"), _fleet.Add("door-2"));
        File.Copy(Path.Combine(other, "door-2.key"), Path.Combine(mine, "door-1.key"), overwrite: true);
        Refused(mine).ShouldContain("is not the key of certificate");
    }

    [Fact]
    public void A_foreign_root_is_refused()
    {
        using var foreign = new DeviceFleet();
        var home = _fleet.Add("door-1");
        File.Copy(Path.Combine(foreign.Add("door-1"), "root.crt"), Path.Combine(home, "root.crt"), overwrite: true);
        Refused(home).ShouldContain("cannot be used with root.crt");
    }

    [Fact]
    public void A_certificate_that_may_not_sign_commands_is_refused_as_the_centers()
    {
        var home = _fleet.Add("door-1");
        File.Copy(Path.Combine(home, "door-1.crt"), Path.Combine(home, "center_sign.crt"), overwrite: true);
        Refused(home).ShouldContain("is not a command-signing certificate");
    }

    [Theory]
    [InlineData("door-1.key")]
    [InlineData("door-1.crt")]
    [InlineData("root.crt")]
    [InlineData("center_sign.crt")]
    public void A_missing_or_broken_file_is_named(string file)
    {
        var home = _fleet.Add("door-1");
        File.WriteAllText(Path.Combine(home, file), "not PEM");
        Refused(home).ShouldContain(file);
        File.Delete(Path.Combine(home, file));
        Refused(home).ShouldContain(file);
    }

    [Fact]
    public async Task A_manifest_signed_by_the_root_is_obeyed_and_an_older_one_never_again()
    {
        var home = _fleet.Add("door-1");
        await RunBrieflyAsync(home); // without one, at first
        _fleet.WriteManifest(home, "door-1", version: 2);
        using (var opened = DeviceHome.Open(home, TimeProvider.System)) opened.Identity.Manifest!.Version.ShouldBe(2);
        await RunBrieflyAsync(home);
        _fleet.WriteManifest(home, "door-1", version: 1);
        (await Should.ThrowAsync<AgentException>(() => RunBrieflyAsync(home))).Message.ShouldContain("an older one is not taken");
        File.Delete(Path.Combine(home, "manifest.jws"));
        (await Should.ThrowAsync<AgentException>(() => RunBrieflyAsync(home))).Message.ShouldContain("manifest.jws is missing");
        _fleet.WriteManifest(home, "door-1", version: 3);
        await RunBrieflyAsync(home);
    }

    [Fact]
    public void A_manifest_for_another_device_or_by_another_key_is_refused()
    {
        var home = _fleet.Add("door-1");
        _fleet.WriteManifest(home, "door-2", version: 1);
        Refused(home).ShouldContain("wrong-audience");
        using var foreign = new DeviceFleet();
        foreign.WriteManifest(home, "door-1", version: 1);
        Refused(home).ShouldContain("unknown-key");
        File.WriteAllText(Path.Combine(home, "manifest.jws"), "hello");
        Refused(home).ShouldContain("malformed");
    }

    [Fact]
    public void Sealed_commands_cannot_be_demanded_without_a_key_to_open_them() =>
        Refused(_fleet.Add("door-1", change: s => s.Replace("\"kind\"", "\"onlySealed\": true, \"kind\"", StringComparison.Ordinal))).ShouldContain("no sealing.crt");

    [Fact]
    public void A_sealing_key_of_the_right_profile_is_taken_and_another_is_not()
    {
        var home = _fleet.Add("door-1");
        _fleet.AddSealingKey(home, "door-1", Signet.Pki.CertificateProfile.DeviceSealing);
        using (var opened = DeviceHome.Open(home, TimeProvider.System)) opened.Identity.SealingKey!.Suite.ShouldBe(Signet.Wire.SealingSuite.EcdhEs);
        _fleet.AddSealingKey(home, "door-1", Signet.Pki.CertificateProfile.Device);
        Refused(home).ShouldContain("cannot be used for sealing");
    }

    private static async Task RunBrieflyAsync(string directory)
    {
        using var home = DeviceHome.Open(directory, TimeProvider.System);
        using var random = System.Security.Cryptography.RandomNumberGenerator.Create();
        await using var agent = new DeviceAgent(home, new CommandHandlers(), TimeProvider.System, random, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        using var stop = new CancellationTokenSource(TimeSpan.FromMilliseconds(50));
        await agent.RunAsync(stop.Token);
    }

    private static string Refused(string directory)
    {
        var message = Should.Throw<AgentException>(() => DeviceHome.Open(directory, TimeProvider.System)).Message;
        message.ShouldNotContain("\n");
        return message;
    }
}
