using System.Text.Json.Nodes;
using Signet.Wire;

namespace Signet.Agent.Tests;

public sealed class SimulatorSpecs
{
    private readonly ManualTime _time = new(DateTimeOffset.FromUnixTimeSeconds(1_800_000_000));

    [Fact]
    [Trait("row", "S0-17")]
    public async Task A_thermostat_warms_up_to_its_set_point_and_cools_down_when_off()
    {
        using var bench = new Bench(Simulate("thermostat", out var simulator));
        (await Ask(bench, "set-point", new() { ["celsius"] = 30 })).ToJsonString().ShouldBe("""{"celsius":30}""");
        _time.Advance(TimeSpan.FromMinutes(30));
        ((double)(await Ask(bench, "read-temperature"))["temperature"]!).ShouldBeInRange(29, 31);
        (await Ask(bench, "deactivate")).ToJsonString().ShouldBe("""{"active":false}""");
        _time.Advance(TimeSpan.FromMinutes(30));
        ((double)(await Ask(bench, "read-temperature"))["temperature"]!).ShouldBeInRange(11, 13);
        simulator.Measure().Select(m => m.Name).ShouldBe(["temperature", "set-point", "active"]);
        foreach (var (arguments, why) in new (JsonObject, string)[] { (new() { ["celsius"] = 36 }, "'celsius' must be a number from 5 to 35"), ([], "'celsius' is missing"), (new() { ["celsius"] = "20" }, "must be a number"), (new() { ["celsius"] = 20, ["x"] = 1 }, "it takes only celsius") })
            ((string)(await Ask(bench, "set-point", arguments))["detail"]!).ShouldContain(why);
    }

    [Fact]
    [Trait("row", "S0-17")]
    public async Task A_door_opens_closes_and_says_how_it_stands()
    {
        using var bench = new Bench(Simulate("door", out var simulator));
        (await Ask(bench, "open")).ToJsonString().ShouldBe("""{"open":true}""");
        ((bool)(await Ask(bench, "check-status"))["open"]!).ShouldBeTrue();
        (await Ask(bench, "close")).ToJsonString().ShouldBe("""{"open":false}""");
        simulator.Measure()[1].Value.GetValue<long>().ShouldBe(2);
    }

    [Fact]
    public async Task A_valve_takes_whole_percents()
    {
        using var bench = new Bench(Simulate("valve", out var simulator));
        (await Ask(bench, "set-position", new() { ["percent"] = 40 })).ToJsonString().ShouldBe("""{"position":40}""");
        simulator.Measure()[1].Value.GetValue<double>().ShouldBeInRange(15, 17);
        ((string)(await Ask(bench, "set-position", new() { ["percent"] = 40.5 }))["detail"]!).ShouldContain("must be an integer from 0 to 100");
        (await Ask(bench, "close")).ToJsonString().ShouldBe("""{"position":0}""");
        simulator.Measure()[1].Value.GetValue<double>().ShouldBe(0);
    }

    [Fact]
    [Trait("row", "S0-17")]
    public async Task A_device_of_ones_own_echoes_what_it_is_allowed()
    {
        using var bench = new Bench(Simulator.Of("lamp", ["blink", "restart"], _time, new Random(1)).Handlers);
        (await Ask(bench, "blink", new() { ["times"] = 3 })).ToJsonString().ShouldBe("""{"arguments":{"times":3},"command":"blink"}""");
        var restart = bench.Sign(bench.Claims("restart"));
        (await bench.ReceiveAsync(restart)).ShouldBeTrue();
        bench.Receipts()[^1].State.ShouldBe(ReceiptState.Executed);
    }

    private CommandHandlers Simulate(string kind, out Simulator simulator) => (simulator = Simulator.Of(kind, [], _time, new Random(1))).Handlers;

    private static async Task<JsonObject> Ask(Bench bench, string command, JsonObject? arguments = null)
    {
        await bench.ReceiveAsync(bench.Sign(bench.Claims(command, arguments)));
        return bench.Receipts()[^1].Result;
    }
}
