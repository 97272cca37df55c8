using System.Buffers;
using System.Security.Cryptography;
using Signet.Mqtt.Broker.Sessions;
using Signet.Mqtt.Packets;

namespace Signet.Mqtt.Broker.Connections;

/// <summary>From the first byte to CONNACK (MQTT 5.0 sections 3.1, 3.2 and 4.12).</summary>
internal sealed partial class Connection
{
    private bool wantsReasons = true;
    private ConnectRequest? request;

    /// <summary>
    /// 1 read CONNECT; 2 ask the policy, over as many AUTH packets as it wants; 3 check identifier, will and limits; 4 take the session and say CONNACK.
    /// </summary>
    private async Task<bool> ConnectAsync()
    {
        var connect = await ReadConnectAsync();
        if (connect is null) return false;
        Version = connect.Version;
        wantsReasons = connect.Properties.RequestProblemInformation ?? true;
        MaximumPacketSize = (int)Math.Min(connect.Properties.MaximumPacketSize ?? uint.MaxValue, BrokerLimits.ProtocolMaxPacket + 5);
        if (connect.ClientId.Length == 0 && connect is { Version: MqttVersion.V311, CleanStart: false })
        {
            return await RefuseAsync(ReasonCode.ClientIdentifierNotValid, "an empty client identifier needs a clean session"); // 3.1.1 [MQTT-3.1.3-8]
        }

        if (connect.ClientId.Length > Limits.MaximumClientIdLength) return await RefuseAsync(ReasonCode.ClientIdentifierNotValid, $"client identifier is longer than {Limits.MaximumClientIdLength}");

        request = new ConnectRequest(facts, connect.Version, connect.ClientId, connect.CleanStart)
        {
            UserName = connect.UserName, Password = connect.Password is { } p ? p : (ReadOnlyMemory<byte>?)null, AuthenticationMethod = connect.Properties.AuthenticationMethod,
            AuthenticationData = connect.Properties.AuthenticationData ?? [], UserProperties = (IReadOnlyList<UserProperty>?)connect.Properties.UserProperties ?? [],
        };
        var decision = await AuthenticateAsync(request);
        if (decision is null) return false;
        if (decision.Code != ReasonCode.Success) return await RefuseAsync(decision.Code, decision.Reason);

        var context = new ClientContext(decision.Identity, decision.ClientId ?? (connect.ClientId.Length > 0 ? connect.ClientId : "auto-" + RandomNumberGenerator.GetHexString(20, true)), decision.Principal, facts);
        if (connect.Will is { } wanted)
        {
            if (Objection(context, wanted) is { } no) return await RefuseAsync(no.Code, no.Why);
            will = new Will(MessageCodec.ToMessage(wanted.Properties, wanted.Topic, wanted.Payload, wanted.QoS, wanted.Retain), TimeSpan.FromSeconds(wanted.Properties.WillDelay ?? 0));
        }

        return await OpenSessionAsync(connect, context, decision);
    }

