using Signet.Mqtt.Packets;

namespace Signet.Mqtt.Client;

/// <summary>Opening, keeping and replacing the connection.</summary>
public sealed partial class MqttClient
{
    /// <summary>Reads until the connection breaks, then gets another, until the client is closed or gives up.</summary>
    private async Task RunAsync()
    {
        MqttException? cause = null;
        while (!stopping.IsCancellationRequested)
        {
            cause = await ReceiveUntilBrokenAsync(link!);
            outgoing.Detach();
            link!.Dispose();
            if (stopping.IsCancellationRequested) break;
            outgoing.FailAsks(cause);
            if (Options.Reconnect is null || cause is { FromPeer: true, Reason: ReasonCode.SessionTakenOver }) break; // two clients that take over from each other would never end
            Change(MqttClientState.Reconnecting, cause);
            cause = await ReconnectAsync(Options.Reconnect, cause);
            if (cause is not null) break;
        }

        var byProgram = stopping.IsCancellationRequested;
        var why = cause ?? new MqttException(ReasonCode.Success, "the client was closed");
        outgoing.FailAll(byProgram ? new MqttException(ReasonCode.Success, "the client was closed") : why);
        incoming.Complete(byProgram ? null : why);
        Interlocked.Exchange(ref closed, 1);
        Change(MqttClientState.Closed, byProgram ? null : why);
    }

    private async Task<MqttException> ReceiveUntilBrokenAsync(ClientLink current)
    {
        var seconds = current.Terms.Properties.ServerKeepAlive ?? (uint)Options.KeepAlive.TotalSeconds;
        var keepAlive = TimeSpan.FromSeconds(seconds);
        using var timer = seconds == 0 ? null : Options.Time.CreateTimer(_ => current.KeepAlive(keepAlive), null, keepAlive / 4, keepAlive / 4);
        try
        {
            await current.ReceiveAsync(Handle, () => incoming.WhenRoom(outgoing.IsAwaited), stopping.Token);
            return new MqttException(ReasonCode.UnspecifiedError, "the connection ended");
        }
        catch (MqttException e)
        {
            if (!e.FromPeer && e.Reason is ReasonCode.MalformedPacket or ReasonCode.ProtocolError or ReasonCode.TopicAliasInvalid or ReasonCode.PacketTooLarge && Options.Version == MqttVersion.V5)
            {
                current.Send(w => new DisconnectPacket(PacketType.Disconnect, e.Reason, new PropertySet { ReasonString = e.Message }).Write(w, Options.Version));
            }

            return e;
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException or InvalidOperationException or System.Net.WebSockets.WebSocketException or System.Net.Sockets.SocketException)
        {
            return new MqttException(ReasonCode.UnspecifiedError, "the connection broke: " + e.Message, false, e);
        }
    }

    /// <summary>Null when connected again; otherwise why it gave up.</summary>
    private async Task<MqttException?> ReconnectAsync(ReconnectOptions terms, MqttException cause)
    {
        var pause = terms.First;
        while (true)
        {
            try
            {
                await Task.Delay(pause * (0.5 + (Options.Jitter.NextDouble() / 2)), Options.Time, stopping.Token);
                pause = pause * 2 < terms.Longest ? pause * 2 : terms.Longest;
                await OpenAsync(false, stopping.Token);
                return null;
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return cause;
            }
            catch (MqttException e)
            {
                cause = e;
                if (terms.StopWhenRefused && e is { FromPeer: true, IsTransient: false }) return e;
            }
        }
    }

