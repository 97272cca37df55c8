namespace Signet.Mqtt.Broker.Routing;

/// <summary>The last retained message of each topic, found by topic filter. A tree, so that a filter costs the levels it names and not all topics.</summary>
internal sealed class RetainedMessages
{
    private readonly Lock gate = new();
    private readonly Node root = new();

    public int Count { get; private set; }

    /// <summary>Keeps the message as its topic's value; returns the one it replaces.</summary>
    public Publication? Set(Publication message)
    {
        lock (gate)
        {
            var node = root;
            foreach (var level in message.Topic.Name.Split('/'))
            {
                if (!node.Children.TryGetValue(level, out var child)) node.Children[level] = child = new Node();
                node = child;
            }

            var before = node.Message;
            node.Message = message;
            if (before is null) Count++;
            return before;
        }
    }

    public Publication? Remove(string topic)
    {
        lock (gate)
        {
            var path = new List<(Node Parent, string Level)>();
            var node = root;
            foreach (var level in topic.Split('/'))
            {
                if (!node.Children.TryGetValue(level, out var child)) return null;
                path.Add((node, level));
                node = child;
            }

            var before = node.Message;
            if (before is null) return null;
            node.Message = null;
            Count--;
            for (var i = path.Count - 1; i >= 0 && node.Message is null && node.Children.Count == 0; i--)
            {
                path[i].Parent.Children.Remove(path[i].Level);
                node = path[i].Parent;
            }

            return before;
        }
    }

    public bool Contains(string topic)
    {
        var found = new List<Publication>();
        Find(topic, found);
        return found.Count > 0;
    }

    /// <summary>Adds every retained message whose topic the filter matches.</summary>
    public void Find(string filter, List<Publication> found)
    {
        lock (gate) Collect(root, filter.Split('/'), 0, found);
    }

    /// <summary>Messages whose time has passed.</summary>
    public List<Publication> FindExpired(long now)
    {
        var all = new List<Publication>();
        lock (gate) CollectAll(root, all, false);
        all.RemoveAll(m => !m.IsExpired(now));
        return all;
    }

    private static void Collect(Node node, string[] levels, int at, List<Publication> found)
    {
        if (at == levels.Length)
        {
            if (node.Message is { } message) found.Add(message);
            return;
        }

        switch (levels[at])
        {
            case "#":
                CollectAll(node, found, at == 0);
                break;
            case "+":
                foreach (var (level, child) in node.Children)
                {
                    if (at > 0 || !level.StartsWith('$')) Collect(child, levels, at + 1, found);
                }

                break;
            default:
                if (node.Children.TryGetValue(levels[at], out var next)) Collect(next, levels, at + 1, found);
                break;
        }
    }

    private static void CollectAll(Node node, List<Publication> found, bool skipReserved)
    {
        if (node.Message is { } message) found.Add(message);
        foreach (var (level, child) in node.Children)
        {
            if (!skipReserved || !level.StartsWith('$')) CollectAll(child, found, false);
        }
    }

    private sealed class Node
    {
        public Dictionary<string, Node> Children { get; } = new(StringComparer.Ordinal);

        public Publication? Message { get; set; }
    }
}
