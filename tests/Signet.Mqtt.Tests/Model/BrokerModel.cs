namespace Signet.Mqtt.Tests.Model;

/// <summary>What a broker should do, said as plainly as possible: no packets, no time, no connections that break halfway. The truth that random operations are held against.</summary>
public sealed class BrokerModel(int clients)
{
    private readonly Dictionary<string, Expected> retained = new(StringComparer.Ordinal);

    public List<ModelClient> Clients { get; } = [.. Enumerable.Range(0, clients).Select(_ => new ModelClient())];

    public void Connect(int index, bool clean)
    {
        var client = Clients[index];
        if (clean) client.Forget();
        client.Exists = client.Connected = true;
        client.Due.AddRange(client.Queue);
        client.Queue.Clear();
    }

    public void Disconnect(int index) => Clients[index].Connected = false;

    public void Subscribe(int index, string filter, QoS qos, bool retainAsPublished)
    {
        Clients[index].Subscriptions[filter] = (qos, retainAsPublished);
        foreach (var m in retained.Values.Where(m => Matches(filter, m.Topic))) Clients[index].Due.Add(m with { QoS = Lower(m.QoS, qos), Retain = true });
    }

    public void Unsubscribe(int index, string filter) => Clients[index].Subscriptions.Remove(filter);

    public void Publish(string topic, string payload, QoS qos, bool retain)
    {
        if (retain && payload.Length == 0) retained.Remove(topic);
        else if (retain) retained[topic] = new Expected(topic, payload, qos, true);
        foreach (var client in Clients.Where(c => c.Exists))
        {
            var matching = client.Subscriptions.Where(s => Matches(s.Key, topic)).Select(s => s.Value).ToList();
            if (matching.Count == 0) continue;
            var message = new Expected(topic, payload, Lower(qos, matching.Max(m => m.QoS)), retain && matching.Any(m => m.RetainAsPublished));
            if (client.Connected) client.Due.Add(message);
            else if (message.QoS > QoS.AtMostOnce) client.Queue.Add(message);
        }
    }

    private static QoS Lower(QoS a, QoS b) => a < b ? a : b;

    /// <summary>Section 4.7, written another way than the product does it.</summary>
    private static bool Matches(string filter, string topic)
    {
        if (topic[0] == '$' && filter[0] is '+' or '#') return false;
        var pattern = string.Join('/', filter.Split('/').Select(l => l == "+" ? "[^/]*" : l == "#" ? ".*" : System.Text.RegularExpressions.Regex.Escape(l)));
        if (filter.EndsWith("/#", StringComparison.Ordinal)) pattern = pattern[..^3] + "(/.*)?";
        return System.Text.RegularExpressions.Regex.IsMatch(topic, $"^{pattern}$", System.Text.RegularExpressions.RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1));
    }
}

/// <summary>One message a client should get.</summary>
public sealed record Expected(string Topic, string Payload, QoS QoS, bool Retain);

/// <summary>One client as the model sees it.</summary>
public sealed class ModelClient
{
    public bool Exists { get; set; }

    public bool Connected { get; set; }

    public Dictionary<string, (QoS QoS, bool RetainAsPublished)> Subscriptions { get; } = new(StringComparer.Ordinal);

    /// <summary>Waits until the client connects.</summary>
    public List<Expected> Queue { get; } = [];

    /// <summary>Must have arrived at the next look.</summary>
    public List<Expected> Due { get; } = [];

    public void Forget()
    {
        Subscriptions.Clear();
        Queue.Clear();
        Due.Clear();
    }
}
