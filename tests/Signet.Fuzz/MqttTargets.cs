using System.IO.Pipelines;
using Signet.Mqtt;
using Signet.Mqtt.Broker;
using Signet.Mqtt.Broker.Transport;
using Signet.Mqtt.Packets;

namespace Signet.Fuzz;

/// <summary>
/// Any bytes as the body of each packet in each version: never throws; what is refused has a code and a reason; what is accepted is written and read again to the same bytes.
/// </summary>
public static class MqttPacketTarget
{
    public static void Fuzz(ReadOnlySpan<byte> data)
    {
        if (data.Length < 2) return;
        var version = (data[0] & 1) == 0 ? MqttVersion.V311 : MqttVersion.V5;
        var first = data[1];
        var body = data[2..];
        switch ((PacketType)(first >> 4))
        {
            case PacketType.Connect:
                if (Read(ConnectPacket.TryRead(body, 64, out var connect, out _, out var error), error)) Same(connect!.Write, b => ConnectPacket.TryRead(b, 64, out var c, out _, out _) ? c!.Write : null);
                break;
            case PacketType.Connack:
                if (Read(ConnackPacket.TryRead(body, version, out var connack, out error), error)) Same(w => connack!.Write(w, version), b => ConnackPacket.TryRead(b, version, out var c, out _) ? w => c!.Write(w, version) : null);
                break;
            case PacketType.Publish:
                if (Read(PublishView.TryRead(first, body, version, 64, out var publish, out error), error)) CheckPublish(publish);
                break;
            case PacketType.Puback or PacketType.Pubrec or PacketType.Pubrel or PacketType.Pubcomp:
                var type = (PacketType)(first >> 4);
                if (Read(AckPacket.TryRead(type, body, version, out var ack, out error), error)) Same(w => ack.Write(w, version), b => AckPacket.TryRead(type, b, version, out var a, out _) ? w => a.Write(w, version) : null);
                break;
            case PacketType.Subscribe:
                if (Read(SubscribePacket.TryRead(body, version, 100, 64, out var subscribe, out error), error)) Same(w => subscribe!.Write(w, version), b => SubscribePacket.TryRead(b, version, 100, 64, out var s, out _) ? w => s!.Write(w, version) : null);
                break;
            case PacketType.Unsubscribe:
                if (Read(UnsubscribePacket.TryRead(body, version, 100, 64, out var unsubscribe, out error), error)) Same(w => unsubscribe!.Write(w, version), b => UnsubscribePacket.TryRead(b, version, 100, 64, out var u, out _) ? w => u!.Write(w, version) : null);
                break;
            case PacketType.Suback or PacketType.Unsuback:
                Read(SubackPacket.TryRead((PacketType)(first >> 4), body, version, out _, out error), error);
                break;
            case PacketType.Disconnect or PacketType.Auth:
                var kind = (PacketType)(first >> 4);
                if (Read(DisconnectPacket.TryRead(kind, body, version, 64, out var disconnect, out error), error)) Same(w => disconnect!.Write(w, version), b => DisconnectPacket.TryRead(kind, b, version, 64, out var d, out _) ? w => d!.Write(w, version) : null);
                break;
        }
    }

    private static bool Read(bool read, PacketError error)
    {
        if (!read && (!error.Code.IsError() || string.IsNullOrEmpty(error.Why))) throw new InvalidOperationException("refused without a reason");
        if (read && error.Code != ReasonCode.Success) throw new InvalidOperationException("accepted with an error");
        return read;
    }

    private static void CheckPublish(in PublishView view)
    {
        var kept = view.ForwardedProperties();
        var again = new PropertyReader(kept, (int)PacketType.Publish, int.MaxValue);
        while (again.TryNext(out var error))
        {
            if (error.Code != ReasonCode.Success || again.Id is PropertyId.TopicAlias or PropertyId.MessageExpiry or PropertyId.SubscriptionIdentifier) throw new InvalidOperationException("a property of one hop travelled on");
        }

        if (view.Topic.Length > 0 && WireReader.IsText(view.Topic)) MessageCodec.Decode(view, System.Text.Encoding.UTF8.GetString(view.Topic));
    }

    private delegate Action<WireWriter>? Reader(ReadOnlySpan<byte> body);

    private static void Same(Action<WireWriter> write, Reader read)
    {
        var one = Encode(write);
        if (FrameHeader.TryRead(one, out var header) != FrameStatus.Header || header.HeaderLength + header.BodyLength != one.Length || !header.HasValidFlags) throw new InvalidOperationException("what was written has no valid header");
        var again = read(one.AsSpan(header.HeaderLength)) ?? throw new InvalidOperationException("what was written cannot be read");
        if (!Encode(again).AsSpan().SequenceEqual(one)) throw new InvalidOperationException("written and read again it is another packet");
    }

    private static byte[] Encode(Action<WireWriter> write)
    {
        var writer = new WireWriter();
        write(writer);
        var bytes = writer.WrittenSpan.ToArray();
        writer.Clear();
        return bytes;
    }
}