    /// <summary>Transport, CONNECT, CONNACK; then what was interrupted is taken up again.</summary>
    private async Task OpenAsync(bool cleanStart, CancellationToken cancellationToken)
    {
        // Not a timer that cancels: one that fires while this returns would find it disposed, and end the process.
        using var patience = new CancellationTokenSource(Options.ConnectTimeout, Options.Time);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, stopping.Token, patience.Token);
        ClientLink? next = null;
        try
        {
            next = new ClientLink(await ClientTransport.OpenAsync(Options, limit.Token), Options);
            var connack = await GreetAsync(next, cleanStart, limit.Token);
            next.Terms = connack;
            SessionPresent = connack.SessionPresent;
            ResponseInformation = connack.Properties.ResponseInformation;
            if (connack.Properties.AssignedClientId is { } id) ClientId = id;
            if (!SessionPresent && Options.InFlight is { } store) await store.WriteAsync(new InFlightChange.SessionLost(ClientId));
            link = next;
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or System.Net.WebSockets.WebSocketException)
        {
            next?.Dispose();
            throw new MqttException(ReasonCode.ServerUnavailable, "the broker closed the connection before it answered CONNECT (over TLS 1.3: the certificate may have been refused): " + e.Message, false, e);
        }
        catch (Signet.Store.StoreException e)
        {
            next?.Dispose();
            throw new MqttException(ReasonCode.UnspecifiedError, "the in-flight store failed: " + e.Message, false, e);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested && !stopping.IsCancellationRequested)
        {
            next?.Dispose();
            throw new MqttException(ReasonCode.ServerUnavailable, $"{Options.Host}:{Options.Port} did not answer within {Options.ConnectTimeout.TotalSeconds:0.#} s", false, e);
        }
        catch
        {
            next?.Dispose();
            throw;
        }