    private async Task<bool> OpenSessionAsync(ConnectPacket connect, ClientContext context, ConnectDecision decision)
    {
        var asked = connect.Version == MqttVersion.V5
            ? connect.Properties.SessionExpiry is { } s ? (s == uint.MaxValue ? TimeSpan.MaxValue : TimeSpan.FromSeconds(s)) : TimeSpan.Zero
            : connect.CleanStart ? TimeSpan.Zero : TimeSpan.MaxValue;
        var expiry = asked < Limits.MaximumSessionExpiry ? asked : Limits.MaximumSessionExpiry;
        var keepAlive = TimeSpan.FromSeconds(connect.KeepAlive);
        var longest = Limits.MaximumKeepAlive;
        KeepAlive = longest < TimeSpan.FromSeconds(ushort.MaxValue) && (keepAlive == TimeSpan.Zero || keepAlive > longest) ? longest : keepAlive;
        var identity = decision.Limits ?? Limits.PerIdentity;
        SendMaximum = Math.Min(Math.Min(Limits.SendMaximum, identity.InFlight), connect.Properties.ReceiveMaximum ?? ushort.MaxValue);
        receiveMaximum = Math.Min(Limits.ReceiveMaximum, identity.InFlight);
        clientAliases = Math.Min(Limits.TopicAliasesToClient, connect.Properties.TopicAliasMaximum ?? 0);

        var connack = new PropertySet();
        if (connect.Version == MqttVersion.V5)
        {
            connack.SessionExpiry = expiry == asked ? null : (uint)expiry.TotalSeconds;
            connack.ServerKeepAlive = KeepAlive == keepAlive ? null : (ushort)KeepAlive.TotalSeconds;
            connack.ReceiveMaximum = receiveMaximum;
            connack.MaximumQoS = Limits.MaximumQoS == QoS.ExactlyOnce ? null : (byte)Limits.MaximumQoS;
            connack.RetainAvailable = Limits.RetainAvailable ? null : false;
            connack.MaximumPacketSize = (uint)Limits.MaximumPacketSize;
            connack.AssignedClientId = connect.ClientId.Length == 0 ? context.ClientId : null;
            connack.TopicAliasMaximum = Limits.TopicAliasMaximum;
            connack.ResponseInformation = connect.Properties.RequestResponseInformation == true ? broker.Options.ResponseInformation?.Invoke(context) : null;
            connack.AuthenticationMethod = connect.Properties.AuthenticationMethod;
            connack.AuthenticationData = decision.AuthenticationData.IsEmpty ? null : decision.AuthenticationData.ToArray();
        }

        var taken = broker.Table.Attach(this, context, new ConnectTerms(connect.Version, connect.CleanStart, expiry), identity, (mine, present) =>
        {
            new ConnackPacket { SessionPresent = present, Code = ReasonCode.Success, Properties = connack }.Write(Outbox, Version);
            dirty = true;
        }, out var before, out var error);
        if (taken is null) return await RefuseAsync(error.Code, error.Why);
        before?.Close(ReasonCode.SessionTakenOver, "another connection of this identity uses the client identifier"); // [MQTT-3.1.4-3]
        broker.ConnectionStarted(taken);
        if (taken.IsStored) await CommitAsync();
        Wake();
        return true;
    }

    private async Task<ConnectPacket?> ReadConnectAsync()
    {
        ConnectPacket? connect = null;
        var error = default(PacketError);
        var answerAs = MqttVersion.V311;
        var isConnect = true;
        var read = await ReadPacketAsync(Limits.MaximumConnectSize, (body, first) =>
        {
            isConnect = first == (byte)PacketType.Connect << 4;
            if (!isConnect) error = PacketError.Protocol("the first packet is not CONNECT"); // [MQTT-3.1.0-1]
            else ConnectPacket.TryRead(body, Limits.MaximumUserProperties, out connect, out answerAs, out error);
        });
        if (!read || connect is not null) return connect;
        Version = answerAs;
        if (isConnect) await RefuseAsync(error.Code, error.Why, RefusalKind.Protocol);
        else Close(error.Code, error.Why, RefusalKind.Protocol);
        return null;
    }

    /// <summary>Null when the transport ended or broke the protocol in between.</summary>
    private async Task<ConnectDecision?> AuthenticateAsync(ConnectRequest request)
    {
        var decision = await AskAsync(() => broker.Policy.AuthenticateAsync(request, stopping.Token));
        while (decision.Code == ReasonCode.ContinueAuthentication)
        {
            if (request.AuthenticationMethod is null) return ConnectDecision.Refuse(ReasonCode.BadAuthenticationMethod, "the client named no authentication method");
            await SendAsync(w => AuthOf(ReasonCode.ContinueAuthentication, decision.AuthenticationData).Write(w, MqttVersion.V5));
            DisconnectPacket? auth = null;
            var error = default(PacketError);
            var read = await ReadPacketAsync(Limits.MaximumConnectSize, (body, first) =>
            {
                if (first != (byte)PacketType.Auth << 4) error = PacketError.Protocol("AUTH was expected");
                else DisconnectPacket.TryRead(PacketType.Auth, body, Version, Limits.MaximumUserProperties, out auth, out error);
            });
            if (!read) return null;
            if (auth is null) return ConnectDecision.Refuse(error.Code, error.Why);
            if (auth.Code != ReasonCode.ContinueAuthentication) return ConnectDecision.Refuse(ReasonCode.ProtocolError, "AUTH does not continue the authentication");
            if (auth.Properties.AuthenticationMethod != request.AuthenticationMethod) return ConnectDecision.Refuse(ReasonCode.ProtocolError, "authentication method changed"); // [MQTT-4.12.0-5]
            decision = await AskAsync(() => broker.Policy.ContinueAuthenticationAsync(request, auth.Properties.AuthenticationData ?? [], stopping.Token));
        }

        return decision;
    }

