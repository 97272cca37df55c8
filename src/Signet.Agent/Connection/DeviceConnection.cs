using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Signet.Mqtt;
using Signet.Mqtt.Client;
using Signet.Pki;
using Signet.Wire;

namespace Signet.Agent;

internal enum ConnectionEnd
{
    Stopped,
    RestartWanted,
}

/// <summary>
/// One connection from CONNECT to its end. The client's own reconnecting is off: each connection needs a last will of its own, signed with a number above
/// its <c>online</c>.
/// </summary>
internal sealed class DeviceConnection(DeviceHome home, BrokerTls tls, CommandJournal journal, CommandReceiver receiver, Statements statements, Outbox outbox, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan GoodbyeTime = TimeSpan.FromSeconds(2);
    private readonly TaskCompletionSource _lost = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Queue<long> _spare = [];

    public Func<IReadOnlyList<Measurement>>? Measure { get; init; }
    public required Func<JsonObject> Details { get; init; }
    public required Action Online { get; init; }
    public required CheckpointWitness Witness { get; init; }
    public required Heartbeats Heartbeats { get; init; }

    /// <summary>Commands that connections have brought and that nobody has looked at, the oldest first. They outlive the connection.</summary>
    public required Queue<MqttMessage> Unread { get; init; }

    /// <exception cref="MqttException">Not connected, refused, or lost.</exception>
    public async Task<ConnectionEnd> RunAsync(CancellationToken cancellationToken)
    {
        var number = statements.Next();
        var online = statements.Status(StatusState.Online, Details(), number);
        _spare = statements.Spare();
        var will = statements.Status(StatusState.Offline, Away());
        await using var client = await MqttClient.ConnectAsync(new MqttClientOptions
        {
            Host = home.Settings.BrokerHost, Port = home.Settings.BrokerPort, Tls = tls.Options, Version = home.Settings.SpeaksMqtt311 ? MqttVersion.V311 : MqttVersion.V5, ClientId = home.Name, CleanStart = false, SessionExpiry = AgentLimits.SessionExpiry,
            KeepAlive = home.Settings.KeepAlive, Will = new MqttWill(will), Reconnect = null, Time = time,
        }, cancellationToken);
        client.StateChanged += _ => LookForLoss(client);
        LookForLoss(client);
        await SubscribeAsync(client, cancellationToken);
        Heartbeats.Begin(number);
        if (await PublishAsync(client, online, cancellationToken)) Heartbeats.Taken(number);
        Log.Online(logger, home.Name, $"{home.Settings.BrokerHost}:{home.Settings.BrokerPort}");
        Online();
        // A broker that has kept the session sends them again; one that has lost it (kill -9) does not know them any more.
        if (client.SessionPresent) Unread.Clear();

        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var restartWanted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var opening = Witness.Opening(); // before anything is received: what leads to a question then is asked once
        Task[] work = [ReceiveAsync(client, restartWanted, cancellationToken, end.Token), SendReceiptsAsync(client, end.Token), PublishReadingsAsync(client, end.Token), WitnessAsync(client, opening, end.Token), BeatAsync(client, end.Token)];
        await Task.WhenAny([restartWanted.Task, .. work]);
        var restart = restartWanted.Task.IsCompleted;
        if (restart || cancellationToken.IsCancellationRequested) await SayGoodbyeAsync(client);
        await end.CancelAsync();
        try
        {
            await Task.WhenAll(work);
        }
        catch (Exception e) when (e is OperationCanceledException or MqttException && (restart || cancellationToken.IsCancellationRequested))
        {
            // That is how the others end: told to, or by a line that the goodbye has closed.
        }
        finally
        {
            await KeepUnreadAsync(client);
        }
        return restart ? ConnectionEnd.RestartWanted : ConnectionEnd.Stopped;
    }

    private async Task SubscribeAsync(MqttClient client, CancellationToken cancellationToken)
    {
        string[] topics = [Topics.Command(home.Name), Topics.Checkpoint(home.Name), Topics.Manifest(home.Name), Topics.Signer(home.Name)];
        var results = await client.SubscribeAsync([.. topics.Select(t => new TopicSubscription(t))], cancellationToken: cancellationToken);
        foreach (var refused in results.Where(r => !r.IsAccepted)) Log.BrokerRefused(logger, refused.Filter, refused.Reason.ToString());
        if (results.Any(r => r.Filter == topics[0] && !r.IsAccepted)) throw new MqttException(ReasonCode.NotAuthorized, $"the broker does not let this device read {topics[0]}", fromPeer: true);
    }

    private async Task<bool> PublishAsync(MqttClient client, MqttMessage message, CancellationToken cancellationToken) => !(await OfferAsync(client, message, cancellationToken)).IsError();

    private async Task<ReasonCode> OfferAsync(MqttClient client, MqttMessage message, CancellationToken cancellationToken)
    {
        try
        {
            var result = await client.PublishAsync(message, cancellationToken);
            if (!result.IsAccepted) Log.BrokerRefused(logger, message.Topic, result.ReasonString ?? result.Reason.ToString());
            return result.Reason;
        }
        catch (ObjectDisposedException e)
        {
            throw new MqttException(ReasonCode.UnspecifiedError, "the connection was lost", inner: e);
        }
    }

    private async Task KeepUnreadAsync(MqttClient client)
    {
        await client.DisposeAsync();
        try
        {
            await foreach (var message in client.ReadMessagesAsync(CancellationToken.None))
                if (message.Topic == Topics.Command(home.Name)) Unread.Enqueue(message);
        }
        catch (MqttException)
        {
            // How the connection ended stands behind its last message.
        }
    }

    private async Task ReceiveAsync(MqttClient client, TaskCompletionSource restartWanted, CancellationToken stop, CancellationToken cancellationToken)
    {
        if (!receiver.AtWork.IsCompleted)
        {
            // Of the connection before. Nothing is looked at before it has ended.
            receiver.AnnounceAgain();
            Heartbeats.Deafen();
            await WorkAsync(client, receiver.AtWork, restartWanted, cancellationToken);
        }

        while (!cancellationToken.IsCancellationRequested && Unread.TryPeek(out var unread))
        {
            await PrepareAsync(client, unread, cancellationToken);
            await ObeyAsync(client, Unread.Dequeue(), restartWanted, stop, cancellationToken);
        }

        await foreach (var message in client.ReadMessagesAsync(cancellationToken))
        {
            // What is there already comes whether the connection ends or not. It is not taken up: the broker sends it again, or it is left for the next connection.
            cancellationToken.ThrowIfCancellationRequested();
            if (message.Topic == Topics.Checkpoint(home.Name))
            {
                if (HeartbeatMessage.IsLike(message.Payload.Span))
                {
                    foreach (var there in outbox.Confirmed(Heartbeats.Take(message.Payload.Span, message.Topic))) Note(() => journal.Acknowledge(there.Id));
                    continue;
                }
                await SayAsync(client, Witness.Take(message.Payload.Span), cancellationToken);
                continue;
            }
            if (message.Topic == Topics.Manifest(home.Name))
            {
                await LookAtManifestAsync(client, message.Payload, cancellationToken);
                continue;
            }
            if (message.Topic == Topics.Signer(home.Name))
            {
                await LookAtSignerAsync(client, message.Payload, cancellationToken);
                continue;
            }
            await PrepareAsync(client, message, cancellationToken);
            await ObeyAsync(client, message, restartWanted, stop, cancellationToken);
            // Only coming back for the next message acknowledges this one, so the loop goes on even before a restart.
        }
        // The stream ends without an error when the connection does.
        cancellationToken.ThrowIfCancellationRequested();
        throw new MqttException(ReasonCode.UnspecifiedError, "the connection was lost");
    }

    private async Task PrepareAsync(MqttClient client, MqttMessage message, CancellationToken cancellationToken)
    {
        if (home.ForgetFormerSigner(time.GetUtcNow())) receiver.Obey(home.Identity);
        // The newest checkpoint travels with each command too.
        if (message.UserProperties.FirstOrDefault(property => property.Name == Topics.CheckpointProperty).Value is { Length: > 0 } note) await SayAsync(client, Witness.Take(Topics.CheckpointNote(note)), cancellationToken);
    }

    private async Task ObeyAsync(MqttClient client, MqttMessage message, TaskCompletionSource restartWanted, CancellationToken stop, CancellationToken cancellationToken)
    {
        Heartbeats.Deafen();
        using (DeviceTracing.Continue(message))
            await WorkAsync(client, receiver.ReceiveAsync(message.Payload, message.Topic, stop), restartWanted, cancellationToken);
    }

    /// <exception cref="MqttException">The connection was lost while the command is at work. It goes on.</exception>
    private async Task WorkAsync(MqttClient client, Task<bool> work, TaskCompletionSource restartWanted, CancellationToken cancellationToken)
    {
        if (!work.IsCompleted)
        {
            await Task.WhenAny(work, _lost.Task).WaitAsync(cancellationToken);
            if (!work.IsCompleted)
            {
                client.Acknowledge(); // it was looked at: not one of those that wait unread
                throw new MqttException(ReasonCode.UnspecifiedError, "the connection was lost");
            }
        }

        if (await work) restartWanted.TrySetResult();
        Heartbeats.Listen();
    }

    private void LookForLoss(MqttClient client)
    {
        if (!client.IsConnected) _lost.TrySetResult();
    }

    // Questions that get no answer, and what was raised before this connection.
    private async Task WitnessAsync(MqttClient client, IReadOnlyList<byte[]> opening, CancellationToken cancellationToken)
    {
        try
        {
            await SayAsync(client, opening, cancellationToken);
            while (true)
            {
                // A fleet without open questions costs no timers.
                await Witness.WhenWaitingAsync(cancellationToken);
                using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1), time);
                do
                {
                    await timer.WaitForNextTickAsync(cancellationToken);
                    await SayAsync(client, Witness.Tick(), cancellationToken);
                }
                while (Witness.IsWaiting);
            }
        }
        finally
        {
            Witness.Closing();
        }
    }

    private async Task SayAsync(MqttClient client, IReadOnlyList<byte[]> words, CancellationToken cancellationToken)
    {
        foreach (var word in words) await PublishAsync(client, new MqttMessage { Topic = Topics.Witness(home.Name), Payload = word, QoS = QoS.AtLeastOnce }, cancellationToken);
    }

    // Retained, so it comes at every connection: the one that is in force already is no news, an older or foreign one is said and left.
    private async Task LookAtManifestAsync(MqttClient client, ReadOnlyMemory<byte> message, CancellationToken cancellationToken)
    {
        try
        {
            if (!home.TryAccept(message.Span, journal.ManifestVersion, out var manifest, out var rejection))
            {
                if (rejection.Reason == RejectReason.None) return;
                Log.ManifestRefused(logger, home.Name, rejection.ToString());
                receiver.ReportManifest(message, rejection);
                return;
            }

            journal.ObeyManifest(manifest.Version);
            receiver.Obey(home.Identity);
            Log.ManifestObeyed(logger, home.Name, manifest.Version);
            await SayOnlineAsync(client, cancellationToken);
        }
        catch (IOException e)
        {
            Log.JournalFailed(logger, e.Message);
        }
    }

    // Below the last will, which was signed when this connection began and must still be news when it is spoken. Nobody is told so much on one connection that the numbers run out; if they do, the end of the session says what the will cannot.
    private async Task SayOnlineAsync(MqttClient client, CancellationToken cancellationToken)
    {
        var number = _spare.TryDequeue(out var below) ? below : statements.Next();
        var online = statements.Status(StatusState.Online, Details(), number);
        Heartbeats.Begin(number);
        if (await PublishAsync(client, online, cancellationToken)) Heartbeats.Taken(number);
    }

    // Also retained. The status afterwards tells the center that commands may be signed with the new key from now on.
    private async Task LookAtSignerAsync(MqttClient client, ReadOnlyMemory<byte> message, CancellationToken cancellationToken)
    {
        try
        {
            if (!home.TakeSigner(message.Span)) return;
            receiver.Obey(home.Identity);
            Log.SignerTaken(logger, home.Name, CertificateFacts.Serial(home.CenterCertificate));
            await SayOnlineAsync(client, cancellationToken);
        }
        catch (Exception e) when (e is AgentException or PkiException)
        {
            Log.SignerRefused(logger, home.Name, e.Message);
        }
    }

    // While it is away, the center knows by this which signer it will believe.
    private JsonObject Away() => new() { ["signer"] = home.CenterKeyId };

    // Records that may be lost: a full disk must not end the connection.
    private void Note(Action write)
    {
        try
        {
            write();
        }
        catch (IOException e)
        {
            Log.JournalFailed(logger, e.Message);
        }
    }

    private async Task SendReceiptsAsync(MqttClient client, CancellationToken cancellationToken)
    {
        outbox.Again();
        long place = 0;
        while (true)
        {
            (place, var receipt) = await outbox.NextAsync(place, cancellationToken);
            var message = new MqttMessage { Topic = Topics.Receipt(home.Name), Payload = receipt.Bytes, QoS = QoS.AtLeastOnce, UserProperties = DeviceTracing.Properties(receipt.Trace) };
            var turn = Heartbeats.Turn;
            var answer = await OfferAsync(client, message, cancellationToken);
            // With nobody subscribed it went to nobody: after a broker that has lost its sessions the center is not there yet.
            for (var again = 1; receipt.IsJournaled && answer != ReasonCode.Success && (answer == ReasonCode.NoMatchingSubscribers || again < AgentLimits.RefusedReceiptTries); again++)
            {
                if (answer == ReasonCode.NoMatchingSubscribers && again == 1) Log.BrokerRefused(logger, message.Topic, "nobody is subscribed");
                // What follows waits too, or the order would be lost.
                await Task.Delay(AgentLimits.RefusedReceiptPause, time, cancellationToken);
                turn = Heartbeats.Turn;
                answer = await OfferAsync(client, message, cancellationToken);
            }
            // A refused outcome then waits for the next connection; a refused refusal is dropped.
            if (answer.IsError() && receipt.IsJournaled) continue;
            var mark = answer == ReasonCode.Success ? Heartbeats.ReceiptSent(turn) : null;
            if (!receipt.IsJournaled) outbox.Remove(place);
            else if (outbox.Taken(place, mark) is { } given) Note(() => journal.Acknowledge(given.Id));
        }
    }

    private async Task PublishReadingsAsync(MqttClient client, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(home.Settings.TelemetryInterval, time);
        do
        {
            foreach (var measurement in TakeReadings())
            {
                var turn = Heartbeats.Turn;
                if (await PublishAsync(client, statements.Reading(measurement), cancellationToken)) Heartbeats.ReadingSent(turn);
            }
        }
        while (await timer.WaitForNextTickAsync(cancellationToken));
    }

    private async Task BeatAsync(MqttClient client, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(home.Settings.HeartbeatInterval, time);
        while (await timer.WaitForNextTickAsync(cancellationToken))
        {
            await PublishAsync(client, Heartbeats.Next(), cancellationToken);
            Heartbeats.Look();
        }
    }

    private IReadOnlyList<Measurement> TakeReadings()
    {
        try
        {
            return Measure?.Invoke() ?? [];
        }
        catch (Exception e)
        {
            Log.MeasuringFailed(logger, e);
            return [];
        }
    }

    private async Task SayGoodbyeAsync(MqttClient client)
    {
        // Not with the caller's token, which is already cancelled; and not for long, the last will says the same.
        using var soon = new CancellationTokenSource(GoodbyeTime, time);
        try
        {
            await PublishAsync(client, statements.Status(StatusState.Offline, Away()), soon.Token);
            await client.DisconnectAsync();
        }
        catch (Exception e) when (e is MqttException or OperationCanceledException)
        {
            // The will is published instead.
        }
    }
}
