using System.Buffers.Binary;
using System.Diagnostics;
using System.Text.Json.Nodes;
using Signet.Mqtt;
using Signet.Mqtt.Packets;

namespace Signet.Bench;

/// <summary>
/// A load generator for any broker on loopback, so that bench/compare.sh needs nothing else. It costs more CPU than one in C would: look at <c>loader_cpu_pct</c>, and compare
/// brokers by CPU a delivery where it is near 100. Prints one JSON object.
/// </summary>
internal static class Load
{
    public static async Task<int> RunAsync(Arguments args)
    {
        Environment.SetEnvironmentVariable("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS", "1");
        var target = new LoadTarget(args);
        var result = args.Text("mode") switch
        {
            "connect" => await ConnectAsync(target, args),
            "idle" => await IdleAsync(target, args),
            _ => await new PubSub(target, args).RunAsync(),
        };
        Console.WriteLine(result.ToJsonString());
        return 0;
    }

    public static JsonObject Report(CpuReading before, CpuReading after, double per, string name)
    {
        var seconds = Stopwatch.GetElapsedTime(before.Stamp, after.Stamp).TotalSeconds;
        var (broker, own) = (after.Broker - before.Broker, after.Own - before.Own);
        return new()
        {
            ["seconds"] = seconds, [name] = per / seconds, [$"broker_cpu_us_per_{(name == "recv_per_s" ? "delivery" : "connect")}"] = broker * 1e6 / per, ["broker_cpu_pct"] = broker * 100 / seconds,
            ["loader_cpu_pct"] = own * 100 / seconds, ["other_cpu_pct"] = (after.Machine - before.Machine - broker - own) * 100 / seconds,
        };
    }

    private static async Task<JsonObject> ConnectAsync(LoadTarget target, Arguments args)
    {
        var (count, at) = (args.Number("count", 1000), 0);
        async Task SomeAsync(int until)
        {
            for (int i; (i = Interlocked.Increment(ref at)) <= until;) await (await target.ConnectAsync($"h{i}", null, 0)).DisposeAsync();
        }

        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => SomeAsync(count / 5)));
        at = 0;
        var before = CpuReading.Take(args.Number("broker-pid", 0));
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => SomeAsync(count)));
        return Report(before, CpuReading.Take(args.Number("broker-pid", 0)), count, "connects_per_s");
    }

    private static async Task<JsonObject> IdleAsync(LoadTarget target, Arguments args)
    {
        var (count, broker) = (args.Number("count", 1000), args.Number("broker-pid", 0));
        var before = CpuReading.ResidentKb(broker);
        var open = new List<Stream>();
        for (var i = 0; i < count; i++) open.Add(await target.ConnectAsync($"i{i}", null, 0));
        await Task.Delay(TimeSpan.FromSeconds(args.Number("hold", 3)));
        var kb = (CpuReading.ResidentKb(broker) - before) / (double)count;
        foreach (var stream in open) await stream.DisposeAsync();
        return new() { ["count"] = count, ["rss_kb_per_conn"] = kb };
    }
}

/// <summary>
/// Publishers and subscribers. Closed loop: at most <c>--window</c> undelivered messages a publisher, sent <c>--batch</c> in one write. Open loop: <c>--rate</c> messages a second in all.
/// A payload begins with the time it was sent (8 bytes) and its number (8 bytes).
/// </summary>
internal sealed class PubSub(LoadTarget target, Arguments args)
{
    private readonly int qos = args.Number("qos", 0), pubs = args.Number("pubs", 1), subs = args.Number("subs", 1), payload = Math.Max(16, args.Number("payload", 64)), batch = args.Number("batch", 1), rate = args.Number("rate", 0);
    private readonly bool shared = args.Text("layout") == "shared";
    private readonly List<Publisher> publishers = [];
    private readonly Lock gate = new();
    private readonly List<double> latencies = [];
    private volatile bool measuring;
    private volatile bool stopped;
    private long received;
    private long disorder;

    public async Task<JsonObject> RunAsync()
    {
        for (var i = 0; i < pubs; i++) publishers.Add(new(i, await target.ConnectAsync($"p{i}", null, 0), args.Number("window", 20)));
        for (var i = 0; i < subs; i++) _ = ReceiveAsync(await target.ConnectAsync($"s{i}", TopicOf(i), qos), publishers[shared ? 0 : i % pubs]);
        var sending = publishers.Select(p => rate > 0 ? PaceAsync(p) : PushAsync(p)).Concat(qos > 0 ? publishers.Select(DrainAsync) : []).ToList();
        await Task.Delay(args.Number("warmup", 500));
        measuring = true;
        Interlocked.Exchange(ref received, 0);
        var before = CpuReading.Take(args.Number("broker-pid", 0));
        await Task.Delay(TimeSpan.FromSeconds(args.Number("duration", 3)));
        var (after, count) = (CpuReading.Take(args.Number("broker-pid", 0)), Interlocked.Read(ref received));
        (measuring, stopped) = (false, true);
        var report = Load.Report(before, after, count, "recv_per_s");
        lock (gate)
        {
            latencies.Sort();
            report["latency_us"] = new JsonObject { ["p50"] = At(0.5), ["p99"] = At(0.99) };
        }

        report["dups_or_reorder"] = disorder;
        return report;
    }

