using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Signet.Audit;
using Signet.Mqtt;
using Signet.Proof;
using Signet.Store;

namespace Signet.Control;

/// <summary>Answers what devices ask: "I have seen N entries, prove the newest checkpoint to me". Questions wait here and not in the line of receipts. Safe for concurrent use.</summary>
internal sealed class ProofAnswers(AuditLog log, RepeatedNotes repeated, TimeProvider time, ILogger logger)
{
    private const int AtOnce = 64;
    private readonly Channel<(string Device, long Size)> _asks = Channel.CreateBounded<(string, long)>(new BoundedChannelOptions(ControlLimits.WitnessQuestions) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly Lock _one = new();
    private readonly Dictionary<string, long> _asked = new(StringComparer.Ordinal);
    private readonly Dictionary<long, Task<byte[]>> _shown = [];
    private Checkpoint? _shownLatest;

    /// <summary>A question that finds no room is asked again by the device.</summary>
    /// <param name="device">Who asks.</param>
    /// <param name="size">Entries it has seen.</param>
    public void Ask(string device, long size) => _asks.Writer.TryWrite((device, size));

    /// <summary>Answers until stopped, some at once.</summary>
    public async Task RunAsync(BrokerLink link, CancellationToken stop)
    {
        try
        {
            await Parallel.ForEachAsync(_asks.Reader.ReadAllAsync(stop), new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = stop }, async (ask, cancellation) =>
            {
                try
                {
                    await AnswerAsync(ask.Device, ask.Size, link, cancellation);
                }
                catch (Exception e) when (e is MqttException or StoreException)
                {
                    Log.RoundFailed(logger, "witness questions", e.Message);   // it asks again
                }
            });
        }
        catch (OperationCanceledException)
        {
            // The center stops.
        }
    }

    private async Task AnswerAsync(string device, long size, BrokerLink link, CancellationToken cancellationToken)
    {
        lock (_one)
        {
            // Whoever asks more often is not helped by more.
            if (_asked.TryGetValue(device, out var before) && time.GetElapsedTime(before) < ControlLimits.WitnessPause) return;
            _asked[device] = time.GetTimestamp();
        }
        if (log.LatestCheckpoint is not { } latest || size < 1) return;
        if (size > latest.Size)
        {
            // Its word against ours, and it kept a signature of ours.
            repeated.Add(new(AuditTypes.Security, device, "audit", "witness-ahead", "failed", "rolled-back", new() { ["seen"] = size, ["size"] = latest.Size }), device);
            return;
        }
        // At most once: the broker keeps nothing and flushes nothing for it, and a device whose answer was lost asks again.
        await link.PublishCheckpointAsync(device, await ShownAsync(size, latest), QoS.AtMostOnce, retain: false, cancellationToken);
    }

    // A fleet asks from the same checkpoint at the same moment: its proof is read from the log once, or ten thousand questions would keep the center from answering any of them in time.
    private Task<byte[]> ShownAsync(long size, Checkpoint latest)
    {
        lock (_one)
        {
            if (_shownLatest != latest)
            {
                _shown.Clear();
                _shownLatest = latest;
            }
            if (_shown.TryGetValue(size, out var known) && !known.IsFaulted) return known;
            var made = MakeAsync();
            // Any device may ask from any size: who asks from an odd one does not push out the others'.
            if (_shown.Count < ControlLimits.WitnessProofs || _shown.ContainsKey(size)) _shown[size] = made;
            return made;
        }

        async Task<byte[]> MakeAsync() => new WitnessMessage.Shown(size, latest.Note, await log.ProveConsistencyAsync(size, latest.Size)).ToBytes();
    }
}
