using Signet.Access;
using Signet.Testing;

namespace Signet.Control.Tests;

/// <summary>What is said about somebody who is limited to groups of devices is what the broker does with them.</summary>
public sealed class ScopeSpecs
{
    [Fact]
    public async Task Whoever_is_limited_to_groups_is_told_that_this_is_what_stands_against_it()
    {
        await using var house = await TestHouse.StartAsync();
        (await house.Center.Fleet.SetLabelsAsync("door-1", ["entrance"], null, TestHouse.Admin)).Refusal.ShouldBeNull();
        var person = (await house.Center.Accounts.CreateAsync("olga", null, Role.Operator, TestHouse.Admin)).Value;
        var olga = Principal.Person("olga", Role.Operator);
        house.Center.Policies.OutOfScope(olga, TopicAction.Subscribe, "signet/valve-1/telemetry").ShouldBeNull("nothing limits her yet");

        (await house.Center.Accounts.SetScopeAsync(person.Id, ["entrance"], TestHouse.Admin)).Refusal.ShouldBeNull();

        house.Center.Policies.OutOfScope(olga, TopicAction.Subscribe, "signet/door-1/telemetry").ShouldBeNull();
        house.Center.Policies.OutOfScope(olga, TopicAction.Subscribe, "signet/valve-1/telemetry").ShouldBe("olga is limited to the devices of entrance (signet user scope)");
        house.Center.Policies.OutOfScope(Principal.Device("door-1"), TopicAction.Publish, "signet/door-1/receipt").ShouldBeNull("devices have no such limit");
    }
}
