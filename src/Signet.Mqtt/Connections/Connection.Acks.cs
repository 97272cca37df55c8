using Signet.Mqtt.Packets;

namespace Signet.Mqtt.Broker.Connections;

/// <summary>PUBACK, PUBREC, PUBREL, PUBCOMP; DISCONNECT and AUTH from the client.</summary>
internal sealed partial class Connection
{
    private void HandleAck(PacketType type, ReadOnlySpan<byte> body)
    {
        if (!AckPacket.TryRead(type, body, Version, out var ack, out var error))
        {
            Fail(error);
            return;
        }

        var mine = session!;
        switch (type)
        {
            case PacketType.Puback:
                broker.Report(mine, mine.Acknowledge(ack.PacketId), ack.Code);
                break;
            case PacketType.Pubrec when ack.Code.IsError():
                broker.Report(mine, mine.Rejected(ack.PacketId), ack.Code);
                break;
            case PacketType.Pubrec:
                var found = mine.Recorded(ack.PacketId, out var stored);
                mustCommit |= stored;
                Answer(PacketType.Pubrel, ack.PacketId, found ? ReasonCode.Success : ReasonCode.PacketIdentifierNotFound, null);
                break;
            case PacketType.Pubrel:
                var released = mine.ReleaseReceived(ack.PacketId);
                mustCommit |= released && mine.IsStored;
                Answer(PacketType.Pubcomp, ack.PacketId, released ? ReasonCode.Success : ReasonCode.PacketIdentifierNotFound, null);
                break;
            default:
                broker.Report(mine, mine.Completed(ack.PacketId), ack.Code);
                break;
        }
    }

    private void HandleDisconnect(ReadOnlySpan<byte> body)
    {
        if (!DisconnectPacket.TryRead(PacketType.Disconnect, body, Version, Limits.MaximumUserProperties, out var packet, out var error))
        {
            Fail(error);
            return;
        }

        if (packet!.Properties.SessionExpiry is { } seconds)
        {
            var mine = session!;
            if (seconds > 0 && mine.Expiry == TimeSpan.Zero)
            {
                Fail(PacketError.Protocol("DISCONNECT asks to keep a session that CONNECT did not")); // section 3.14.2.2.2
                return;
            }

            var asked = TimeSpan.FromSeconds(seconds);
            mine.Expiry = asked < Limits.MaximumSessionExpiry ? asked : Limits.MaximumSessionExpiry;
        }

        if (packet.Properties.ServerReference is not null)
        {
            Fail(PacketError.Protocol("a client may not send a server reference"));
            return;
        }

        if (packet.Code == ReasonCode.Success) will = null; // [MQTT-3.14.4-3]; every other code leaves the will to be published
        var reason = packet.Properties.ReasonString ?? (packet.Code == ReasonCode.Success ? "client disconnected" : $"client disconnected: {packet.Code}");
        Interlocked.CompareExchange(ref ending, new Ending(packet.Code, reason, null, true), null);
    }

    /// <summary>Re-authentication (MQTT 5.0 section 4.12.1): the policy is asked while reading pauses.</summary>
    private void HandleAuth(ReadOnlySpan<byte> body)
    {
        if (!DisconnectPacket.TryRead(PacketType.Auth, body, Version, Limits.MaximumUserProperties, out var packet, out var error))
        {
            Fail(error);
            return;
        }

        if (request!.AuthenticationMethod is null || packet!.Properties.AuthenticationMethod != request.AuthenticationMethod)
        {
            Fail(PacketError.Protocol("AUTH names another method than CONNECT")); // [MQTT-4.12.1-1]
            return;
        }

        if (packet.Code is not (ReasonCode.ReAuthenticate or ReasonCode.ContinueAuthentication))
        {
            Fail(PacketError.Protocol("only the broker ends an authentication"));
            return;
        }

        ReadOnlyMemory<byte> data = packet.Properties.AuthenticationData ?? [];
        nextStep = () => ReauthenticateAsync(data);
    }

    private async Task ReauthenticateAsync(ReadOnlyMemory<byte> data)
    {
        var decision = await AskAsync(() => broker.Policy.ContinueAuthenticationAsync(request!, data, stopping.Token));
        if (decision.Code == ReasonCode.Success && decision.Identity != session!.Key.Identity) decision = ConnectDecision.Refuse(ReasonCode.NotAuthorized, "re-authentication as somebody else");
        if (decision.Code.IsError())
        {
            Close(decision.Code, decision.Reason, RefusalKind.Connect);
            return;
        }

        if (decision.Code == ReasonCode.Success)
        {
            session!.Context = session.Context with { Principal = decision.Principal };
            broker.PolicyChangedFor(session);
        }

        AuthOf(decision.Code, decision.AuthenticationData).Write(replies, Version);
    }
}
