using System.IO.Pipelines;
using Signet.Mqtt;
using Signet.Mqtt.Broker;
using Signet.Mqtt.Packets;

namespace Signet.Bench;

/// <summary>What the broker's own code costs a message, without sockets, TLS and kernel: a publisher and its subscribers on pipes in memory.</summary>
internal static class Micro
{
    private const int Batch = 20;
    private const int Rounds = 100_000;

    public static async Task<int> RunAsync(Arguments args)
    {
        var subscribers = args.Number("subs", 1);
        var qos = (QoS)args.Number("qos", 0);
        await using var broker = new MqttBroker(new BrokerOptions(), args.Has("policy") ? new BranchPolicy() : new OpenPolicy(), TimeProvider.System);
        var ends = new List<(Pipe In, Pipe Out)>();
        for (var i = 0; i < subscribers; i++) ends.Add(await OpenAsync(broker, $"s{i}", "t/0"));
        var (input, output) = await OpenAsync(broker, "p", null);
        var block = Block(qos);
        var rounds = Rounds / subscribers;
        for (var warm = 0; warm < 2; warm++) await DriveAsync(rounds / 4, input, output, ends, block, qos);
        var allocated = GC.GetTotalAllocatedBytes(true);
        var cpu = Environment.CpuUsage.TotalTime;
        await DriveAsync(rounds, input, output, ends, block, qos);
        var deliveries = (double)rounds * Batch * subscribers;
        Console.WriteLine($"qos {(int)qos}, {subscribers} subscribers: {(Environment.CpuUsage.TotalTime - cpu).TotalNanoseconds / deliveries:0} ns and {(GC.GetTotalAllocatedBytes(true) - allocated) / deliveries:0.0} bytes a delivery");
        return 0;
    }

    private static async Task DriveAsync(int rounds, Pipe input, Pipe output, List<(Pipe In, Pipe Out)> ends, byte[] block, QoS qos)
    {
        var expected = new long[ends.Count];
        for (var i = 0; i < rounds; i++)
        {
            await input.Writer.WriteAsync(block);
            foreach (var (_, to) in ends) await DrainAsync(to, qos > QoS.AtMostOnce ? Batch : 0);
            if (qos > QoS.AtMostOnce)
            {
                await DrainAsync(output, 0);
                NextAcks();
                foreach (var (from, _) in ends) await from.Writer.WriteAsync(acks);
            }
        }
    }

    private static readonly byte[] acks = new byte[4 * Batch];
    private static int acknowledged;

    /// <summary>The broker hands out packet identifiers one after the other, 1 to 65,535 and round again.</summary>
    private static void NextAcks()
    {
        for (var i = 0; i < Batch; i++)
        {
            var id = (acknowledged++ % 65_535) + 1;
            acks[i * 4] = 0x40;
            acks[(i * 4) + 1] = 2;
            acks[(i * 4) + 2] = (byte)(id >> 8);
            acks[(i * 4) + 3] = (byte)id;
        }
    }

    private static async Task DrainAsync(Pipe pipe, int atLeastPackets)
    {
        var need = Math.Max(1, atLeastPackets * 70L);
        while (need > 0)
        {
            var result = await pipe.Reader.ReadAsync();
            need -= result.Buffer.Length;
            pipe.Reader.AdvanceTo(result.Buffer.End);
        }
    }

    private static byte[] Block(QoS qos)
    {
        var writer = new WireWriter();
        for (var i = 1; i <= Batch; i++)
        {
            PublishFrame.WriteHead(writer, MqttVersion.V311, PublishFrame.First(qos, false, false), "t/0"u8, (ushort)i, default, [], 64);
            writer.Take(64).Clear();
        }

        return writer.WrittenSpan.ToArray();
    }

    private static async Task<(Pipe In, Pipe Out)> OpenAsync(MqttBroker broker, string id, string? topic)
    {
        var options = new PipeOptions(readerScheduler: PipeScheduler.Inline, writerScheduler: PipeScheduler.Inline, pauseWriterThreshold: 0, useSynchronizationContext: false);
        var (input, output) = (new Pipe(options), new Pipe(options));
        _ = broker.ServeAsync(new Ends(input.Reader, output.Writer), new ConnectionFacts(null, null, null, null, "micro"), CancellationToken.None);
        var writer = new WireWriter();
        new ConnectPacket { Version = MqttVersion.V311, ClientId = id, CleanStart = true }.Write(writer);
        if (topic is not null) new SubscribePacket { PacketId = 1, Subscriptions = [new TopicSubscription(topic)] }.Write(writer, MqttVersion.V311);
        await input.Writer.WriteAsync(writer.WrittenSpan.ToArray());
        for (var got = 0L; got < (topic is null ? 4 : 9);)
        {
            var result = await output.Reader.ReadAsync();
            got += result.Buffer.Length;
            output.Reader.AdvanceTo(result.Buffer.End);
        }

        return (input, output);
    }

    private sealed record Ends(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
