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

    private static string Refused(string directory)
    {
        var message = Should.Throw<AgentException>(() => DeviceHome.Open(directory, TimeProvider.System)).Message;
        message.ShouldNotContain("\n");
        return message;
    }
}
