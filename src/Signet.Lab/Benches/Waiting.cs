using Signet.Mqtt;
using Signet.Mqtt.Client;

namespace Signet.Lab;

/// <summary>Waiting with an end, for things that may never come: that they do not come is what a secure house looks like.</summary>
internal static class Waiting
{
    /// <summary>The next message, or null when none comes in time.</summary>
    public static async Task<MqttMessage?> NextAsync(this MqttClient client, TimeProvider time, CancellationToken cancellationToken, TimeSpan? patience = null)
    {
        using var limit = new CancellationTokenSource(patience ?? LabLimits.Settle, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            await foreach (var message in client.ReadMessagesAsync(both.Token))
            {
                client.Acknowledge();
                return message;
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // it did not come
        }
        return null;
    }

    /// <summary>True as soon as the condition holds; false when it does not in time.</summary>
    public static async Task<bool> UntilAsync(Func<bool> condition, TimeProvider time, CancellationToken cancellationToken, TimeSpan? patience = null)
    {
        var end = time.GetUtcNow() + (patience ?? LabLimits.Settle);
        while (!condition())
        {
            if (time.GetUtcNow() > end) return false;
            await Task.Delay(TimeSpan.FromMilliseconds(5), time, cancellationToken);
        }
        return true;
    }
}
