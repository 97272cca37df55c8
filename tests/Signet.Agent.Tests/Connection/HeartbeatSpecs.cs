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

    [Fact]
    public async Task What_was_on_its_way_when_a_count_began_hides_no_loss_that_comes_later()
    {
        await using var house = new Loopback(fleet);
        var clock = new ManualTime(DateTimeOffset.UtcNow);
        using var counting = new Counting(fleet, clock);
        void Told(long sent, long heard) => counting.Heartbeats.Take(house.SignHeartbeat(Counting.Name, since: 1, sent, heard, at: clock.GetUtcNow()), Topics.Checkpoint(Counting.Name));
        counting.Heartbeats.Begin(1);
        counting.Heartbeats.Taken(1);

        // A command and a receipt that belong to the count before, on their way meanwhile. One of the command's kind is of this count and acknowledged late.
        counting.Heartbeats.CommandHeard(9, 1);
        counting.Heartbeats.CommandHeard(9, 2);
        Told(sent: 0, heard: 1);
        clock.Advance(StrayCount.Settled);
        for (var beat = 0; beat < 3; beat++) Told(sent: 1, heard: 1);
        counting.Said().ShouldNotContain(Alarm);

        counting.Heartbeats.ReceiptSent(counting.Heartbeats.Turn);
        for (var beat = 0; beat < 2; beat++) Told(sent: 1, heard: 1);
        counting.Said().ShouldContain("of 1 receipts the center has 0");

        // The same for commands.
        counting.Heartbeats.Begin(2);
        counting.Heartbeats.CommandHeard(9, 3);
        void ToldAnew(long sent) => counting.Heartbeats.Take(house.SignHeartbeat(Counting.Name, since: 2, sent, heard: 0, at: clock.GetUtcNow()), Topics.Checkpoint(Counting.Name));
        ToldAnew(sent: 0);
        clock.Advance(StrayCount.Settled);
        ToldAnew(sent: 0);
        for (var beat = 0; beat < 2; beat++) ToldAnew(sent: 1);
        counting.Said().ShouldContain("the center had sent 1 commands, 0 came");
    }

    [Fact]
    public void A_command_of_an_earlier_count_that_is_said_again_does_not_make_up_for_one_that_is_lost()
    {
        using var counting = new Counting(fleet);
        counting.Heartbeats.Begin(1);
        counting.Heartbeats.CommandHeard(9, 1);
        counting.Heartbeats.Begin(2);
        counting.Heartbeats.CommandHeard(9, 1);
        ((long)counting.Next()["heard"]!).ShouldBe(0);
        counting.Heartbeats.CommandHeard(9, 2);
        ((long)counting.Next()["heard"]!).ShouldBe(1);
    }

    [Fact]
    public async Task While_a_command_is_at_work_nothing_is_heard_and_that_is_not_the_centers_silence()
    {
        await using var house = new Loopback(fleet);
        await house.ConnectCenterAsync();
        var ending = new TaskCompletionSource<CommandOutcome>(TaskCreationOptions.RunContinuationsAsynchronously);
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var device = new RunningDevice(fleet.Add("door-8", port: house.Port, change: text => text.Replace("\"version\": 1,", "\"version\": 1, \"heartbeatSeconds\": 1,", StringComparison.Ordinal)),
            new CommandHandlers().Handle("open", ArgumentSchema.None, (_, _) =>
            {
                begun.TrySetResult();
                return ending.Task;
            }));
        await device.OnlineAsync();
        var since = (await house.NextStatusAsync("door-8", device.Certificate)).Sequence;
        await house.SayAsync(Topics.Checkpoint("door-8"), house.SignHeartbeat("door-8", since, sent: 0, nextWithin: 3));
        await house.SendAsync("door-8", house.SignCommand("door-8", "open"));
        await begun.Task.WaitAsync(TimeSpan.FromSeconds(15));

        // Each is followed by a look, a second apart: the last is more than twice three seconds after the center's word.
        for (var beat = 0; beat < 9; beat++) await house.NextHeartbeatAsync("door-8", device.Certificate);
        device.Lines.ToString().ShouldNotContain("has been silent");
        ending.SetResult(CommandOutcome.Done());
        (await house.NextReceiptAsync("door-8", device.Certificate)).State.ShouldBe(ReceiptState.Accepted);
        (await house.NextReceiptAsync("door-8", device.Certificate)).State.ShouldBe(ReceiptState.Executed);
        await device.SaidAsync("has been silent for 6 s"); // that the center says nothing any more is noticed afterwards
    }

    [Fact]
    public async Task The_time_a_command_was_at_work_is_taken_from_a_silence_and_no_more()
    {
        await using var house = new Loopback(fleet);
        var clock = new ManualTime(DateTimeOffset.UtcNow);
        using var counting = new Counting(fleet, clock);
        counting.Heartbeats.Begin(1);
        counting.Heartbeats.Take(house.SignHeartbeat(Counting.Name, since: 1, sent: 0, nextWithin: 60), Topics.Checkpoint(Counting.Name));
        clock.Advance(TimeSpan.FromSeconds(100));
        counting.Heartbeats.Deafen();
        clock.Advance(TimeSpan.FromSeconds(500));
        counting.Heartbeats.Look();
        counting.Heartbeats.Listen();
        clock.Advance(TimeSpan.FromSeconds(19));
        counting.Heartbeats.Look();
        counting.Said().ShouldNotContain("has been silent");
        clock.Advance(TimeSpan.FromSeconds(1));
        counting.Heartbeats.Look();
        counting.Said().ShouldContain("has been silent for 120 s");
    }

    /// <summary>A device's counts by themselves.</summary>
    private sealed class Counting : IDisposable
    {
        public const string Name = "door-9";
        private readonly RandomNumberGenerator _random = RandomNumberGenerator.Create();
        private readonly StringWriter _lines = new();
        private readonly DeviceHome _home;

        public Counting(DeviceFleet fleet, TimeProvider? time = null)
        {
            _home = DeviceHome.Open(fleet.Add(Name), TimeProvider.System);
            Heartbeats = new(_home, OutgoingSequence.Start(0, TimeProvider.System), time ?? TimeProvider.System, _random, new LineLogger(_lines));
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
