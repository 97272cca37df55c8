using System.Threading.Channels;
using Signet.Mqtt.Client;

namespace Signet.Mqtt.Tests.Support;

/// <summary>Reads a client's messages into a queue a test can ask.</summary>
public sealed class Inbox
{
    private readonly Channel<MqttMessage> messages = Channel.CreateUnbounded<MqttMessage>();

    public int Count => messages.Reader.Count;

    public static Inbox Of(MqttClient client)
    {
        var inbox = new Inbox();
        _ = inbox.ReadAsync(client);
        return inbox;
    }

    public async Task<MqttMessage> NextAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        return await messages.Reader.ReadAsync(limit.Token);
    }

    /// <summary>The payload of the next message as text.</summary>
    public async Task<string> NextTextAsync() => System.Text.Encoding.UTF8.GetString((await NextAsync()).Payload.Span);

    /// <summary>True when nothing came for a while.</summary>
    public async Task<bool> IsQuietAsync()
    {
        await Task.Delay(200);
        return Count == 0;
    }

    private async Task ReadAsync(MqttClient client)
    {
        try
        {
            await foreach (var message in client.ReadMessagesAsync()) messages.Writer.TryWrite(message);
        }
        catch (MqttException)
        {
            // the connection broke; the test looks at what came before
        }

        messages.Writer.TryComplete();
    }
}
