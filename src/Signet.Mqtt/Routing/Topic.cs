using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using Signet.Mqtt.Packets;

namespace Signet.Mqtt.Broker.Routing;

/// <summary>A topic name that was seen and found valid, with its bytes and who it leads to, so that a publish neither decodes nor searches.</summary>
internal sealed class Topic(string name, byte[] utf8, bool reportsAcknowledged = false)
{
    private RouteSet? routes;

    public string Name => name;

    public byte[] Utf8 => utf8;

    /// <summary>The observer wants to hear who acknowledged messages on it.</summary>
    public bool ReportsAcknowledged => reportsAcknowledged;

    /// <summary>Who gets this topic, valid for one version of the tree; see <see cref="SubscriptionTree.RoutesOf"/>.</summary>
    public RouteSet? Routes
    {
        get => Volatile.Read(ref routes);
        set => Volatile.Write(ref routes, value);
    }

    public bool IsReserved => name.StartsWith("$SYS/", StringComparison.Ordinal) || name.StartsWith("$share/", StringComparison.Ordinal) || name == "$SYS";
}

/// <summary>
/// Known topics by their bytes. Forgets everything when it holds too many: a client that invents topics costs time, not memory.
/// </summary>
internal sealed class TopicTable(int maximumLevels, Func<string, bool>? reportAcknowledged)
{
    /// <summary>About 20 MB of short topics with their routes.</summary>
    private const int Capacity = 65_536;
    private readonly ConcurrentDictionary<byte[], Topic> topics = new(BytesComparer.Instance);
    private int count;

    public bool TryGet(ReadOnlySpan<byte> utf8, [NotNullWhen(true)] out Topic? topic, out PacketError error)
    {
        error = default;
        if (topics.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(utf8, out topic)) return true;
        if (!WireReader.IsText(utf8)) error = PacketError.Malformed("topic is not valid UTF-8");
        else if (utf8.Count((byte)'/') >= maximumLevels) error = new(ReasonCode.TopicNameInvalid, $"topic has more than {maximumLevels} levels");
        else topic = Add(Encoding.UTF8.GetString(utf8), utf8.ToArray());
        return topic is not null;
    }

    public Topic Get(string name) => TryGet(Encoding.UTF8.GetBytes(name), out var topic, out var error) ? topic : throw new ArgumentException(error.Why, nameof(name));

    private Topic Add(string name, byte[] utf8)
    {
        var topic = new Topic(name, utf8, reportAcknowledged?.Invoke(name) ?? false);
        if (Interlocked.Increment(ref count) > Capacity)
        {
            topics.Clear();
            Volatile.Write(ref count, 1);
        }

        return topics.GetOrAdd(topic.Utf8, topic);
    }

    private sealed class BytesComparer : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
    {
        public static BytesComparer Instance { get; } = new();

        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(byte[] obj) => GetHashCode((ReadOnlySpan<byte>)obj);

        public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

        public int GetHashCode(ReadOnlySpan<byte> alternate)
        {
            var hash = default(HashCode); // seeded per process: nobody outside can choose collisions
            hash.AddBytes(alternate);
            return hash.ToHashCode();
        }

        public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();
    }
}
