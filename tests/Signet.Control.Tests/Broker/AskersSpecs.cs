using Signet.Access;
using Signet.Testing;

namespace Signet.Control.Tests;

/// <summary>What the broker remembers of people's rights.</summary>
public sealed class AskersSpecs
{
    [Fact]
    public async Task A_right_that_is_taken_away_while_it_is_being_looked_up_is_not_remembered()
    {
        await using var house = await TestHouse.StartAsync();
        var account = (await house.Center.Accounts.CreateAsync("olga", null, Role.Operator, TestHouse.Admin)).Value;
        Askers? askers = null;
        var asked = 0;
        askers = new(new(TimeProvider.System), _ =>
        {
            if (asked++ > 0) return account with { Role = Role.Viewer, Groups = ["north"] };
            // The row was read; then somebody changes it, and the broker is told to forget.
            askers!.ForgetPerson("olga");
            return account;
        }, new(null!, null!, []));

        askers.Find(new(PrincipalKind.Person, "olga"));
        askers.ScopeOf("olga").ShouldBe(["north"]);
        askers.ScopeOf("OLGA").ShouldBe(["north"]);
        asked.ShouldBe(2, "and from then on it is remembered");
    }

    [Fact]
    public void Whoever_makes_names_up_fills_no_memory()
    {
        var asked = 0;
        var askers = new Askers(new(TimeProvider.System), _ => { asked++; return null; }, new(null!, null!, []));
        for (var i = 0; i < ControlLimits.RememberedNames + 1_000; i++) askers.Find(new(PrincipalKind.Person, $"nobody-{i}"));
        askers.Remembered.ShouldBeLessThanOrEqualTo(ControlLimits.RememberedNames);
        askers.Find(new(PrincipalKind.Person, $"nobody-{ControlLimits.RememberedNames + 999}"));
        asked.ShouldBe(ControlLimits.RememberedNames + 1_000, "the newest are remembered");
        askers.ByName(new string('x', ControlLimits.NameCharacters + 1)).ShouldBeEmpty();
        askers.ScopeOf(new string('x', ControlLimits.NameCharacters + 1)).ShouldBeEmpty();
        asked.ShouldBe(ControlLimits.RememberedNames + 1_000, "no name is that long");
    }

    [Fact]
    [Trait("row", "S0-23")]
    public async Task A_person_limited_to_groups_hears_the_messages_of_their_devices_live_and_of_no_other()
    {
        await using var house = await TestHouse.StartAsync();
        (await house.Center.Fleet.SetLabelsAsync("door-1", ["north"], null, TestHouse.Admin)).Refusal.ShouldBeNull();
        var nora = (await house.Center.Accounts.CreateAsync("nora", null, Role.Operator, TestHouse.Admin, ["north"])).Value;
        using var issued = (await house.Center.Certificates.IssueAsync(new(Pki.CertificateProfile.User, "nora"), TestHouse.Admin)).Value;
        using var certificate = TestCertificates.Portable(issued.Certificate);
        await using var person = await house.ConnectAsync(certificate, "nora");
        (await person.SubscribeAsync("signet/+/telemetry/+")).ShouldAllBe(r => r.IsAccepted);
        (await person.SubscribeAsync("signet/valve-1/telemetry/+")).ShouldAllBe(r => !r.IsAccepted);
        (await person.SubscribeAsync("signet/#")).ShouldAllBe(r => !r.IsAccepted);
        (await person.SubscribeAsync("$SYS/#")).ShouldAllBe(r => !r.IsAccepted);
        await using var door = await house.ConnectAsync("door-1");
        await using var valve = await house.ConnectAsync("valve-1");
        for (var i = 0; i < 3; i++)
        {
            await SayAsync(valve, "signet/valve-1/telemetry/flow");
            await SayAsync(door, "signet/door-1/telemetry/angle");
        }

        (await HeardAsync(person, 3)).ShouldAllBe(topic => topic == "signet/door-1/telemetry/angle");

        // The group goes to another device: from then on that one, in the same session.
        (await house.Center.Fleet.SetLabelsAsync("valve-1", ["north"], null, TestHouse.Admin)).Refusal.ShouldBeNull();
        (await house.Center.Fleet.SetLabelsAsync("door-1", [], null, TestHouse.Admin)).Refusal.ShouldBeNull();
        await SayAsync(door, "signet/door-1/telemetry/angle");
        await SayAsync(valve, "signet/valve-1/telemetry/flow");
        (await HeardAsync(person, 1)).ShouldBe(["signet/valve-1/telemetry/flow"]);
        _ = nora;
    }

    private static async Task SayAsync(Mqtt.Client.MqttClient client, string topic) => (await client.PublishAsync(new() { Topic = topic, Payload = "1"u8.ToArray(), QoS = Mqtt.QoS.AtLeastOnce })).IsAccepted.ShouldBeTrue(topic);

    private static async Task<List<string>> HeardAsync(Mqtt.Client.MqttClient client, int count)
    {
        var heard = new List<string>();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        await foreach (var message in client.ReadMessagesAsync(patience.Token))
        {
            client.Acknowledge();
            heard.Add(message.Topic);
            if (heard.Count == count) break;
        }

        return heard;
    }
}