        incoming.Attach(next, Options.Version, SessionPresent);
        Resubscribe(next);
        outgoing.Attach(next, Options.Version, SessionPresent, Math.Min(Options.SendMaximum, next.Terms.Properties.ReceiveMaximum ?? ushort.MaxValue));
        Change(MqttClientState.Connected, null);
    }

    private async Task<ConnackPacket> GreetAsync(ClientLink next, bool cleanStart, CancellationToken cancellationToken)
    {
        ReadOnlyMemory<byte>? data = Options.Authentication is { } method ? await method.Step(null, cancellationToken) : (ReadOnlyMemory<byte>?)null;
        var connect = ConnectOf(cleanStart, data);
        next.Send(connect.Write);
        while (true)
        {
            ConnackPacket? connack = null;
            DisconnectPacket? auth = null;
            var error = PacketError.Protocol("the broker answered CONNECT with something else");
            await next.ReceiveOneAsync((first, body) =>
            {
                if (first == (byte)PacketType.Connack << 4) ConnackPacket.TryRead(body, Options.Version, out connack, out error);
                else if (first == (byte)PacketType.Auth << 4) DisconnectPacket.TryRead(PacketType.Auth, body, Options.Version, int.MaxValue, out auth, out error);
            }, cancellationToken);
            if (auth is not null && Options.Authentication is { } step)
            {
                var answer = await step.Step(auth.Properties.AuthenticationData ?? [], cancellationToken);
                next.Send(w => new DisconnectPacket(PacketType.Auth, ReasonCode.ContinueAuthentication, new PropertySet { AuthenticationMethod = step.Method, AuthenticationData = answer.ToArray() }).Write(w, MqttVersion.V5));
                continue;
            }

            if (connack is null) throw new MqttException(error.Code, error.Why);
            if (connack.Code.IsError()) throw new MqttException(connack.Code, $"the broker refused the connection: {connack.Properties.ReasonString ?? connack.Code.ToString()}", true);
            return connack;
        }
    }

    private ConnectPacket ConnectOf(bool cleanStart, ReadOnlyMemory<byte>? authenticationData)
    {
        var v5 = Options.Version == MqttVersion.V5;
        var expiry = Options.SessionExpiry.TotalSeconds >= uint.MaxValue ? uint.MaxValue : (uint)Math.Max(0, Options.SessionExpiry.TotalSeconds);
        return new ConnectPacket
        {
            Version = Options.Version, ClientId = ClientId, CleanStart = v5 ? cleanStart : cleanStart || expiry == 0, KeepAlive = (ushort)Math.Min(ushort.MaxValue, Options.KeepAlive.TotalSeconds),
            UserName = Options.UserName, Password = Options.Password?.ToArray(),
            Will = Options.Will is not { } will ? null : new WillPacket
            {
                Topic = will.Message.Topic, Payload = will.Message.Payload.ToArray(), QoS = will.Message.QoS, Retain = will.Message.Retain, Properties = WillProperties(will),
            },
            Properties = !v5 ? new() : new PropertySet
            {
                SessionExpiry = expiry == 0 ? null : expiry, ReceiveMaximum = Options.ReceiveMaximum, TopicAliasMaximum = Options.TopicAliasMaximum, MaximumPacketSize = (uint)Options.MaximumPacketSize,
                RequestResponseInformation = true, UserProperties = Options.UserProperties.Count > 0 ? [.. Options.UserProperties] : null,
                AuthenticationMethod = Options.Authentication?.Method, AuthenticationData = authenticationData?.ToArray(),
            },
        };
    }

    private static PropertySet WillProperties(MqttWill will)
    {
        var properties = MessageCodec.PropertiesOf(will.Message);
        properties.MessageExpiry = MessageCodec.ExpirySeconds(will.Message.MessageExpiry);
        properties.WillDelay = will.Delay > TimeSpan.Zero ? (uint)will.Delay.TotalSeconds : null;
        return properties;
    }

    /// <summary>The broker lost the session (or never kept one): subscribe again before anything else is sent. Answers are not waited for; a refusal shows as silence, as it would in a new session.</summary>
    private void Resubscribe(ClientLink next)
    {
        if (SessionPresent) return;
        List<(TopicSubscription Subscription, int? Identifier)> all;
        lock (gate) all = [.. subscriptions.Values];
        foreach (var group in all.GroupBy(s => s.Identifier))
        {
            var packet = new SubscribePacket
            {
                PacketId = outgoing.TakeId(), Subscriptions = [.. group.Select(s => s.Subscription)], Properties = new PropertySet { SubscriptionIdentifiers = group.Key is { } i ? [i] : null },
            };
            next.Send(w => packet.Write(w, Options.Version));
        }
    }

    private void Handle(byte first, ReadOnlySpan<byte> body)
    {
        var type = (PacketType)(first >> 4);
        var error = default(PacketError);
        switch (type)
        {
            case PacketType.Publish:
                if (PublishView.TryRead(first, body, Options.Version, int.MaxValue, out var view, out error)) incoming.Take(view, Options.TopicAliasMaximum);
                break;
            case PacketType.Puback or PacketType.Pubrec or PacketType.Pubcomp:
                if (AckPacket.TryRead(type, body, Options.Version, out var ack, out error)) outgoing.Acknowledged(ack);
                break;
            case PacketType.Pubrel:
                if (AckPacket.TryRead(type, body, Options.Version, out var release, out error)) incoming.Released(release.PacketId);
                break;
            case PacketType.Suback or PacketType.Unsuback:
                if (SubackPacket.TryRead(type, body, Options.Version, out var suback, out error)) outgoing.Answered(suback!);
                break;
            case PacketType.Pingresp:
                break;
            case PacketType.Disconnect when Options.Version == MqttVersion.V5:
                if (!DisconnectPacket.TryRead(type, body, Options.Version, int.MaxValue, out var disconnect, out error)) break;
                throw new MqttException(disconnect!.Code, $"the broker ended the connection: {disconnect.Properties.ReasonString ?? disconnect.Code.ToString()}", true);
            default:
                error = PacketError.Protocol($"the broker sent {type}");
                break;
        }

        if (error.Code != ReasonCode.Success) throw new MqttException(error.Code, error.Why);
    }

    private void Change(MqttClientState next, MqttException? cause)
    {
        Volatile.Write(ref state, (int)next);
        StateChanged?.Invoke(new MqttClientStateChange(next, SessionPresent, cause));
    }
}
