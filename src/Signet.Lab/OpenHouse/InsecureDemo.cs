namespace Signet.Lab;

/// <summary>The paper's first phase as it ran: sensor, actuator, attacker, in its event names; only its pauses are shorter.</summary>
internal static class InsecureDemo
{
    public static async Task RunAsync(LabContext lab, CancellationToken cancellationToken)
    {
        await using var house = await OpenHouse.StartAsync(lab.Logs, lab.Time, lab.Secrets, TimeSpan.FromMilliseconds(200), cancellationToken);
        var log = lab.Logs[PaperNames.OpenAttacker];
        log.Info("Attacker connecting to broker", new() { ["broker"] = house.EndPoint.Address.ToString(), ["port"] = house.EndPoint.Port, ["attack_mode"] = "ACTIVE" });
        await using var client = await house.ConnectAsync(PaperNames.OpenAttacker, cancellationToken);
        await client.SubscribeAsync(PaperNames.OpenTopic);
        var attacker = new OpenAttacker(client, log, lab.Time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var running = attacker.RunAsync(TimeSpan.FromMilliseconds(900), stop.Token);
        await Waiting.UntilAsync(() => log.Lines.Any(l => l.Message == "Replaying captured message ..."), lab.Time, cancellationToken, TimeSpan.FromSeconds(5));
        await Task.Delay(TimeSpan.FromMilliseconds(300), lab.Time, cancellationToken);
        await stop.CancelAsync();
        await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}
