using Signet.Mqtt.Broker.Sessions;

namespace Signet.Mqtt.Broker.Routing;

/// <summary>
/// All subscriptions, as a tree with one node a topic level. Publishing does not walk it: each <see cref="Topic"/> remembers its <see cref="RouteSet"/>
/// until <see cref="Version"/> moves (a subscription came or went, or the policy changed); then the first publish walks once.
/// </summary>
internal sealed class SubscriptionTree(Func<Session, string, string?> denied, Func<long> policyVersion)
{
    private readonly Lock gate = new();
    private readonly Node root = new();
    private long version = 1;

    public long Version => Volatile.Read(ref version);

    public void Invalidate() => Interlocked.Increment(ref version);

    /// <summary>Adds or replaces (same session, same filter and group).</summary>
    public void Add(Subscription subscription)
    {
        lock (gate)
        {
            var node = root;
            foreach (var level in subscription.Filter.Split('/')) node = node.Child(level);
            node.Subscriptions.RemoveAll(s => IsSame(s, subscription));
            node.Subscriptions.Add(subscription);
            Invalidate();
        }
    }

    public void Remove(Subscription subscription)
    {
        lock (gate)
        {
            var path = new List<(Node Parent, string Level)>();
            var node = root;
            foreach (var level in subscription.Filter.Split('/'))
            {
                if (!node.Children.TryGetValue(level, out var child)) return;
                path.Add((node, level));
                node = child;
            }

            node.Subscriptions.RemoveAll(s => IsSame(s, subscription));
            for (var i = path.Count - 1; i >= 0 && node.IsEmpty; i--)
            {
                path[i].Parent.Children.Remove(path[i].Level);
                node = path[i].Parent;
            }

            Invalidate();
        }
    }

    public RouteSet RoutesOf(Topic topic)
    {
        var known = topic.Routes;
        return known is not null && known.Version == Version ? known : Walk(topic);
    }

    private RouteSet Walk(Topic topic)
    {
        var routes = new Dictionary<Session, Route>();
        var groups = new Dictionary<(string Group, string Filter), List<Subscription>>();
        long walked;
        lock (gate)
        {
            walked = Version;
            var levels = topic.Name.Split('/');
            Collect(root, levels, 0, topic.Name.StartsWith('$'), s =>
            {
                if (s.Group is null) RouteOf(s, topic, routes).Merge(s);
                else if (groups.TryGetValue((s.Group, s.Filter), out var list)) list.Add(s);
                else groups[(s.Group, s.Filter)] = [s];
            });
        }

        var shared = groups.Values.Select(members => new SharedRoute([.. members.Select(s =>
        {
            var route = NewRoute(s.Session, topic);
            route.Merge(s);
            return route;
        })]));
        var set = new RouteSet(walked, [.. routes.Values], [.. shared]);
        topic.Routes = set;
        return set;
    }

    private Route RouteOf(Subscription s, Topic topic, Dictionary<Session, Route> routes)
    {
        if (!routes.TryGetValue(s.Session, out var route)) routes[s.Session] = route = NewRoute(s.Session, topic);
        return route;
    }

    // The version first: a policy that changes in between is asked again at delivery.
    private Route NewRoute(Session session, Topic topic) => new(session) { PolicyVersion = policyVersion(), Denied = denied(session, topic.Name) };

    /// <summary>Depth is bounded by <see cref="BrokerLimits.MaximumTopicLevels"/>.</summary>
    private static void Collect(Node node, string[] levels, int at, bool reserved, Action<Subscription> found)
    {
        var wild = !(reserved && at == 0); // [MQTT-4.7.2-1]
        if (wild && node.Children.TryGetValue("#", out var rest)) rest.Subscriptions.ForEach(found);
        if (at == levels.Length)
        {
            node.Subscriptions.ForEach(found);
            return;
        }

        if (node.Children.TryGetValue(levels[at], out var next) && levels[at] is not "#") Collect(next, levels, at + 1, reserved, found);
        if (wild && node.Children.TryGetValue("+", out var any)) Collect(any, levels, at + 1, reserved, found);
    }

    private static bool IsSame(Subscription a, Subscription b) => a.Session == b.Session && a.Group == b.Group && a.Filter == b.Filter;

    private sealed class Node
    {
        public Dictionary<string, Node> Children { get; } = new(StringComparer.Ordinal);

        public List<Subscription> Subscriptions { get; } = [];

        public bool IsEmpty => Children.Count == 0 && Subscriptions.Count == 0;

        public Node Child(string level)
        {
            if (!Children.TryGetValue(level, out var child)) Children[level] = child = new Node();
            return child;
        }
    }
}