    private double At(double share) => latencies.Count == 0 ? 0 : latencies[(int)((latencies.Count - 1) * share)];

    private string TopicOf(int i) => shared ? "load/all" : $"load/{i % pubs}";

    private async Task PushAsync(Publisher p)
    {
        while (!stopped)
        {
            var n = 0;
            while (n < batch && await p.Window.WaitAsync(n == 0 ? Timeout.Infinite : 0)) n++;
            await SendAsync(p, n);
        }
    }

    private async Task PaceAsync(Publisher p)
    {
        var begin = Stopwatch.GetTimestamp();
        var each = TimeSpan.FromSeconds((double)pubs / rate);
        for (var i = 0; !stopped; i++)
        {
            var due = (each * i) + (each * p.Number / pubs);
            while (Stopwatch.GetElapsedTime(begin) is var now && now < due) await Task.Delay(due - now > TimeSpan.FromMilliseconds(1) ? due - now : TimeSpan.FromMilliseconds(1));
            await SendAsync(p, 1);
        }
    }

    private async Task SendAsync(Publisher p, int count)
    {
        var writer = p.Writer;
        for (var i = 0; i < count; i++)
        {
            p.Id = p.Id == ushort.MaxValue ? (ushort)1 : (ushort)(p.Id + 1);
            PublishFrame.WriteHead(writer, MqttVersion.V311, PublishFrame.First((QoS)qos, false, false), p.Topic(TopicOf(p.Number)), qos > 0 ? p.Id : (ushort)0, default, [], payload);
            var body = writer.Take(payload);
            BinaryPrimitives.WriteInt64LittleEndian(body, Stopwatch.GetTimestamp());
            BinaryPrimitives.WriteInt64LittleEndian(body[8..], ++p.Sent);
        }

        await p.Stream.WriteAsync(writer.Written);
        writer.Reset();
    }

    private async Task DrainAsync(Publisher p)
    {
        var waste = new byte[16 * 1024];
        while (!stopped && await p.Stream.ReadAsync(waste) > 0) { }
    }

    private async Task ReceiveAsync(Stream stream, Publisher from)
    {
        var buffer = new byte[256 * 1024];
        var acks = new WireWriter();
        var (have, last) = (0, 0L);
        while (!stopped)
        {
            var count = await stream.ReadAsync(buffer.AsMemory(have));
            if (count == 0) return;
            have += count;
            var used = Take(buffer.AsSpan(0, have), acks, from, ref last);
            buffer.AsSpan(used, have - used).CopyTo(buffer);
            have -= used;
            if (acks.Length == 0) continue;
            await stream.WriteAsync(acks.Written);
            acks.Reset();
        }
    }

    private int Take(ReadOnlySpan<byte> bytes, WireWriter acks, Publisher from, ref long last)
    {
        var (at, messages) = (0, 0);
        while (FrameHeader.TryRead(bytes[at..], out var header) == FrameStatus.Header && header.HeaderLength + header.BodyLength <= bytes.Length - at)
        {
            var body = bytes.Slice(at + header.HeaderLength, header.BodyLength);
            at += header.HeaderLength + header.BodyLength;
            if (header.Type != PacketType.Publish || !PublishView.TryRead(header.First, body, MqttVersion.V311, 0, out var view, out _)) continue;
            if (view.QoS > QoS.AtMostOnce) new AckPacket(PacketType.Puback, view.PacketId, ReasonCode.Success).Write(acks, MqttVersion.V311);
            var number = BinaryPrimitives.ReadInt64LittleEndian(view.Payload[8..]);
            if (number != last + 1 && last != 0) Interlocked.Increment(ref disorder);
            last = number;
            messages++;
            if (measuring && (messages == 1 || rate > 0)) Note(BinaryPrimitives.ReadInt64LittleEndian(view.Payload));
        }

        Interlocked.Add(ref received, messages);
        if (messages > 0 && rate == 0 && (!shared || from.Delivered(messages, subs) > 0)) from.Window.Release(shared ? from.Owed() : messages);
        return at;
    }

    private void Note(long sent)
    {
        lock (gate) latencies.Add(Stopwatch.GetElapsedTime(sent).TotalMicroseconds);
    }

    private sealed class Publisher(int number, Stream stream, int window)
    {
        private byte[]? topic;
        private int delivered;
        private int owed;

        public int Number => number;

        public Stream Stream => stream;

        public SemaphoreSlim Window { get; } = new(window);

        public WireWriter Writer { get; } = new();

        public ushort Id { get; set; }

        public long Sent { get; set; }

        public byte[] Topic(string name) => topic ??= System.Text.Encoding.UTF8.GetBytes(name);

        /// <summary>Fan-out: a place in the window is free again when all subscribers together have had as many messages as there are subscribers.</summary>
        public int Delivered(int messages, int subscribers)
        {
            lock (Window)
            {
                delivered += messages;
                var whole = delivered / subscribers;
                delivered -= whole * subscribers;
                return owed += whole;
            }
        }

        public int Owed()
        {
            lock (Window)
            {
                var all = Math.Max(owed, 1);
                owed -= all;
                return all;
            }
        }
    }
}