    private async Task<ConnectDecision> AskAsync(Func<ValueTask<ConnectDecision>> question)
    {
        // The owner's code may compute a password's hash: not on the thread that carries others' messages.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        try
        {
            return await question();
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            return ConnectDecision.Refuse(ReasonCode.ServerUnavailable, "the connection ended while it was judged");
        }
        catch (Exception e)
        {
            broker.LogBug(e);
            return ConnectDecision.Refuse(ReasonCode.ImplementationSpecificError, "the policy failed");
        }
    }

    private DisconnectPacket AuthOf(ReasonCode code, ReadOnlyMemory<byte> data) => new(PacketType.Auth, code,
        new PropertySet { AuthenticationMethod = request!.AuthenticationMethod, AuthenticationData = data.IsEmpty ? null : data.ToArray() });

    private PacketError? Objection(ClientContext context, WillPacket wanted)
    {
        if (wanted.QoS > Limits.MaximumQoS) return new(ReasonCode.QoSNotSupported, $"will asks for QoS {(int)wanted.QoS}"); // [MQTT-3.2.2-12]
        if (wanted.Retain && !Limits.RetainAvailable) return new(ReasonCode.RetainNotSupported, "retained messages are not offered"); // [MQTT-3.2.2-13]
        if (TopicFilter.Levels(wanted.Topic) > Limits.MaximumTopicLevels) return new(ReasonCode.TopicNameInvalid, $"topic of the will has more than {Limits.MaximumTopicLevels} levels");
        var decision = broker.AuthorizePublish(new PublishRequest(context, wanted.Topic, wanted.QoS, wanted.Retain, PublishKind.Will), broker.Topics.Get(wanted.Topic).IsReserved);
        if (decision.Allowed) return null;
        broker.Refuse(RefusalKind.Will, ReasonCode.NotAuthorized, decision.Reason, context, wanted.Topic);
        return new(ReasonCode.NotAuthorized, "last will: " + decision.Reason);
    }

    /// <summary>Says no in a CONNACK and ends the connection.</summary>
    private async Task<bool> RefuseAsync(ReasonCode code, string reason, RefusalKind kind = RefusalKind.Connect)
    {
        Close(code, reason, kind);
        var properties = new PropertySet { ReasonString = Fits(reason) ? reason : null }; // [MQTT-3.2.2-19]
        await SendAsync(w => new ConnackPacket { Code = code, Properties = properties }.Write(w, Version));
        return false;
    }

    private async Task SendAsync(Action<WireWriter> write)
    {
        var writer = new WireWriter();
        write(writer);
        using var limit = new CancellationTokenSource(GoodbyeTimeout, broker.Time);
        try
        {
            await pipe.Output.WriteAsync(writer.Written, limit.Token);
        }
        finally
        {
            writer.Clear();
        }
    }

    /// <summary>Reads one packet before there is a session; false when the transport ended first or the packet is too large.</summary>
    private async Task<bool> ReadPacketAsync(int maximumSize, ReadOnlySpanAction<byte, byte> handle)
    {
        while (!IsEnding)
        {
            var result = await pipe.Input.ReadAsync();
            if (result.IsCanceled) return false;
            var buffer = result.Buffer;
            var status = TryTakePacket(buffer, maximumSize, handle, out var total);
            if (status)
            {
                pipe.Input.AdvanceTo(buffer.GetPosition(total));
                return true;
            }

            pipe.Input.AdvanceTo(buffer.Start, buffer.End);
            if (result.IsCompleted) return false;
        }

        return false;
    }

    private bool TryTakePacket(ReadOnlySequence<byte> buffer, int maximumSize, ReadOnlySpanAction<byte, byte> handle, out int total)
    {
        total = 0;
        Span<byte> head = stackalloc byte[5];
        var count = (int)Math.Min(5, buffer.Length);
        buffer.Slice(0, count).CopyTo(head);
        var status = FrameHeader.TryRead(head[..count], out var header);
        if (status == FrameStatus.Malformed) return Fail(PacketError.Malformed("remaining length is malformed"));
        if (status == FrameStatus.NeedMore || !IsAcceptable(header, maximumSize)) return false;
        total = header.HeaderLength + header.BodyLength;
        if (buffer.Length < total) return false;
        var first = header.First;
        handle(buffer.Slice(header.HeaderLength, header.BodyLength).ToArray(), first);
        return true;
    }
}
