using Signet.Testing;

namespace Signet.Control.Tests;

public sealed class JourneySpecs
{
    [Fact]
    [Trait("row", "S0-16"), Trait("row", "S0-17"), Trait("row", "S0-18")]
    public async Task A_command_makes_the_whole_journey_and_comes_back_as_a_signed_receipt()
    {
        await using var house = await TestHouse.StartAsync();
        await house.StartDeviceAsync("thermostat-1");

        var command = await house.SendAsync("thermostat-1", "read-temperature");

        command.State.ShouldBe("executed");
        command.Result!["temperature"]!.GetValue<double>().ShouldBeInRange(-50, 60);
        command.Receipt.ShouldNotBeNull();
        command.By.ShouldBe(TestHouse.Operator.Name);
        await house.AssertAuditIntactAsync();
    }
}
