using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Signet.Mqtt;
using Signet.Mqtt.Broker;
using Signet.Store;
using Signet.Wire;

namespace Signet.Control;

/// <summary>The broker's word that a device's session acknowledged a command, written down beside the broker: its threads never wait for a disk. A full queue loses the word, never the command.</summary>
internal sealed class Deliveries(CommandLedger ledger, CommandNews news, TimeProvider time, ILogger logger)
{
    private readonly Channel<(string Digest, DateTimeOffset At)> _words = Channel.CreateBounded<(string, DateTimeOffset)>(
        new BoundedChannelOptions(ControlLimits.QueuedNotes) { SingleReader = true, FullMode = BoundedChannelFullMode.DropWrite });

    public void Take(Acknowledgement word)
    {
        // Somebody else's client with the same message (a second session, an operator's) says nothing about the device.
        if (word.Code.IsError() || !Topics.TryParse(word.Message.Topic, out var device, out var branch) || branch != "command" || word.Identity != device) return;
        _words.Writer.TryWrite((Thumbprint.OfBytes(word.Message.Payload.Span), time.GetUtcNow()));
    }

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            var words = new List<(string Digest, DateTimeOffset At)>();
            while (await _words.Reader.WaitToReadAsync(cancellationToken))
            {
                // The device's own word mostly follows at once and says more: this one is not in its way, and those of many devices are written together.
                await Task.Delay(ControlLimits.DeliveriesGathered, time, cancellationToken);
                words.Clear();
                while (words.Count < ControlLimits.IntakeBatch && _words.Reader.TryRead(out var word)) words.Add(word);
                try
                {
                    foreach (var changed in await ledger.DeliveredAsync(words, cancellationToken)) news.Announce(changed);
                }
                catch (StoreException e)
                {
                    Log.RoundFailed(logger, "deliveries", e.Message);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The receipt says more than this word would have.
        }
    }
}
