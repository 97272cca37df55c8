using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Signet.Mqtt;
using Signet.Wire;

namespace Signet.Agent;

/// <summary>
/// A device: connects to its broker, says that it is there, takes commands (<see cref="CommandReceiver"/>), publishes its readings, and comes back
/// whenever the connection is lost. <see cref="RunAsync"/> once for each instance.
/// </summary>
public sealed class DeviceAgent : IAsyncDisposable
{
    private readonly DeviceHome _home;
    private readonly CommandHandlers _handlers;
    private readonly TimeProvider _time;
    private readonly RandomNumberGenerator _random;
    private readonly ILogger _logger;
    private readonly BrokerTls _tls;
    private readonly string _bootNonce;
    private readonly Outbox _outbox = new();
    private readonly TaskCompletionSource _online = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _disposed = new();

    public DeviceAgent(DeviceHome home, CommandHandlers handlers, TimeProvider time, RandomNumberGenerator random, ILogger logger)
    {
        (_home, _handlers, _time, _random, _logger) = (home, handlers, time, random, logger);
        _tls = new BrokerTls(home, time);
        _bootNonce = BootNonce.New(random);
    }

    /// <summary>The readings of this moment, asked at the interval of <c>device.json</c>; null: the device has none.</summary>
    public Func<IReadOnlyList<Measurement>>? Measure { get; init; }

    /// <summary>What the device says about itself when it comes online (versions ...), besides kind and commands.</summary>
    public JsonObject Details { get; init; } = [];

    /// <summary>Done when the device is online for the first time.</summary>
    public Task Online => _online.Task;

    /// <summary>Runs until cancelled; a lost or refused connection is tried again for ever.</summary>
    /// <exception cref="AgentException">The journal is damaged, or another process runs this device.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _disposed.Token);
        using var journal = CommandJournal.Open(_home.StateDirectory);
        // The epoch is on disk before the first message leaves: docs/spec/replay.md.
        // And its numbers are none of the start before: the broker may still hold a heartbeat of the center that names one of those.
        var sequence = OutgoingSequence.StartApart(journal.Epoch, _time);
        try
        {
            journal.StartEpoch(sequence.Epoch, _time.GetUtcNow());
            ObeyManifest(journal);
        }
        catch (IOException e)
        {
            throw new AgentException($"cannot write in {_home.StateDirectory}: {e.Message}", e);
        }
        foreach (var receipt in journal.Receipts) _outbox.Post(receipt);
        var receipts = new ReceiptSigner(_home.Identity, sequence, journal, _time, _random);
        var heartbeats = new Heartbeats(_home, sequence, _time, _random, _logger);
        var receiver = new CommandReceiver(_home.Identity, _handlers, journal, receipts, _outbox, _bootNonce, _time, _logger) { Heard = heartbeats.CommandHeard };
        var statements = new Statements(_home.Identity, sequence, _time, _random);

        var witness = new CheckpointWitness(_home, journal, _time, _logger);

        foreach (var command in _home.Settings.Commands.Except(_handlers.Commands, StringComparer.Ordinal)) Log.NoHandler(_logger, command, _home.Settings.Kind);
        await receiver.RecoverAsync(stop.Token);

        var pause = new ReconnectPause(_random);
        var unread = new Queue<MqttMessage>();
        while (!stop.IsCancellationRequested)
        {
            var connection = new DeviceConnection(_home, _tls, journal, receiver, statements, _outbox, _time, _logger) 
            {
                Measure = Measure, Details = () => Describe(witness), Witness = witness, Heartbeats = heartbeats, Unread = unread,
                Online = () =>
                {
                    pause.Reset();
                    _online.TrySetResult();
                },
            };
            try
            {
                if (await connection.RunAsync(stop.Token) == ConnectionEnd.RestartWanted)
                {
                    Log.Restarting(_logger, _home.Name);
                    continue;
                }
            }
            catch (MqttException e)
            {
                Log.NotConnected(_logger, _home.Name, $"{_home.Settings.BrokerHost}:{_home.Settings.BrokerPort}", _tls.LastRefusal ?? e.Message);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                break;
            }
            await Task.Delay(pause.Next(), _time, stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        // What was at work was told to stop, and its end belongs into the journal.
        await ((Task)receiver.AtWork).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Log.Offline(_logger, _home.Name);
    }

    public async ValueTask DisposeAsync()
    {
        await _disposed.CancelAsync();
        _online.TrySetCanceled();
    }

    private void ObeyManifest(CommandJournal journal)
    {
        var version = _home.Identity.Manifest?.Version ?? 0;
        if (version < journal.ManifestVersion)
            throw new AgentException(version == 0
                ? $"{_home.Directory}/manifest.jws is missing, and this device has obeyed version {journal.ManifestVersion}"
                : $"{_home.Directory}/manifest.jws has version {version}, and this device has obeyed version {journal.ManifestVersion}: an older one is not taken");
        if (version > journal.ManifestVersion) journal.ObeyManifest(version);
    }

    private JsonObject Describe(CheckpointWitness witness)
    {
        var details = Details.DeepClone().AsObject();
        if (witness.Alarms is { Count: > 0 } alarms) details["alarm"] = string.Join(' ', alarms);
        details["kind"] = _home.Settings.Kind;
        details["signer"] = _home.CenterKeyId;
        if (!_home.Settings.HasClock) details["nonce"] = _bootNonce;
        if (_home.Identity.Manifest is { } manifest) details["manifest"] = manifest.Version;
        if (_home.Identity.SealingKey is { } sealing) details["sealing"] = sealing.KeyId;
        details["commands"] = new JsonArray([.. _home.Settings.Commands.Intersect(_handlers.Commands, StringComparer.Ordinal).Order(StringComparer.Ordinal).Select(c => JsonValue.Create(c))]);
        return details;
    }
}
