namespace Signet.Lab.Tests;

/// <summary>The paper's insecure house: it works, and everything done to it works too.</summary>
public sealed class OpenHouseSpecs : IAsyncLifetime
{
    private readonly LabLogs _logs = new(null, TimeProvider.System);
    private OpenHouse _house = null!;

    public async ValueTask InitializeAsync() =>
        _house = await OpenHouse.StartAsync(_logs, TimeProvider.System, Bench.Random, TimeSpan.FromMilliseconds(50), TestContext.Current.CancellationToken);

    [Fact, Trait("row", "S4-4")]
    public void A_reading_has_the_papers_members_in_its_order() =>
        Bench.Json(_house.Sensor.Next()).Select(m => m.Key).ShouldBe(["sensor_id", "event", "timestamp", "counter", "temperature", "status", "msg_id"]);

    [Fact, Trait("row", "S4-6")]
    public async Task The_actuator_acts_on_the_sensors_readings()
    {
        (await Waiting.UntilAsync(() => _house.Actuator.Actions > 3, TimeProvider.System, default, TimeSpan.FromSeconds(10))).ShouldBeTrue();
        _logs[PaperNames.OpenSensor].Lines[0].Message.ShouldBe("Starting insecure sensor");
        _logs[PaperNames.OpenSensor].Lines.ShouldContain(l => l.Message == "INSECURE MODE: Messages are sent in plaintext!" && l.Level == "WARNING");
        _logs[PaperNames.OpenActuator].Lines.ShouldContain(l => l.Message == "Actuator performed action");
    }

    [Fact, Trait("row", "S4-7")]
    public async Task The_attacker_captures_and_replays_the_last_message()
    {
        using var stop = new CancellationTokenSource();
        await using var client = await _house.ConnectAsync(PaperNames.OpenAttacker, default);
        await client.SubscribeAsync(PaperNames.OpenTopic);
        var log = _logs[PaperNames.OpenAttacker];
        var attacker = new OpenAttacker(client, log, TimeProvider.System);
        var running = attacker.RunAsync(TimeSpan.FromMilliseconds(400), stop.Token);
        (await Waiting.UntilAsync(() => log.Lines.Any(l => l.Message == "Replaying captured message ..."), TimeProvider.System, default, TimeSpan.FromSeconds(10))).ShouldBeTrue();
        var replayed = log.Lines.Single(l => l.Message == "Replaying captured message ...").Data!["replayed_payload"]!.ToString();
        (await Waiting.UntilAsync(() => _logs[PaperNames.OpenActuator].Lines.Count(l => l.Message == "Received message" && l.Data!["payload"]!.ToString() == replayed) == 2, TimeProvider.System, default)).ShouldBeTrue();
        await stop.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(running);
    }

    [Fact]
    public async Task The_open_broker_listens_on_loopback_and_is_gone_with_the_house()
    {
        System.Net.IPAddress.IsLoopback(_house.EndPoint.Address).ShouldBeTrue();
        var port = _house.EndPoint;
        await _house.DisposeAsync();
        using var socket = new System.Net.Sockets.TcpClient();
        await Should.ThrowAsync<System.Net.Sockets.SocketException>(() => socket.ConnectAsync(port));
        await InitializeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _house.DisposeAsync();
        _logs.Dispose();
    }
}
