using Signet.Mqtt;
using Signet.Mqtt.Client;

namespace Signet.Lab;

/// <summary>Does a house stay usable while somebody floods it? A command goes to the victim every 25 ms for six seconds; from the second to the fourth an attacker sends as fast as it can.</summary>
internal static class FloodStudy
{
    private static readonly TimeSpan Every = TimeSpan.FromMilliseconds(25), Whole = TimeSpan.FromSeconds(6), From = TimeSpan.FromSeconds(2), To = TimeSpan.FromSeconds(4);

    public static async Task<FloodSeries> SecureAsync(LabContext lab, CancellationToken cancellationToken)
    {
        await using var bench = lab.Broker(null);
        await using var center = await bench.CenterAsync(cancellationToken);
        await using var victim = await bench.VictimAsync(cancellationToken);
        await using var attacker = await bench.ConnectAsync(bench.Who.NeighbourDevice, LabIdentities.Neighbour, cancellationToken);
        // The neighbour may not publish to the victim at all; the flood goes where it may, through the same broker.
        return await MeasureAsync(lab, "secure", center, victim, $"signet/{LabIdentities.Victim}/command", attacker, $"signet/{LabIdentities.Neighbour}/telemetry/door", cancellationToken);
    }

    public static async Task<FloodSeries> OpenAsync(LabContext lab, CancellationToken cancellationToken)
    {
        var house = await lab.OpenHouseAsync(cancellationToken);
        await using var sender = await house.ConnectAsync("flood_sender", cancellationToken);
        await using var victim = await house.ConnectAsync("flood_victim", cancellationToken);
        await victim.SubscribeAsync("home/command");
        await using var attacker = await house.ConnectAsync("flood_attacker", cancellationToken);
        return await MeasureAsync(lab, "insecure", sender, victim, "home/command", attacker, "home/command", cancellationToken);
    }

    private static async Task<FloodSeries> MeasureAsync(LabContext lab, string name, MqttClient sender, MqttClient victim, string topic, MqttClient attacker, string floodTopic, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var sent = new System.Collections.Concurrent.ConcurrentDictionary<string, (double At, long Start)>(StringComparer.Ordinal);
        var points = new System.Collections.Concurrent.ConcurrentBag<(double Seconds, double? Milliseconds)>();
        var begin = lab.Time.GetTimestamp();
        var reading = Quietly(async () =>
        {
            await foreach (var message in victim.ReadMessagesAsync(stop.Token))
                if (message.Payload.Length < 20 && sent.TryRemove(System.Text.Encoding.ASCII.GetString(message.Payload.Span), out var when))
                    points.Add((when.At, lab.Time.GetElapsedTime(when.Start).TotalMilliseconds));
        });
        var flooding = Quietly(async () =>
        {
            await Task.Delay(From, lab.Time, stop.Token);
            var noise = new MqttMessage { Topic = floodTopic, Payload = new byte[512] };
            while (lab.Time.GetElapsedTime(begin) < To) await attacker.PublishAsync(noise, stop.Token);
        });
        using (var beat = new PeriodicTimer(Every, lab.Time))
        {
            for (var i = 0; lab.Time.GetElapsedTime(begin) < Whole; i++)
            {
                var id = $"beat-{i}";
                sent[id] = (lab.Time.GetElapsedTime(begin).TotalSeconds, lab.Time.GetTimestamp());
                await sender.PublishAsync(new() { Topic = topic, Payload = System.Text.Encoding.ASCII.GetBytes(id) }, cancellationToken);
                await beat.WaitForNextTickAsync(cancellationToken);
            }
        }
        await Waiting.UntilAsync(() => sent.IsEmpty, lab.Time, cancellationToken);
        await stop.CancelAsync();
        await Task.WhenAll(reading, flooding);
        return new(name, [.. points.Concat(sent.Values.Select(s => (s.At, (double?)null))).OrderBy(p => p.Item1)], From.TotalSeconds, To.TotalSeconds);
    }

    private static async Task Quietly(Func<Task> work)
    {
        try
        {
            await Task.Run(work);
        }
        catch (Exception e) when (e is OperationCanceledException or MqttException)
        {
            // the study is over, or the broker threw the attacker out
        }
    }
}
