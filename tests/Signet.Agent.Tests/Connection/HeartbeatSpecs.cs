using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Signet.Wire;

namespace Signet.Agent.Tests;

/// <summary>What a device counts, and when it believes that something is missing: an alarm sends somebody looking for an attacker, so none is raised for what nobody lost.</summary>
public sealed class HeartbeatSpecs(DeviceFleet fleet) : IClassFixture<DeviceFleet>
{
    private const string Alarm = "messages are missing";

    [Fact]
    public async Task What_the_broker_still_held_about_the_last_start_is_no_word_about_this_one()
    {
        await using var house = new Loopback(fleet);
        await house.ConnectCenterAsync();
        var home = fleet.Add("door-1", port: house.Port);
        long before;
        await using (var device = new RunningDevice(home))
        {
            await device.OnlineAsync();
            before = (await house.NextStatusAsync("door-1", device.Certificate)).Sequence;
        }

        (await house.NextStatusAsync("door-1", DeviceFleet.CertificateOf(home))).State.ShouldBe(StatusState.Offline);
        // Signed while the center did not know yet that the device was gone: its session keeps it.
        await house.SayAsync(Topics.Checkpoint("door-1"), house.SignHeartbeat("door-1", before, sent: 1));

        await using var again = new RunningDevice(home);
        await again.OnlineAsync();
        var since = (await house.NextStatusAsync("door-1", again.Certificate)).Sequence;
        since.ShouldNotBe(before);
        for (var beat = 0; beat < 2; beat++) await house.SayAsync(Topics.Checkpoint("door-1"), house.SignHeartbeat("door-1", since, sent: 0));
        await house.SendAsync("door-1", house.SignCommand("door-1", "open"));
        (await house.NextReceiptAsync("door-1", again.Certificate)).State.ShouldBe(ReceiptState.Executed);
        again.Lines.ToString().ShouldNotContain(Alarm);

        // And a true loss on this connection is still noticed: two were sent, one came.
        for (var beat = 0; beat < 2; beat++) await house.SayAsync(Topics.Checkpoint("door-1"), house.SignHeartbeat("door-1", since, sent: 2));
        await again.SaidAsync("the center had sent 2 commands, 1 came");
    }

    [Fact]
    public async Task Thousands_of_commands_on_one_connection_are_counted_and_one_that_is_lost_after_them_is_noticed()
    {
        await using var house = new Loopback(fleet);
        using var counting = new Counting(fleet);
        counting.Heartbeats.Begin(1);
        for (var number = 1; number <= 5_000; number++) counting.Heartbeats.CommandHeard(9, number);
        counting.Heartbeats.CommandHeard(9, 5_000);   // a copy
        counting.Heartbeats.CommandHeard(10, 1);      // the center started again
        for (var beat = 0; beat < 2; beat++) counting.Heartbeats.Take(house.SignHeartbeat(Counting.Name, since: 1, sent: 5_001), Topics.Checkpoint(Counting.Name));
        counting.Said().ShouldNotContain(Alarm);
        ((long)counting.Next()["heard"]!).ShouldBe(5_001);

        for (var beat = 0; beat < 2; beat++) counting.Heartbeats.Take(house.SignHeartbeat(Counting.Name, since: 1, sent: 5_002), Topics.Checkpoint(Counting.Name));
        counting.Said().ShouldContain("the center had sent 5002 commands, 5001 came");
    }

    [Fact]
    public void What_went_out_before_the_broker_took_an_online_is_not_said_to_have_come_after_it()
    {
        using var counting = new Counting(fleet);
        var heartbeats = counting.Heartbeats;
        heartbeats.Begin(1);
        var early = heartbeats.Turn;
        heartbeats.Taken(1);
        heartbeats.ReceiptSent(early);
        heartbeats.ReceiptSent(heartbeats.Turn);
        heartbeats.ReadingSent(heartbeats.Turn);
        var first = counting.Next();
        ((long)first["since"]!, (long)first["sent"]!, (long)first["readings"]!).ShouldBe((1, 1, 1));

        // A manifest was taken: "online" again, while a receipt and a reading are on their way.
        var turn = heartbeats.Turn;
        heartbeats.Begin(2);
        var between = heartbeats.Turn;
        heartbeats.Taken(2);
        heartbeats.ReceiptSent(turn);
        heartbeats.ReadingSent(turn);
        heartbeats.ReceiptSent(between);
        var second = counting.Next();
        ((long)second["since"]!, (long)second["sent"]!, (long)second["readings"]!).ShouldBe((2, 0, 0));
    }

    [Fact]
    public void An_online_of_an_earlier_connection_that_is_acknowledged_late_opens_no_count()
    {
        using var counting = new Counting(fleet);
        counting.Heartbeats.Begin(1);
        counting.Heartbeats.Begin(2);
        counting.Heartbeats.Taken(1);
        counting.Heartbeats.Turn.ShouldBe(0);
    }

    /// <summary>A device's counts by themselves.</summary>
    private sealed class Counting : IDisposable
    {
        public const string Name = "door-9";
        private readonly RandomNumberGenerator _random = RandomNumberGenerator.Create();
        private readonly StringWriter _lines = new();
        private readonly DeviceHome _home;

        public Counting(DeviceFleet fleet)
        {
            _home = DeviceHome.Open(fleet.Add(Name), TimeProvider.System);
            Heartbeats = new(_home, OutgoingSequence.Start(0, TimeProvider.System), TimeProvider.System, _random, new LineLogger(_lines));
        }

        public Heartbeats Heartbeats { get; }

        public string Said() => _lines.ToString();

        public JsonObject Next() => JsonNode.Parse(Base64Url.DecodeFromChars(Encoding.ASCII.GetString(Heartbeats.Next().Payload.Span).Split('.')[1]))!.AsObject();

        public void Dispose()
        {
            _home.Dispose();
            _lines.Dispose();
            _random.Dispose();
        }
    }
}