/// <summary>Any bytes as two strings: filters and topics never throw, and the broker's tree agrees with the plain matcher.</summary>
public static class MqttTopicTarget
{
    public static void Fuzz(ReadOnlySpan<byte> data)
    {
        var text = System.Text.Encoding.UTF8.GetString(data);
        var cut = text.IndexOf('\n', StringComparison.Ordinal);
        var (filter, topic) = cut < 0 ? (text, text) : (text[..cut], text[(cut + 1)..]);
        var valid = TopicFilter.IsValidFilter(filter);
        TopicFilter.TrySplitShare(filter, out _, out _);
        var matches = TopicFilter.Matches(filter, topic);
        if (!valid || !TopicFilter.IsValidTopic(topic) || filter.StartsWith("$share/", StringComparison.Ordinal) || TopicFilter.Levels(filter) > 128 || TopicFilter.Levels(topic) > 128) return;
        var retained = new Mqtt.Broker.Routing.RetainedMessages();
        retained.Set(new Mqtt.Broker.Routing.Publication(new Mqtt.Broker.Routing.Topic(topic, System.Text.Encoding.UTF8.GetBytes(topic)), [1], [], QoS.AtMostOnce, true, 0, null));
        var found = new List<Mqtt.Broker.Routing.Publication>();
        retained.Find(filter, found);
        if (found.Count == 1 != matches) throw new InvalidOperationException($"tree and matcher disagree about '{filter}' and '{topic}'");
    }
}

/// <summary>Any bytes as a PROXY protocol header.</summary>
public static class MqttProxyTarget
{
    public static void Fuzz(ReadOnlySpan<byte> data)
    {
        if (data.Length < 16) return;
        ProxyHeader.ParseLine(data);
        if (!ProxyHeader.TryBodyLength(data, out var length, out var error))
        {
            if (error.Length == 0) throw new InvalidOperationException("refused without a reason");
            return;
        }

        if (length <= data.Length - 16) ProxyHeader.Parse(data, data.Slice(16, length));
    }
}

/// <summary>Any bytes as a whole connection: the broker answers, ends it, holds nothing afterwards and never fails. Half the runs begin with a good CONNECT.</summary>
public static class MqttSessionTarget
{
    private static readonly byte[][] Connects =
    [
        [], [],
        [0x10, 14, 0, 4, (byte)'M', (byte)'Q', (byte)'T', (byte)'T', 5, 2, 0, 0, 0, 0, 1, (byte)'f'],
        [0x10, 13, 0, 4, (byte)'M', (byte)'Q', (byte)'T', (byte)'T', 4, 2, 0, 0, 0, 1, (byte)'f'],
    ];

    public static void Fuzz(ReadOnlySpan<byte> data)
    {
        if (data.IsEmpty) return;
        byte[] bytes = [.. Connects[data[0] & 3], .. data[1..]];
        RunAsync(bytes).GetAwaiter().GetResult();
    }

    private static async Task RunAsync(byte[] bytes)
    {
        var bugs = new BugWatch();
        await using var broker = new MqttBroker(new BrokerOptions(), new Open(), TimeProvider.System, bugs);
        var inbound = new Pipe();
        var outbound = new Pipe(new PipeOptions(pauseWriterThreshold: 0));
        await inbound.Writer.WriteAsync(bytes);
        await inbound.Writer.CompleteAsync();
        await broker.ServeAsync(new Ends(inbound.Reader, outbound.Writer), new ConnectionFacts(null, null, null, null, "fuzz"), CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(20));
        if (bugs.First is { } bug) throw new InvalidOperationException("the broker failed", bug);
        if (broker.Counters.Connections != 0) throw new InvalidOperationException("a connection was left behind");
        if (broker.Sessions().Any(s => s.Connected)) throw new InvalidOperationException("a session still counts as connected");
        var answer = await outbound.Reader.ReadAsync();
        CheckFrames(answer.Buffer.IsSingleSegment ? answer.Buffer.FirstSpan : System.Buffers.BuffersExtensions.ToArray(answer.Buffer));
    }

    /// <summary>What the broker said must be whole, valid packets.</summary>
    private static void CheckFrames(ReadOnlySpan<byte> answer)
    {
        while (!answer.IsEmpty)
        {
            if (FrameHeader.TryRead(answer, out var header) != FrameStatus.Header || !header.HasValidFlags || header.HeaderLength + header.BodyLength > answer.Length) throw new InvalidOperationException("the broker's answer is not MQTT");
            answer = answer[(header.HeaderLength + header.BodyLength)..];
        }
    }

    private sealed record Ends(PipeReader Input, PipeWriter Output) : IDuplexPipe;

    private sealed class Open : IBrokerPolicy
    {
        public ValueTask<ConnectDecision> AuthenticateAsync(ConnectRequest request, CancellationToken cancellationToken) => ValueTask.FromResult(ConnectDecision.Accept("fuzz"));

        public PolicyDecision AuthorizePublish(in PublishRequest request) => PolicyDecision.Allow;

        public PolicyDecision AuthorizeSubscribe(in SubscribeRequest request) => PolicyDecision.Allow;

        public PolicyDecision AuthorizeDeliver(in DeliverRequest request) => PolicyDecision.Allow;
    }

    /// <summary>A defect that the broker caught is still a defect.</summary>
    private sealed class BugWatch : Microsoft.Extensions.Logging.ILogger<MqttBroker>
    {
        public Exception? First { get; private set; }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(Microsoft.Extensions.Logging.LogLevel logLevel) => logLevel >= Microsoft.Extensions.Logging.LogLevel.Error;

        public void Log<TState>(Microsoft.Extensions.Logging.LogLevel logLevel, Microsoft.Extensions.Logging.EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => First ??= exception;
    }
}
